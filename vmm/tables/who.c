/* Who owns this address or line, and which table says so. */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tables/acpi.h"
#include "tables/e820.h"
#include "tables/fdt.h"
#include "tables/map.h"
#include "tables/rows.h"

static bool parse_number(const char *text, uint64_t *value)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') /* no sign, no blank */
        return false;
    errno = 0;
    *value = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
    return errno == 0 && *end == '\0';
}

static void print_device(const struct layout *layout, const struct layout_device *dev, FILE *to)
{
    const struct layout_device *meant = rows_meant(layout, dev);
    fprintf(to, "device %s (%s", meant->name, meant->class_id);
    if (meant != dev)
        fprintf(to, " behind %s", dev->class_id);
    fputc(')', to);
}

static void print_how(const struct layout_device *dev, bool pinned, FILE *to)
{
    fputs(dev->is_builtin ? "fixed: every machine of this architecture has it there\n"
          : pinned        ? "pinned by the machine file\n"
                          : "placed automatically\n",
          to);
}

/* `property` NULL: a port, which device trees do not know. */
static void print_node(const struct layout *layout, const struct layout_device *dev,
                       const char *property, FILE *to)
{
    char path[FDT_PATH_BYTES];
    if (property != NULL && fdt_device_path(layout, dev, path))
        fprintf(to, "  device tree: %s, %s\n", path, property);
    else
        fputs("  device tree: says nothing about it\n", to);
}

/* E820 as it is without the tables' own ranges, which only booting decides. */
static void print_e820(const struct layout *layout, uint64_t at, FILE *to)
{
    struct e820_entry *entries;
    size_t n;
    struct err unheard;
    if (layout->arch != ARCH_X86_64 || e820_build(layout, NULL, &entries, &n, &unheard) != BP_OK)
        return;
    for (size_t i = 0; i < n; i++)
        if (at >= entries[i].base && at - entries[i].base < entries[i].size)
            fprintf(to, "  E820: %s\n", e820_type_name(entries[i].type));
    free(entries);
}

static void print_acpi(const struct layout *layout, const struct layout_device *dev, bool is_line,
                       uint32_t row, FILE *to)
{
    char where[ACPI_WHERE_BYTES];
    if (acpi_where(layout, dev, is_line, row, where))
        fprintf(to, "  ACPI: %s\n", where);
    else
        fputs("  ACPI: says nothing about it\n", to);
    if (!is_line && dev == layout->irqchip)
        fputs("  ACPI: MADT, I/O APIC\n", to);
}

static void print_region_tables(const struct layout *layout, const struct row *row, uint64_t at,
                                FILE *to)
{
    if (layout->arch != ARCH_X86_64) {
        print_node(layout, row->dev, row->region->kind == BP_PIO ? NULL : "reg", to);
        return;
    }
    print_acpi(layout, row->dev, false, row->region->row, to);
    if (row->region->kind != BP_PIO)
        print_e820(layout, at, to);
}

static void print_owner(const struct layout *layout, const struct row *row, uint64_t at, FILE *to)
{
    if (row->dev == NULL)
        fputs("RAM", to);
    else
        print_device(layout, row->dev, to);
    fprintf(to, ", %s 0x%" PRIx64 "-0x%" PRIx64 ", offset 0x%" PRIx64 "\n",
            row->dev == NULL ? "range" : row->region->name, row->base, row->base + (row->size - 1),
            at - row->base);
    if (row->dev == NULL) {
        print_e820(layout, at, to);
        if (layout->arch != ARCH_X86_64)
            fprintf(to, "  device tree: /memory@%" PRIx64 ", reg\n", row->base);
        return;
    }
    fputs("  ", to);
    print_how(row->dev, row->region->pinned, to);
    print_region_tables(layout, row, at, to);
}

static void print_neighbour(const struct layout *layout, const struct row *row, const char *where,
                            FILE *to)
{
    fprintf(to, "  %s: 0x%" PRIx64 "-0x%" PRIx64 ", ", where, row->base,
            row->base + (row->size - 1));
    if (row->dev == NULL)
        fputs("RAM", to);
    else
        print_device(layout, row->dev, to);
    fputc('\n', to);
}

static void print_range(const struct layout *layout, const struct row *rows, size_t n,
                        const char *what, uint64_t at, FILE *to)
{
    size_t i = 0;
    while (i < n && at >= rows[i].base && at - rows[i].base >= rows[i].size)
        i++;
    fprintf(to, "%s0x%" PRIx64 ": ", what, at);
    if (i < n && at >= rows[i].base) {
        print_owner(layout, &rows[i], at, to);
        return;
    }
    fputs("nobody: reads give all-ones, writes vanish\n", to);
    if (i > 0)
        print_neighbour(layout, &rows[i - 1], "below", to);
    if (i < n)
        print_neighbour(layout, &rows[i], "above", to);
}

static int32_t print_line(const struct layout *layout, const struct rows *rows, uint64_t number,
                          FILE *to, struct err *err)
{
    if (layout->irqchip == NULL)
        return err_set(err, BP_ERR_RANGE, "line %" PRIu64 ": this machine has no interrupt lines",
                       number);
    if (number < layout->irq_first || number - layout->irq_first >= layout->irq_count)
        return err_set(err, BP_ERR_RANGE, "line %" PRIu64 ": this machine has lines %u-%u", number,
                       layout->irq_first, layout->irq_first + (layout->irq_count - 1));
    bool found = false;
    for (size_t i = 0; i < rows->n_lines; i++) {
        const struct line_row *r = &rows->lines[i];
        if (r->line->number != number)
            continue;
        found = true;
        fprintf(to, "line %" PRIu64 ": ", number);
        print_device(layout, r->dev, to);
        fprintf(to, ", %s, %s, ", r->line->name,
                r->line->trigger == BP_EDGE_RISING ? "edge" : "level");
        print_how(r->dev, r->line->pinned, to);
        if (layout->arch == ARCH_X86_64)
            print_acpi(layout, r->dev, true, r->line->row, to);
        else
            print_node(layout, r->dev, "interrupts", to);
    }
    if (!found)
        fprintf(to, "line %" PRIu64 ": nobody: it is free\n", number);
    return BP_OK;
}

int32_t map_print_who(const struct layout *layout, const char *what, FILE *to, struct err *err)
{
    bool is_line = strncmp(what, "irq", 3) == 0;
    bool is_port = strncmp(what, "port", 4) == 0;
    uint64_t number;
    if (!parse_number(what + (is_line ? 3 : is_port ? 4 : 0), &number))
        return err_set(err, BP_ERR_INVALID,
                       "\"%.64s\" is no address (0x10000000), line (irq10) or port (port0x3f8)",
                       what);
    if (!is_line && !is_port && layout->gpa_bits < 64 && number >> layout->gpa_bits != 0)
        return err_set(err, BP_ERR_RANGE,
                       "0x%" PRIx64 ": guest addresses of this machine have %u bits", number,
                       layout->gpa_bits);
    struct rows rows;
    if (rows_init(&rows, layout) != BP_OK)
        return err_set(err, BP_ERR_NO_MEMORY, "map: out of memory");
    int32_t status = BP_OK;
    if (is_line)
        status = print_line(layout, &rows, number, to, err);
    else if (is_port)
        print_range(layout, rows.ports, rows.n_ports, "port ", number, to);
    else
        print_range(layout, rows.mapped, rows.n_mapped, "", number, to);
    rows_fini(&rows);
    return status;
}
