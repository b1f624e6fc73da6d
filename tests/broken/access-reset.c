/* Caught by access.reset: after a warm reset its timer runs again. */
#include "chip.h"

static void broken_reset(void *dev, uint32_t kind)
{
    struct chip *s = dev;

    chip_reset(dev, kind);
    if (kind == BP_RESET_WARM)
        s->host->timer_arm(s->host, s->timer, s->host->clock_ns(s->host) + 1000);
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, .reset = broken_reset, CHIP_ACCESS);
