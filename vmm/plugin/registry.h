/*
 * Which plugins there are. Directories are listed and ELF notes read; nothing of a plugin runs
 * until its class is asked for.
 */
#ifndef VMM_PLUGIN_REGISTRY_H
#define VMM_PLUGIN_REGISTRY_H

#include <backplane/device.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct registry;
struct stat;

/* Which file it was, as it was: another one in its place differs. All zero: not known. */
struct plugin_file {
    uint64_t device, inode, size;
    int64_t mtime_s, mtime_ns;
};

struct plugin_info {
    const char *id; /* from the note */
    const char *version;
    const char *path;
    uint32_t abi_major, abi_minor;
    uint32_t flags;          /* BP_CLASS_* */
    struct plugin_file file; /* that the note was read from */
};

struct registry *registry_create(void); /* NULL: out of memory */
void registry_destroy(struct registry *registry);

/* Adds the plugins of a directory; an id that is known already is not replaced: directories added
 * first win, and within one directory the file ID.so. `must_exist`: it was named by the user. A
 * file that is no plugin of ours is remembered with its reason and reported when its name is asked
 * for. */
int32_t registry_add_directory(struct registry *registry, const char *path, bool must_exist,
                               struct err *err);

/* --plugin-dir arguments first, then $BACKPLANE_PLUGIN_PATH (not when privileged), then those that
 * come with the program, and last those that packages and the administrator have added: none of
 * these takes the place of one of ours. */
int32_t registry_add_defaults(struct registry *registry, const char *const *dirs, size_t n_dirs,
                              struct err *err);

/* All plugins, sorted by id. */
size_t registry_count(const struct registry *registry);
const struct plugin_info *registry_at(const struct registry *registry, size_t i);
const struct plugin_info *registry_find(const struct registry *registry, const char *id);

/* Files that were refused: sentence i, or NULL at the end. */
const char *registry_refused(const struct registry *registry, size_t i);

/* Files whose id another one has taken: sentence i, or NULL at the end. */
const char *registry_hidden(const struct registry *registry, size_t i);

/* Loads the plugin (once) and returns its checked class; NULL and a sentence otherwise: unknown id
 * (with the nearest known one), refused file, mismatch. Lives as long as the program. */
const struct bp_class *registry_class(struct registry *registry, const char *id, struct err *err);

/* Reads one file's note without running it. */
int32_t plugin_read_note(const char *path, char id[64], char version[32], uint32_t *abi_major,
                         uint32_t *abi_minor, uint32_t *flags, struct err *err);
/* The same of a file that is open already. */
int32_t plugin_read_note_fd(int fd, const struct stat *st, const char *path, char id[64],
                            char version[32], uint32_t *abi_major, uint32_t *abi_minor,
                            uint32_t *flags, struct err *err);

#endif
