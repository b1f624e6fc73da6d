/* Caught by load.statics alone: it counts its devices in a variable that all of them share.
 * Says: n_devices */
#include "broken.h"

static uint32_t n_devices;

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)dev;
    n_devices++;
    if (n_devices > 1000000)
        host->log(host, BP_LOG_WARN, "so many");
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
