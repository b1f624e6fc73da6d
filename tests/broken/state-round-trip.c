/* Caught by state.round-trip: it does not set its line again when it is loaded. */
#include "chip.h"

static void broken_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct chip *s = dev;

    (void)r;
    s->v[CONTROL] &= CONTROL_IRQ | CONTROL_TIMER;
    if (s->deadline_ns)
        s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

BROKEN_PLUGIN(CHIP_TABLES, .state = BP_TABLE(chip_fields), .load_commit = broken_load_commit,
              CHIP_TIMER, CHIP_RESET, CHIP_ACCESS);
