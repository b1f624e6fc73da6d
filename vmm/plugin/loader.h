/* Turns a plugin file into its class; the one place that calls dlopen. */
#ifndef VMM_PLUGIN_LOADER_H
#define VMM_PLUGIN_LOADER_H

#include <backplane/device.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "plugin/registry.h"

/* The ABI that a plugin was made for, against this program's: BP_OK, or BP_ERR_VERSION and a
 * sentence that names both sides and the cure. */
int32_t loader_check_abi(const char *path, uint32_t abi_major, uint32_t abi_minor, struct err *err);

/* What a file is known by later. */
void loader_identify(const struct stat *st, struct plugin_file *file);

/* Loads the file, whose note said `info`, checks that descriptor and note agree and that the class
 * is sane. Never unloaded. */
const struct bp_class *loader_load(const struct plugin_info *info, struct err *err);

/* The file that a class was loaded from, or NULL; also in a signal handler. */
const char *loader_path_of(const struct bp_class *class_);

/* Also in a signal handler: a loaded file that is not what it was. */
bool loader_is_changed(const char *path);

#endif
