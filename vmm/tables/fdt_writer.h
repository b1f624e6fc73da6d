/*
 * The writer that describe_fdt gets, for fdt_device.c. A plugin's mistake is an error with the
 * device's name, never a broken tree: names, nesting, order and sizes are checked here, before
 * libfdt, which does not check them.
 */
#ifndef VMM_TABLES_FDT_WRITER_H
#define VMM_TABLES_FDT_WRITER_H

#include <backplane/if/fdt.h>

#include "tables/fdt_parts.h"

#define FDT_NODE_PROPS_MAX    64u
#define FDT_NODE_CHILDREN_MAX 64u
#define FDT_DEPTH_MAX         4u /* the device's own node and three levels in it */
#define FDT_PROP_BYTES_MAX    16384u
#define FDT_NAME_BYTES        32u /* with the NUL: a property's name, or a node's before its @ */
#define FDT_NODE_NAME_BYTES   64u

struct fdt_level {
    char props[FDT_NODE_PROPS_MAX][FDT_NAME_BYTES];
    char children[FDT_NODE_CHILDREN_MAX][FDT_NODE_NAME_BYTES];
    uint32_t n_props;
    uint32_t n_children;
};

/* describe_fdt is called twice, for the tree is written from front to back: once for the device's
 * node, and once for the nodes that it has under the root (`wants_root`). What belongs to the other
 * is only checked. */
struct fdt_writer {
    struct bp_fdt_writer face;
    struct fdt_build *build;
    const struct layout_device *dev;
    uint32_t depth; /* of the open node in levels[] */
    bool in_root;   /* the open node lies under the root, begun by root_begin */
    bool wants_root;
    struct fdt_level levels[FDT_DEPTH_MAX];
};

/* NULL: out of memory, and the build has failed with that. free() it. */
struct fdt_writer *fdt_writer_create(struct fdt_build *b, const struct layout_device *dev);

bool fdt_writer_is_sound(const struct fdt_writer *w);

/* The build has failed by a mistake of the plugin. */
void fdt_writer_fail(struct fdt_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
