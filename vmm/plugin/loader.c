/*
 * A plugin is loaded by its name, not by the descriptor that its note was read from: the name is
 * what gdb, valgrind and error messages show, and /proc/self/fd/7 would be of no use to an author.
 * Between note and load nobody else can put another file there (trust.c); the user can, by building
 * it anew, so the file is compared before and after. One that is replaced later, by renaming, stays
 * what was loaded; one that is written over changes under the running program, which nobody can
 * prevent, but a crash then says so.
 *
 * What a plugin should not have and can work with (constructors, further symbols, libraries) is not
 * refused here: `plugin check` tells its author.
 */
#include "plugin/loader.h"

#include <backplane/plugin.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "classcheck.h"
#include "plugin/crash.h"

#define SYMBOL "bp_plugin_1"

/* Never freed: a class lives as long as the program. */
struct loaded {
    struct loaded *next;
    const struct bp_class *class_;
    struct plugin_file file;
    char path[];
};
static struct loaded *_Atomic all_loaded;

void loader_identify(const struct stat *st, struct plugin_file *file)
{
    *file = (struct plugin_file){.device = st->st_dev,
                                 .inode = st->st_ino,
                                 .size = (uint64_t)st->st_size,
                                 .mtime_s = st->st_mtim.tv_sec,
                                 .mtime_ns = st->st_mtim.tv_nsec};
}

/* One that is not known is the same as any. */
static bool is_same(const char *path, const struct plugin_file *file)
{
    static const struct plugin_file unknown;
    struct plugin_file now;
    struct stat st;
    if (memcmp(file, &unknown, sizeof(unknown)) == 0)
        return true;
    if (stat(path, &st) != 0)
        return false;
    loader_identify(&st, &now);
    return memcmp(&now, file, sizeof(now)) == 0;
}

static const struct loaded *find_loaded(const struct bp_class *class_, const char *path)
{
    for (const struct loaded *l = atomic_load(&all_loaded); l != NULL; l = l->next)
        if (l->class_ == class_ || (path != NULL && strcmp(l->path, path) == 0))
            return l;
    return NULL;
}

const char *loader_path_of(const struct bp_class *class_)
{
    const struct loaded *l = find_loaded(class_, NULL);
    return l != NULL ? l->path : NULL;
}

bool loader_is_changed(const char *path)
{
    const struct loaded *l = find_loaded(NULL, path);
    return l != NULL && !is_same(path, &l->file);
}

static void remember(const struct plugin_info *info, const struct bp_class *class_)
{
    size_t size = strlen(info->path) + 1;
    struct loaded *l =
        find_loaded(class_, NULL) == NULL ? malloc(sizeof(struct loaded) + size) : NULL;
    if (l == NULL)
        return; /* then a crash is told without the file */
    *l = (struct loaded){.next = atomic_load(&all_loaded), .class_ = class_, .file = info->file};
    memcpy(l->path, info->path, size);
    atomic_store(&all_loaded, l);
}

int32_t loader_check_abi(const char *path, uint32_t abi_major, uint32_t abi_minor, struct err *err)
{
    if (abi_major == BP_ABI_MAJOR && abi_minor == BP_ABI_MINOR)
        return BP_OK;
    const char *cure =
        abi_major > BP_ABI_MAJOR || (abi_major == BP_ABI_MAJOR && abi_minor > BP_ABI_MINOR)
            ? "update backplane, or build the plugin with this version's headers"
            : "build the plugin again with this version's headers";
    return err_set(err, BP_ERR_VERSION,
                   "%s: made for plugin ABI %u.%u, this backplane has %u.%u "
                   "(before 1.0 they must be equal): %s",
                   path, abi_major, abi_minor, BP_ABI_MAJOR, BP_ABI_MINOR, cure);
}

static int32_t check_entry(const char *path, const struct bp_plugin *entry, struct err *err)
{
    uint32_t abi_version = BP_ABI_MAJOR << 16 | BP_ABI_MINOR;
    if (entry->struct_size < sizeof(struct bp_plugin) || entry->abi_version != abi_version)
        return err_set(err, BP_ERR_FORMAT,
                       "%s: its symbol " SYMBOL " does not agree with its note; build it again",
                       path);
    if (entry->n_classes == 1 && (entry->classes == NULL || entry->classes[0] == NULL))
        return err_set(err, BP_ERR_FORMAT,
                       "%s: its class is NULL: give BP_PLUGIN the address of a const class", path);
    if (entry->n_classes != 1)
        return err_set(err, BP_ERR_FORMAT, "%s: has %u device classes, one is needed", path,
                       entry->n_classes);
    return BP_OK;
}

static int32_t check_class(const struct plugin_info *info, const struct bp_class *class_,
                           struct err *err)
{
    char why[256];
    if (class_check(class_, why, sizeof(why)) != BP_OK)
        return err_set(err, BP_ERR_FORMAT, "%s: its class table is wrong: %s", info->path, why);
    if (strcmp(class_->id, info->id) != 0 || strcmp(class_->version, info->version) != 0 ||
        (class_->flags & BP_CLASS_BACKEND) != (info->flags & BP_CLASS_BACKEND))
        return err_set(err, BP_ERR_FORMAT,
                       "%s: its note says %s %s, its class says %s %s: give BP_PLUGIN the same id, "
                       "version and kind",
                       info->path, info->id, info->version, class_->id, class_->version);
    return BP_OK;
}

/* The descriptor, which has one class, not checked yet. */
static const struct bp_plugin *load_file(const char *path, struct err *err)
{
    /* Constructors run here, if there are any: under the file's name. Never closed: what a plugin
     * left in the process may still be called at exit. */
    struct crash_mark mark = {.path = path, .callback = "a constructor"};
    crash_mark(&mark);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    crash_unmark(&mark);
    if (handle == NULL) {
        (void)err_set(err, BP_ERR_FORMAT,
                      "%s: cannot be loaded: %s; link it with -Wl,-z,defs to find what is missing",
                      path, dlerror());
        return NULL;
    }
    const struct bp_plugin *entry = dlsym(handle, SYMBOL);
    if (entry == NULL) {
        (void)err_set(err, BP_ERR_FORMAT,
                      "%s: has no symbol " SYMBOL "; end its source with BP_PLUGIN(...) and export "
                      "the symbol",
                      path);
        return NULL;
    }
    return check_entry(path, entry, err) == BP_OK ? entry : NULL;
}

static int32_t fail_changed(const char *path, struct err *err)
{
    return err_set(err, BP_ERR_STATE,
                   "%s: was changed or replaced while it was being loaded; start again", path);
}

const struct bp_class *loader_load(const struct plugin_info *info, struct err *err)
{
    if (loader_check_abi(info->path, info->abi_major, info->abi_minor, err) != BP_OK)
        return NULL;
    if (!is_same(info->path, &info->file)) {
        (void)fail_changed(info->path, err);
        return NULL;
    }
    const struct bp_plugin *entry = load_file(info->path, err);
    if (entry == NULL)
        return NULL;
    if (!is_same(info->path, &info->file)) {
        (void)fail_changed(info->path, err);
        return NULL;
    }
    if (check_class(info, entry->classes[0], err) != BP_OK)
        return NULL;
    remember(info, entry->classes[0]);
    return entry->classes[0];
}
