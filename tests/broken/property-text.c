/* Caught by tables.properties alone: a long name does not fit where it is copied to.
 * Says: set up with name=aaaa */
#include "broken.h"

#include <string.h>

struct broken {
    const char *name;
    char copy[8];
};

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    struct broken *s = dev;

    (void)host;
    if (s->name)
        memcpy(s->copy, s->name, strlen(s->name));
    return BP_OK;
}

static const struct bp_property properties[] = {
    BP_PROP_STRING(struct broken, name, "name", NULL, 0, "What its owner calls it."),
};

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .properties = BP_TABLE(properties),
              .create = broken_create);
