/* Caught by load.statics alone: a variable of a file without names.
 * Says: .bss has
 * Flags: -s */
#include "broken.h"

static volatile uint32_t counts[16];

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)host;
    (void)dev;
    counts[3]++;
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
