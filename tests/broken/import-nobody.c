/* Caught by load.imports: it uses what no library has.
 * Also by load.opens
 * Says: broken_is_nowhere */
#include "broken.h"

extern int32_t broken_is_nowhere(void);

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)host;
    (void)dev;
    return broken_is_nowhere();
}

BROKEN_PLUGIN(.create = broken_create);
