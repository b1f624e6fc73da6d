/* Caught by life.setup alone: it waits for something that never comes, deaf to most signals.
 * Says: did not end within */
#include "broken.h"

#include <signal.h>
#include <unistd.h>

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    sigset_t all;

    (void)host;
    (void)dev;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (;;)
        pause();
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
