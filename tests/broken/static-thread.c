/* Caught by load.statics alone: a variable of the thread is one of all devices, too.
 * Says: last_error */
#include "broken.h"

static _Thread_local uint32_t last_error;

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)dev;
    if (last_error++ > 1000000)
        host->log(host, BP_LOG_WARN, "so many");
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
