/*
 * Device tree source from a blob, for people to read and for dtc to turn back into the same tree:
 * strings where the bytes are strings, 32-bit cells where the size allows it, bytes otherwise.
 * Nodes with a phandle get a label, and properties known to refer to nodes are written with it.
 */
#include <backplane/abi.h>
#include <ctype.h>
#include <libfdt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tables/fdt.h"

#define LABEL_BYTES 96
#define DEPTH_MAX   16

struct target {
    uint32_t phandle;
    int node;
    char label[LABEL_BYTES];
};

struct dts {
    const void *blob;
    FILE *to;
    struct target *targets; /* by phandle */
    size_t n_targets;
};

/* Properties whose cells begin with a phandle, and the property of that node that says how many
 * cells follow; NULL: none. */
static const struct reference {
    const char *name;
    const char *cells;
} references[] = {
    {"interrupt-parent", NULL},
    {"regmap", NULL},
    {"cpu", NULL},
    {"interrupts-extended", "#interrupt-cells"},
    {"clocks", "#clock-cells"},
    {"msi-parent", "#msi-cells"},
    {"next-level-cache", NULL},
    {"gpios", "#gpio-cells"},
};

static uint32_t get_cell(const char *value, int at)
{
    const uint8_t *b = (const uint8_t *)value + (size_t)at * 4;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static const struct target *find_target(const struct dts *d, uint32_t phandle)
{
    size_t low = 0;
    size_t high = d->n_targets;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (d->targets[mid].phandle < phandle)
            low = mid + 1;
        else
            high = mid;
    }
    return low < d->n_targets && d->targets[low].phandle == phandle ? &d->targets[low] : NULL;
}

/* How many cells follow a reference to `target`; -1: it does not say. */
static int cells_after(const struct dts *d, const struct target *target, const char *cells)
{
    if (cells == NULL)
        return 0;
    int size;
    const char *value = fdt_getprop(d->blob, target->node, cells, &size);
    if (value == NULL || size != 4 || get_cell(value, 0) > 16)
        return -1;
    return (int)get_cell(value, 0);
}

/* Whether every cell of the property is accounted for; prints it when `print`. */
static bool walk_references(const struct dts *d, const struct reference *r, const char *value,
                            int n_cells, bool print)
{
    int at = 0;
    while (at < n_cells) {
        const struct target *target = find_target(d, get_cell(value, at));
        int follow = target == NULL ? -1 : cells_after(d, target, r->cells);
        if (follow < 0 || follow >= n_cells - at)
            return false;
        if (print) {
            fprintf(d->to, "%s<&%s", at > 0 ? ", " : "", target->label);
            for (int i = 1; i <= follow; i++)
                fprintf(d->to, " 0x%x", get_cell(value, at + i));
            fputc('>', d->to);
        }
        at += 1 + follow;
    }
    return n_cells > 0;
}

static bool print_references(const struct dts *d, const char *name, const char *value, int size)
{
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
        if (strcmp(references[i].name, name) == 0 && size % 4 == 0 &&
            walk_references(d, &references[i], value, size / 4, false))
            return walk_references(d, &references[i], value, size / 4, true);
    return false;
}

/* One or more strings, none empty, all printable, up to the last byte. */
static bool is_strings(const char *value, int size)
{
    if (size == 0 || value[size - 1] != '\0')
        return false;
    for (int i = 0; i < size; i++) {
        if (value[i] == '\0' && (i == 0 || value[i - 1] == '\0'))
            return false;
        if (value[i] != '\0' && (value[i] < 0x20 || value[i] > 0x7e))
            return false;
    }
    return true;
}

static void print_strings(FILE *to, const char *value, int size)
{
    for (int at = 0; at < size; at += (int)strlen(value + at) + 1) {
        fputs(at > 0 ? ", \"" : "\"", to);
        for (const char *c = value + at; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                fputc('\\', to);
            fputc(*c, to);
        }
        fputc('"', to);
    }
}

static void print_numbers(FILE *to, const char *value, int size)
{
    bool cells = size % 4 == 0;
    fputc(cells ? '<' : '[', to);
    for (int i = 0; i < (cells ? size / 4 : size); i++) {
        if (i > 0)
            fputc(' ', to);
        if (cells)
            fprintf(to, "0x%x", get_cell(value, i));
        else
            fprintf(to, "%02x", (unsigned char)value[i]);
    }
    fputc(cells ? '>' : ']', to);
}

static void indent(FILE *to, int depth)
{
    for (int i = 0; i < depth; i++)
        fputc('\t', to);
}

