/* Caught by life.leaks alone: what realize maps nobody unmaps.
 * Blind: sanitizers
 * Says: bytes mapped */
#include "broken.h"

#include <sys/mman.h>

struct broken {
    void *memory;
};

static int32_t broken_realize(void *dev)
{
    struct broken *s = dev;

    s->memory = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return BP_OK;
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .realize = broken_realize);
