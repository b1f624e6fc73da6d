/* A backend whose note says that it is a device. */
#include <backplane/plugin.h>

static const struct bp_class other_kind = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "other-kind",
    .version = "1.0",
    .summary = "a plugin for tests",
};
BP_PLUGIN("other-kind", "1.0", &other_kind);
