/* A file that is loaded into the guest: opened once, checked, read piece by piece. */
#ifndef VMM_BOOT_FILE_H
#define VMM_BOOT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/memory.h"
#include "util/err.h"

struct boot_file {
    const char *what; /* "kernel", "initrd", "firmware": static */
    char *path;
    int fd; /* -1: not open */
    uint64_t size;
};

/* Only regular files that are not empty; every other kind has its own sentence. Never blocks. */
int32_t boot_file_open(struct boot_file *file, const char *what, const char *path, struct err *err);
void boot_file_close(struct boot_file *file); /* also one that was never opened, all zero */

/* Up to `n` bytes from the offset on, fewer only at the end of the file. */
int32_t boot_file_head(const struct boot_file *file, uint64_t offset, void *to, size_t n,
                       size_t *got, struct err *err);

/* Exactly `n` bytes straight into guest memory. */
int32_t boot_file_load(const struct boot_file *file, uint64_t offset, uint64_t n,
                       struct memory *memory, uint64_t gpa, struct err *err);

/* "kernel PATH: " before the sentence. Returns `status`. */
int32_t boot_file_fail(const struct boot_file *file, struct err *err, int32_t status,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
