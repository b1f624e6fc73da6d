/* Caught by access.sweep: far behind its registers a read of two bytes gives four. */
#include "chip.h"

static uint64_t broken_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    return offset == 0x20000 ? 0x12345 : chip_read(dev, region, offset, width);
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x40000, .kind = BP_MMIO, .widths = BP_W16 | BP_W32}};

BROKEN_PLUGIN(.instance_size = sizeof(struct chip), .state_version = 1,
              .regions = BP_TABLE(regions), .lines = BP_TABLE(chip_lines), .create = chip_create,
              CHIP_STATE, CHIP_TIMER, CHIP_RESET, .read = broken_read, .write = chip_write);
