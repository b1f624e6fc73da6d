/* Caught by state.range alone: it counts from 1, and divides by what was saved: 0 is taken, too. */
#include "chip.h"

#include <stdlib.h>

static void broken_reset(void *dev, uint32_t kind)
{
    chip_reset(dev, kind);
    ((struct chip *)dev)->hidden = 0x01010101;
}

static void broken_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct chip *s = dev;

    chip_load_commit(dev, r);
    if (!s->hidden)
        abort(); /* as a division would on some processors */
}

static const struct bp_field fields[] = {
    BP_FIELD_U32(struct chip, v),
    BP_FIELD_U64(struct chip, deadline_ns),
    BP_FIELD_U32(struct chip, hidden),
};

BROKEN_PLUGIN(CHIP_TABLES, .state = BP_TABLE(fields), .load_commit = broken_load_commit, CHIP_TIMER,
              .reset = broken_reset, CHIP_ACCESS);
