/*
 * uart16550 - National Semiconductor NS16550A serial port.
 * Specification: PC16550D data sheet (National Semiconductor, June 1995), chapter 8 "Registers".
 * Not modelled: time on the line (a character takes none, so the receiver's time-out comes at once
 * and a divisor has no effect; only input without end is slowed down), parity and framing errors,
 * break, DMA mode, and MCR OUT2 as a gate of the interrupt (a PC board's addition).
 */
#include "uart16550.h"

#include <backplane/if/acpi.h>
#include <backplane/if/fdt.h>
#include <backplane/if/link.h>
#include <backplane/plugin.h>

#define SPCR_SHIFT_MAX 3u /* registers further apart cannot be said there */

/* --- from outside ----------------------------------------------------------------------------- */
static void uart_on_link(void *dev, uint32_t link, uint32_t event)
{
    struct uart *s = dev;

    (void)link;
    if (event == BP_LINK_WRITABLE)
        uart_flush(s);
    if (event == BP_LINK_READABLE) {
        s->more = 1;
        s->probing = 0;
        uart_fetch(s);
    }
    uart_update_irq(s);
}

static void uart_start(void *dev)
{
    struct uart *s = dev;

    s->more = s->connected;
    uart_fetch(s);
    uart_flush(s);
    uart_update_irq(s);
}

/* What the backend does not take now is saved. A driver's probe is over when the machine goes on.
 */
static int32_t uart_quiesce(void *dev)
{
    struct uart *s = dev;

    uart_flush(s);
    s->host->timer_cancel(s->host, s->timer);
    s->probing = s->fetch_planned = 0;
    return BP_OK;
}

/* The machine may be switched off in the middle of a line: what was sent goes out. */
static void uart_destroy(void *dev)
{
    struct uart *s = dev;

    if (s->tx.n)
        uart_flush(s);
}

static void uart_load_commit(void *dev, const struct bp_state_reader *r)
{
    (void)r;
    uart_update_irq(dev);
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

/* Subtype 0 of the debug port table: 16550 and compatibles. What names a region that was not placed
 * has no effect; the ports count where both are. */
static void uart_describe_acpi(const void *dev, const struct bp_acpi_writer *w)
{
    const struct uart *s = dev;

    w->prop_u64(w, "clock-frequency", s->clock_hz);
    if (s->reg_shift)
        w->prop_u64(w, "reg-shift", s->reg_shift);
    if (s->reg_io_width != 1)
        w->prop_u64(w, "reg-io-width", s->reg_io_width);
    if (s->reg_shift <= SPCR_SHIFT_MAX)
        w->serial(w, REGS, LINE_OUT, 0, 1u << s->reg_shift, s->clock_hz, s->speed);
    w->serial(w, PORTS, LINE_OUT, 0, 1, s->clock_hz, s->speed);
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

static int32_t uart_realize(void *dev)
{
    struct uart *s = dev;

    return s->host->timer_create(s->host, uart_fetch_later, &s->timer);
}

/* --- tables ----------------------------------------------------------------------------------- */
static const char *const needs[] = {BP_CHAR_ID, BP_LINK_ID, NULL};

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs",
              .size = 0x100,
              .kind = BP_MMIO,
              .widths = BP_W8 | BP_W16 | BP_W32,
              .flags = BP_REGION_ALTERNATIVE},
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
    BP_FIELD_U8_MAX(struct uart, polls, POLLING),
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
    .realize = uart_realize,
    .describe_fdt = uart_describe_fdt,
    .reset = uart_reset,
    .start = uart_start,
    .quiesce = uart_quiesce,
    .load_commit = uart_load_commit,
    .destroy = uart_destroy,
    .read = uart_read,
    .write = uart_write,
    .on_link = uart_on_link,
    .describe_acpi = uart_describe_acpi,
};
BP_PLUGIN("uart16550", "1.0", &uart16550);
