/* Caught by state.round-trip: when it is loaded it neither sets its line nor arms its timer. */
#include "chip.h"

static void broken_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct chip *s = dev;

    (void)r;
    s->v[CONTROL] &= CONTROL_IRQ | CONTROL_TIMER;
}

BROKEN_PLUGIN(CHIP_TABLES, .state = BP_TABLE(chip_fields), .load_commit = broken_load_commit,
              CHIP_TIMER, CHIP_RESET, CHIP_ACCESS);
