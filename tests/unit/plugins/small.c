/* A small plugin with nothing wrong: tests patch bytes of it. */
#include <backplane/plugin.h>

static uint64_t small_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    (void)dev;
    return region + offset + width;
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x10, .kind = BP_MMIO, .widths = BP_W32}};

static const struct bp_class small = {
    .struct_size = sizeof(struct bp_class),
    .id = "small",
    .version = "1.5",
    .summary = "a plugin for tests",
    .regions = BP_TABLE(regions),
    .read = small_read,
};
BP_PLUGIN("small", "1.5", &small);
