/*
 * pl011 - ARM PrimeCell PL011 serial port (UART), revision r1p5 with FIFOs of 32 characters.
 * Specification: ARM DDI 0183G, "PrimeCell UART (PL011) Technical Reference Manual", chapter 3.
 * Not modelled: time on the line (a character takes none, so the receive time-out comes at once and
 * divisors have no effect; only input without end is slowed down), parity and framing errors,
 * break, IrDA, requests for DMA, the integration test registers (0x80-0x8c), and enabling:
 * characters go in and out also while UARTEN, TXE and RXE are 0, as early consoles and drivers for
 * SBSA systems expect who rely on firmware. Hardware flow control never stops anyone.
 */
#include "pl011.h"

#include <backplane/if/acpi.h>
#include <backplane/if/fdt.h>
#include <backplane/if/link.h>
#include <backplane/if/state.h>
#include <backplane/plugin.h>

#define DBG2_PL011 3u /* subtype of the debug port table */

enum { REGS }; /* regions */

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

/* What the backend does not take now is saved. */
static int32_t uart_quiesce(void *dev)
{
    struct uart *s = dev;

    uart_flush(s);
    s->host->timer_cancel(s->host, s->timer);
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
    uart_settle_registers(dev);
    uart_update_irq(dev);
}

/* The bus runs from the same clock. */
static void uart_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    static const char names[] = "uartclk\0apb_pclk";
    const struct uart *s = dev;
    const uint32_t hz[] = {s->clock_hz, s->clock_hz};

    w->prop_clocks(w, "clocks", hz, 2);
    w->prop_strings(w, "clock-names", names, sizeof(names));
}

static void uart_describe_acpi(const void *dev, const struct bp_acpi_writer *w)
{
    const struct uart *s = dev;

    w->serial(w, REGS, LINE_OUT, DBG2_PL011, 4, s->clock_hz, s->speed);
}

static int32_t uart_create(const struct bp_host *host, void *dev)
{
    struct uart *s = dev;
    const struct bp_link_if *links = host->get_interface(host, BP_LINK_ID);

    s->host = host;
    s->chars = host->get_interface(host, BP_CHAR_ID);
    s->connected = links->is_connected(host, LINK_CHAR);
    bp_regs_init(&s->regs, uart_regs, N_REGS);
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
              .size = 0x1000,
              .kind = BP_MMIO,
              .widths = BP_W8 | BP_W16 | BP_W32,
              .regs = {uart_regs, N_REGS, sizeof(struct bp_reg)}},
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
    BP_PROP_U32(struct uart, clock_hz, "clock-frequency", "24000000", 1, UINT32_MAX,
                "Frequency in Hz of the clock that feeds the baud-rate generator. Told to the "
                "guest; characters take no time whatever it is."),
    BP_PROP_U32(struct uart, speed, "current-speed", "0", 0, 4000000,
                "Speed of the line in bit/s that an ACPI guest is told of its console. 0 tells "
                "nothing. In a device tree there is no place for it."),
};

static const struct bp_field fields[] = {
    BP_FIELD_REGS(struct uart, regs, N_REGS),
    BP_FIELD_U8_MAX(struct uart, overrun, 1),
    BP_FIELD_U8_MAX(struct uart, polls, POLLING),
    BP_FIELD_U8_MAX(struct uart, probing, 1),
    BP_FIELD_FIFO(struct uart, rx, FIFO_DEPTH, "rx", "rx-n"),
    BP_FIELD_FIFO(struct uart, tx, QUEUE_DEPTH, "tx", "tx-n"),
};

static const struct bp_class pl011 = {
    .struct_size = sizeof(struct bp_class),
    .id = "pl011",
    .version = "1.0",
    .summary = "ARM PL011 serial port with 32-byte FIFOs",
    .instance_size = sizeof(struct uart),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .links = BP_TABLE(links),
    .state = BP_TABLE(fields),
    .dt_name = "serial",
    .dt_compatible = "arm,pl011\0arm,primecell\0",
    .acpi_hid = "ARMH0011",
    .create = uart_create,
    .realize = uart_realize,
    .describe_fdt = uart_describe_fdt,
    .reset = uart_reset,
    .start = uart_start,
    .quiesce = uart_quiesce,
    .load_commit = uart_load_commit,
    .destroy = uart_destroy,
    .read = bp_regs_read,
    .write = bp_regs_write,
    .on_link = uart_on_link,
    .describe_acpi = uart_describe_acpi,
};
BP_PLUGIN("pl011", "1.0", &pl011);
