/* What describe_fdt adds goes through here: see fdt_writer.h. */
#include "tables/fdt_writer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_only(const char *name, size_t length, const char *others)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && strchr(others, name[i]) == NULL)
            return false;
    return true;
}

bool fdt_property_name_is_valid(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, FDT_NAME_BYTES);
    return length > 0 && length < FDT_NAME_BYTES && has_only(name, length, ",._+?#-");
}

bool fdt_node_name_is_valid(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, FDT_NAME_BYTES);
    return length > 0 && length < FDT_NAME_BYTES && isalpha((unsigned char)name[0]) &&
           has_only(name, length, ",._+-");
}

/* A child's name, with or without a unit address. */
static bool child_name_is_valid(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, FDT_NODE_NAME_BYTES);
    if (length == 0 || length >= FDT_NODE_NAME_BYTES)
        return false;
    const char *at = memchr(name, '@', length);
    char base[FDT_NODE_NAME_BYTES];
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

void fdt_writer_fail(struct fdt_writer *w, const char *format, ...)
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

static struct fdt_writer *writer_of(const struct bp_fdt_writer *face)
{
    return face->ctx;
}

bool fdt_writer_is_sound(const struct fdt_writer *w)
{
    return w->build->tree.status == BP_OK;
}

static bool is_written(const struct fdt_writer *w)
{
    return w->in_root == w->wants_root;
}

/* Every property comes through here, the generic ones too. */
static bool may_add(struct fdt_writer *w, const char *name, size_t size)
{
    if (!fdt_writer_is_sound(w))
        return false;
    struct fdt_level *level = &w->levels[w->depth];
    char shown[40];
    quote(name, shown);
    if (!fdt_property_name_is_valid(name)) {
        fdt_writer_fail(w, "\"%s\" is no property name (1-31 letters, digits and ,._+?#-)", shown);
        return false;
    }
    if (level->n_children > 0) {
        fdt_writer_fail(w, "property %s comes after a child node", shown);
        return false;
    }
    for (uint32_t i = 0; i < level->n_props; i++)
        if (strcmp(level->props[i], name) == 0) {
            fdt_writer_fail(w, "property %s is there already", shown);
            return false;
        }
    if (size > FDT_PROP_BYTES_MAX) {
        fdt_writer_fail(w, "property %s has %zu bytes (limit %u)", shown, size, FDT_PROP_BYTES_MAX);
        return false;
    }
    if (level->n_props == FDT_NODE_PROPS_MAX) {
        fdt_writer_fail(w, "property %s is one too many for a node (limit %u)", shown,
                        FDT_NODE_PROPS_MAX);
        return false;
    }
    memcpy(level->props[level->n_props++], name, strlen(name) + 1);
    return is_written(w);
}

static void prop_cells(const struct bp_fdt_writer *face, const char *name, const uint32_t *cells,
                       uint32_t n)
{
    struct fdt_writer *w = writer_of(face);
    if (!may_add(w, name, (size_t)n * 4))
        return;
    if (cells == NULL || n == 0)
        fdt_writer_fail(w, "property %s has no cells", name);
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
    struct fdt_writer *w = writer_of(face);
    size_t size = value == NULL ? 0 : strnlen(value, FDT_PROP_BYTES_MAX) + 1;
    if (!may_add(w, name, size))
        return;
    if (value == NULL)
        fdt_writer_fail(w, "property %s has no string", name);
    else
        fdt_tree_bytes(&w->build->tree, name, value, size);
}

static void prop_strings(const struct bp_fdt_writer *face, const char *name, const char *values,
                         uint32_t size)
{
    struct fdt_writer *w = writer_of(face);
    if (!may_add(w, name, size))
        return;
    if (values == NULL || size == 0 || values[size - 1] != '\0')
        fdt_writer_fail(w, "property %s is no list of NUL-ended strings", name);
    else
        fdt_tree_bytes(&w->build->tree, name, values, size);
}

static void prop_empty(const struct bp_fdt_writer *face, const char *name)
{
    struct fdt_writer *w = writer_of(face);
    if (may_add(w, name, 0))
        fdt_tree_empty(&w->build->tree, name);
}

static void prop_cpu_irqs(const struct bp_fdt_writer *face, const char *name, const uint32_t *irqs,
                          uint32_t n)
{
    struct fdt_writer *w = writer_of(face);
    uint32_t n_cpus = w->build->layout->n_cpus;
    size_t n_cells = n > FDT_PROP_BYTES_MAX ? SIZE_MAX / 8 : (size_t)n_cpus * n * 2;
    if (!may_add(w, name, n_cells * 4))
        return;
    uint32_t *cells = calloc(n_cells + 1, sizeof(*cells));
    if (irqs == NULL || n == 0 || cells == NULL) {
        fdt_writer_fail(w, "property %s has no interrupt inputs", name);
        free(cells);
        return;
    }
    size_t at = 0;
    for (uint32_t cpu = 0; cpu < n_cpus; cpu++)
        for (uint32_t i = 0; i < n; i++) {
            uint32_t number = fdt_riscv64_cpu_irq(irqs[i]);
            if (irqs[i] != 0 && number == UINT32_MAX)
                fdt_writer_fail(w, "property %s: %u is no interrupt input of a processor", name,
                                irqs[i]);
            cells[at++] = fdt_phandle_intc(w->build, cpu);
            cells[at++] = number;
        }
    fdt_tree_cells(&w->build->tree, name, cells, at);
    free(cells);
}

static void prop_self(const struct bp_fdt_writer *face, const char *name)
{
    const struct fdt_writer *w = writer_of(face);
    prop_u32(face, name, fdt_phandle_device(w->build, w->dev));
}

