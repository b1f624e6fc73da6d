/*
 * A device's node: the generic part from the layout, then what its describe_fdt adds through the
 * writer (fdt_writer.h).
 */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <backplane/if/fdt.h>
#include <backplane/if/irqchip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/fdt_writer.h"

#define DEVICE_REGIONS_MAX 64u

const struct layout_device *fdt_find_builtin(const struct layout *l, const char *name)
{
    for (size_t i = 0; i < l->n_devices; i++)
        if (l->devices[i].is_builtin && strcmp(l->devices[i].name, name) == 0)
            return &l->devices[i];
    return NULL;
}

bool fdt_device_has_address(const struct layout_device *dev)
{
    for (size_t i = 0; i < dev->n_regions; i++)
        if (dev->regions[i].kind != BP_PIO)
            return true;
    return false;
}

bool fdt_device_name(const struct layout_device *dev, char name[64])
{
    if (dev->dt_name == NULL)
        return false;
    for (size_t i = 0; i < dev->n_regions; i++)
        if (dev->regions[i].kind != BP_PIO) {
            (void)snprintf(name, 64, "%s@%llx", dev->dt_name,
                           (unsigned long long)dev->regions[i].base);
            return true;
        }
    (void)snprintf(name, 64, "%s", dev->dt_name);
    return true;
}

static void write_reg(struct fdt_writer *w)
{
    uint32_t cells[DEVICE_REGIONS_MAX * 4];
    uint32_t n = 0;
    for (size_t i = 0; i < w->dev->n_regions; i++) {
        const struct layout_region *region = &w->dev->regions[i];
        if (region->kind == BP_PIO)
            continue;
        if (n == DEVICE_REGIONS_MAX * 4) {
            fdt_writer_fail(w, "more than %u regions", DEVICE_REGIONS_MAX);
            return;
        }
        cells[n++] = (uint32_t)(region->base >> 32);
        cells[n++] = (uint32_t)region->base;
        cells[n++] = (uint32_t)(region->size >> 32);
        cells[n++] = (uint32_t)region->size;
    }
    if (n > 0)
        w->face.prop_cells(&w->face, "reg", cells, n);
}

static void write_interrupts(struct fdt_writer *w)
{
    const struct layout *l = w->build->layout;
    if (w->dev->n_lines == 0 || l->irqchip == NULL || l->irq_specifier == NULL)
        return;
    size_t room = w->dev->n_lines * BP_IRQCHIP_MAX_CELLS;
    uint32_t *cells = calloc(room, sizeof(*cells));
    if (cells == NULL) {
        fdt_tree_fail(&w->build->tree, BP_ERR_NO_MEMORY, "device tree: out of memory");
        return;
    }
    uint32_t n = 0;
    for (size_t i = 0; i < w->dev->n_lines; i++) {
        const struct layout_line *line = &w->dev->lines[i];
        uint32_t got = l->irq_specifier(l->irq_ctx, line->number, line->trigger, cells + n);
        if (got == 0 || got > BP_IRQCHIP_MAX_CELLS) {
            fdt_tree_fail(
                &w->build->tree, BP_ERR_INVALID,
                "device %s (%s): gives %u cells for line %u of device %s (allowed: 1-%u); "
                "this is a mistake in the plugin",
                l->irqchip->name, l->irqchip->class_id, got, line->number, w->dev->name,
                BP_IRQCHIP_MAX_CELLS);
            break;
        }
        n += got;
    }
    w->face.prop_cells(&w->face, "interrupts", cells, n);
    w->face.prop_u32(&w->face, "interrupt-parent", fdt_phandle_device(w->build, l->irqchip));
    free(cells);
}

static void write_compatible(struct fdt_writer *w)
{
    const char *list = w->dev->dt_compatible;
    size_t size = 0;
    if (list == NULL || list[0] == '\0')
        return;
    while (list[size] != '\0' && size <= FDT_PROP_BYTES_MAX)
        size += strlen(list + size) + 1;
    w->face.prop_strings(&w->face, "compatible", list, (uint32_t)size);
}

static void write_generic(struct fdt_writer *w)
{
    write_compatible(w);
    write_reg(w);
    w->face.prop_string(&w->face, "status", "okay");
    write_interrupts(w);
    if (w->dev->is_irqchip || w->dev->describe_fdt != NULL)
        w->face.prop_self(&w->face, "phandle");
}

static void describe(struct fdt_writer *w)
{
    if (w->dev->describe_fdt != NULL && fdt_writer_is_sound(w))
        w->dev->describe_fdt(w->dev->ctx, &w->face);
    if (w->dev->is_builtin && w->dev->is_irqchip && w->build->layout->arch == ARCH_ARM64)
        fdt_arm64_controller(w->build);
    if (w->dev->is_builtin && w->build->layout->arch == ARCH_RISCV64)
        fdt_riscv64_controller(w->build, w->dev);
    if (fdt_writer_is_sound(w) && w->depth != 0)
        fdt_writer_fail(w, "%u child nodes are not ended", w->depth);
}

void fdt_device_node(struct fdt_build *b, const struct layout_device *dev, const char *name)
{
    struct fdt_writer *w = fdt_writer_create(b, dev);
    if (w == NULL)
        return;
    fdt_tree_begin(&b->tree, name);
    write_generic(w);
    describe(w);
    fdt_tree_end(&b->tree);
    free(w);
}

void fdt_device_root_nodes(struct fdt_build *b, const struct layout_device *dev)
{
    struct fdt_writer *w = dev->describe_fdt == NULL ? NULL : fdt_writer_create(b, dev);
    if (w == NULL)
        return;
    w->wants_root = true;
    describe(w);
    free(w);
}
