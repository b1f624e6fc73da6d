/* Caught by state.goes-on: each third write counts in a register, and where it is in three is not
 * saved. */
#include "chip.h"

static void broken_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct chip *s = dev;

    chip_write(dev, region, offset, width, value);
    if (offset / 4 == DATA && ++s->hidden % 3 == 0)
        s->v[LIMIT]++;
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, CHIP_RESET, .read = chip_read,
              .write = broken_write);
