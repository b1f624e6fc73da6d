/*
 * The ACPI tables of an x86_64 machine (ACPI 6.5), from its layout alone: what is mapped is what is
 * described. The same layout at the same address gives the same bytes.
 *
 * RSDP, XSDT, FADT, FACS, MADT, DSDT; MCFG and SPCR when there is what they describe.
 */
#ifndef VMM_TABLES_ACPI_H
#define VMM_TABLES_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/layout.h"
#include "util/err.h"

#define ACPI_RSDP_BYTES 36u
#define ACPI_RSDP_GPA   0xe0000u /* where a guest without a better way looks for it */
#define ACPI_NVS_BYTES  4096u    /* the first bytes of the tables: the FACS, for E820_NVS */

/* A machine without any fixed ACPI hardware (no fixed_block) is a hardware-reduced one. The same
 * tables are made at any address; where the guest's are is the boot protocol's business. */
struct acpi_blob {
    uint8_t rsdp[ACPI_RSDP_BYTES];
    uint64_t tables_gpa;
    uint8_t *tables;
    size_t tables_bytes; /* a multiple of 4096; does not depend on tables_gpa */
};

/* `tables_gpa` is a multiple of 4096 below 4 GiB. BP_ERR_INVALID and a sentence with the device's
 * name when a describe_acpi goes wrong; BP_ERR_NO_MEMORY; BP_ERR_UNSUPPORTED. */
int32_t acpi_build(const struct layout *layout, uint64_t tables_gpa, struct acpi_blob *out,
                   struct err *err);

/* At the end of the RAM below 4 GiB: for showing them when no kernel has been placed. */
int32_t acpi_build_described(const struct layout *layout, struct acpi_blob *out, struct err *err);
void acpi_blob_fini(struct acpi_blob *blob);

/* The tables of a blob one by one, in order of address: "FACP", pointer, size. False: no more. */
struct acpi_table {
    char signature[5];
    const uint8_t *bytes;
    size_t size;
};
bool acpi_blob_next(const struct acpi_blob *blob, size_t *cursor, struct acpi_table *out);

/* The path of a device in the namespace, \_SB.D005: by its place in the machine. False when it has
 * none: no x86_64 machine, or behind a transport. `dev` is one of the layout's. */
#define ACPI_PATH_BYTES 16
bool acpi_device_path(const struct layout *layout, const struct layout_device *dev,
                      char path[ACPI_PATH_BYTES]);

/* Which object or table says where a region or a line of a device is: "\_SB.D005.KBD, _CRS". `row`
 * is that of the class's table. False: none does. */
#define ACPI_WHERE_BYTES 48
bool acpi_where(const struct layout *layout, const struct layout_device *dev, bool is_line,
                uint32_t row, char where[ACPI_WHERE_BYTES]);

#endif
