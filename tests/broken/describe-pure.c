/* Caught by describe.pure alone: the device tree shows what the guest has written. */
#include "chip.h"

#include <backplane/if/fdt.h>

static void broken_describe(const void *dev, const struct bp_fdt_writer *w)
{
    w->prop_u32(w, "example,limit", ((const struct chip *)dev)->v[LIMIT]);
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, CHIP_RESET, CHIP_ACCESS,
              .describe_fdt = broken_describe);
