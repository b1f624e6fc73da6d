/* Caught by tables.doc alone: nobody learns what the property is for.
 * Says: property level */
#include "broken.h"

struct broken {
    uint32_t level;
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct broken, level, "level", "1", 0, 3, "level"),
};

BROKEN_PLUGIN(.instance_size = sizeof(struct broken), .properties = BP_TABLE(properties));
