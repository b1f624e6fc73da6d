/* Caught by life.setup alone: an assertion of its own ends the program.
 * Says: the moon is full */
#include "broken.h"

#include <stdio.h>
#include <stdlib.h>

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    (void)host;
    (void)dev;
    fprintf(stderr, "broken: the moon is full\n");
    abort();
}

BROKEN_PLUGIN(.create = broken_create);
