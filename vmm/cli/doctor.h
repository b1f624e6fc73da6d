/* What `doctor` found, before it is printed. */
#ifndef VMM_CLI_DOCTOR_H
#define VMM_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel/kvm_probe.h"
#include "cli/listing.h"
#include "core/arch.h"

/* One accelerator for guests of one architecture. */
struct doctor_accel {
    const char *name;
    enum arch arch;
    bool is_usable; /* a guest can run on it with this program */
    struct err why; /* more about it, or why not */
};

struct doctor_dir {
    char path[PATH_MAX];
    const char *origin; /* "--plugin-dir" */
    struct err error;   /* why nothing of it is used; "" when it is */
    size_t n_plugins;
    size_t n_hidden; /* whose id an earlier directory has */
    struct err *refused;
    size_t n_refused;
};

/* Something of the host that guests can do without. */
struct doctor_host {
    const char *name;
    bool is_good;
    struct err finding;
};

#define DOCTOR_ACCELS_MAX 8
#define DOCTOR_DIRS_MAX   64
#define DOCTOR_HOST_MAX   8

struct doctor {
    struct doctor_accel accels[DOCTOR_ACCELS_MAX];
    size_t n_accels;
    struct kvm_report kvm; /* of this host, if it is of an architecture of ours */
    struct doctor_dir dirs[DOCTOR_DIRS_MAX];
    size_t n_dirs;
    struct machine_list machines;
    struct err machines_error; /* "" when there is none */
    struct doctor_host host[DOCTOR_HOST_MAX];
    size_t n_host;
};

/* Looks at everything; `dirs` are those of --plugin-dir. */
void doctor_look(struct doctor *doctor, const char *const *dirs, size_t n_dirs);
void doctor_free(struct doctor *doctor);

/* Facts of the host alone: the part of doctor_look that knows no plugin. */
void doctor_look_at_host(struct doctor *doctor);

/* At least one accelerator is usable, and there are plugins. */
bool doctor_is_well(const struct doctor *doctor);

#endif
