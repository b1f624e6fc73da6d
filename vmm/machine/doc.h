/*
 * A machine file with everything it includes, as sections of keys. Included files come first; a
 * section that is there already gets the later file's keys added, the later value of a key wins.
 * Names of sections, keys' @ARCH, duplicates and ${} are checked here; what the keys mean is not.
 */
#ifndef VMM_MACHINE_DOC_H
#define VMM_MACHINE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "machine/arena.h"
#include "machine/diag.h"
#include "machine/strmap.h"
#include "machine/vars.h"

#define DOC_DEPTH_MAX 8u  /* files that include each other */
#define DOC_FILES_MAX 64u /* files in all */

/* From DOC_DEVICE on they have names. */
enum doc_kind { DOC_MACHINE, DOC_BOOT, DOC_SET, DOC_DEVICE, DOC_BACKEND };

struct doc_file {
    const char *path;      /* as the user would write it */
    const char *directory; /* with its last /, or "" */
    uint64_t device, inode;
    bool open; /* being read: including it again would be a cycle */
};

struct doc_key {
    const char *full; /* "plugin@arm64" */
    const char *name; /* "plugin" */
    enum arch arch;   /* ARCH_INVALID: for all */
    const char *value;
    const struct doc_file *file;
    uint32_t line;
};

struct doc_section {
    enum doc_kind kind;
    size_t number;               /* its place in the list */
    const char *name;            /* "" for those without */
    const char *title;           /* "machine", "device console": how messages begin */
    const struct doc_file *file; /* where it was first seen */
    uint32_t line;
    const struct doc_file *last_file;
    uint32_t last_line;
    bool broken;           /* lines of it were refused: what is missing may be among them */
    struct doc_key **keys; /* in order of first appearance */
    size_t n_keys;
    size_t capacity;
};

struct doc {
    struct arena *arena;
    struct diag *diag;
    struct vars *vars;
    struct doc_section **sections; /* in order of first appearance */
    size_t n_sections;
    size_t capacity;
    struct doc_section *machine; /* NULL: there is none; so for the next two */
    struct doc_section *boot;
    struct doc_section *set;
    struct strmap by_name; /* of devices and backends */
    struct strmap by_key;  /* "section number/full key" */
    struct doc_file *files[DOC_FILES_MAX];
    size_t n_files;
};

/* Reads `path` and what it includes; errors go to `diag`. False: the file itself could not be
 * read. */
bool doc_read(struct doc *doc, const char *path, struct arena *arena, struct vars *vars,
              struct diag *diag);
void doc_fini(struct doc *doc);

/* The key that counts for an architecture: key@ARCH before the plain one; NULL. */
const struct doc_key *doc_find(const struct doc *doc, const struct doc_section *section,
                               const char *name, enum arch arch);

/* True if this key counts for the architecture. */
bool doc_counts(const struct doc *doc, const struct doc_section *section, const struct doc_key *key,
                enum arch arch);

/* set.c: gives what [set] says to the names that --set does not give: keys without @ARCH, then,
 * when the architecture is known, those with it. Reports what is wrong with them once, without one.
 */
void doc_apply_set(struct doc *doc, enum arch arch);

/* Reports what [set] gives and no file uses. */
void doc_report_unused_set(const struct doc *doc);

/* The path that a value of this file is: relative to where its first character comes from. NULL:
 * out of memory. */
const char *doc_path(struct arena *arena, const struct doc_file *file,
                     const struct expansion *value);

/* "file:line: device console: sentence". */
void doc_section_error(const struct doc *doc, const struct doc_section *section, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

/* "file:line: device console: key = value: sentence". */
void doc_key_error(const struct doc *doc, const struct doc_section *section,
                   const struct doc_key *key, const char *value, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
