#include "tables/rows.h"

#include <backplane/abi.h>
#include <backplane/device.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    return (x->base > y->base) - (x->base < y->base);
}

static int compare_lines(const void *a, const void *b)
{
    const struct line_row *x = a;
    const struct line_row *y = b;
    if (x->line->number != y->line->number)
        return x->line->number < y->line->number ? -1 : 1;
    return (x->dev > y->dev) - (x->dev < y->dev);
}

static void add_device(struct rows *rows, const struct layout_device *dev)
{
    for (size_t i = 0; i < dev->n_regions; i++) {
        const struct layout_region *region = &dev->regions[i];
        struct row row = {region->base, region->size, dev, region};
        if (region->kind == BP_PIO)
            rows->ports[rows->n_ports++] = row;
        else
            rows->mapped[rows->n_mapped++] = row;
    }
    for (size_t i = 0; i < dev->n_lines; i++)
        rows->lines[rows->n_lines++] = (struct line_row){dev, &dev->lines[i]};
}

int32_t rows_init(struct rows *rows, const struct layout *layout)
{
    size_t n_regions = layout->n_ram;
    size_t n_lines = 0;
    for (size_t i = 0; i < layout->n_devices; i++) {
        n_regions += layout->devices[i].n_regions;
        n_lines += layout->devices[i].n_lines;
    }
    *rows = (struct rows){.mapped = calloc(n_regions + 1, sizeof(struct row)),
                          .ports = calloc(n_regions + 1, sizeof(struct row)),
                          .lines = calloc(n_lines + 1, sizeof(struct line_row))};
    if (rows->mapped == NULL || rows->ports == NULL || rows->lines == NULL) {
        rows_fini(rows);
        return BP_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < layout->n_ram; i++)
        rows->mapped[rows->n_mapped++] =
            (struct row){layout->ram[i].base, layout->ram[i].size, NULL, NULL};
    for (size_t i = 0; i < layout->n_devices; i++)
        add_device(rows, &layout->devices[i]);
    qsort(rows->mapped, rows->n_mapped, sizeof(struct row), compare_rows);
    qsort(rows->ports, rows->n_ports, sizeof(struct row), compare_rows);
    qsort(rows->lines, rows->n_lines, sizeof(struct line_row), compare_lines);
    return BP_OK;
}

void rows_fini(struct rows *rows)
{
    free(rows->mapped);
    free(rows->ports);
    free(rows->lines);
    *rows = (struct rows){0};
}

const struct layout_device *rows_meant(const struct layout *layout, const struct layout_device *dev)
{
    for (size_t i = 0; i < layout->n_devices; i++) {
        const struct layout_device *other = &layout->devices[i];
        if (other->behind != NULL && strcmp(other->behind, dev->name) == 0)
            return other;
    }
    return dev;
}

const char *rows_kind(const struct row *row)
{
    if (row->region == NULL || row->region->kind == BP_RAM)
        return "ram";
    return row->region->kind == BP_PIO ? "port" : "mmio";
}

const char *rows_size(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (unit < 4 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(text, 32, "%" PRIu64 " %s", bytes, units[unit]);
    return text;
}
