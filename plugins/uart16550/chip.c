/*
 * The chip itself: registers, FIFOs, interrupt causes. See uart16550.c for specification and
 * limits.
 *
 * Characters that were written are on their way at once, as far as the guest can see; they are
 * gathered in a hidden queue behind the transmitter, so that a line of text costs one call of the
 * backend instead of one for each byte. The transmitter is empty while a whole FIFO still fits.
 *
 * Characters arrive when the guest listens for them, and wait at the backend until then: drivers
 * clear the FIFO and read RBR for nothing when they start, and what was typed early, or piped in,
 * shall not be lost by that. A guest listens that has enabled the interrupt for a while (probes
 * only try whether its bit can be set), or that polls LSR.
 *
 * A driver reads until the FIFO is empty. Input that never ends (a file, another program) would
 * keep it there for ever: after the first few KiB a FIFO's worth comes each millisecond.
 */
#include "uart16550.h"

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

#define IER_RDA  0x01u /* received data available */
#define IER_THRE 0x02u /* transmitter holding register empty */
#define IER_RLS  0x04u /* receiver line status */
#define IER_MS   0x08u /* modem status */

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

#define LSR_DR   0x01u
#define LSR_OE   0x02u
#define LSR_THRE 0x20u
#define LSR_TEMT 0x40u

#define MSR_DELTAS 0x0fu
#define MSR_TERI   0x04u
#define MSR_CTS    0x10u
#define MSR_DSR    0x20u
#define MSR_RI     0x40u
#define MSR_DCD    0x80u

#define LISTEN_NS UINT64_C(1000000) /* longer than any probe */

/* 16 a millisecond, which is 16 kB/s */
static const struct bp_pace_rate input_rate = {.byte_ns = 62500, .burst_bytes = 4096};

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

static int is_listening(const struct uart *s)
{
    return (s->ier & IER_RDA) || s->polls == POLLING;
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

void uart_update_irq(struct uart *s)
{
    s->host->irq_set(s->host, LINE_OUT, interrupt_cause(s) != IIR_NONE);
}

/* --- the two directions ----------------------------------------------------------------------- */
static void plan_fetch(struct uart *s)
{
    uint64_t at_ns = bp_pace_ready_ns(&s->pace, &input_rate, FIFO_DEPTH);

    if (!s->fetch_planned)
        s->fetch_planned = s->host->timer_arm(s->host, s->timer, at_ns) == BP_OK;
}

void uart_fetch_later(void *dev)
{
    struct uart *s = dev;

    s->fetch_planned = s->probing = 0;
    uart_fetch(s);
    uart_update_irq(s);
}

/* The interrupt for received data was switched on or off: wait if there is something to be lost. */
static void listen(struct uart *s, uint32_t on)
{
    uint64_t now_ns = s->host->clock_ns(s->host);

    s->probing =
        on && s->more && s->host->timer_arm(s->host, s->timer, now_ns + LISTEN_NS) == BP_OK;
}

/* Fetches what fits; only while the backend may have something, so that polling costs no calls. */
void uart_fetch(struct uart *s)
{
    uint8_t bytes[FIFO_DEPTH];
    uint32_t room = bp_fifo_room(&s->rx, rx_depth(s));
    uint32_t n;

    if (!s->more || !room || s->fetch_planned || s->probing || !is_listening(s) ||
        (s->mcr & MCR_LOOP))
        return;
    room = bp_pace_take(&s->pace, &input_rate, s->host->clock_ns(s->host), room);
    if (!room) {
        plan_fetch(s);
        return;
    }
    n = s->chars->read(s->host, LINK_CHAR, bytes, room);
    s->more = n == room;
    bp_pace_return(&s->pace, room - n);
    for (uint32_t i = 0; i < n; i++)
        bp_fifo_push(&s->rx, bytes[i]);
}

void uart_flush(struct uart *s)
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
    uart_flush(s);
    uart_update_irq(s);
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
        uart_flush(s);
    } else if (!s->flush_planned) {
        s->flush_planned = s->host->defer(s->host, flush_later, 0) == BP_OK;
        if (!s->flush_planned)
            uart_flush(s);
    }
}

/* --- registers -------------------------------------------------------------------------------- */
static uint8_t rbr_read(struct uart *s)
{
    uint8_t byte;

    if (s->lcr & LCR_DLAB)
        return s->dll;
    if (!s->rx.n)
        s->polls = 0; /* someone who does not look first is not waiting for anything */
    byte = bp_fifo_pop(&s->rx);
    if (!s->rx.n)
        uart_fetch(s);
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
    if ((s->ier ^ value) & IER_RDA)
        listen(s, value & IER_RDA);
    s->ier = value & IER_ALL;
    s->polls = 0;
    uart_fetch(s);
}

static uint8_t iir_read(struct uart *s)
{
    uint32_t cause = interrupt_cause(s);

    if (cause == IIR_THRE)
        s->thre_irq = 0;
    return (uint8_t)(cause | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0));
}

/* Clearing a FIFO has no effect on the outside: what was sent is on its way already, and what the
 * backend gave would otherwise have come a moment later. */
static void fcr_write(struct uart *s, uint8_t value)
{
    uint32_t toggled = (s->fcr ^ value) & FCR_ENABLE;

    if ((s->mcr & MCR_LOOP) && (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_RX)))
        bp_fifo_clear(&s->rx);
    s->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
    s->polls = 0;
    uart_fetch(s);
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
    uart_fetch(s);
}

static uint8_t lsr_read(struct uart *s)
{
    uint32_t lsr;

    if (!s->rx.n && s->polls < POLLING && is_tx_empty(s))
        s->polls++;
    if (!s->rx.n)
        uart_fetch(s);
    lsr = s->errors | (s->rx.n ? LSR_DR : 0);
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

/* The register that an offset names, 8 where there is none. Polling LSR means nothing else. */
static uint64_t register_at(struct uart *s, uint32_t region, uint64_t offset)
{
    uint32_t shift = region == REGS ? s->reg_shift : 0;
    uint64_t number = offset & ((1u << shift) - 1) ? 8 : offset >> shift;

    if (number != LSR && s->polls < POLLING)
        s->polls = 0;
    return number;
}

uint64_t uart_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct uart *s = dev;
    uint8_t value = read_register(s, register_at(s, region, offset));

    (void)width;
    uart_update_irq(s);
    return value;
}

void uart_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct uart *s = dev;

    (void)width;
    write_register(s, register_at(s, region, offset), (uint8_t)value);
    uart_update_irq(s);
}

void uart_reset(void *dev, uint32_t kind)
{
    struct uart *s = dev;

    (void)kind;
    uart_flush(s);
    bp_fifo_clear(&s->tx);
    bp_fifo_clear(&s->rx);
    s->ier = s->fcr = s->lcr = s->mcr = s->errors = s->scr = s->dll = s->dlm = 0;
    s->thre_irq = s->polls = 0;
    s->msr = modem_inputs(s);
    s->more = s->connected;
    s->fetch_planned = s->probing = 0; /* the host has stopped the timer */
    bp_pace_begin(&s->pace, &input_rate, s->host->clock_ns(s->host));
}
