/* Caught by fuzz.failing-calls: it does not expect that a call is refused.
 * Level: fuzz */
#include "chip.h"

#include <stdlib.h>

static void later(void *dev, uint64_t arg)
{
    (void)arg;
    ((struct chip *)dev)->hidden = 0;
}

static void broken_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct chip *s = dev;

    chip_write(dev, region, offset, width, value);
    if (offset == 4 * DATA && s->host->defer(s->host, later, 0) != BP_OK)
        abort();
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, CHIP_RESET, .read = chip_read,
              .write = broken_write);
