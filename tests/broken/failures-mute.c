/* Caught by life.failures alone: a set-up that fails does not say why.
 * Says: no sentence */
#include "broken.h"

struct broken {
    const struct bp_host *host;
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

    if (s->host->timer_create(s->host, broken_tick, &s->timer)) {
        s->host->set_error(s->host, BP_ERR_INVALID, "");
        return BP_ERR_NO_MEMORY;
    }
    return BP_OK;
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .create = broken_create,
              .realize = broken_realize);
