/* Caught by load.id alone: it claims the id of a plugin that comes with the program.
 * Says: uart16550 is the id of */
#include <backplane/plugin.h>

static const struct bp_class broken = {
    .struct_size = sizeof(struct bp_class),
    .id = "uart16550",
    .version = "1.0",
    .summary = "A plugin with a mistake, for tests",
};
BP_PLUGIN("uart16550", "1.0", &broken);
