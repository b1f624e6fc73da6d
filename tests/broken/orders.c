/* Caught by life.orders: destroy takes it for granted that realize was called.
 * Says: destroy after create */
#include "broken.h"

#include <stdlib.h>
#include <string.h>

struct broken {
    const struct bp_host *host;
    char *name;
    bp_handle timer;
};

static void broken_tick(void *dev)
{
    (void)dev;
}

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    struct broken *s = dev;

    s->host = host;
    return BP_OK;
}

static int32_t broken_realize(void *dev)
{
    struct broken *s = dev;

    if (s->host->timer_create(s->host, broken_tick, &s->timer))
        return BP_ERR_NO_MEMORY;
    s->name = strdup(s->host->name);
    return s->name ? BP_OK : s->host->set_error(s->host, BP_ERR_NO_MEMORY, "out of memory");
}

static void broken_destroy(void *dev)
{
    struct broken *s = dev;

    s->name[0] = '\0';
    free(s->name);
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .create = broken_create,
              .realize = broken_realize, .destroy = broken_destroy);
