/* Caught by life.setup alone: it writes beyond what it has allocated in create. */
#include "broken.h"

#include <stdlib.h>
#include <string.h>

struct broken {
    char *volatile buffer;
};

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    struct broken *s = dev;
    volatile size_t size = 40;

    s->buffer = malloc(size);
    if (!s->buffer)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    memset(s->buffer, 0xff, size + 24);
    return BP_OK;
}

static void broken_destroy(void *dev)
{
    struct broken *s = dev;

    free(s->buffer);
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .create = broken_create,
              .destroy = broken_destroy);
