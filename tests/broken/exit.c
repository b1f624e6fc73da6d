/* Caught by life.setup alone: it ends the program when something is not to its liking.
 * Says: ended the process with status 0 */
#include "broken.h"

#include <stdlib.h>

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)host;
    (void)dev;
    exit(0);
}

BROKEN_PLUGIN(.create = broken_create);
