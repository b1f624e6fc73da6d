/* A plugin that calls exit() as soon as it is loaded. */
#include <backplane/plugin.h>
#include <stdlib.h>

__attribute__((constructor)) static void on_load(void)
{
    exit(0);
}

static const struct bp_class eager = {
    .struct_size = sizeof(struct bp_class),
    .id = "eager",
    .version = "1.0",
    .summary = "a plugin for tests",
};
BP_PLUGIN("eager", "1.0", &eager);
