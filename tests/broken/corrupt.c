/* Caught by life.setup alone: it writes beyond its instance in create.
 * Says: beyond its instance, which has 12 bytes */
#include "broken.h"

struct broken {
    uint32_t count;
    uint32_t values[2];
};

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    volatile struct broken *s = dev;

    (void)host;
    s->count = 3;
    for (uint32_t i = 0; i < s->count; i++)
        ((volatile uint32_t *)dev)[1 + i] = i;
    return BP_OK;
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .create = broken_create);
