/*
 * SMBIOS 3.0 of an x86_64 machine (DMTF DSP0134): who made it, its processors and its memory, from
 * the layout alone. Guests of other architectures find such tables only through UEFI, which no
 * machine of ours has; what the layout's identity says is in their device tree's root.
 */
#ifndef VMM_TABLES_SMBIOS_H
#define VMM_TABLES_SMBIOS_H

#include <stddef.h>
#include <stdint.h>

#include "core/layout.h"

#define SMBIOS_GPA       0xf0000u /* where a guest without UEFI begins to look (5.2.2) */
#define SMBIOS_BYTES_MAX 4096u
#define SMBIOS_TABLE_AT  32u /* where the table begins; before it the entry point */

struct smbios_blob {
    uint8_t bytes[SMBIOS_BYTES_MAX];
    size_t size;
};

/* For `gpa`, a multiple of 16; with gpa 0 the same is what dmidecode --from-dump reads. */
void smbios_build(const struct layout *layout, uint64_t gpa, struct smbios_blob *out);

#endif
