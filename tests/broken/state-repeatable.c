/* Caught by state.repeatable: it counts how often it was saved, and saves that. */
#include "chip.h"

static int32_t broken_save(const void *dev, const struct bp_state_writer *w)
{
    struct chip *s = (struct chip *)(uintptr_t)dev;

    s->hidden++;
    return w->put(w, "saves", &s->hidden, sizeof(s->hidden));
}

static int32_t broken_load_check(const void *dev, const struct bp_state_reader *r)
{
    uint32_t saves;

    (void)dev;
    return r->get(r, "saves", &saves, sizeof(saves));
}

BROKEN_PLUGIN(CHIP_TABLES, CHIP_STATE, .save = broken_save, .load_check = broken_load_check,
              CHIP_TIMER, CHIP_RESET, CHIP_ACCESS);
