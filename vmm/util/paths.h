/*
 * Where the program finds what belongs to it: beside itself in a build tree (build/plugins,
 * build/machines), otherwise where it was installed.
 *
 * Plugins that come from elsewhere have directories of their own, which packages and the
 * administrator may put files into:
 *
 *   LIBDIR/backplane/plugins.d            what other packages bring
 *   /usr/local/lib/backplane/plugins.d    what the administrator of this host has built
 *
 * They are searched after the program's own directory, so that nothing in them takes the place of a
 * plugin that came with the program.
 */
#ifndef VMM_UTIL_PATHS_H
#define VMM_UTIL_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/* False when the path does not fit. */
bool paths_plugins(char *out, size_t size);
bool paths_machines(char *out, size_t size);
bool paths_templates(char *out, size_t size); /* of plugins: sdk/template */

/* Directory i of those for plugins from elsewhere, in the order of searching; it need not exist.
 * False after the last one. There is none in a build tree: a test sees the same plugins on every
 * host. */
bool paths_plugins_third_party(size_t i, char *out, size_t size);

#endif
