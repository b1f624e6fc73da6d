#include "boot/file.h"

#include <backplane/abi.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES      (64u << 20)
#define LARGE_PAGE_BYTES (2u << 20)
#define SHARE_BYTES_MIN  (4u << 20) /* less is not worth a thread */
#define SHARES_MAX       4

int32_t boot_file_fail(const struct boot_file *file, struct err *err, int32_t status,
                       const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(err, status, "%s %.300s: %s", file->what, file->path, text);
}

static int32_t check_kind(const struct boot_file *file, const struct stat *st, struct err *err)
{
    if (S_ISDIR(st->st_mode))
        return boot_file_fail(file, err, BP_ERR_INVALID, "is a directory: name a file");
    if (!S_ISREG(st->st_mode))
        return boot_file_fail(file, err, BP_ERR_INVALID,
                              "is a pipe, socket or device: copy it to a regular file first");
    if (st->st_size <= 0)
        return boot_file_fail(file, err, BP_ERR_FORMAT, "is empty");
    return BP_OK;
}

static int32_t explain_open(const struct boot_file *file, int error, struct err *err)
{
    if (error == ENOENT || error == ENOTDIR)
        return boot_file_fail(file, err, BP_ERR_NOT_FOUND, "there is no such file");
    if (error == EACCES || error == EPERM)
        return boot_file_fail(file, err, BP_ERR_PERMISSION,
                              "you may not read it: change its permissions (chmod a+r)");
    return boot_file_fail(file, err, BP_ERR_IO, "cannot be opened: %s", strerror(error));
}

int32_t boot_file_open(struct boot_file *file, const char *what, const char *path, struct err *err)
{
    *file = (struct boot_file){.what = what, .path = strdup(path), .fd = -1};
    if (file->path == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "%s %.300s: out of memory", what, path);
    /* O_NONBLOCK: a pipe without a writer must not stop us before its kind is known. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int32_t status;
    if (file->fd < 0)
        status = explain_open(file, errno, err);
    else if (fstat(file->fd, &st) != 0)
        status = explain_open(file, errno, err);
    else
        status = check_kind(file, &st, err);
    if (status != BP_OK) {
        boot_file_close(file);
        return status;
    }
    file->size = (uint64_t)st.st_size;
    return BP_OK;
}

void boot_file_close(struct boot_file *file)
{
    if (file->path != NULL && file->fd >= 0)
        (void)close(file->fd);
    free(file->path);
    *file = (struct boot_file){.fd = -1};
}

int32_t boot_file_head(const struct boot_file *file, uint64_t offset, void *to, size_t n,
                       size_t *got, struct err *err)
{
    *got = 0;
    if (offset >= file->size)
        return BP_OK;
    while (*got < n) {
        ssize_t r = pread(file->fd, (uint8_t *)to + *got, n - *got, (off_t)(offset + *got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return boot_file_fail(file, err, BP_ERR_IO, "cannot be read: %s", strerror(errno));
        if (r == 0)
            break;
        *got += (size_t)r;
    }
    return BP_OK;
}

/* Whole large pages in the middle of what will be filled: a 31 MB kernel then takes 7 ms instead of
 * 20, most of which went into page faults. A hint: that it fails does not matter. */
static void advise_large_pages(uint8_t *to, uint64_t n)
{
    uintptr_t first = ((uintptr_t)to + (LARGE_PAGE_BYTES - 1)) & ~(uintptr_t)(LARGE_PAGE_BYTES - 1);
    uintptr_t last = ((uintptr_t)to + (uintptr_t)n) & ~(uintptr_t)(LARGE_PAGE_BYTES - 1);
    if (first < last)
        (void)madvise((void *)first, last - first, MADV_HUGEPAGE);
}

/* One thread's share of a file. */
struct share {
    const struct boot_file *file;
    uint8_t *to;
    uint64_t offset;
    uint64_t n;
    int32_t status;
    struct err err;
};

static void *load_share(void *arg)
{
    struct share *s = arg;
    s->status = BP_OK;
    while (s->n > 0 && s->status == BP_OK) {
        size_t piece = s->n < PIECE_BYTES ? (size_t)s->n : PIECE_BYTES;
        size_t got;
        s->status = boot_file_head(s->file, s->offset, s->to, piece, &got, &s->err);
        if (s->status == BP_OK && got < piece)
            s->status = boot_file_fail(s->file, &s->err, BP_ERR_IO,
                                       "has become shorter since it was opened");
        s->to += piece;
        s->offset += piece;
        s->n -= piece;
    }
    return NULL;
}

/* Cuts the work at large pages, so that no two threads touch one first. */
static size_t cut_shares(const struct share *whole, struct share *shares)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t n_shares = whole->n / SHARE_BYTES_MIN;
    if (n_shares > SHARES_MAX)
        n_shares = SHARES_MAX;
    if (cpus > 0 && n_shares > (uint64_t)cpus)
        n_shares = (uint64_t)cpus;
    size_t used = 0;
    uint64_t done = 0;
    while (done < whole->n) {
        uint64_t left = whole->n - done;
        uint64_t n = left;
        if (used + 1 < n_shares) {
            n = whole->n / n_shares;
            n += -((uintptr_t)whole->to + done + n) & (LARGE_PAGE_BYTES - 1);
            n = n < left ? n : left;
        }
        shares[used] = *whole;
        shares[used].to += done;
        shares[used].offset += done;
        shares[used++].n = n;
        done += n;
    }
    return used;
}

/* Copying a distribution's kernel is most of the time before the first guest instruction. */
int32_t boot_file_load(const struct boot_file *file, uint64_t offset, uint64_t n,
                       struct memory *memory, uint64_t gpa, struct err *err)
{
    const struct share whole = {
        .file = file, .to = memory_at(memory, gpa, n), .offset = offset, .n = n};
    if (whole.to == NULL)
        return boot_file_fail(file, err, BP_ERR_RANGE, "0x%llx is not RAM",
                              (unsigned long long)gpa);
    advise_large_pages(whole.to, n);
    struct share shares[SHARES_MAX];
    pthread_t threads[SHARES_MAX];
    size_t n_shares = cut_shares(&whole, shares);
    size_t n_started = 1;
    while (n_started < n_shares &&
           pthread_create(&threads[n_started], NULL, load_share, &shares[n_started]) == 0)
        n_started++;
    /* This thread's own share, and those for which there was no thread. */
    for (size_t i = 0; i < n_shares; i += i == 0 ? n_started : 1)
        (void)load_share(&shares[i]);
    for (size_t i = 1; i < n_started; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < n_shares; i++)
        if (shares[i].status != BP_OK)
            return err_set(err, shares[i].status, "%s", shares[i].err.text);
    return BP_OK;
}
