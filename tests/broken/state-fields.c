/* Caught by state.fields: it takes it for granted that a field of its own is there. */
#include "chip.h"

#include <stdlib.h>

static int32_t broken_save(const void *dev, const struct bp_state_writer *w)
{
    const struct chip *s = dev;

    return w->put(w, "hidden", &s->hidden, sizeof(s->hidden));
}

static void broken_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct chip *s = dev;

    chip_load_commit(dev, r);
    if (r->get(r, "hidden", &s->hidden, sizeof(s->hidden)) != BP_OK)
        abort();
}

BROKEN_PLUGIN(CHIP_TABLES, .state = BP_TABLE(chip_fields), .save = broken_save,
              .load_commit = broken_load_commit, CHIP_TIMER, CHIP_RESET, CHIP_ACCESS);
