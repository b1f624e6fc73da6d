/*
 * backplane/plugin.h - the entry of a plugin: one macro at the end of its one C file.
 *
 *     BP_PLUGIN("pl031", "1.0", &pl031);
 *
 * It makes an ELF note, which tools read without running anything of the plugin, and the exported
 * data symbol bp_plugin_1, which points at the class. Nothing of the plugin runs before create.
 */
#ifndef BACKPLANE_PLUGIN_H
#define BACKPLANE_PLUGIN_H

#include <backplane/abi.h>
#include <backplane/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bp_plugin {
    uint32_t struct_size;
    uint32_t abi_version;                  /* BP_ABI_MAJOR << 16 | BP_ABI_MINOR at compile time */
    const struct bp_class *const *classes; /* live as long as the process */
    uint32_t n_classes;
    uint32_t pad; /* 0 */
};

/* The note: section .note.backplane, owner "Backplane", type 1, and this descriptor. */
#define BP_NOTE_SECTION ".note.backplane"
#define BP_NOTE_NAME    "Backplane"
#define BP_NOTE_TYPE    1u
#define BP_ID_MAX       64 /* bytes, with the ending NUL */
#define BP_VERSION_MAX  32

struct bp_note {
    uint32_t name_size; /* 10: "Backplane" and its NUL */
    uint32_t desc_size; /* sizeof(struct bp_note) - offsetof(struct bp_note, abi_major) */
    uint32_t type;
    char name[12];
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t flags; /* the class's flags */
    char id[BP_ID_MAX];
    char version[BP_VERSION_MAX];
};

#ifdef __cplusplus
#define BP_EXTERN_C_ extern "C"
#else
#define BP_EXTERN_C_ extern
#endif

/* `id` and `version` are string literals, equal to the class's; `class_` is the address of it. A
 * backend's note says so: BP_PLUGIN_BACKEND. */
#define BP_PLUGIN_FLAGS_(id, version, class_, flags_)                                              \
    __attribute__((section(BP_NOTE_SECTION), used,                                                 \
                   aligned(4))) static const struct bp_note bp_plugin_note_ = {                    \
        10,           (uint32_t)(sizeof(struct bp_note) - offsetof(struct bp_note, abi_major)),    \
        BP_NOTE_TYPE, BP_NOTE_NAME,                                                                \
        BP_ABI_MAJOR, BP_ABI_MINOR,                                                                \
        (flags_),     id,                                                                          \
        version};                                                                                  \
    static const struct bp_class *const bp_plugin_classes_[1] = {(class_)};                        \
    BP_EXTERN_C_ __attribute__((visibility("default"))) const struct bp_plugin bp_plugin_1;        \
    const struct bp_plugin bp_plugin_1 = {                                                         \
        sizeof(struct bp_plugin), BP_ABI_MAJOR << 16 | BP_ABI_MINOR, bp_plugin_classes_, 1, 0}
#define BP_PLUGIN(id, version, class_) BP_PLUGIN_FLAGS_(id, version, class_, 0)
#define BP_PLUGIN_BACKEND(id, version, class_)                                                     \
    BP_PLUGIN_FLAGS_(id, version, class_, BP_CLASS_BACKEND)

#ifdef __cplusplus
}
#endif
#endif
