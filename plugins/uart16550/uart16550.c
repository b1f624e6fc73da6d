/*
 * uart16550 - National Semiconductor NS16550A serial port.
 * Specification: PC16550D data sheet (National Semiconductor, June 1995), chapter 8 "Registers".
 * Not modelled: time on the line (a character takes none, so the receiver's time-out comes at once
 * and a divisor has no effect), parity and framing errors, break, DMA mode, and MCR OUT2 as a gate
 * of the interrupt (a PC board's addition).
 *
 * Characters that were written are on their way at once, as far as the guest can see; they are
 * gathered in a hidden queue behind the transmitter, so that a line of text costs one call of the
 * backend instead of one for each byte. The transmitter is empty while a whole FIFO still fits.
 */
#include <backplane/if/char.h>
#include <backplane/if/fdt.h>
#include <backplane/if/link.h>
#include <backplane/lib/fifo.h>
#include <backplane/plugin.h>

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

#define FIFO_DEPTH  16u
#define QUEUE_DEPTH 64u /* hidden, behind the transmitter */

#define IER_RDA  0x01u /* received data available */
#define IER_THRE 0x02u /* transmitter holding register empty */
#define IER_RLS  0x04u /* receiver line status */
#define IER_MS   0x08u /* modem status */
#define IER_ALL  0x0fu

#define IIR_NONE  0x01u
#define IIR_MS    0x00u
#define IIR_THRE  0x02u
#define IIR_RDA   0x04u
#define IIR_RLS   0x06u
#define IIR_CTI   0x0cu /* character time-out */
#define IIR_FIFOS 0xc0u

#define FCR_ENABLE   0x01u
#define FCR_CLEAR_RX 0x02u
#define FCR_TRIGGER  0xc0u

#define LCR_DLAB 0x80u

#define MCR_DTR  0x01u
#define MCR_RTS  0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u
#define MCR_LOOP 0x10u
#define MCR_ALL  0x1fu

#define LSR_DR     0x01u
#define LSR_OE     0x02u
#define LSR_THRE   0x20u
#define LSR_TEMT   0x40u
#define LSR_ERRORS 0x1eu

#define MSR_DELTAS 0x0fu
#define MSR_TERI   0x04u
#define MSR_CTS    0x10u
#define MSR_DSR    0x20u
#define MSR_RI     0x40u
#define MSR_DCD    0x80u

enum { REGS, PORTS }; /* regions */
enum { LINE_OUT };    /* lines */
enum { LINK_CHAR };   /* links */

struct uart {
    const struct bp_host *host;
    const struct bp_char *chars;
    uint32_t clock_hz;
    uint32_t speed; /* bit/s; 0: not told to the guest */
    uint32_t reg_shift;
    uint32_t reg_io_width; /* bytes */
    uint32_t connected;
    uint32_t more;          /* the backend may have bytes that were not fetched */
    uint32_t flush_planned; /* a deferred flush is on its way */
    uint8_t ier;
    uint8_t fcr;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t errors; /* LSR bits 1-4 */
    uint8_t msr;
    uint8_t scr;
    uint8_t dll;
    uint8_t dlm;
    uint8_t thre_irq; /* the transmitter has become empty, and nobody has seen it */
    struct bp_fifo rx;
    struct bp_fifo tx; /* the hidden queue */
};

/* --- pure helpers ----------------------------------------------------------------------------- */
static uint32_t rx_depth(const struct uart *s)
{
    return s->fcr & FCR_ENABLE ? FIFO_DEPTH : 1;
}

static uint32_t rx_trigger(const struct uart *s)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return s->fcr & FCR_ENABLE ? levels[s->fcr >> 6] : 1;
}

static int is_tx_empty(const struct uart *s)
{
    return bp_fifo_room(&s->tx, QUEUE_DEPTH) >= FIFO_DEPTH;
}

/* The four inputs of MSR: the backend's side is always ready, a loop shows the own outputs. */
static uint8_t modem_inputs(const struct uart *s)
{
    uint32_t m = s->mcr;

    if (m & MCR_LOOP)
        return (uint8_t)((m & MCR_RTS ? MSR_CTS : 0) | (m & MCR_DTR ? MSR_DSR : 0) |
                         (m & MCR_OUT1 ? MSR_RI : 0) | (m & MCR_OUT2 ? MSR_DCD : 0));
    return s->connected ? MSR_CTS | MSR_DSR | MSR_DCD : 0;
}

