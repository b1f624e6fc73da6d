/*
 * Where the program finds what belongs to it: beside itself in a build tree (build/plugins,
 * build/machines), otherwise where it was installed.
 */
#ifndef VMM_UTIL_PATHS_H
#define VMM_UTIL_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/* False when the path does not fit. */
bool paths_plugins(char *out, size_t size);
bool paths_machines(char *out, size_t size);

#endif
