/*
 * A device's node: the generic part from the layout, then what its describe_fdt adds through the
 * writer. A plugin's mistake is an error with the device's name, never a broken tree: names,
 * nesting, order and sizes are checked here, before libfdt, which does not check them.
 */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <backplane/if/fdt.h>
#include <backplane/if/irqchip.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/fdt_parts.h"

#define NODE_PROPS_MAX     64u
#define NODE_CHILDREN_MAX  64u
#define DEPTH_MAX          4u /* the device's own node and three levels in it */
#define PROP_BYTES_MAX     16384u
#define NAME_BYTES         32u /* with the NUL: a property's name, or a node's before its @ */
#define NODE_NAME_BYTES    64u
#define DEVICE_REGIONS_MAX 64u

struct level {
    char props[NODE_PROPS_MAX][NAME_BYTES];
    char children[NODE_CHILDREN_MAX][NODE_NAME_BYTES];
    uint32_t n_props;
    uint32_t n_children;
};

struct writer {
    struct bp_fdt_writer face;
    struct fdt_build *build;
    const struct layout_device *dev;
    uint32_t depth; /* of the open node in levels[] */
    struct level levels[DEPTH_MAX];
};

static bool has_only(const char *name, size_t length, const char *others)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && strchr(others, name[i]) == NULL)
            return false;
    return true;
}

bool fdt_property_name_is_valid(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, NAME_BYTES);
    return length > 0 && length < NAME_BYTES && has_only(name, length, ",._+?#-");
}

bool fdt_node_name_is_valid(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, NAME_BYTES);
    return length > 0 && length < NAME_BYTES && isalpha((unsigned char)name[0]) &&
           has_only(name, length, ",._+-");
}

/* A child's name, with or without a unit address. */
static bool child_name_is_valid(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, NODE_NAME_BYTES);
    if (length == 0 || length >= NODE_NAME_BYTES)
        return false;
    const char *at = memchr(name, '@', length);
    char base[NODE_NAME_BYTES];
    size_t base_length = at == NULL ? length : (size_t)(at - name);
    memcpy(base, name, base_length);
    base[base_length] = '\0';
    if (!fdt_node_name_is_valid(base))
        return false;
    return at == NULL || (at[1] != '\0' && has_only(at + 1, length - base_length - 1, ",._+-"));
}

/* Control characters would spoil the message. */
static void quote(const char *name, char out[40])
{
    size_t n = 0;
    for (; name != NULL && name[n] != '\0' && n < 39; n++)
        out[n] = isprint((unsigned char)name[n]) ? name[n] : '?';
    out[n] = '\0';
}

static void fail(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct writer *w, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fdt_tree_fail(&w->build->tree, BP_ERR_INVALID,
                  "device %s (%s): describe_fdt: %s; this is a mistake in the plugin", w->dev->name,
                  w->dev->class_id, text);
}

static struct writer *writer_of(const struct bp_fdt_writer *face)
{
    return face->ctx;
}

static bool is_sound(const struct writer *w)
{
    return w->build->tree.status == BP_OK;
}

/* Every property comes through here, the generic ones too. */
static bool may_add(struct writer *w, const char *name, size_t size)
{
    if (!is_sound(w))
        return false;
    struct level *level = &w->levels[w->depth];
    char shown[40];
    quote(name, shown);
    if (!fdt_property_name_is_valid(name)) {
        fail(w, "\"%s\" is no property name (1-31 letters, digits and ,._+?#-)", shown);
        return false;
    }
    if (level->n_children > 0) {
        fail(w, "property %s comes after a child node", shown);
        return false;
    }
    for (uint32_t i = 0; i < level->n_props; i++)
        if (strcmp(level->props[i], name) == 0) {
            fail(w, "property %s is there already", shown);
            return false;
        }
    if (size > PROP_BYTES_MAX) {
        fail(w, "property %s has %zu bytes (limit %u)", shown, size, PROP_BYTES_MAX);
        return false;
    }
    if (level->n_props == NODE_PROPS_MAX) {
        fail(w, "property %s is one too many for a node (limit %u)", shown, NODE_PROPS_MAX);
        return false;
    }
    memcpy(level->props[level->n_props++], name, strlen(name) + 1);
    return true;
}

