/* Caught by life.leaks alone: what create allocates nobody frees.
 * Says: free in destroy what create and realize allocate */
#include "broken.h"

#include <stdlib.h>

struct broken {
    void *volatile buffer;
};

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    struct broken *s = dev;

    s->buffer = malloc(24);
    if (!s->buffer)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    return BP_OK;
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .create = broken_create);