/* The cause of highest priority (table 3 of the data sheet). */
static uint32_t interrupt_cause(const struct uart *s)
{
    if ((s->ier & IER_RLS) && s->errors)
        return IIR_RLS;
    if ((s->ier & IER_RDA) && s->rx.n >= rx_trigger(s))
        return IIR_RDA;
    if ((s->ier & IER_RDA) && s->rx.n)
        return IIR_CTI;
    if ((s->ier & IER_THRE) && s->thre_irq)
        return IIR_THRE;
    if ((s->ier & IER_MS) && (s->msr & MSR_DELTAS))
        return IIR_MS;
    return IIR_NONE;
}

static void update_irq(struct uart *s)
{
    s->host->irq_set(s->host, LINE_OUT, interrupt_cause(s) != IIR_NONE);
}

/* --- the two directions ----------------------------------------------------------------------- */
/* Fetches what fits; only while the backend may have something, so that polling costs no calls. */
static void fetch(struct uart *s)
{
    uint8_t bytes[FIFO_DEPTH];
    uint32_t room = bp_fifo_room(&s->rx, rx_depth(s));
    uint32_t n;

    if (!s->more || !room || (s->mcr & MCR_LOOP))
        return;
    n = s->chars->read(s->host, LINK_CHAR, bytes, room);
    s->more = n == room;
    for (uint32_t i = 0; i < n; i++)
        bp_fifo_push(&s->rx, bytes[i]);
}

static void flush(struct uart *s)
{
    int was_empty = is_tx_empty(s);

    if (s->tx.n)
        bp_fifo_drop(&s->tx, s->chars->write(s->host, LINK_CHAR, s->tx.bytes, s->tx.n));
    if (!was_empty && is_tx_empty(s))
        s->thre_irq = 1;
}

static void flush_later(void *dev, uint64_t arg)
{
    struct uart *s = dev;

    (void)arg;
    s->flush_planned = 0;
    flush(s);
    update_irq(s);
}

static void receive_loop(struct uart *s, uint8_t byte)
{
    if (bp_fifo_room(&s->rx, rx_depth(s)))
        bp_fifo_push(&s->rx, byte);
    else
        s->errors |= LSR_OE;
}

static void transmit(struct uart *s, uint8_t byte)
{
    bp_fifo_push(&s->tx, byte); /* full: the driver has not waited for THRE, the byte is lost */
    if (!is_tx_empty(s)) {
        flush(s);
    } else if (!s->flush_planned) {
        s->flush_planned = s->host->defer(s->host, flush_later, 0) == BP_OK;
        if (!s->flush_planned)
            flush(s);
    }
}

/* --- registers -------------------------------------------------------------------------------- */
static uint8_t rbr_read(struct uart *s)
{
    uint8_t byte;

    if (s->lcr & LCR_DLAB)
        return s->dll;
    byte = bp_fifo_pop(&s->rx);
    if (!s->rx.n)
        fetch(s);
    return byte;
}

static void thr_write(struct uart *s, uint8_t value)
{
    if (s->lcr & LCR_DLAB) {
        s->dll = value;
        return;
    }
    if (s->mcr & MCR_LOOP)
        receive_loop(s, value);
    else
        transmit(s, value);
    s->thre_irq = is_tx_empty(s) != 0;
}

static void ier_write(struct uart *s, uint8_t value)
{
    if (s->lcr & LCR_DLAB) {
        s->dlm = value;
        return;
    }
    if (!(s->ier & IER_THRE) && (value & IER_THRE) && is_tx_empty(s))
        s->thre_irq = 1;
    s->ier = value & IER_ALL;
}

static uint8_t iir_read(struct uart *s)
{
    uint32_t cause = interrupt_cause(s);

    if (cause == IIR_THRE)
        s->thre_irq = 0;
    return (uint8_t)(cause | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0));
}

/* Clearing the transmitter's FIFO has no effect: its characters are on their way already. */
static void fcr_write(struct uart *s, uint8_t value)
{
    uint32_t toggled = (s->fcr ^ value) & FCR_ENABLE;

    if (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_RX))
        bp_fifo_clear(&s->rx);
    s->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
    fetch(s);
}