static void prop_self_cells(const struct bp_fdt_writer *face, const char *name,
                            const uint32_t *cells, uint32_t n)
{
    struct fdt_writer *w = writer_of(face);
    size_t size = ((size_t)n + 1) * 4;
    if (cells == NULL && n > 0) {
        char shown[40];
        quote(name, shown);
        fdt_writer_fail(w, "property %s has no cells", shown);
        return;
    }
    if (!may_add(w, name, size))
        return;
    uint32_t *all = malloc(size);
    if (all == NULL) {
        fdt_tree_fail(&w->build->tree, BP_ERR_NO_MEMORY, "device tree: out of memory");
        return;
    }
    all[0] = fdt_phandle_device(w->build, w->dev);
    if (n > 0)
        memcpy(all + 1, cells, (size_t)n * 4);
    fdt_tree_cells(&w->build->tree, name, all, (size_t)n + 1);
    free(all);
}

/* The phandle of a clock of this frequency, 0 when there is room for no other. */
static uint32_t clock_of(struct fdt_build *b, uint32_t hz)
{
    uint32_t i = 0;
    while (i < b->n_clocks && b->clocks_hz[i] != hz)
        i++;
    if (i == FDT_CLOCKS_MAX)
        return 0;
    if (i == b->n_clocks)
        b->clocks_hz[b->n_clocks++] = hz;
    return fdt_phandle_clock(b, i);
}

static void prop_clocks(const struct bp_fdt_writer *face, const char *name, const uint32_t *hz,
                        uint32_t n)
{
    struct fdt_writer *w = writer_of(face);
    uint32_t cells[FDT_CLOCKS_MAX];
    char shown[40];
    quote(name, shown);
    if (hz == NULL || n == 0 || n > FDT_CLOCKS_MAX) {
        fdt_writer_fail(w, "property %s has %u clocks (1-%u are possible)", shown,
                        hz == NULL ? 0 : n, FDT_CLOCKS_MAX);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        cells[i] = clock_of(w->build, hz[i]);
        if (cells[i] == 0) {
            fdt_writer_fail(
                w, "property %s wants a clock of yet another frequency (limit %u in a machine)",
                shown, FDT_CLOCKS_MAX);
            return;
        }
    }
    prop_cells(face, name, cells, n);
}

static void prop_clock(const struct bp_fdt_writer *face, const char *name, uint32_t hz)
{
    prop_clocks(face, name, &hz, 1);
}

/* Under the root the position in the machine file tells nodes of several devices apart. */
static void begin_node(struct fdt_writer *w, const char *name)
{
    char numbered[FDT_NODE_NAME_BYTES + 24];
    if (!w->in_root || w->depth > 1) {
        fdt_tree_begin(&w->build->tree, name);
        return;
    }
    (void)snprintf(numbered, sizeof(numbered), "%s-%zu", name,
                   (size_t)(w->dev - w->build->layout->devices));
    fdt_tree_begin(&w->build->tree, numbered);
}

static void child_begin(const struct bp_fdt_writer *face, const char *name)
{
    struct fdt_writer *w = writer_of(face);
    if (!fdt_writer_is_sound(w))
        return;
    struct fdt_level *level = &w->levels[w->depth];
    char shown[40];
    quote(name, shown);
    if (!child_name_is_valid(name)) {
        fdt_writer_fail(w, "\"%s\" is no node name", shown);
        return;
    }
    for (uint32_t i = 0; i < level->n_children; i++)
        if (strcmp(level->children[i], name) == 0) {
            fdt_writer_fail(w, "child node %s is there already", shown);
            return;
        }
    if (level->n_children == FDT_NODE_CHILDREN_MAX || w->depth + 1 == FDT_DEPTH_MAX) {
        fdt_writer_fail(w, "child node %s is one too many (limits: %u in a node, %u deep)", shown,
                        FDT_NODE_CHILDREN_MAX, FDT_DEPTH_MAX - 1);
        return;
    }
    memcpy(level->children[level->n_children++], name, strlen(name) + 1);
    w->depth++;
    w->levels[w->depth].n_props = 0;
    w->levels[w->depth].n_children = 0;
    if (is_written(w))
        begin_node(w, name);
}

static void root_begin(const struct bp_fdt_writer *face, const char *name)
{
    struct fdt_writer *w = writer_of(face);
    if (!fdt_writer_is_sound(w))
        return;
    if (w->depth != 0) {
        fdt_writer_fail(w, "root_begin within a node");
        return;
    }
    w->in_root = true;
    child_begin(face, name);
}

static void child_end(const struct bp_fdt_writer *face)
{
    struct fdt_writer *w = writer_of(face);
    if (!fdt_writer_is_sound(w))
        return;
    if (w->depth == 0) {
        fdt_writer_fail(w, "child_end without child_begin");
        return;
    }
    if (is_written(w))
        fdt_tree_end(&w->build->tree);
    w->depth--;
    if (w->depth == 0)
        w->in_root = false;
}

static void writer_init(struct fdt_writer *w, struct fdt_build *b, const struct layout_device *dev)
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
        .prop_self_cells = prop_self_cells,
        .prop_clocks = prop_clocks,
        .root_begin = root_begin,
    };
    w->build = b;
    w->dev = dev;
    w->depth = 0;
    w->in_root = w->wants_root = false;
    w->levels[0].n_props = 0;
    w->levels[0].n_children = 0;
}

struct fdt_writer *fdt_writer_create(struct fdt_build *b, const struct layout_device *dev)
{
    struct fdt_writer *w = malloc(sizeof(*w));
    if (w == NULL)
        fdt_tree_fail(&b->tree, BP_ERR_NO_MEMORY, "device tree: out of memory");
    else
        writer_init(w, b, dev);
    return w;
}
