/* What `machines` lists and `doctor` counts: the machine files of the machine directory. */
#ifndef VMM_CLI_LISTING_H
#define VMM_CLI_LISTING_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct listed_machine {
    char *name;
    char *path;
    char *summary; /* NULL, as archs, when there is an error */
    char *archs;   /* "x86_64 riscv64" */
    char *error;   /* the first thing that is wrong with the file; NULL */
};

struct machine_list {
    char dir[PATH_MAX];
    struct listed_machine *machines; /* sorted by name */
    size_t n;
};

/* An error: there is no such directory. Free in both cases. */
int32_t listing_machines(struct machine_list *list, struct err *err);
void listing_machines_free(struct machine_list *list);

#endif
