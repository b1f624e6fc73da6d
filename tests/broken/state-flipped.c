/* Caught by state.flipped: a number of its state is an index, and any is taken. */
#include "chip.h"

static void broken_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct chip *s = dev;
    volatile const uint32_t *at = s->v;

    chip_load_commit(dev, r);
    (void)at[(uint64_t)s->hidden << 16];
}

static const struct bp_field fields[] = {
    BP_FIELD_U32(struct chip, v),
    BP_FIELD_U64(struct chip, deadline_ns),
    BP_FIELD_U32(struct chip, hidden),
};

BROKEN_PLUGIN(CHIP_TABLES, .state = BP_TABLE(fields), .load_commit = broken_load_commit, CHIP_TIMER,
              CHIP_RESET, CHIP_ACCESS);
