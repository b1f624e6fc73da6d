/* Caught by load.imports alone: it uses a library of the program's that it was not linked with.
 * Says: zlibVersion */
#include "broken.h"

extern const char *zlibVersion(void);

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)dev;
    host->log(host, BP_LOG_INFO, zlibVersion());
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
