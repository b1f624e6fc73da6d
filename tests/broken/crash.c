/* Caught by life.setup alone: it crashes in create.
 * Says: set up */
#include "broken.h"

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    volatile uint32_t *nothing = dev;

    (void)host;
    nothing -= (uintptr_t)dev / sizeof(*nothing);
    return (int32_t)*nothing;
}

BROKEN_PLUGIN(.create = broken_create);
