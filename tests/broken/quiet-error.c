/* Caught by life.quiet alone: it complains on standard error, past the log.
 * Says: to standard error */
#include "broken.h"

#include <stdio.h>

static void broken_reset(void *dev, uint32_t kind)
{
    (void)dev;
    fprintf(stderr, "broken: reset %u\n", kind);
}

BROKEN_PLUGIN(.reset = broken_reset);
