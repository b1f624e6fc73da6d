/* Caught by access.rest alone: when it is used its timer fires 30000 times, once each 300 ns. */
#include "chip.h"

#define FIRES 30000u

static void arm(struct chip *s)
{
    s->deadline_ns = s->host->clock_ns(s->host) + 300;
    s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

static void fire(void *dev)
{
    struct chip *s = dev;

    s->deadline_ns = 0;
    if (s->v[LIMIT]) {
        s->v[LIMIT]--;
        arm(s);
    }
}

static void broken_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct chip *s = dev;

    (void)region;
    if (offset / 4 != LIMIT)
        chip_store(s, offset, width, value);
    if (offset == 4 * CONTROL) {
        s->v[LIMIT] = FIRES;
        arm(s);
    }
}

static int32_t broken_realize(void *dev)
{
    struct chip *s = dev;

    return s->host->timer_create(s->host, fire, &s->timer);
}

static void broken_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct chip *s = dev;

    (void)r;
    if (s->deadline_ns)
        s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

BROKEN_PLUGIN(CHIP_TABLES, .state = BP_TABLE(chip_fields), .load_commit = broken_load_commit,
              .realize = broken_realize, CHIP_RESET, .read = chip_read, .write = broken_write);
