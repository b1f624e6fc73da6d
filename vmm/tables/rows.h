/* What a layout maps, as rows by address: for the text map, the picture, JSON and questions. */
#ifndef VMM_TABLES_ROWS_H
#define VMM_TABLES_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "core/layout.h"

struct row {
    uint64_t base;
    uint64_t size;
    const struct layout_device *dev;    /* NULL: RAM */
    const struct layout_region *region; /* NULL: RAM */
};

struct line_row {
    const struct layout_device *dev;
    const struct layout_line *line;
};

struct rows {
    struct row *mapped; /* RAM and memory-mapped regions, by address */
    size_t n_mapped;
    struct row *ports; /* by number */
    size_t n_ports;
    struct line_row *lines; /* by number */
    size_t n_lines;
};

/* BP_ERR_NO_MEMORY. */
int32_t rows_init(struct rows *rows, const struct layout *layout);
void rows_fini(struct rows *rows);

/* The device that stands behind a transport ("disk0" for "disk0.virtio-mmio"): whom a user means.
 * Other devices are their own. */
const struct layout_device *rows_meant(const struct layout *layout,
                                       const struct layout_device *dev);

/* "ram", "mmio", "port" */
const char *rows_kind(const struct row *row);

/* "4 KiB", exact: in the largest unit that divides it. */
const char *rows_size(uint64_t bytes, char text[32]);

#endif
