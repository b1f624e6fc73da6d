/* Caught by life.quiet alone: it greets on standard output.
 * Says: to standard output */
#include "broken.h"

#include <stdio.h>

static int32_t broken_realize(void *dev)
{
    (void)dev;
    printf("broken: ready\n");
    return BP_OK;
}

BROKEN_PLUGIN(.realize = broken_realize);
