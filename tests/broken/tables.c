/* Caught by tables.sane alone: a region of no size. */
#include "broken.h"

static const struct bp_region regions[] = {{.name = "regs", .kind = BP_MMIO, .widths = BP_W32}};

BROKEN_PLUGIN(.regions = BP_TABLE(regions));
