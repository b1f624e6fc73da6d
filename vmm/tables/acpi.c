#include "tables/acpi.h"

#include <backplane/abi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/acpi_parts.h"

#define CHECKSUM_AT   9u
#define LENGTH_AT     4u
#define RSDP_V1_BYTES 20u
#define PAGE_BYTES    4096u
#define XSDT_ROWS_MAX 8u
#define DSDT_REVISION 2u /* integers have 64 bits */
#define TOO_LARGE     "ACPI tables: too large: use fewer devices"

void acpi_fail(struct acpi_build *b, int32_t status, const char *format, ...)
{
    if (b->status != BP_OK)
        return;
    char text[sizeof(b->err->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    b->status = err_set(b->err, status, "%s", text);
}

static uint8_t checksum(const uint8_t *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return (uint8_t)(0x100u - (sum & 0xFF));
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* --- one table -------------------------------------------------------------------------------- */
size_t acpi_table_begin(struct aml *to, const char *signature, uint8_t revision)
{
    size_t at = to->size;
    aml_bytes(to, signature, 4);
    aml_number(to, 0, 4); /* length */
    aml_byte(to, revision);
    aml_byte(to, 0); /* checksum */
    aml_bytes(to, "BPLANE", 6);
    aml_bytes(to, "BACKPLAN", 8);
    aml_number(to, 1, 4);
    aml_bytes(to, "BPLN", 4);
    aml_number(to, 1, 4);
    return at;
}

static void pad(struct aml *to, size_t alignment)
{
    while (to->status == BP_OK && to->size % alignment != 0)
        aml_byte(to, 0);
}

void acpi_table_end(struct aml *to, size_t at)
{
    if (to->status != BP_OK)
        return;
    put(to->bytes + at + LENGTH_AT, to->size - at, 4);
    to->bytes[at + CHECKSUM_AT] = checksum(to->bytes + at, to->size - at);
    pad(to, ACPI_TABLE_ALIGNMENT);
}

/* --- all of them ------------------------------------------------------------------------------ */
static size_t write_xsdt(struct aml *to, uint64_t gpa, const size_t *rows, size_t n)
{
    size_t at = acpi_table_begin(to, "XSDT", 1);
    for (size_t i = 0; i < n; i++)
        aml_number(to, gpa + rows[i], 8);
    acpi_table_end(to, at);
    return at;
}

/* Returns where the XSDT is. */
static size_t write_tables(const struct acpi_build *b, struct aml *to, uint64_t gpa)
{
    size_t rows[XSDT_ROWS_MAX];
    size_t n = 0;
    acpi_facs(to);
    pad(to, ACPI_NVS_BYTES);
    size_t dsdt = acpi_table_begin(to, "DSDT", DSDT_REVISION);
    aml_bytes(to, b->dsdt.bytes, b->dsdt.size);
    acpi_table_end(to, dsdt);
    rows[n++] = acpi_fadt(b, to, gpa, gpa + dsdt);
    rows[n++] = acpi_madt(b, to);
    if (b->facts.n_mcfg > 0)
        rows[n++] = acpi_mcfg(b, to);
    if (b->facts.serial.dev != NULL)
        rows[n++] = acpi_spcr(b, to);
    size_t xsdt = write_xsdt(to, gpa, rows, n);
    pad(to, PAGE_BYTES);
    return xsdt;
}

/* ACPI 6.5, 5.2.5.3: one checksum over the first 20 bytes, one over all. There is no RSDT. */
static void write_rsdp(uint8_t rsdp[ACPI_RSDP_BYTES], uint64_t xsdt_gpa)
{
    memset(rsdp, 0, ACPI_RSDP_BYTES);
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "BPLANE", 6);
    rsdp[15] = 2;
    put(rsdp + 20, ACPI_RSDP_BYTES, 4);
    put(rsdp + 24, xsdt_gpa, 8);
    rsdp[8] = checksum(rsdp, RSDP_V1_BYTES);
    rsdp[32] = checksum(rsdp, ACPI_RSDP_BYTES);
}

static int32_t check(const struct layout *layout, uint64_t tables_gpa, struct err *err)
{
    if (layout->arch != ARCH_X86_64)
        return err_set(
            err, BP_ERR_UNSUPPORTED,
            "ACPI tables: none are made for %s machines: they have a device tree (--dts)",
            arch_name(layout->arch));
    if (tables_gpa % PAGE_BYTES != 0 || tables_gpa >= ASPACE_4G)
        return err_set(err, BP_ERR_INVALID,
                       "ACPI tables: 0x%llx is no multiple of 4096 below 4 GiB",
                       (unsigned long long)tables_gpa);
    return BP_OK;
}

static void finish(struct acpi_build *b, struct aml *tables, uint64_t tables_gpa,
                   struct acpi_blob *out)
{
    size_t xsdt = write_tables(b, tables, tables_gpa);
    if (tables->status == BP_ERR_NO_MEMORY)
        acpi_fail(b, tables->status, "ACPI tables: out of memory");
    else if (tables->status != BP_OK || tables->size > ASPACE_4G - tables_gpa)
        acpi_fail(b, BP_ERR_NO_SPACE, TOO_LARGE);
    if (b->status != BP_OK)
        return;
    write_rsdp(out->rsdp, tables_gpa + xsdt);
    out->tables_gpa = tables_gpa;
    out->tables = tables->bytes;
    out->tables_bytes = tables->size;
    aml_init(tables);
}

int32_t acpi_build(const struct layout *layout, uint64_t tables_gpa, struct acpi_blob *out,
                   struct err *err)
{
    struct err unheard;
    struct aml tables;
    *out = (struct acpi_blob){.tables = NULL};
    int32_t status = check(layout, tables_gpa, err);
    if (status != BP_OK)
        return status;
    struct acpi_build b = {.layout = layout, .status = BP_OK, .err = err != NULL ? err : &unheard};
    aml_init(&b.dsdt);
    aml_init(&tables);
    acpi_dsdt(&b);
    if (b.dsdt.status == BP_ERR_NO_MEMORY)
        acpi_fail(&b, b.dsdt.status, "ACPI tables: out of memory");
    else if (b.dsdt.status != BP_OK)
        acpi_fail(&b, b.dsdt.status, TOO_LARGE);
    acpi_check_facts(&b);
    if (b.status == BP_OK)
        finish(&b, &tables, tables_gpa, out);
    aml_fini(&tables);
    aml_fini(&b.dsdt);
    free(b.ids.rows);
    return b.status;
}

int32_t acpi_build_described(const struct layout *layout, struct acpi_blob *out, struct err *err)
{
    int32_t status = acpi_build(layout, 0, out, err);
    uint64_t ram_end = layout->n_ram > 0 ? layout->ram[0].base + layout->ram[0].size : 0;
    if (status != BP_OK)
        return status;
    uint64_t bytes = out->tables_bytes;
    acpi_blob_fini(out);
    if (bytes > ram_end)
        return err_set(err, BP_ERR_NO_SPACE, "ACPI tables: their %llu bytes are more than the RAM",
                       (unsigned long long)bytes);
    return acpi_build(layout, (ram_end - bytes) / PAGE_BYTES * PAGE_BYTES, out, err);
}

bool acpi_where(const struct layout *layout, const struct layout_device *dev, bool is_line,
                uint32_t row, char where[ACPI_WHERE_BYTES])
{
    struct err unheard;
    char path[ACPI_PATH_BYTES];
    if (!acpi_device_path(layout, dev, path))
        return false;
    struct acpi_build b = {.layout = layout,
                           .question = {.dev = dev, .is_line = is_line, .row = row},
                           .status = BP_OK,
                           .err = &unheard};
    aml_init(&b.dsdt);
    acpi_dsdt(&b);
    if (b.question.where[0] != '\0')
        memcpy(where, b.question.where, ACPI_WHERE_BYTES);
    else
        (void)snprintf(where, ACPI_WHERE_BYTES, "%s, _CRS", path);
    bool found = b.status == BP_OK && b.dsdt.status == BP_OK;
    aml_fini(&b.dsdt);
    free(b.ids.rows);
    return found;
}

void acpi_blob_fini(struct acpi_blob *blob)
{
    free(blob->tables);
    *blob = (struct acpi_blob){.tables = NULL};
}

bool acpi_blob_next(const struct acpi_blob *blob, size_t *cursor, struct acpi_table *out)
{
    size_t at = (*cursor + ACPI_TABLE_ALIGNMENT - 1) / ACPI_TABLE_ALIGNMENT * ACPI_TABLE_ALIGNMENT;
    while (at < blob->tables_bytes && blob->tables[at] == 0)
        at += ACPI_TABLE_ALIGNMENT;
    if (at >= blob->tables_bytes)
        return false;
    const uint8_t *t = blob->tables + at;
    memcpy(out->signature, t, 4);
    out->signature[4] = '\0';
    out->bytes = t;
    out->size = (size_t)t[LENGTH_AT] | (size_t)t[LENGTH_AT + 1] << 8 |
                (size_t)t[LENGTH_AT + 2] << 16 | (size_t)t[LENGTH_AT + 3] << 24;
    *cursor = at + out->size;
    return true;
}
