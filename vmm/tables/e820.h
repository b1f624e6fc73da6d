/* E820: all RAM, the PC's holes, the ACPI tables and every reserved window, from the layout. */
#ifndef VMM_TABLES_E820_H
#define VMM_TABLES_E820_H

#include <stddef.h>

#include "core/e820.h"
#include "tables/acpi.h"

/* Sorted, disjoint, neighbours of one type joined. `acpi` says where the tables are; NULL: none.
 * *out is the caller's to free(). BP_ERR_NO_MEMORY. */
int32_t e820_build(const struct layout *layout, const struct acpi_blob *acpi,
                   struct e820_entry **out, size_t *n, struct err *err);

#endif
