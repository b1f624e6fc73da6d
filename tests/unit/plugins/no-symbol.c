/* A note without the symbol that it promises. */
#include <backplane/plugin.h>

__attribute__((section(BP_NOTE_SECTION), used, aligned(4))) static const struct bp_note note = {
    .name_size = sizeof(BP_NOTE_NAME),
    .desc_size = (uint32_t)(sizeof(struct bp_note) - offsetof(struct bp_note, abi_major)),
    .type = BP_NOTE_TYPE,
    .name = BP_NOTE_NAME,
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = "no-symbol",
    .version = "1.0",
};