/* Deltas say what changed since MSR was read; TERI only that the ring indicator has ended. */
static void update_modem(struct uart *s)
{
    uint8_t inputs = modem_inputs(s);
    uint32_t changed = (uint32_t)(s->msr ^ inputs) & ~MSR_DELTAS;

    if (inputs & MSR_RI)
        changed &= ~MSR_RI;
    s->msr = (uint8_t)(inputs | (s->msr & MSR_DELTAS) | changed >> 4);
}

static void mcr_write(struct uart *s, uint8_t value)
{
    s->mcr = value & MCR_ALL;
    update_modem(s);
    fetch(s);
}

static uint8_t lsr_read(struct uart *s)
{
    uint32_t lsr = s->errors | (s->rx.n ? LSR_DR : 0);

    s->errors = 0;
    return (uint8_t)(lsr | (is_tx_empty(s) ? LSR_THRE | LSR_TEMT : 0));
}

static uint8_t msr_read(struct uart *s)
{
    uint8_t msr = s->msr;

    s->msr &= (uint8_t)~MSR_DELTAS;
    return msr;
}

static uint8_t read_register(struct uart *s, uint64_t number)
{
    switch (number) {
    case RBR_THR:
        return rbr_read(s);
    case IER:
        return s->lcr & LCR_DLAB ? s->dlm : s->ier;
    case IIR_FCR:
        return iir_read(s);
    case LCR:
        return s->lcr;
    case MCR:
        return s->mcr;
    case LSR:
        return lsr_read(s);
    case MSR:
        return msr_read(s);
    case SCR:
        return s->scr;
    default:
        return 0;
    }
}

static void write_register(struct uart *s, uint64_t number, uint8_t value)
{
    switch (number) {
    case RBR_THR:
        thr_write(s, value);
        return;
    case IER:
        ier_write(s, value);
        return;
    case IIR_FCR:
        fcr_write(s, value);
        return;
    case LCR:
        s->lcr = value;
        return;
    case MCR:
        mcr_write(s, value);
        return;
    case SCR:
        s->scr = value;
        return;
    default: /* LSR and MSR: for factory tests */
        return;
    }
}

/* The register that an offset names; 8 where there is none. */
static uint64_t register_at(const struct uart *s, uint32_t region, uint64_t offset)
{
    uint32_t shift = region == REGS ? s->reg_shift : 0;

    return offset & ((1u << shift) - 1) ? 8 : offset >> shift;
}

static uint64_t uart_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct uart *s = dev;
    uint8_t value = read_register(s, register_at(s, region, offset));

    (void)width;
    update_irq(s);
    return value;
}

static void uart_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct uart *s = dev;

    (void)width;
    write_register(s, register_at(s, region, offset), (uint8_t)value);
    update_irq(s);
}

/* --- from outside ----------------------------------------------------------------------------- */
static void uart_on_link(void *dev, uint32_t link, uint32_t event)
{
    struct uart *s = dev;

    (void)link;
    if (event == BP_LINK_WRITABLE)
        flush(s);
    if (event == BP_LINK_READABLE) {
        s->more = 1;
        fetch(s);
    }
    update_irq(s);
}

static void uart_start(void *dev)
{
    struct uart *s = dev;

    s->more = s->connected;
    fetch(s);
    flush(s);
    update_irq(s);
}

/* What the backend does not take now is saved. */
static int32_t uart_quiesce(void *dev)
{
    flush(dev);
    return BP_OK;
}

static void uart_load_commit(void *dev, const struct bp_state_reader *r)
{
    (void)r;
    update_irq(dev);
}

static void uart_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct uart *s = dev;

    w->prop_u32(w, "clock-frequency", s->clock_hz);
    if (s->speed)
        w->prop_u32(w, "current-speed", s->speed);
    if (s->reg_shift)
        w->prop_u32(w, "reg-shift", s->reg_shift);
    if (s->reg_io_width != 1)
        w->prop_u32(w, "reg-io-width", s->reg_io_width);
}

