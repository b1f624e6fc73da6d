/* Parts of `describe` that tests call without a machine file. */
#ifndef VMM_CLI_DESCRIBE_H
#define VMM_CLI_DESCRIBE_H

#include <stdio.h>

#include "core/layout.h"

/* All that the layout holds, as JSON (RFC 8259). Addresses are hexadecimal strings, because many
 * readers keep numbers as doubles; sizes and counts are numbers. */
void describe_json(const struct layout *layout, FILE *to);

#endif
