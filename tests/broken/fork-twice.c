/* Caught by life.setup alone: two processes go on from here.
 * Says: left 1 process behind */
#include "broken.h"

#include <unistd.h>

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)dev;
    if (fork() < 0)
        return host->set_error(host, BP_ERR_NO_MEMORY, "no process can be made");
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
