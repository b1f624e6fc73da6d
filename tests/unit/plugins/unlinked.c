/* A plugin that calls what nobody has. */
#include <backplane/plugin.h>

extern uint64_t bp_test_nobody_has_this(void *dev, uint32_t region, uint64_t offset,
                                        uint32_t width);

static const struct bp_class unlinked = {
    .struct_size = sizeof(struct bp_class),
    .id = "unlinked",
    .version = "1.0",
    .summary = "a plugin for tests",
    .read = bp_test_nobody_has_this,
};
BP_PLUGIN("unlinked", "1.0", &unlinked);