static void print_properties(const struct dts *d, int node, int depth)
{
    int offset;
    fdt_for_each_property_offset(offset, d->blob, node)
    {
        const char *name = NULL;
        int size = 0;
        const char *value = fdt_getprop_by_offset(d->blob, offset, &name, &size);
        if (value == NULL)
            return;
        indent(d->to, depth);
        fprintf(d->to, size > 0 ? "%s = " : "%s", name);
        if (size > 0 && !print_references(d, name, value, size)) {
            if (is_strings(value, size))
                print_strings(d->to, value, size);
            else
                print_numbers(d->to, value, size);
        }
        fputs(";\n", d->to);
    }
}

/* "serial@10000000" is serial_10000000; a name without an address is told apart by its parent's. */
static void make_label(struct target *t, const char *parent, const char *name)
{
    int n = snprintf(t->label, sizeof(t->label), "%.40s%s%.40s",
                     strchr(name, '@') == NULL ? parent : "",
                     strchr(name, '@') == NULL && parent[0] != '\0' ? "_" : "", name);
    for (int i = 0; i < n && t->label[i] != '\0'; i++)
        if (!isalnum((unsigned char)t->label[i]))
            t->label[i] = '_';
    if (isdigit((unsigned char)t->label[0]))
        t->label[0] = '_';
}

static int compare_phandles(const void *a, const void *b)
{
    const struct target *x = a;
    const struct target *y = b;
    return (x->phandle > y->phandle) - (x->phandle < y->phandle);
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct target *)a)->label, ((const struct target *)b)->label);
}

/* Labels that more than one node would have get their phandle's number behind. */
static void tell_labels_apart(struct dts *d)
{
    qsort(d->targets, d->n_targets, sizeof(d->targets[0]), compare_labels);
    for (size_t first = 0, end; first < d->n_targets; first = end) {
        end = first + 1;
        while (end < d->n_targets && compare_labels(&d->targets[first], &d->targets[end]) == 0)
            end++;
        for (size_t i = first; i < end && end - first > 1; i++) {
            size_t length = strlen(d->targets[i].label);
            (void)snprintf(d->targets[i].label + length, LABEL_BYTES - length, "_%u",
                           d->targets[i].phandle);
        }
    }
    qsort(d->targets, d->n_targets, sizeof(d->targets[0]), compare_phandles);
}

static int32_t collect_targets(struct dts *d, struct err *err)
{
    size_t room = 0;
    int depth = 0;
    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(d->blob, node, &depth))
        room += fdt_get_phandle(d->blob, node) != 0;
    d->targets = calloc(room + 1, sizeof(d->targets[0]));
    if (d->targets == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "device tree: out of memory");
    const char *above[DEPTH_MAX] = {""};
    depth = 0;
    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(d->blob, node, &depth)) {
        const char *name = fdt_get_name(d->blob, node, NULL);
        uint32_t phandle = fdt_get_phandle(d->blob, node);
        if (depth < DEPTH_MAX)
            above[depth] = name;
        if (phandle == 0)
            continue;
        struct target *t = &d->targets[d->n_targets++];
        *t = (struct target){.phandle = phandle, .node = node};
        make_label(t, depth > 0 && depth <= DEPTH_MAX ? above[depth - 1] : "", name);
    }
    tell_labels_apart(d);
    return BP_OK;
}

static void close_nodes(FILE *to, int from, int down_to)
{
    for (; from >= down_to; from--) {
        indent(to, from);
        fputs("};\n", to);
    }
}

static void print_nodes(const struct dts *d)
{
    int depth = 0;
    int open = -1;
    fputs("/dts-v1/;\n", d->to);
    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(d->blob, node, &depth)) {
        const struct target *target = find_target(d, fdt_get_phandle(d->blob, node));
        close_nodes(d->to, open, depth);
        fputc('\n', d->to);
        indent(d->to, depth);
        if (target != NULL)
            fprintf(d->to, "%s: ", target->label);
        fprintf(d->to, "%s {\n", depth == 0 ? "/" : fdt_get_name(d->blob, node, NULL));
        print_properties(d, node, depth + 1);
        open = depth;
    }
    close_nodes(d->to, open, 0);
}

int32_t fdt_print_dts(const void *blob, size_t size, FILE *to, struct err *err)
{
    int result = fdt_check_full(blob, size);
    if (result != 0)
        return err_set(err, BP_ERR_FORMAT, "device tree: not a valid blob: %s",
                       fdt_strerror(result));
    struct dts d = {.blob = blob, .to = to};
    int32_t status = collect_targets(&d, err);
    if (status == BP_OK)
        print_nodes(&d);
    free(d.targets);
    return status;
}
