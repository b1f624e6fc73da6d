#include "tables/svg.h"

#include <backplane/abi.h>
#include <backplane/device.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tables/rows.h"

/* Pixels. The address column in the middle, addresses left of it, lines to the right. */
#define WIDTH      860
#define MARGIN     24
#define TOP        92
#define COLUMN_X   150
#define COLUMN_W   330
#define CHIP_X     634
#define CHIP_W     74
#define CPU_X      752
#define CPU_W      84
#define BLOCK_GAP  4
#define UNUSED_H   30
#define PORTS_H    40 /* before the first port */
#define BLOCK_H    44
#define BLOCK_MORE 8 /* for each factor of 64 beyond 4 KiB */
#define BLOCK_MAX  92

struct drawing {
    const struct layout *layout;
    const struct rows *rows;
    FILE *to;
    size_t n_blocks; /* mapped rows, then ports */
    int *tops;       /* y of each block */
    int height;
    int digits;
};

/* Text of the machine file within XML 1.0: markup escaped, what is no character left out. */
static void put_text(FILE *to, const char *text, size_t limit)
{
    size_t n = 0;
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte >= 0x7f)
            byte = '?';
        if (++n > limit) {
            fputs("...", to);
            return;
        }
        if (byte == '<')
            fputs("&lt;", to);
        else if (byte == '>')
            fputs("&gt;", to);
        else if (byte == '&')
            fputs("&amp;", to);
        else if (byte == '"')
            fputs("&quot;", to);
        else
            fputc(byte, to);
    }
}