static void uart_reset(void *dev, uint32_t kind)
{
    struct uart *s = dev;

    (void)kind;
    flush(s);
    bp_fifo_clear(&s->tx);
    bp_fifo_clear(&s->rx);
    s->ier = s->fcr = s->lcr = s->mcr = s->errors = s->scr = s->dll = s->dlm = 0;
    s->thre_irq = 0;
    s->msr = modem_inputs(s);
    s->more = s->connected;
}

static int32_t uart_create(const struct bp_host *host, void *dev)
{
    struct uart *s = dev;
    const struct bp_link_if *links = host->get_interface(host, BP_LINK_ID);

    s->host = host;
    s->chars = host->get_interface(host, BP_CHAR_ID);
    s->connected = links->is_connected(host, LINK_CHAR);
    if (s->reg_io_width == 3)
        return host->set_error(host, BP_ERR_INVALID, "reg-io-width = 3: 1, 2 and 4 are allowed");
    return BP_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_CHAR_ID, BP_LINK_ID, NULL};

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs", .size = 0x100, .kind = BP_MMIO, .widths = BP_W8 | BP_W16 | BP_W32},
    [PORTS] = {.name = "ports",
               .size = 8,
               .align = 8,
               .kind = BP_PIO,
               .widths = BP_W8,
               .flags = BP_REGION_OPTIONAL},
};

static const struct bp_line lines[] = {
    [LINE_OUT] = {.name = "out", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_link links[] = {
    [LINK_CHAR] = {.name = "char",
                   .interface = BP_CHAR_ID,
                   .doc = "Where the characters go to and come from. With nothing connected the "
                          "port is silent and shows no carrier."},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct uart, clock_hz, "clock-frequency", "3686400", 1, UINT32_MAX,
                "Frequency in Hz of the clock that feeds the baud-rate generator. Told to the "
                "guest; characters take no time whatever it is."),
    BP_PROP_U32(struct uart, speed, "current-speed", "0", 0, 4000000,
                "Speed of the line in bit/s that the guest is told, for drivers that do not set "
                "it. 0 tells nothing."),
    BP_PROP_U32(struct uart, reg_shift, "reg-shift", "0", 0, 4,
                "Distance of the registers: register N lies at offset N << reg-shift of the "
                "memory-mapped region."),
    BP_PROP_U32(struct uart, reg_io_width, "reg-io-width", "1", 1, 4,
                "Width in bytes of the accesses that the guest shall make: 1, 2 or 4. All three "
                "always work; the register is in the lowest byte."),
};

static const struct bp_field fields[] = {
    BP_FIELD_U8_MAX(struct uart, ier, IER_ALL),
    BP_FIELD_U8(struct uart, fcr),
    BP_FIELD_U8(struct uart, lcr),
    BP_FIELD_U8_MAX(struct uart, mcr, MCR_ALL),
    BP_FIELD_U8_MAX(struct uart, errors, LSR_ERRORS),
    BP_FIELD_U8(struct uart, msr),
    BP_FIELD_U8(struct uart, scr),
    BP_FIELD_U8(struct uart, dll),
    BP_FIELD_U8(struct uart, dlm),
    BP_FIELD_U8_MAX(struct uart, thre_irq, 1),
    BP_FIELD_FIFO(struct uart, rx, FIFO_DEPTH, "rx", "rx-n"),
    BP_FIELD_FIFO(struct uart, tx, QUEUE_DEPTH, "tx", "tx-n"),
};

static const struct bp_class uart16550 = {
    .struct_size = sizeof(struct bp_class),
    .id = "uart16550",
    .version = "1.0",
    .summary = "NS16550A serial port with 16-byte FIFOs",
    .instance_size = sizeof(struct uart),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .links = BP_TABLE(links),
    .state = BP_TABLE(fields),
    .dt_name = "serial",
    .dt_compatible = "ns16550a\0",
    .acpi_hid = "PNP0501",
    .create = uart_create,
    .describe_fdt = uart_describe_fdt,
    .reset = uart_reset,
    .start = uart_start,
    .quiesce = uart_quiesce,
    .load_commit = uart_load_commit,
    .read = uart_read,
    .write = uart_write,
    .on_link = uart_on_link,
};
BP_PLUGIN("uart16550", "1.0", &uart16550);
