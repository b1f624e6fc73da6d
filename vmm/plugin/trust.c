/*
 * Decided here, and why:
 *  - A file, and the directory that it lies in, must not be writable by the group or by others, nor
 *    be another user's: whoever can change them decides what runs.
 *  - Of the directories above only those are refused in which everybody may rename things: that is
 *    never meant. A group may write to one (Debian's /usr/local was the group staff's), and another
 *    user may own one (root in a container, on a checkout of the user's): both could as well change
 *    the program itself, and what they put there would still be theirs, which the check of the
 *    thing itself refuses.
 *  - Links are followed where they lead to such a place too, so that stow, alternatives and a link
 *    into one's own source tree work. A link of another user's (in /tmp, say) is not followed.
 */
#include "plugin/trust.h"

#include <backplane/abi.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40u

static bool is_strangers(const struct stat *st)
{
    return st->st_uid != 0 && st->st_uid != geteuid();
}

int32_t trust_check(const char *path, const struct stat *st, struct err *err)
{
    if (is_strangers(st))
        return err_set(err, BP_ERR_PERMISSION,
                       "%s: belongs to user %u; it must be owned by root or by you (chown it)",
                       path, (unsigned)st->st_uid);
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(err, BP_ERR_PERMISSION, "%s: others may write to it; run: chmod go-w %s",
                       path, path);
    return BP_OK;
}

/* --- The way ---------------------------------------------------------------------------------- */

struct way {
    const char *path;      /* as it was given, for messages */
    char done[PATH_MAX];   /* without links; "" is the root */
    char rest[PATH_MAX];   /* still to go */
    char target[PATH_MAX]; /* scratch */
    unsigned n_links;
};

static int32_t fail(const struct way *w, int error, struct err *err)
{
    return err_set(err, error == EACCES ? BP_ERR_PERMISSION : BP_ERR_NOT_FOUND, "%s: %s", w->path,
                   strerror(error));
}

/* Takes the next name off `rest`; false at the end. */
static bool next_name(struct way *w, char name[NAME_MAX + 2])
{
    const char *begin = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(begin, "/");
    if (n == 0)
        return false;
    (void)snprintf(name, NAME_MAX + 2, "%.*s", (int)n, begin);
    memmove(w->rest, begin + n, strlen(begin + n) + 1);
    return true;
}

static int32_t put_before_rest(struct way *w, const char *text, struct err *err)
{
    size_t n = strlen(text), kept = strlen(w->rest) + 1;
    if (n + kept > sizeof(w->rest))
        return fail(w, ENAMETOOLONG, err);
    memmove(w->rest + n, w->rest, kept);
    memcpy(w->rest, text, n);
    return BP_OK;
}

/* At a link, whose own name is not in `done` any more after `length`. */
static int32_t enter_link(struct way *w, size_t length, const struct stat *st, struct err *err)
{
    if (is_strangers(st))
        return err_set(
            err, BP_ERR_PERMISSION,
            "%s: the link %s belongs to user %u, who can turn it elsewhere; make it your "
            "own, or name where it leads",
            w->path, w->done, (unsigned)st->st_uid);
    if (++w->n_links > LINKS_MAX)
        return fail(w, ELOOP, err);
    ssize_t n = readlink(w->done, w->target, sizeof(w->target));
    if (n < 0 || (size_t)n >= sizeof(w->target))
        return fail(w, n < 0 ? errno : ENAMETOOLONG, err);
    w->target[n] = '\0';
    w->done[w->target[0] == '/' ? 0 : length] = '\0';
    return put_before_rest(w, w->target, err);
}

static int32_t check_above(const struct way *w, const struct stat *st, struct err *err)
{
    bool is_open = (st->st_mode & S_IWOTH) != 0 && (st->st_mode & S_ISVTX) == 0;
    return !is_open ? BP_OK
                    : err_set(err, BP_ERR_PERMISSION,
                              "%s: everybody may rename what is in %s, above it; run: chmod o-w %s",
                              w->path, w->done, w->done);
}

static int32_t step(struct way *w, const char *name, struct err *err)
{
    size_t length = strlen(w->done);
    if (strcmp(name, ".") == 0)
        return BP_OK;
    if (strcmp(name, "..") == 0) {
        char *slash = strrchr(w->done, '/');
        if (slash != NULL)
            *slash = '\0';
        return BP_OK;
    }
    if (strlen(name) > NAME_MAX || length + 1 + strlen(name) >= sizeof(w->done))
        return fail(w, ENAMETOOLONG, err);
    w->done[length] = '/';
    memcpy(w->done + length + 1, name, strlen(name) + 1);
    struct stat st;
    if (lstat(w->done, &st) != 0)
        return fail(w, errno, err);
    if (S_ISLNK(st.st_mode))
        return enter_link(w, length, &st, err);
    bool is_last = w->rest[strspn(w->rest, "/")] == '\0';
    return is_last ? BP_OK : check_above(w, &st, err);
}

int32_t trust_resolve(const char *path, char *out, size_t size, struct err *err)
{
    struct way w = {.path = path};
    char name[NAME_MAX + 2];
    if (path[0] != '/' && getcwd(w.rest, sizeof(w.rest) - 1) == NULL)
        return fail(&w, errno, err);
    size_t used = strlen(w.rest);
    if (snprintf(w.rest + used, sizeof(w.rest) - used, "/%s", path) >= (int)(sizeof(w.rest) - used))
        return fail(&w, ENAMETOOLONG, err);
    int32_t status = BP_OK;
    while (status == BP_OK && next_name(&w, name))
        status = step(&w, name, err);
    if (status == BP_OK && snprintf(out, size, "%s", w.done[0] != '\0' ? w.done : "/") >= (int)size)
        return fail(&w, ENAMETOOLONG, err);
    return status;
}

int32_t trust_follow_link(const char *path, char *out, size_t size, struct err *err)
{
    char directory[PATH_MAX];
    struct stat st;
    int32_t status = trust_resolve(path, out, size, err);
    if (status != BP_OK)
        return status;
    const char *slash = strrchr(out, '/');
    (void)snprintf(directory, sizeof(directory), "%.*s", slash == out ? 1 : (int)(slash - out),
                   out);
    if (stat(directory, &st) != 0)
        return err_set(err, BP_ERR_NOT_FOUND, "%s: %s", directory, strerror(errno));
    struct err why;
    status = trust_check(directory, &st, &why);
    if (status != BP_OK)
        return err_set(err, status,
                       "%s: a link to %s, which others could replace: %s; or put a copy of the "
                       "file in the link's place",
                       path, out, why.text);
    return BP_OK;
}
