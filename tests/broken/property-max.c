/* Caught by tables.properties alone: it refuses the largest value that its own table allows.
 * Says: level = 0x10 */
#include "broken.h"

struct broken {
    uint32_t level;
};

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    const struct broken *s = dev;

    if (s->level > 15)
        return host->set_error(host, BP_ERR_RANGE, "at most 15 is allowed");
    return BP_OK;
}

static const struct bp_property properties[] = {
    BP_PROP_U32(struct broken, level, "level", "1", 0, 16, "How high it is, in metres."),
};

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .properties = BP_TABLE(properties),
              .create = broken_create);
