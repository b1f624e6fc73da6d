/* Caught by load.note alone: it has none.
 * Says: no Backplane note */
#include "broken.h"

BROKEN_CLASS(.instance_size = 0);
static const struct bp_class *const classes[1] = {&broken};
extern __attribute__((visibility("default"))) const struct bp_plugin bp_plugin_1;
const struct bp_plugin bp_plugin_1 = {.struct_size = sizeof(struct bp_plugin),
                                      .abi_version = BP_ABI_MAJOR << 16 | BP_ABI_MINOR,
                                      .classes = classes,
                                      .n_classes = 1};
