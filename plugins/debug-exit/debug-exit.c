/*
 * debug-exit - a port that ends the machine with an exit status: for tests and small kernels.
 * Specification: none; QEMU's isa-debug-exit has made it known, and is what code = qemu follows.
 * Not modelled: nothing else is known of it; it reads as 0.
 */
#include <backplane/if/power.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

enum { PORTS }; /* regions */

enum { CODE_VALUE, CODE_QEMU }; /* choices of the property */

struct debug_exit {
    const struct bp_host *host;
    const struct bp_power *power;
    uint32_t code; /* CODE_* */
};

/* An exit status has 8 bits and 0 means success: 0x100 must not look like it. */
static uint32_t plain_code(uint32_t value)
{
    return value && !(value & 0xff) ? 1 : value & 0xff;
}

static void debug_exit_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                             uint64_t value)
{
    struct debug_exit *s = dev;
    uint32_t v = (uint32_t)value;

    (void)region;
    (void)width;
    if (offset)
        bp_guest_logf(s->host, "0x%x written to port %u: the status goes to the first", v,
                      (uint32_t)offset);
    else
        s->power->request(s->host, BP_POWER_OFF,
                          s->code == CODE_QEMU ? (v << 1 | 1) & 0xff : plain_code(v));
}

static uint64_t debug_exit_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    (void)dev;
    (void)region;
    (void)offset;
    (void)width;
    return 0;
}

static int32_t debug_exit_create(const struct bp_host *host, void *dev)
{
    struct debug_exit *s = dev;

    s->host = host;
    s->power = host->get_interface(host, BP_POWER_ID);
    return BP_OK;
}

static const char *const needs[] = {BP_POWER_ID, NULL};

static const struct bp_region regions[] = {
    [PORTS] =
        {.name = "ports", .size = 4, .align = 4, .kind = BP_PIO, .widths = BP_W8 | BP_W16 | BP_W32},
};

static const struct bp_property properties[] = {
    BP_PROP_CHOICE(struct debug_exit, code, "code", "value", "value|qemu",
                   "What the program ends with when the guest writes V. value: V itself, up to "
                   "255. qemu: (V << 1) | 1, which is never 0, as kernels expect that were "
                   "written for QEMU's isa-debug-exit."),
};

static const struct bp_class debug_exit = {
    .struct_size = sizeof(struct bp_class),
    .id = "debug-exit",
    .version = "1.0",
    .summary = "Port that ends the machine with an exit status",
    .instance_size = sizeof(struct debug_exit),
    .needs = needs,
    .arch = "x86_64",
    .regions = BP_TABLE(regions),
    .properties = BP_TABLE(properties),
    .acpi_hid = "PNP0C02", /* a motherboard's resources: nobody else gets these ports */
    .create = debug_exit_create,
    .read = debug_exit_read,
    .write = debug_exit_write,
};
BP_PLUGIN("debug-exit", "1.0", &debug_exit);
