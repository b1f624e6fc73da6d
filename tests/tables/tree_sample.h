/* A device tree that was built, and what is asked of it: for tests that have included cmocka.h. */
#ifndef TESTS_TREE_SAMPLE_H
#define TESTS_TREE_SAMPLE_H

#include <backplane/abi.h>
#include <libfdt.h>

#include "tables/fdt.h"

struct tree {
    void *blob;
    size_t size;
    struct err err;
};

static inline void build(struct tree *t, const struct layout *layout,
                         const struct fdt_chosen *chosen)
{
    int32_t status = fdt_build(layout, chosen, &t->blob, &t->size, &t->err);
    if (status != BP_OK)
        fail_msg("status %d: %s", status, t->err.text);
    assert_int_equal(fdt_check_full(t->blob, t->size), 0);
}

static inline int node(const struct tree *t, const char *path)
{
    int offset = fdt_path_offset(t->blob, path);
    if (offset < 0)
        fail_msg("no node %s", path);
    return offset;
}

static inline void assert_cells(const struct tree *t, const char *path, const char *name,
                                const uint32_t *cells, int n)
{
    int size;
    const fdt32_t *value = fdt_getprop(t->blob, node(t, path), name, &size);
    if (value == NULL || size != n * 4)
        fail_msg("%s %s has %d bytes", path, name, size);
    for (int i = 0; i < n; i++)
        assert_int_equal(fdt32_to_cpu(value[i]), cells[i]);
}

#define CELLS(t, path, name, ...)                                                                  \
    do {                                                                                           \
        const uint32_t cells_[] = {__VA_ARGS__};                                                   \
        assert_cells(t, path, name, cells_, (int)(sizeof(cells_) / 4));                            \
    } while (0)

static inline void assert_text(const struct tree *t, const char *path, const char *name,
                               const char *text, int size)
{
    int got;
    const char *value = fdt_getprop(t->blob, node(t, path), name, &got);
    assert_non_null(value);
    assert_int_equal(got, size);
    assert_memory_equal(value, text, (size_t)size);
}

#define TEXT(t, path, name, text) assert_text(t, path, name, text, (int)sizeof(text))

#endif
