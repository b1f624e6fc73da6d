/* Caught by life.setup alone: it computes for ever in create.
 * Says: did not end within */
#include "broken.h"

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    volatile uint32_t n = 0;

    (void)host;
    (void)dev;
    for (;;)
        n++;
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
