/* Caught by life.failures alone: what create has is freed twice when realize fails. */
#include "broken.h"

#include <stdlib.h>

struct broken {
    const struct bp_host *host;
    char *buffer;
    bp_handle timer;
};

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    struct broken *s = dev;

    s->host = host;
    s->buffer = malloc(100);
    if (!s->buffer)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    return BP_OK;
}

static void broken_tick(void *dev)
{
    (void)dev;
}

static int32_t broken_realize(void *dev)
{
    struct broken *s = dev;
    int32_t status = s->host->timer_create(s->host, broken_tick, &s->timer);

    if (status)
        free(s->buffer);
    return status;
}

static void broken_destroy(void *dev)
{
    struct broken *s = dev;

    free(s->buffer);
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .create = broken_create,
              .realize = broken_realize, .destroy = broken_destroy);
