#include "tables/e820.h"

#include <backplane/abi.h>
#include <backplane/device.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

/* Ends are those of the last byte, so that a range may reach the end of the address space. */
struct claim {
    uint64_t first;
    uint64_t last;
    uint32_t type; /* 0: nothing of it is left */
};

struct claims {
    struct claim *rows;
    size_t n;
};

static void add(struct claims *c, uint64_t base, uint64_t size, uint32_t type)
{
    if (size > 0)
        c->rows[c->n++] = (struct claim){base, base + (size - 1), type};
}

static void add_devices(struct claims *c, const struct layout *layout)
{
    for (size_t i = 0; i < layout->n_devices; i++) {
        const struct layout_device *dev = &layout->devices[i];
        for (size_t r = 0; r < dev->n_regions; r++)
            if (dev->regions[r].kind != BP_PIO)
                add(c, dev->regions[r].base, dev->regions[r].size, E820_RESERVED);
    }
}

/* The tables are in RAM: what they take is no longer RAM. */
static void add_tables(struct claims *c, const struct acpi_blob *acpi)
{
    if (acpi == NULL || acpi->tables_bytes <= ACPI_NVS_BYTES)
        return;
    add(c, acpi->tables_gpa, ACPI_NVS_BYTES, E820_NVS);
    add(c, acpi->tables_gpa + ACPI_NVS_BYTES, acpi->tables_bytes - ACPI_NVS_BYTES, E820_ACPI);
}

static size_t count_claims(const struct layout *layout)
{
    size_t n = layout->n_ram + 1 + 2;
    for (size_t i = 0; i < layout->n_devices; i++)
        n += layout->devices[i].n_regions;
    return n;
}

static int compare(const void *a, const void *b)
{
    const struct claim *x = a;
    const struct claim *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Cuts [first, last] out of the claims before `n`; what is left behind it becomes a new one, for
 * which the caller has kept room at the end of the list. */
static void cut(struct claims *c, size_t n, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < n; i++) {
        struct claim *row = &c->rows[i];
        if (row->type == 0 || row->last < first || row->first > last)
            continue;
        if (row->last > last)
            c->rows[c->n++] = (struct claim){last + 1, row->last, row->type};
        if (row->first < first)
            row->last = first - 1;
        else
            row->type = 0;
    }
}

/* RAM first, then the hole and the tables, each cut out of what was before. Windows of devices lie
 * outside of RAM and of each other, as the address space has made sure. */
static void collect(struct claims *c, const struct layout *layout, const struct acpi_blob *acpi)
{
    for (size_t i = 0; i < layout->n_ram; i++)
        add(c, layout->ram[i].base, layout->ram[i].size, E820_RAM);
    cut(c, c->n, E820_LOW_RAM_END, E820_HOLE_END - 1);
    add(c, E820_LOW_RAM_END, E820_HOLE_END - E820_LOW_RAM_END, E820_RESERVED);
    struct claim tables[2];
    struct claims t = {tables, 0};
    add_tables(&t, acpi);
    if (t.n > 0)
        cut(c, c->n, tables[0].first, tables[1].last);
    for (size_t i = 0; i < t.n; i++)
        c->rows[c->n++] = tables[i];
    add_devices(c, layout);
}

/* Sorted claims into entries. Those that overlap are both reserved: a window in the hole. */
static size_t join(const struct claims *c, struct e820_entry *out)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct claim *row = &c->rows[i];
        if (row->type == 0)
            continue;
        struct e820_entry *before = n > 0 ? &out[n - 1] : NULL;
        uint64_t end = before != NULL ? before->base + before->size : 0;
        if (before == NULL || before->type != row->type || end < row->first)
            out[n++] = (struct e820_entry){row->first, row->last - row->first + 1, row->type};
        else if (row->last >= end)
            before->size = row->last - before->base + 1;
    }
    return n;
}

int32_t e820_build(const struct layout *layout, const struct acpi_blob *acpi,
                   struct e820_entry **out, size_t *n, struct err *err)
{
    /* The hole and the tables each cut at most one range in two. */
    size_t room = count_claims(layout) + 2;
    struct claims c = {calloc(room, sizeof(struct claim)), 0};
    struct e820_entry *entries = calloc(room, sizeof(*entries));
    if (c.rows == NULL || entries == NULL) {
        free(c.rows);
        free(entries);
        return err_set(err, BP_ERR_NO_MEMORY, "E820: out of memory");
    }
    collect(&c, layout, acpi);
    qsort(c.rows, c.n, sizeof(struct claim), compare);
    *n = join(&c, entries);
    *out = entries;
    free(c.rows);
    return BP_OK;
}

const char *e820_type_name(uint32_t type)
{
    static const char *const names[] = {
        [E820_RAM] = "usable",
        [E820_RESERVED] = "reserved",
        [E820_ACPI] = "ACPI data",
        [E820_NVS] = "ACPI NVS",
    };
    return type >= E820_RAM && type <= E820_NVS ? names[type] : "unknown";
}

void e820_print(const struct e820_entry *entries, size_t n, FILE *to)
{
    for (size_t i = 0; i < n; i++)
        fprintf(to, "BIOS-e820: [mem 0x%016" PRIx64 "-0x%016" PRIx64 "] %s\n", entries[i].base,
                entries[i].base + (entries[i].size - 1), e820_type_name(entries[i].type));
}
