/*
 * Who could have put something else in a plugin's place. A plugin is code that runs as whoever runs
 * backplane, so it must be root's or that user's, where nobody else can write.
 */
#ifndef VMM_PLUGIN_TRUST_H
#define VMM_PLUGIN_TRUST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "util/err.h"

/* The thing itself, a plugin file or a directory of them: owned by root or the user, and nobody
 * else may write to it. */
int32_t trust_check(const char *path, const struct stat *st, struct err *err);

/* The way to it: resolves every link of `path` into `out` and checks what it passes. A directory
 * above may not be one in which everybody may rename (written to by all, without the sticky bit),
 * and a link must be root's or the user's own. */
int32_t trust_resolve(const char *path, char *out, size_t size, struct err *err);

/* A plugin file that is a link: what it leads to, in `out`, must lie where a plugin directory could
 * be, as if it had been named itself. */
int32_t trust_follow_link(const char *path, char *out, size_t size, struct err *err);

#endif