static void prop_cells(const struct bp_fdt_writer *face, const char *name, const uint32_t *cells,
                       uint32_t n)
{
    struct writer *w = writer_of(face);
    if (!may_add(w, name, (size_t)n * 4))
        return;
    if (cells == NULL || n == 0)
        fail(w, "property %s has no cells", name);
    else
        fdt_tree_cells(&w->build->tree, name, cells, n);
}

static void prop_u32(const struct bp_fdt_writer *face, const char *name, uint32_t value)
{
    prop_cells(face, name, &value, 1);
}

static void prop_u64(const struct bp_fdt_writer *face, const char *name, uint64_t value)
{
    const uint32_t cells[2] = {(uint32_t)(value >> 32), (uint32_t)value};
    prop_cells(face, name, cells, 2);
}

static void prop_string(const struct bp_fdt_writer *face, const char *name, const char *value)
{
    struct writer *w = writer_of(face);
    size_t size = value == NULL ? 0 : strnlen(value, PROP_BYTES_MAX) + 1;
    if (!may_add(w, name, size))
        return;
    if (value == NULL)
        fail(w, "property %s has no string", name);
    else
        fdt_tree_bytes(&w->build->tree, name, value, size);
}

static void prop_strings(const struct bp_fdt_writer *face, const char *name, const char *values,
                         uint32_t size)
{
    struct writer *w = writer_of(face);
    if (!may_add(w, name, size))
        return;
    if (values == NULL || size == 0 || values[size - 1] != '\0')
        fail(w, "property %s is no list of NUL-ended strings", name);
    else
        fdt_tree_bytes(&w->build->tree, name, values, size);
}

static void prop_empty(const struct bp_fdt_writer *face, const char *name)
{
    struct writer *w = writer_of(face);
    if (may_add(w, name, 0))
        fdt_tree_empty(&w->build->tree, name);
}

static void prop_cpu_irqs(const struct bp_fdt_writer *face, const char *name, const uint32_t *irqs,
                          uint32_t n)
{
    struct writer *w = writer_of(face);
    uint32_t n_cpus = w->build->layout->n_cpus;
    size_t n_cells = n > PROP_BYTES_MAX ? SIZE_MAX / 8 : (size_t)n_cpus * n * 2;
    if (!may_add(w, name, n_cells * 4))
        return;
    uint32_t *cells = calloc(n_cells + 1, sizeof(*cells));
    if (irqs == NULL || n == 0 || cells == NULL) {
        fail(w, "property %s has no interrupt inputs", name);
        free(cells);
        return;
    }
    size_t at = 0;
    for (uint32_t cpu = 0; cpu < n_cpus; cpu++)
        for (uint32_t i = 0; i < n; i++) {
            uint32_t number = fdt_riscv64_cpu_irq(irqs[i]);
            if (irqs[i] != 0 && number == UINT32_MAX)
                fail(w, "property %s: %u is no interrupt input of a processor", name, irqs[i]);
            cells[at++] = fdt_phandle_intc(w->build, cpu);
            cells[at++] = number;
        }
    fdt_tree_cells(&w->build->tree, name, cells, at);
    free(cells);
}

static void prop_self(const struct bp_fdt_writer *face, const char *name)
{
    const struct writer *w = writer_of(face);
    prop_u32(face, name, fdt_phandle_device(w->build, w->dev));
}

static void prop_clock(const struct bp_fdt_writer *face, const char *name, uint32_t hz)
{
    struct writer *w = writer_of(face);
    struct fdt_build *b = w->build;
    char shown[40];
    quote(name, shown);
    uint32_t i = 0;
    while (i < b->n_clocks && b->clocks_hz[i] != hz)
        i++;
    if (i == FDT_CLOCKS_MAX) {
        fail(w, "property %s wants a clock of yet another frequency (limit %u in a machine)", shown,
             FDT_CLOCKS_MAX);
        return;
    }
    if (i == b->n_clocks)
        b->clocks_hz[b->n_clocks++] = hz;
    prop_u32(face, name, fdt_phandle_clock(b, i));
}

