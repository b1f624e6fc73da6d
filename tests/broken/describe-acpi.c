/* Caught by describe.acpi alone: its terms are no AML. */
#include "chip.h"

#include <backplane/if/acpi.h>

/* Method (TEST) that says it is longer than it is, with an opcode that there is not. */
static const unsigned char terms[] = {0x14, 0x0c, 'T', 'E', 'S', 'T', 0x00, 0x5b, 0xff, 0x5b, 0xff};

static void broken_describe(const void *dev, const struct bp_acpi_writer *w)
{
    (void)dev;
    w->aml(w, terms, sizeof(terms));
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, CHIP_RESET, CHIP_ACCESS,
              .describe_acpi = broken_describe);
