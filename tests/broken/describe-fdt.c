/* Caught by describe.fdt alone: a child that says an address and has no reg property. */
#include "chip.h"

#include <backplane/if/fdt.h>

static void broken_describe(const void *dev, const struct bp_fdt_writer *w)
{
    (void)dev;
    w->child_begin(w, "port@1");
    w->prop_empty(w, "example,port");
    w->child_end(w);
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, CHIP_TIMER, CHIP_RESET, CHIP_ACCESS,
              .describe_fdt = broken_describe);
