/*
 * A tree being written, node by node, in a buffer that grows. The first error sticks: what follows
 * it does nothing, and fdt_tree_finish returns it.
 */
#ifndef VMM_TABLES_FDT_TREE_H
#define VMM_TABLES_FDT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct fdt_tree {
    void *blob;
    size_t room;
    int32_t status;
    struct err *err; /* where the sentence goes */
};

void fdt_tree_init(struct fdt_tree *t, struct err *err);
void fdt_tree_fini(struct fdt_tree *t);

/* Names have been checked by the caller. */
void fdt_tree_begin(struct fdt_tree *t, const char *name);
void fdt_tree_end(struct fdt_tree *t);
void fdt_tree_bytes(struct fdt_tree *t, const char *name, const void *bytes, size_t size);
void fdt_tree_empty(struct fdt_tree *t, const char *name);
void fdt_tree_u32(struct fdt_tree *t, const char *name, uint32_t value);
void fdt_tree_u64(struct fdt_tree *t, const char *name, uint64_t value);
void fdt_tree_cells(struct fdt_tree *t, const char *name, const uint32_t *cells, size_t n);
void fdt_tree_string(struct fdt_tree *t, const char *name, const char *value);
/* A list of strings, each NUL-ended, the list ended by an empty one. */
void fdt_tree_string_list(struct fdt_tree *t, const char *name, const char *list);

/* Sticks, if nothing else has before. */
void fdt_tree_fail(struct fdt_tree *t, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* On success the blob is the caller's. */
int32_t fdt_tree_finish(struct fdt_tree *t, void **blob, size_t *size);

#endif
