#include "plugin/loader.h"

#include <backplane/plugin.h>
#include <dlfcn.h>
#include <string.h>

#include "classcheck.h"

#define SYMBOL "bp_plugin_1"

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

static int32_t check_entry(const struct plugin_info *info, const struct bp_plugin *entry,
                           struct err *err)
{
    uint32_t abi_version = BP_ABI_MAJOR << 16 | BP_ABI_MINOR;
    if (entry->struct_size < sizeof(struct bp_plugin) || entry->abi_version != abi_version)
        return err_set(err, BP_ERR_FORMAT,
                       "%s: its symbol " SYMBOL " does not agree with its note; build it again",
                       info->path);
    if (entry->n_classes == 1 && (entry->classes == NULL || entry->classes[0] == NULL))
        return err_set(err, BP_ERR_FORMAT,
                       "%s: its class is NULL: give BP_PLUGIN the address of a const class",
                       info->path);
    if (entry->n_classes != 1)
        return err_set(err, BP_ERR_FORMAT, "%s: has %u device classes, one is needed", info->path,
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

const struct bp_class *loader_load(const struct plugin_info *info, struct err *err)
{
    if (loader_check_abi(info->path, info->abi_major, info->abi_minor, err) != BP_OK)
        return NULL;
    /* Never closed: what a plugin left in the process may still be called at exit. */
    void *handle = dlopen(info->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        (void)err_set(err, BP_ERR_FORMAT,
                      "%s: cannot be loaded: %s; link it with -Wl,-z,defs to find what is missing",
                      info->path, dlerror());
        return NULL;
    }
    const struct bp_plugin *entry = dlsym(handle, SYMBOL);
    if (entry == NULL) {
        (void)err_set(err, BP_ERR_FORMAT,
                      "%s: has no symbol " SYMBOL "; end its source with BP_PLUGIN(...) and export "
                      "the symbol",
                      info->path);
        return NULL;
    }
    if (check_entry(info, entry, err) != BP_OK ||
        check_class(info, entry->classes[0], err) != BP_OK)
        return NULL;
    return entry->classes[0];
}
