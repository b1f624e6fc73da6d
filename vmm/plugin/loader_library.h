/* Shared objects as `plugin check` looks at them, in a process of their own: without the loader's
 * checks, which would hide what is to be found. */
#ifndef VMM_PLUGIN_LOADER_LIBRARY_H
#define VMM_PLUGIN_LOADER_LIBRARY_H

#include <stdbool.h>

/* By name ("libm.so.6") or path; stays loaded. NULL: loader_library_error says why. */
void *loader_library_open(const char *name);
const char *loader_library_error(void);

/* A symbol of the library, or of one that it needs; NULL when there is none. */
const void *loader_library_find(void *library, const char *symbol);

/* Whether there is one: its value may be NULL. */
bool loader_library_has(void *library, const char *symbol);

#endif
