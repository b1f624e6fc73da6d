/* Caught by fuzz.random: it crashes when it is read after six writes in the right order, with
 * a warm reset in between.
 * Level: fuzz
 * Says: bench_write */
#include "chip.h"

#include <stdlib.h>

static void broken_reset(void *dev, uint32_t kind)
{
    struct chip *s = dev;
    uint32_t step = s->hidden;

    chip_reset(dev, kind);
    s->hidden = step == 3 && kind == BP_RESET_WARM ? 4 : 0;
}

static void broken_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    static const uint8_t order[] = {LIMIT, DATA, STATUS, 0, DATA, LIMIT, STATUS};
    struct chip *s = dev;

    chip_write(dev, region, offset, width, value);
    if (s->hidden < 7 && s->hidden != 3)
        s->hidden = offset / 4 == order[s->hidden] ? s->hidden + 1 : 0;
}

static uint64_t broken_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    if (((struct chip *)dev)->hidden == 7)
        abort();
    return chip_read(dev, region, offset, width);
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, .reset = broken_reset, .read = broken_read,
              .write = broken_write);
