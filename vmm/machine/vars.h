/*
 * ${name} and ${name:-default} in values; $$ is one dollar sign. Names are given with --set
 * NAME=VALUE, or by the [set] section of a file; a default also stands in for an empty value.
 * Results are not expanded again.
 */
#ifndef VMM_MACHINE_VARS_H
#define VMM_MACHINE_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/arena.h"
#include "machine/diag.h"
#include "machine/strmap.h"
#include "util/err.h"

struct var {
    const char *name;
    const char *value;     /* NULL: not given */
    const char *directory; /* that a relative path in it begins at; "": the working directory */
    bool is_fixed;         /* given with --set: what a file says does not count */
    bool used;             /* a file names it */
};

struct vars {
    struct arena *arena; /* the caller's */
    struct strmap map;   /* name -> struct var */
    const char **names;  /* of those that files use, for "did you mean" */
    size_t n_names;
    size_t capacity;
};

/* Takes the --set arguments; wrong ones are reported. */
void vars_init(struct vars *vars, struct arena *arena, const char *const *set, size_t n_set,
               struct diag *diag);
void vars_fini(struct vars *vars);

/* A value of a file: text, name and directory are kept. False: the name is none. */
bool vars_give(struct vars *vars, const char *name, const char *value, const char *directory);

/* Whether a text that was scanned has it. */
bool vars_is_used(struct vars *vars, const char *name);

/* Notes the names that a text uses. BP_ERR_FORMAT: a dollar sign that means nothing. */
int32_t vars_scan(struct vars *vars, const char *text, struct err *err);

struct expansion {
    const char *text; /* in the arena */
    /* That a relative path begins at: of who gave its first character; NULL: the text itself. */
    const char *directory;
};

/* Of a text that was scanned without error. BP_ERR_NOT_FOUND: a name that was not given. */
int32_t vars_expand(struct vars *vars, const char *text, struct expansion *out, struct err *err);

/* Reports every --set that no file uses. */
void vars_report_unused(struct vars *vars, const char *const *set, size_t n_set, struct diag *diag);

#endif
