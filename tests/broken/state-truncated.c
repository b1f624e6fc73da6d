/* Caught by state.truncated: load_check takes the first field before it finds the second missing.
 */
#include "chip.h"

static int32_t broken_save(const void *dev, const struct bp_state_writer *w)
{
    const struct chip *s = dev;
    int32_t status = w->put(w, "first", &s->hidden, sizeof(s->hidden));

    return status ? status : w->put(w, "second", &s->hidden, sizeof(s->hidden));
}

static int32_t broken_load_check(const void *dev, const struct bp_state_reader *r)
{
    struct chip *s = (struct chip *)(uintptr_t)dev;
    uint32_t word;
    int32_t status = r->get(r, "first", &word, sizeof(word));

    if (status)
        return status;
    s->hidden = word + 1;
    return r->get(r, "second", &word, sizeof(word));
}

static void broken_load_commit(void *dev, const struct bp_state_reader *r)
{
    chip_load_commit(dev, r);
    (void)r->get(r, "first", &((struct chip *)dev)->hidden, sizeof(uint32_t));
}

BROKEN_PLUGIN(CHIP_TABLES, .state = BP_TABLE(chip_fields), .save = broken_save,
              .load_check = broken_load_check, .load_commit = broken_load_commit, CHIP_TIMER,
              CHIP_RESET, CHIP_ACCESS);
