/* Caught by life.instances: a register of one device is that of all.
 * Also by load.statics */
#include "broken.h"

struct broken {
    uint32_t value;
};

static uint32_t shared;

static uint64_t broken_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    (void)dev;
    (void)region;
    (void)offset;
    (void)width;
    return shared;
}

static void broken_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    (void)dev;
    (void)region;
    (void)offset;
    (void)width;
    shared = (uint32_t)value;
}

static int32_t broken_quiesce(void *dev)
{
    struct broken *s = dev;

    s->value = shared;
    return BP_OK;
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = 4, .kind = BP_MMIO, .widths = BP_W32},
};
static const struct bp_field fields[] = {BP_FIELD_U32(struct broken, value)};

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .state_version = 1,
              .regions = BP_TABLE(regions), .state = BP_TABLE(fields), .read = broken_read,
              .write = broken_write, .quiesce = broken_quiesce);
