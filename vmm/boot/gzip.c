/*
 * Unpacks a gzip stream (RFC 1952), with its check sum, to an anonymous file in memory: a reset
 * loads it from there again. Bytes behind the stream are not looked at. Not done: several streams
 * in one file.
 */
#include "boot/gzip.h"

#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE_BYTES (256u << 10)
#define GZIP_WRAP   16 /* zlib: the stream has gzip's header and trailer */

struct unpacker {
    const struct boot_file *file;
    uint64_t offset; /* of what is not read yet */
    uint64_t left;
    z_stream z;
    bool has_ended;
    uint8_t in[PIECE_BYTES];
};

static int32_t unpacker_create(const struct boot_file *file, const struct boot_gzip *stream,
                               struct unpacker **out, struct err *err)
{
    struct unpacker *u = calloc(1, sizeof(*u));
    if (u == NULL || inflateInit2(&u->z, MAX_WBITS + GZIP_WRAP) != Z_OK) {
        free(u);
        return boot_file_fail(file, err, BP_ERR_NO_MEMORY, "out of memory to unpack it");
    }
    u->file = file;
    u->offset = stream->offset;
    u->left = stream->bytes;
    *out = u;
    return BP_OK;
}

static void unpacker_destroy(struct unpacker *u)
{
    (void)inflateEnd(&u->z);
    free(u);
}

static int32_t refill(struct unpacker *u, struct err *err)
{
    size_t want = u->left < sizeof(u->in) ? (size_t)u->left : sizeof(u->in);
    size_t got;
    int32_t status = boot_file_head(u->file, u->offset, u->in, want, &got, err);
    if (status != BP_OK)
        return status;
    if (got == 0)
        return boot_file_fail(u->file, err, BP_ERR_FORMAT,
                              "is truncated: its gzip data does not end");
    u->offset += got;
    u->left -= got;
    u->z.next_in = u->in;
    u->z.avail_in = (uInt)got;
    return BP_OK;
}

/* `n` is at most PIECE_BYTES. */
static int32_t unpack_some(struct unpacker *u, void *to, size_t n, size_t *got, struct err *err)
{
    int32_t status = BP_OK;
    u->z.next_out = to;
    u->z.avail_out = (uInt)n;
    while (!u->has_ended && u->z.avail_out > 0 && status == BP_OK) {
        if (u->z.avail_in == 0)
            status = refill(u, err);
        if (status != BP_OK)
            break;
        int result = inflate(&u->z, Z_NO_FLUSH);
        u->has_ended = result == Z_STREAM_END;
        if (result == Z_MEM_ERROR)
            status = boot_file_fail(u->file, err, BP_ERR_NO_MEMORY, "out of memory to unpack it");
        else if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            status = boot_file_fail(u->file, err, BP_ERR_FORMAT, "its gzip data is damaged: %s",
                                    u->z.msg != NULL ? u->z.msg : "no reason is given");
    }
    *got = n - u->z.avail_out;
    return status;
}

int32_t boot_gzip_head(const struct boot_file *file, const struct boot_gzip *stream, void *to,
                       size_t n, size_t *got, struct err *err)
{
    struct unpacker *u;
    *got = 0;
    int32_t status = unpacker_create(file, stream, &u, err);
    if (status != BP_OK)
        return status;
    status = unpack_some(u, to, n, got, err);
    unpacker_destroy(u);
    return status;
}

static int32_t write_all(const struct boot_file *file, int fd, const uint8_t *bytes, size_t n,
                         struct err *err)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return boot_file_fail(file, err, BP_ERR_NO_MEMORY, "cannot be unpacked to memory: %s",
                                  strerror(errno));
        bytes += written;
        n -= (size_t)written;
    }
    return BP_OK;
}

static int32_t unpack_all(struct unpacker *u, int fd, uint64_t max, const char *limit,
                          uint64_t *total, struct err *err)
{
    int32_t status = BP_OK;
    uint8_t *piece = malloc(PIECE_BYTES);
    if (piece == NULL)
        return boot_file_fail(u->file, err, BP_ERR_NO_MEMORY, "out of memory to unpack it");
    *total = 0;
    while (!u->has_ended && status == BP_OK) {
        size_t got;
        status = unpack_some(u, piece, PIECE_BYTES, &got, err);
        if (status == BP_OK && got > max - *total)
            status = boot_file_fail(u->file, err, BP_ERR_NO_SPACE,
                                    "unpacks to more than the %llu bytes of %s",
                                    (unsigned long long)max, limit);
        if (status == BP_OK)
            status = write_all(u->file, fd, piece, got, err);
        *total += got;
    }
    free(piece);
    return status;
}

int32_t boot_gzip_unpack(struct boot_file *file, const struct boot_gzip *stream, uint64_t max,
                         const char *limit, struct err *err)
{
    struct unpacker *u;
    uint64_t total = 0;
    int fd = memfd_create("kernel", MFD_CLOEXEC);
    if (fd < 0)
        return boot_file_fail(file, err, BP_ERR_NO_MEMORY, "no memory to unpack it: %s",
                              strerror(errno));
    int32_t status = unpacker_create(file, stream, &u, err);
    if (status == BP_OK) {
        status = unpack_all(u, fd, max, limit, &total, err);
        unpacker_destroy(u);
    }
    if (status != BP_OK) {
        (void)close(fd);
        return status;
    }
    (void)close(file->fd);
    file->fd = fd;
    file->size = total;
    return BP_OK;
}
