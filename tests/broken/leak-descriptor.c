/* Caught by life.leaks alone: what realize opens nobody closes.
 * Says: descriptors open */
#include "broken.h"

#include <fcntl.h>

struct broken {
    int32_t fd;
};

static int32_t broken_realize(void *dev)
{
    struct broken *s = dev;

    s->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return BP_OK;
}

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .realize = broken_realize);
