/* Caught by access.cold-reset alone: one of its registers keeps what the guest wrote. */
#include "chip.h"

static void broken_reset(void *dev, uint32_t kind)
{
    struct chip *s = dev;
    uint32_t kept = s->v[LIMIT];

    chip_reset(dev, kind);
    s->v[LIMIT] = kept;
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, .reset = broken_reset, CHIP_ACCESS);
