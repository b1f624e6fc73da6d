#include "cli/scaffold.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <backplane/abi.h>

#define TEMPLATE_MAX (256u << 10) /* bytes: more is no template of ours */

/* --- text with values put in ------------------------------------------------------------------ */

/* The value that `at` names, and behind its second @ in *end; NULL: an @ like any other. */
static const char *value_at(const struct scaffold *s, const char *at, const char **end)
{
    for (size_t i = 0; i < s->n_values; i++) {
        size_t len = strlen(s->values[i].name);
        if (strncmp(at + 1, s->values[i].name, len) != 0 || at[len + 1] != '@')
            continue;
        *end = at + len + 2;
        return s->values[i].value;
    }
    return NULL;
}

static char *fill_in(const struct scaffold *s, const char *text)
{
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);
    if (stream == NULL)
        return NULL;
    while (*text != '\0') {
        const char *end;
        const char *value = *text == '@' ? value_at(s, text, &end) : NULL;
        if (value != NULL) {
            (void)fputs(value, stream);
            text = end;
        } else {
            (void)fputc(*text++, stream);
        }
    }
    if (fclose(stream) == 0)
        return out;
    free(out);
    return NULL;
}

static char *join(const struct scaffold *s, const char *dir, const char *name)
{
    char *filled = fill_in(s, name);
    char *path = NULL;
    if (filled != NULL && asprintf(&path, "%s/%s", dir, filled) < 0)
        path = NULL;
    free(filled);
    return path;
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, TEMPLATE_MAX + 1);
    size_t n = text != NULL ? fread(text, 1, TEMPLATE_MAX, file) : 0;
    if (text != NULL && (ferror(file) || n == TEMPLATE_MAX)) {
        errno = ferror(file) ? EIO : EFBIG;
        free(text);
        text = NULL;
    }
    int saved = errno;
    (void)fclose(file);
    errno = saved;
    return text;
}

char *scaffold_read(const struct scaffold *s, const char *from, struct err *err)
{
    char *path = join(s, s->template_dir, from);
    char *text = path != NULL ? read_whole(path) : NULL;
    char *filled = text != NULL ? fill_in(s, text) : NULL;
    if (filled == NULL)
        err_set(err, BP_ERR_IO, "cannot read the template %s: %s", path != NULL ? path : from,
                strerror(errno));
    free(text);
    free(path);
    return filled;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool write_whole(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        left -= (size_t)n;
    }
    return true;
}

/* Makes a file that was not there; on an error it is not there afterwards either. */
static int32_t make_file(const char *path, const char *text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set(err, BP_ERR_IO, "cannot make %s: %s", path, strerror(errno));
    bool ok = write_whole(fd, text);
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok)
        return BP_OK;
    (void)unlink(path);
    return err_set(err, BP_ERR_IO, "cannot write %s: %s", path, strerror(why));
}

static int32_t copy(const struct scaffold *s, const struct scaffold_file *file, struct err *err)
{
    char *text = scaffold_read(s, file->from, err);
    if (text == NULL)
        return BP_ERR_IO;
    char *path = join(s, s->dir, file->to);
    int32_t status =
        path != NULL ? make_file(path, text, err) : err_set(err, BP_ERR_NO_MEMORY, "out of memory");
    free(path);
    free(text);
    return status;
}

static void remove_files(const struct scaffold *s, const struct scaffold_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *path = join(s, s->dir, files[i].to);
        if (path != NULL)
            (void)unlink(path);
        free(path);
    }
}

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    bool empty = dir != NULL;
    while (empty && (entry = readdir(dir)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (dir != NULL)
        (void)closedir(dir);
    return empty;
}

static int32_t make_dir(const char *path, bool *was_made, struct err *err)
{
    struct stat st;
    /* A directory that others may write to is refused when plugins are looked for. */
    *was_made = mkdir(path, 0755) == 0;
    if (*was_made)
        return BP_OK;
    if (errno != EEXIST)
        return err_set(err, BP_ERR_IO, "cannot make the directory %s: %s", path, strerror(errno));
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(err, BP_ERR_EXISTS,
                       "%s is there and no directory: name another one with --dir", path);
    if (!is_empty(path))
        return err_set(err, BP_ERR_EXISTS,
                       "%s is there and not empty: name another directory with --dir", path);
    return BP_OK;
}

int32_t scaffold_make(const struct scaffold *s, const struct scaffold_file *files, size_t n_files,
                      struct err *err)
{
    bool was_made;
    int32_t status = make_dir(s->dir, &was_made, err);
    if (status != BP_OK)
        return status;
    size_t done = 0;
    while (status == BP_OK && done < n_files) {
        status = copy(s, &files[done], err);
        done += status == BP_OK;
    }
    if (status == BP_OK)
        return BP_OK;
    remove_files(s, files, done);
    if (was_made)
        (void)rmdir(s->dir);
    return status;
}
