#include "tables/map.h"

#include <backplane/abi.h>
#include <backplane/device.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "tables/rows.h"

#define COLUMNS      80
#define PLUGIN_WIDTH 13
#define HOW_WIDTH    6

struct columns {
    int digits; /* of an address */
    int owner;
    int plugin;
};

/* Exactly `width` columns: padded, or cut with ".." at the end. */
static void put_cell(FILE *to, const char *text, int width)
{
    int length = (int)strnlen(text, 512);
    for (int i = 0; i < width; i++) {
        unsigned char c = i < length ? (unsigned char)text[i] : ' ';
        if (length > width && i >= width - 2)
            c = '.';
        fputc(isprint(c) ? c : '?', to);
    }
}

/* Ends a line without the blanks that padding has left: none is printed after the last cell. */
static void put_last(FILE *to, const char *text)
{
    put_cell(to, text, (int)strnlen(text, HOW_WIDTH));
    fputc('\n', to);
}

static int hex_digits(const struct rows *rows)
{
    int digits = 8;
    for (size_t i = 0; i < rows->n_mapped; i++) {
        uint64_t last = rows->mapped[i].base + (rows->mapped[i].size - 1);
        while (digits < 16 && last >> (4 * digits) != 0)
            digits++;
    }
    return digits;
}

static void put_owner(const struct layout *layout, const struct layout_device *dev,
                      const char *part, bool pinned, const struct columns *c, FILE *to)
{
    char owner[256];
    const struct layout_device *meant = rows_meant(layout, dev);
    (void)snprintf(owner, sizeof(owner), "%.100s %.100s", meant->name, part);
    put_cell(to, owner, c->owner);
    fputs("  ", to);
    put_cell(to, meant->class_id, c->plugin);
    fputs("  ", to);
    put_last(to, dev->is_builtin ? "fixed" : pinned ? "pinned" : "placed");
}

static void put_row(const struct layout *layout, const struct row *row, const struct columns *c,
                    FILE *to)
{
    char size[32];
    fprintf(to, "0x%0*" PRIx64 "-0x%0*" PRIx64 " %9s  %-4s  ", c->digits, row->base, c->digits,
            row->base + (row->size - 1), rows_size(row->size, size), rows_kind(row));
    if (row->dev == NULL)
        fputs("RAM\n", to);
    else
        put_owner(layout, row->dev, row->region->name, row->region->pinned, c, to);
}

/* What is left of 80 columns when `before` are gone: the longer the addresses, the less. */
static void share_columns(struct columns *c, int before)
{
    int left = COLUMNS - before - 2 - 2 - HOW_WIDTH;
    c->plugin = left / 2 < PLUGIN_WIDTH ? left / 2 : PLUGIN_WIDTH;
    c->owner = left - c->plugin;
}

static void share_range_columns(struct columns *c, int digits)
{
    c->digits = digits;
    share_columns(c, 2 * digits + 5 + 1 + 9 + 2 + 4 + 2);
}

static void put_range_heading(FILE *to, const char *what, const struct columns *c)
{
    put_cell(to, what, 2 * c->digits + 5);
    fprintf(to, " %9s  %-4s  %-*s  %-*s  how\n", "size", "kind", c->owner, "owner", c->plugin,
            "plugin");
}

static void print_lines(const struct layout *layout, const struct rows *rows, FILE *to)
{
    struct columns c;
    if (layout->irqchip == NULL)
        return;
    share_columns(&c, 5 + 2 + 7 + 2);
    fprintf(to, "\n%5s  %-7s  %-*s  %-*s  how\n", "line", "trigger", c.owner, "owner", c.plugin,
            "plugin");
    for (size_t i = 0; i < rows->n_lines; i++) {
        const struct line_row *r = &rows->lines[i];
        fprintf(to, "%5u  %-7s  ", r->line->number,
                r->line->trigger == BP_EDGE_RISING ? "edge" : "level");
        put_owner(layout, r->dev, r->line->name, r->line->pinned, &c, to);
    }
    if (layout->irq_count > 0)
        fprintf(to, "      lines %u-%u of %s (%s)\n", layout->irq_first,
                layout->irq_first + (layout->irq_count - 1), layout->irqchip->name,
                layout->irqchip->class_id);
}

static void print_heading(const struct layout *layout, FILE *to)
{
    uint64_t ram = 0;
    char size[32];
    for (size_t i = 0; i < layout->n_ram; i++)
        ram += layout->ram[i].size;
    fprintf(to, "%s: %s\n%s, %u processor%s, %s of RAM\n\n", layout->name,
            layout->summary != NULL ? layout->summary : "", arch_name(layout->arch), layout->n_cpus,
            layout->n_cpus == 1 ? "" : "s", rows_size(ram, size));
}

int32_t map_print(const struct layout *layout, FILE *to, struct err *err)
{
    struct rows rows;
    if (rows_init(&rows, layout) != BP_OK)
        return err_set(err, BP_ERR_NO_MEMORY, "map: out of memory");
    struct columns c;
    share_range_columns(&c, hex_digits(&rows));
    print_heading(layout, to);
    put_range_heading(to, "addresses", &c);
    for (size_t i = 0; i < rows.n_mapped; i++)
        put_row(layout, &rows.mapped[i], &c, to);
    share_range_columns(&c, 4);
    if (rows.n_ports > 0) {
        fputc('\n', to);
        put_range_heading(to, "ports", &c);
    }
    for (size_t i = 0; i < rows.n_ports; i++)
        put_row(layout, &rows.ports[i], &c, to);
    print_lines(layout, &rows, to);
    rows_fini(&rows);
    return BP_OK;
}
