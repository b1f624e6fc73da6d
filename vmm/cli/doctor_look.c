/* What `doctor` looks at: accelerators, plugin directories, machine files. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "core/accel.h"
#include "plugin/loader.h"
#include "plugin/registry.h"
#include "util/paths.h"

/* --- Accelerators ----------------------------------------------------------------------------- */

static struct doctor_accel *add_accel(struct doctor *d, const char *name, enum arch arch)
{
    struct doctor_accel *a = &d->accels[d->n_accels++];
    *a = (struct doctor_accel){.name = name, .arch = arch};
    return a;
}

static void look_at_soft(struct doctor *d)
{
    for (int i = ARCH_INVALID + 1; i < ARCH_COUNT; i++) {
        struct err why = {{0}};
        if (accel_rv64.probe((enum arch)i, &why) != BP_OK)
            continue;
        struct doctor_accel *a = add_accel(d, accel_rv64.name, (enum arch)i);
        a->is_usable = true;
        (void)err_set(&a->why, BP_OK, "the software processor, on every host");
    }
}

static void look_at_kvm(struct doctor *d)
{
    enum arch native = arch_native();
    if (native == ARCH_INVALID)
        return;
    struct doctor_accel *a = add_accel(d, "kvm", native);
    if (kvm_probe(&d->kvm, &a->why) != BP_OK || accel_kvm.probe(native, &a->why) != BP_OK)
        return;
    a->is_usable = true;
    (void)err_set(&a->why, BP_OK, "/dev/kvm is fast: %u iterations took %.3f ms",
                  KVM_PROBE_ITERATIONS, (double)d->kvm.loop_ns / 1e6);
}

/* --- Plugin directories ----------------------------------------------------------------------- */

static void add_refused(struct doctor_dir *dir, const char *sentence)
{
    struct err *list = realloc(dir->refused, (dir->n_refused + 1) * sizeof(*list));
    if (list == NULL)
        return;
    dir->refused = list;
    (void)err_set(&list[dir->n_refused++], BP_OK, "%s", sentence);
}

/* `seen` collects what the directories before this one have. */
static void count_plugins(struct doctor_dir *dir, const struct registry *own,
                          const struct registry *seen)
{
    for (size_t i = 0; i < registry_count(own); i++) {
        const struct plugin_info *p = registry_at(own, i);
        struct err why;
        if (loader_check_abi(p->path, p->abi_major, p->abi_minor, &why) != BP_OK)
            add_refused(dir, why.text);
        else if (registry_find(seen, p->id) != NULL)
            dir->n_hidden++;
        else
            dir->n_plugins++;
    }
    const char *sentence;
    for (size_t i = 0; (sentence = registry_refused(own, i)) != NULL; i++)
        add_refused(dir, sentence);
}

static void look_at_dir(struct doctor *d, const char *path, const char *origin,
                        struct registry *seen)
{
    struct registry *own = d->n_dirs < DOCTOR_DIRS_MAX ? registry_create() : NULL;
    if (own == NULL)
        return;
    struct doctor_dir *dir = &d->dirs[d->n_dirs++];
    *dir = (struct doctor_dir){.origin = origin};
    (void)snprintf(dir->path, sizeof(dir->path), "%s", path);
    struct err ignored;
    if (registry_add_directory(own, path, true, &dir->error) == BP_OK)
        count_plugins(dir, own, seen);
    (void)registry_add_directory(seen, path, false, &ignored);
    registry_destroy(own);
}

static void look_at_search_path(struct doctor *d, struct registry *seen)
{
    const char *search = getenv("BACKPLANE_PLUGIN_PATH");
    char *copy = search != NULL && getauxval(AT_SECURE) == 0 ? strdup(search) : NULL;
    char *rest = copy;
    for (char *dir; (dir = strsep(&rest, ":")) != NULL;)
        if (dir[0] != '\0')
            look_at_dir(d, dir, "BACKPLANE_PLUGIN_PATH", seen);
    free(copy);
}

static void look_at_plugins(struct doctor *d, const char *const *dirs, size_t n_dirs)
{
    struct registry *seen = registry_create();
    if (seen == NULL)
        return;
    for (size_t i = 0; i < n_dirs; i++)
        look_at_dir(d, dirs[i], "--plugin-dir", seen);
    look_at_search_path(d, seen);
    char path[PATH_MAX];
    if (paths_plugins(path, sizeof(path)))
        look_at_dir(d, path, "comes with backplane", seen);
    for (size_t i = 0; paths_plugins_third_party(i, path, sizeof(path)); i++)
        if (access(path, F_OK) == 0)
            look_at_dir(d, path, "plugins from elsewhere", seen);
    registry_destroy(seen);
}

/* --- All of it -------------------------------------------------------------------------------- */

void doctor_look(struct doctor *d, const char *const *dirs, size_t n_dirs)
{
    memset(d, 0, sizeof(*d));
    look_at_soft(d);
    look_at_kvm(d);
    look_at_plugins(d, dirs, n_dirs);
    (void)listing_machines(&d->machines, &d->machines_error);
    doctor_look_at_host(d);
}

void doctor_free(struct doctor *d)
{
    for (size_t i = 0; i < d->n_dirs; i++)
        free(d->dirs[i].refused);
    listing_machines_free(&d->machines);
}

bool doctor_is_well(const struct doctor *d)
{
    bool has_accel = false, has_plugin = false;
    for (size_t i = 0; i < d->n_accels; i++)
        has_accel = has_accel || d->accels[i].is_usable;
    for (size_t i = 0; i < d->n_dirs; i++)
        has_plugin = has_plugin || d->dirs[i].n_plugins > 0;
    return has_accel && has_plugin;
}
