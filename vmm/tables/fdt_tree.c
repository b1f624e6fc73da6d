#include "tables/fdt_tree.h"

#include <backplane/abi.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/fdt.h"

#define FIRST_BYTES 16384u

void fdt_tree_fail(struct fdt_tree *t, int32_t status, const char *format, ...)
{
    if (t->status != BP_OK)
        return;
    t->status = status;
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)err_set(t->err, status, "%s", text);
}

static bool grow(struct fdt_tree *t)
{
    if (t->room >= FDT_BYTES_MAX) {
        fdt_tree_fail(t, BP_ERR_NO_SPACE,
                      "device tree: larger than %u bytes, more than a guest takes: use fewer "
                      "devices or processors",
                      FDT_BYTES_MAX);
        return false;
    }
    void *blob = malloc(t->room * 2);
    if (blob == NULL || fdt_resize(t->blob, blob, (int)(t->room * 2)) != 0) {
        free(blob);
        fdt_tree_fail(t, BP_ERR_NO_MEMORY, "device tree: out of memory");
        return false;
    }
    free(t->blob);
    t->blob = blob;
    t->room *= 2;
    return true;
}

/* True when the step has to be tried again, in a larger buffer. */
static bool try_again(struct fdt_tree *t, int result)
{
    if (result == -FDT_ERR_NOSPACE)
        return grow(t);
    if (result != 0)
        fdt_tree_fail(t, BP_ERR_INVALID, "device tree: %s", fdt_strerror(result));
    return false;
}

void fdt_tree_init(struct fdt_tree *t, struct err *err)
{
    *t = (struct fdt_tree){.room = FIRST_BYTES, .status = BP_OK, .err = err};
    t->blob = malloc(t->room);
    if (t->blob == NULL || fdt_create(t->blob, (int)t->room) != 0 ||
        fdt_finish_reservemap(t->blob) != 0)
        fdt_tree_fail(t, BP_ERR_NO_MEMORY, "device tree: out of memory");
}

void fdt_tree_fini(struct fdt_tree *t)
{
    free(t->blob);
    t->blob = NULL;
}

void fdt_tree_begin(struct fdt_tree *t, const char *name)
{
    while (t->status == BP_OK && try_again(t, fdt_begin_node(t->blob, name)))
        ;
}

void fdt_tree_end(struct fdt_tree *t)
{
    while (t->status == BP_OK && try_again(t, fdt_end_node(t->blob)))
        ;
}

void fdt_tree_bytes(struct fdt_tree *t, const char *name, const void *bytes, size_t size)
{
    if (size > FDT_BYTES_MAX) {
        fdt_tree_fail(t, BP_ERR_NO_SPACE, "device tree: property %s has %zu bytes", name, size);
        return;
    }
    while (t->status == BP_OK && try_again(t, fdt_property(t->blob, name, bytes, (int)size)))
        ;
}

void fdt_tree_empty(struct fdt_tree *t, const char *name)
{
    fdt_tree_bytes(t, name, "", 0);
}

void fdt_tree_u32(struct fdt_tree *t, const char *name, uint32_t value)
{
    fdt_tree_cells(t, name, &value, 1);
}

void fdt_tree_u64(struct fdt_tree *t, const char *name, uint64_t value)
{
    const uint32_t cells[2] = {(uint32_t)(value >> 32), (uint32_t)value};
    fdt_tree_cells(t, name, cells, 2);
}

void fdt_tree_cells(struct fdt_tree *t, const char *name, const uint32_t *cells, size_t n)
{
    uint8_t *bytes = n > FDT_BYTES_MAX / 4 ? NULL : malloc(n * 4 + 1);
    if (bytes == NULL) {
        fdt_tree_fail(t, BP_ERR_NO_MEMORY, "device tree: out of memory for %s", name);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (unsigned b = 0; b < 4; b++)
            bytes[i * 4 + b] = (uint8_t)(cells[i] >> (24 - 8 * b));
    fdt_tree_bytes(t, name, bytes, n * 4);
    free(bytes);
}

void fdt_tree_string(struct fdt_tree *t, const char *name, const char *value)
{
    fdt_tree_bytes(t, name, value, strlen(value) + 1);
}

void fdt_tree_string_list(struct fdt_tree *t, const char *name, const char *list)
{
    size_t size = 0;
    while (list[size] != '\0')
        size += strlen(list + size) + 1;
    fdt_tree_bytes(t, name, list, size);
}

int32_t fdt_tree_finish(struct fdt_tree *t, void **blob, size_t *size)
{
    while (t->status == BP_OK && try_again(t, fdt_finish(t->blob)))
        ;
    if (t->status != BP_OK)
        return t->status;
    *blob = t->blob;
    *size = fdt_totalsize(t->blob);
    t->blob = NULL;
    return BP_OK;
}