static void child_begin(const struct bp_fdt_writer *face, const char *name)
{
    struct writer *w = writer_of(face);
    if (!is_sound(w))
        return;
    struct level *level = &w->levels[w->depth];
    char shown[40];
    quote(name, shown);
    if (!child_name_is_valid(name)) {
        fail(w, "\"%s\" is no node name", shown);
        return;
    }
    for (uint32_t i = 0; i < level->n_children; i++)
        if (strcmp(level->children[i], name) == 0) {
            fail(w, "child node %s is there already", shown);
            return;
        }
    if (level->n_children == NODE_CHILDREN_MAX || w->depth + 1 == DEPTH_MAX) {
        fail(w, "child node %s is one too many (limits: %u in a node, %u deep)", shown,
             NODE_CHILDREN_MAX, DEPTH_MAX - 1);
        return;
    }
    memcpy(level->children[level->n_children++], name, strlen(name) + 1);
    w->depth++;
    w->levels[w->depth].n_props = 0;
    w->levels[w->depth].n_children = 0;
    fdt_tree_begin(&w->build->tree, name);
}

static void child_end(const struct bp_fdt_writer *face)
{
    struct writer *w = writer_of(face);
    if (!is_sound(w))
        return;
    if (w->depth == 0) {
        fail(w, "child_end without child_begin");
        return;
    }
    w->depth--;
    fdt_tree_end(&w->build->tree);
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

static void write_reg(struct writer *w)
{
    uint32_t cells[DEVICE_REGIONS_MAX * 4];
    uint32_t n = 0;
    for (size_t i = 0; i < w->dev->n_regions; i++) {
        const struct layout_region *region = &w->dev->regions[i];
        if (region->kind == BP_PIO)
            continue;
        if (n == DEVICE_REGIONS_MAX * 4) {
            fail(w, "more than %u regions", DEVICE_REGIONS_MAX);
            return;
        }
        cells[n++] = (uint32_t)(region->base >> 32);
        cells[n++] = (uint32_t)region->base;
        cells[n++] = (uint32_t)(region->size >> 32);
        cells[n++] = (uint32_t)region->size;
    }
    if (n > 0)
        prop_cells(&w->face, "reg", cells, n);
}

static void write_interrupts(struct writer *w)
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
    prop_cells(&w->face, "interrupts", cells, n);
    prop_u32(&w->face, "interrupt-parent", fdt_phandle_device(w->build, l->irqchip));
    free(cells);
}

static void write_compatible(struct writer *w)
{
    const char *list = w->dev->dt_compatible;
    size_t size = 0;
    if (list == NULL || list[0] == '\0')
        return;
    while (list[size] != '\0' && size <= PROP_BYTES_MAX)
        size += strlen(list + size) + 1;
    prop_strings(&w->face, "compatible", list, (uint32_t)size);
}

static void write_generic(struct writer *w)
{
    write_compatible(w);
    write_reg(w);
    prop_string(&w->face, "status", "okay");
    write_interrupts(w);
    if (w->dev->is_irqchip || w->dev->describe_fdt != NULL)
        prop_self(&w->face, "phandle");
}

static void writer_init(struct writer *w, struct fdt_build *b, const struct layout_device *dev)
{
    w->face = (struct bp_fdt_writer){
        .struct_size = sizeof(w->face),
        .n_cpus = b->layout->n_cpus,
        .timebase_hz = b->layout->timebase_hz,
        .ctx = w,
        .prop_u32 = prop_u32,
        .prop_u64 = prop_u64,
        .prop_cells = prop_cells,
        .prop_string = prop_string,
        .prop_strings = prop_strings,
        .prop_empty = prop_empty,
        .prop_cpu_irqs = prop_cpu_irqs,
        .prop_self = prop_self,
        .prop_clock = prop_clock,
        .child_begin = child_begin,
        .child_end = child_end,
    };
    w->build = b;
    w->dev = dev;
    w->depth = 0;
    w->levels[0].n_props = 0;
    w->levels[0].n_children = 0;
}

void fdt_device_node(struct fdt_build *b, const struct layout_device *dev, const char *name)
{
    struct writer *w = malloc(sizeof(*w));
    if (w == NULL) {
        fdt_tree_fail(&b->tree, BP_ERR_NO_MEMORY, "device tree: out of memory");
        return;
    }
    writer_init(w, b, dev);
    fdt_tree_begin(&b->tree, name);
    write_generic(w);
    if (dev->describe_fdt != NULL && is_sound(w))
        dev->describe_fdt(dev->ctx, &w->face);
    if (is_sound(w) && w->depth != 0)
        fail(w, "%u child nodes are not ended", w->depth);
    fdt_tree_end(&b->tree);
    free(w);
}
