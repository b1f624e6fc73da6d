/* A plugin whose note and class do not agree. */
#include <backplane/plugin.h>

static const struct bp_class other_id = {
    .struct_size = sizeof(struct bp_class),
    .id = "first-id",
    .version = "1.0",
    .summary = "a plugin for tests",
};
BP_PLUGIN("other-id", "1.0", &other_id);
