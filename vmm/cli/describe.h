/* Parts of `describe` that tests call without a machine file. */
#ifndef VMM_CLI_DESCRIBE_H
#define VMM_CLI_DESCRIBE_H

#include <stdio.h>

#include "core/layout.h"
#include "util/err.h"

/* All that the layout holds, as JSON (RFC 8259). Addresses are hexadecimal strings, because many
 * readers keep numbers as doubles; sizes and counts are numbers. */
void describe_json(const struct layout *layout, FILE *to);

/* The ACPI tables as files of `directory`, which is made if it is not there: rsdp.bin, and
 * SIGNATURE.aml in small letters. */
int32_t describe_acpi(const struct layout *layout, const char *directory, struct err *err);

/* The DSDT as source, by iasl. BP_ERR_NOT_FOUND when that is not installed. */
int32_t describe_asl(const struct layout *layout, FILE *to, struct err *err);

/* The memory map with the tables where describe_acpi has them. */
int32_t describe_e820(const struct layout *layout, FILE *to, struct err *err);

/* The SMBIOS tables behind their entry point. */
int32_t describe_smbios(const struct layout *layout, FILE *to, struct err *err);

#endif
