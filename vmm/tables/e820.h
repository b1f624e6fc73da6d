/* E820: all RAM, the PC's holes, the ACPI tables and every reserved window, from the layout. */
#ifndef VMM_TABLES_E820_H
#define VMM_TABLES_E820_H

#include <stddef.h>
#include <stdio.h>

#include "core/e820.h"
#include "tables/acpi.h"

/* The first MiB: up to here RAM, from here to 1 MiB the firmware's data area, video memory and
 * ROMs of a PC, where old programs look for things. */
#define E820_LOW_RAM_END 0x9fc00u
#define E820_HOLE_END    0x100000u

/* Sorted, disjoint, neighbours of one type joined. `acpi` says where the tables are; NULL: none.
 * *out is the caller's to free(). BP_ERR_NO_MEMORY. */
int32_t e820_build(const struct layout *layout, const struct acpi_blob *acpi,
                   struct e820_entry **out, size_t *n, struct err *err);

/* "usable", "reserved", "ACPI data", "ACPI NVS": as Linux calls them. */
const char *e820_type_name(uint32_t type);

/* A line each, as Linux prints them when it boots. */
void e820_print(const struct e820_entry *entries, size_t n, FILE *to);

#endif