static const char style[] =
    "<style>\n"
    "text { font-family: ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }\n"
    ".mono { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; "
    "font-size: 12px; fill: #57606a; }\n"
    ".paper { fill: #ffffff; stroke: #d0d7de; }\n"
    ".title { font-size: 20px; font-weight: 600; fill: #1f2328; }\n"
    ".sub { font-size: 13px; fill: #57606a; }\n"
    ".name { font-size: 14px; font-weight: 600; fill: #1f2328; }\n"
    ".what { font-size: 12px; fill: #57606a; }\n"
    ".faint { font-size: 11px; fill: #818b98; }\n"
    ".mmio { fill: #ddf4ff; stroke: #54aeff; }\n"
    ".ram { fill: #dafbe1; stroke: #4ac26b; }\n"
    ".chip { fill: #fff1d6; stroke: #d4a72c; }\n"
    ".cpu { fill: #fbefff; stroke: #c297ff; }\n"
    ".gap { stroke: #afb8c1; stroke-dasharray: 2 5; }\n"
    ".wire { stroke: #bf8700; stroke-width: 1.5; fill: none; }\n"
    ".pin { fill: #bf8700; }\n"
    ".num { font-size: 12px; font-weight: 600; fill: #7d4e00; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    ".paper { fill: #0d1117; stroke: #30363d; }\n"
    ".title, .name { fill: #e6edf3; }\n"
    ".sub, .what, .mono { fill: #9198a1; }\n"
    ".faint { fill: #6e7681; }\n"
    ".mmio { fill: #0c2d4d; stroke: #1f6feb; }\n"
    ".ram { fill: #0f3320; stroke: #2ea043; }\n"
    ".chip { fill: #3a2a05; stroke: #9e6a03; }\n"
    ".cpu { fill: #2b1a45; stroke: #8957e5; }\n"
    ".gap { stroke: #484f58; }\n"
    ".wire { stroke: #d29922; }\n"
    ".pin { fill: #d29922; }\n"
    ".num { fill: #e3b341; }\n"
    "}\n"
    "</style>\n";

/* Larger regions are a little taller; true proportions would show RAM and nothing else. */
static int block_height(uint64_t size)
{
    int height = BLOCK_H;
    for (uint64_t at = 4096; size > at && height < BLOCK_MAX; at *= 64) {
        height += BLOCK_MORE;
        if (at > UINT64_MAX / 64)
            break;
    }
    return height;
}

static uint64_t end_of(const struct row *row)
{
    return row->base + (row->size - 1);
}

static bool is_port(const struct drawing *d, size_t i)
{
    return i >= d->rows->n_mapped;
}

static const struct row *block_of(const struct drawing *d, size_t i)
{
    return is_port(d, i) ? &d->rows->ports[i - d->rows->n_mapped] : &d->rows->mapped[i];
}

/* Something unused lies between the row before and this one. Ports have gaps nearly everywhere:
 * theirs are not drawn. */
static bool is_after_gap(const struct drawing *d, size_t i)
{
    const struct row *row = block_of(d, i);
    if (is_port(d, i) || row->base == 0)
        return false;
    return i == 0 || end_of(block_of(d, i - 1)) + 1 != row->base;
}

static void measure(struct drawing *d)
{
    int y = TOP;
    for (size_t i = 0; i < d->n_blocks; i++) {
        if (is_after_gap(d, i))
            y += UNUSED_H;
        if (i == d->rows->n_mapped)
            y += PORTS_H;
        d->tops[i] = y;
        y += block_height(block_of(d, i)->size) + BLOCK_GAP;
    }
    d->height = y + MARGIN;
}

/* Lines leave at the height of their device's first region: none crosses another. */
static size_t pins_of(const struct drawing *d, const struct row *row)
{
    if (row->dev == NULL || d->layout->irqchip == NULL || row->region != &row->dev->regions[0])
        return 0;
    return row->dev->n_lines;
}

static int pin_y(const struct drawing *d, size_t row, size_t pin)
{
    size_t n = block_of(d, row)->dev->n_lines;
    return d->tops[row] + (int)((pin + 1) * (size_t)block_height(block_of(d, row)->size) / (n + 1));
}

static void put_heading(const struct drawing *d)
{
    char size[32];
    uint64_t ram = 0;
    for (size_t i = 0; i < d->layout->n_ram; i++)
        ram += d->layout->ram[i].size;
    fprintf(d->to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>Address space and interrupt lines of ",
            WIDTH, d->height, WIDTH, d->height);
    put_text(d->to, d->layout->name, 60);
    fprintf(d->to,
            "</title>\n%s<rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" "
            "rx=\"10\"/>\n<text class=\"title\" x=\"%d\" y=\"38\">",
            style, WIDTH - 1, d->height - 1, MARGIN);
    put_text(d->to, d->layout->name, 60);
    fprintf(d->to, "</text>\n<text class=\"sub\" x=\"%d\" y=\"60\">", MARGIN);
    if (d->layout->summary != NULL && d->layout->summary[0] != '\0') {
        put_text(d->to, d->layout->summary, 80);
        fputs(" \xc2\xb7 ", d->to);
    }
    fprintf(d->to, "%s \xc2\xb7 %s of RAM</text>\n", arch_name(d->layout->arch),
            rows_size(ram, size));
}

static void put_unused(const struct drawing *d, int y)
{
    fprintf(d->to,
            "<path class=\"gap\" d=\"M%d %dV%dM%d %dV%d\"/>\n"
            "<text class=\"faint\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">unused</text>\n",
            COLUMN_X + 12, y + 2, y + UNUSED_H - BLOCK_GAP - 2, COLUMN_X + COLUMN_W - 12, y + 2,
            y + UNUSED_H - BLOCK_GAP - 2, COLUMN_X + COLUMN_W / 2, y + UNUSED_H / 2 + 2);
}

static void put_wires(const struct drawing *d, size_t row)
{
    const struct layout_device *dev = block_of(d, row)->dev;
    for (size_t i = 0; i < pins_of(d, block_of(d, row)); i++) {
        int at = pin_y(d, row, i);
        fprintf(d->to,
                "<path class=\"wire\" d=\"M%d %dH%d\"/>\n"
                "<circle class=\"pin\" cx=\"%d\" cy=\"%d\" r=\"3\"/>\n"
                "<circle class=\"pin\" cx=\"%d\" cy=\"%d\" r=\"3\"/>\n"
                "<text class=\"num\" x=\"%d\" y=\"%d\">%u</text>\n"
                "<text class=\"what\" x=\"%d\" y=\"%d\" text-anchor=\"end\">",
                COLUMN_X + COLUMN_W, at, CHIP_X, COLUMN_X + COLUMN_W, at, CHIP_X, at, CHIP_X + 10,
                at + 4, dev->lines[i].number, CHIP_X - 12, at - 5);
        put_text(d->to, dev->lines[i].name, 16);
        fputs("</text>\n", d->to);
    }
}

static void put_names(const struct drawing *d, const struct row *row, int y)
{
    char size[32];
    int x = COLUMN_X + 14;
    fprintf(d->to, "<text class=\"name\" x=\"%d\" y=\"%d\">", x, y - 3);
    if (row->dev == NULL) {
        fprintf(d->to, "RAM</text>\n<text class=\"what\" x=\"%d\" y=\"%d\">the guest's memory", x,
                y + 14);
    } else {
        const struct layout_device *meant = rows_meant(d->layout, row->dev);
        put_text(d->to, meant->name, 30);
        fprintf(d->to, "</text>\n<text class=\"what\" x=\"%d\" y=\"%d\">", x, y + 14);
        put_text(d->to, meant->class_id, 30);
        fputs(meant != row->dev ? " behind " : row->dev->n_regions > 1 ? " \xc2\xb7 " : "", d->to);
        if (meant != row->dev)
            put_text(d->to, row->dev->class_id, 24);
        else if (row->dev->n_regions > 1)
            put_text(d->to, row->region->name, 24);
    }
    fprintf(d->to,
            "</text>\n<text class=\"what\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
            COLUMN_X + COLUMN_W - 14, y + 5, rows_size(row->size, size));
}

static void put_block(const struct drawing *d, size_t i)
{
    const struct row *row = block_of(d, i);
    int y = d->tops[i];
    int height = block_height(row->size);
    const char *kind = row->dev != NULL && row->dev->is_irqchip ? "chip"
                       : is_port(d, i)                          ? "mmio"
                                                                : rows_kind(row);
    if (is_after_gap(d, i))
        put_unused(d, y - UNUSED_H);
    if (i == d->rows->n_mapped)
        fprintf(d->to, "<text class=\"sub\" x=\"%d\" y=\"%d\">ports</text>\n", COLUMN_X, y - 10);
    fprintf(d->to,
            "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>\n"
            "<text class=\"mono\" x=\"%d\" y=\"%d\" text-anchor=\"end\">0x%0*" PRIx64 "</text>\n",
            kind, COLUMN_X, y, COLUMN_W, height, COLUMN_X - 12, y + 12,
            is_port(d, i) ? 4 : d->digits, row->base);
    put_names(d, row, y + height / 2);
    put_wires(d, i);
}

/* The controller again, as what all lines end at, and behind it the processors. */
static void put_controller(const struct drawing *d)
{
    int first = -1;
    int last = -1;
    for (size_t i = 0; i < d->n_blocks; i++) {
        size_t pins = pins_of(d, block_of(d, i));
        if (pins == 0)
            continue;
        first = first < 0 ? pin_y(d, i, 0) : first;
        last = pin_y(d, i, pins - 1);
    }
    if (first < 0)
        return;
    int top = first - 36;
    int height = last + 20 - top;
    int middle = top + height / 2;
    fprintf(d->to,
            "<rect class=\"chip\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>\n"
            "<text class=\"name\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
            CHIP_X, top, CHIP_W, height, CHIP_X + CHIP_W / 2, top + 18);
    put_text(d->to, d->layout->irqchip->name, 8);
    fprintf(d->to,
            "</text>\n<path class=\"wire\" d=\"M%d %dH%d\"/>\n<circle class=\"pin\" cx=\"%d\" "
            "cy=\"%d\" r=\"3\"/>\n<rect class=\"cpu\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"46\" "
            "rx=\"5\"/>\n<text class=\"name\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%u</text>\n"
            "<text class=\"what\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            CHIP_X + CHIP_W, middle, CPU_X, CPU_X, middle, CPU_X, middle - 23, CPU_W,
            CPU_X + CPU_W / 2, middle - 3, d->layout->n_cpus, CPU_X + CPU_W / 2, middle + 14,
            d->layout->n_cpus == 1 ? "processor" : "processors");
}

static int hex_digits(const struct rows *rows)
{
    int digits = 8;
    for (size_t i = 0; i < rows->n_mapped; i++)
        while (digits < 16 && end_of(&rows->mapped[i]) >> (4 * digits) != 0)
            digits++;
    return digits;
}

int32_t svg_print(const struct layout *layout, FILE *to, struct err *err)
{
    struct rows rows;
    if (rows_init(&rows, layout) != BP_OK)
        return err_set(err, BP_ERR_NO_MEMORY, "picture: out of memory");
    struct drawing d = {.layout = layout,
                        .rows = &rows,
                        .to = to,
                        .n_blocks = rows.n_mapped + rows.n_ports,
                        .digits = hex_digits(&rows)};
    d.tops = calloc(d.n_blocks + 1, sizeof(d.tops[0]));
    if (d.tops == NULL) {
        rows_fini(&rows);
        return err_set(err, BP_ERR_NO_MEMORY, "picture: out of memory");
    }
    measure(&d);
    put_heading(&d);
    put_controller(&d);
    for (size_t i = 0; i < d.n_blocks; i++)
        put_block(&d, i);
    fputs("</svg>\n", to);
    free(d.tops);
    rows_fini(&rows);
    return BP_OK;
}
