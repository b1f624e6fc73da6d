/* Kernels that are packed with gzip: a stream (RFC 1952) in a file. */
#ifndef VMM_BOOT_GZIP_H
#define VMM_BOOT_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include "boot/file.h"
#include "util/err.h"

/* Where the stream lies in its file. */
struct boot_gzip {
    uint64_t offset;
    uint64_t bytes;
};

/* Up to `n` of the bytes that it unpacks to, from the first one on, fewer only at their end. */
int32_t boot_gzip_head(const struct boot_file *file, const struct boot_gzip *stream, void *to,
                       size_t n, size_t *got, struct err *err);

/* From now on the file is what the stream unpacks to, in memory. BP_ERR_NO_SPACE when that is more
 * than `max` bytes; `limit` says whose bound it is: "its header's image_size". */
int32_t boot_gzip_unpack(struct boot_file *file, const struct boot_gzip *stream, uint64_t max,
                         const char *limit, struct err *err);

#endif
