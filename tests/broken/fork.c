/* Caught by life.setup alone: it starts a process that outlives it, in a session of its own.
 * Says: left 1 process behind */
#include "broken.h"

#include <unistd.h>

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)host;
    (void)dev;
    if (fork() == 0) {
        setsid();
        sleep(600);
        _exit(0);
    }
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
