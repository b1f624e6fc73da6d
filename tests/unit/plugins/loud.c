/* A plugin that ends the process that loads it: lists must not. */
#include <backplane/plugin.h>
#include <unistd.h>

__attribute__((constructor)) static void on_load(void)
{
    _exit(77);
}

static const struct bp_class loud = {
    .struct_size = sizeof(struct bp_class),
    .id = "loud",
    .version = "1.0",
    .summary = "a plugin for tests",
};
BP_PLUGIN("loud", "1.0", &loud);
