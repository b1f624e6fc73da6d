/* Caught by life.needs: it takes an interface for granted that it does not list.
 * Also by life.failures
 * Says: without bp.mem/1 */
#include "broken.h"

#include <backplane/if/mem.h>

struct broken {
    const struct bp_mem *mem;
    uint32_t size;
};

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    struct broken *s = dev;

    s->mem = host->get_interface(host, BP_MEM_ID);
    s->size = s->mem->struct_size;
    return BP_OK;
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .create = broken_create);
