/* Caught by load.note alone: it was made for an ABI that this program does not have. */
#include "broken.h"

__attribute__((section(BP_NOTE_SECTION), used, aligned(4))) static const struct bp_note note = {
    .name_size = sizeof(BP_NOTE_NAME),
    .desc_size = (uint32_t)(sizeof(struct bp_note) - offsetof(struct bp_note, abi_major)),
    .type = BP_NOTE_TYPE,
    .name = BP_NOTE_NAME,
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR + 1,
    .id = BROKEN_ID,
    .version = "1.0",
};

BROKEN_CLASS(.instance_size = 0);
static const struct bp_class *const classes[1] = {&broken};
extern __attribute__((visibility("default"))) const struct bp_plugin bp_plugin_1;
const struct bp_plugin bp_plugin_1 = {.struct_size = sizeof(struct bp_plugin),
                                      .abi_version = BP_ABI_MAJOR << 16 | (BP_ABI_MINOR + 1),
                                      .classes = classes,
                                      .n_classes = 1};
