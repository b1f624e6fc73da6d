/*
 * pvpanic - a byte with which a guest's kernel says that it has crashed, or that it is done.
 * Specification: QEMU docs/specs/pvpanic.rst, the ISA device (a port) and the memory-mapped one.
 * Not modelled: the PCI device.
 * A machine file that pins `ports` gets the port, and any other the memory-mapped register.
 */
#include <backplane/if/acpi.h>
#include <backplane/if/power.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

#include "acpi/pvpanic.h"

#define PANICKED     0x01u /* the machine ends, as crashed */
#define CRASH_LOADED 0x02u /* crashed, and the guest's own crash kernel looks after it */
#define SHUTDOWN     0x04u /* the guest has shut down in good order: power off */
#define EVENTS       (PANICKED | CRASH_LOADED | SHUTDOWN)

enum { REGS, PORTS }; /* regions; offset 0 of both is the byte */

struct pvpanic {
    const struct bp_host *host;
    const struct bp_power *power;
};

static void take_events(struct pvpanic *s, uint32_t events)
{
    if (events & ~EVENTS)
        bp_guest_logf(s->host, "0x%x written: bits 0x%x are known", events, EVENTS);
    if (events & CRASH_LOADED)
        bp_logf(s->host, BP_LOG_WARN, "the guest has crashed; its crash kernel goes on");
    if (events & PANICKED)
        s->power->request(s->host, BP_POWER_CRASHED, 0);
    else if (events & SHUTDOWN)
        s->power->request(s->host, BP_POWER_OFF, 0);
}

/* Which events can be told. */
static uint64_t pvpanic_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    (void)dev;
    (void)region;
    (void)width;
    return offset ? 0 : EVENTS;
}

static void pvpanic_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                          uint64_t value)
{
    (void)region;
    (void)width;
    if (!offset)
        take_events(dev, (uint32_t)value);
}

static int32_t pvpanic_create(const struct bp_host *host, void *dev)
{
    struct pvpanic *s = dev;

    s->host = host;
    s->power = host->get_interface(host, BP_POWER_ID);
    return BP_OK;
}

static void pvpanic_describe_acpi(const void *dev, const struct bp_acpi_writer *w)
{
    (void)dev;
    w->aml(w, acpi_pvpanic, sizeof(acpi_pvpanic));
}

static const char *const needs[] = {BP_POWER_ID, NULL};

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs",
              .size = 2,
              .kind = BP_MMIO,
              .widths = BP_W8,
              .flags = BP_REGION_ALTERNATIVE},
    [PORTS] =
        {.name = "ports", .size = 1, .kind = BP_PIO, .widths = BP_W8, .flags = BP_REGION_OPTIONAL},
};

static const struct bp_class pvpanic = {
    .struct_size = sizeof(struct bp_class),
    .id = "pvpanic",
    .version = "1.0",
    .summary = "Guests report that they have crashed",
    .instance_size = sizeof(struct pvpanic),
    .needs = needs,
    .regions = BP_TABLE(regions),
    .dt_name = "pvpanic",
    .dt_compatible = "qemu,pvpanic-mmio\0",
    .acpi_hid = "QEMU0001",
    .create = pvpanic_create,
    .read = pvpanic_read,
    .write = pvpanic_write,
    .describe_acpi = pvpanic_describe_acpi,
};
BP_PLUGIN("pvpanic", "1.0", &pvpanic);
