/*
 * A small chip for plugins that do one thing wrong: four registers, a timer, a line. Each of them
 * takes what it needs of this and replaces the rest with what is broken. What is here is right.
 */
#ifndef TESTS_BROKEN_CHIP_H
#define TESTS_BROKEN_CHIP_H

#include "broken.h"

#include <backplane/if/state.h>

#include <string.h>

enum { DATA, CONTROL, STATUS, LIMIT, N_REGS }; /* each 4 bytes */

#define CONTROL_IRQ   1u /* the line follows STATUS bit 0 */
#define CONTROL_TIMER 2u /* writing it sets STATUS bit 0 a millisecond later */

struct chip {
    const struct bp_host *host;
    bp_handle timer;
    uint64_t deadline_ns; /* 0: the timer is not armed */
    uint32_t v[N_REGS];
    uint32_t hidden; /* what a broken one needs */
};

static inline void chip_update_line(struct chip *s)
{
    s->host->irq_set(s->host, 0, s->v[STATUS] & s->v[CONTROL] & CONTROL_IRQ);
}

static inline void chip_fire(void *dev)
{
    struct chip *s = dev;

    s->deadline_ns = 0;
    s->v[STATUS] |= 1;
    chip_update_line(s);
}

static inline uint32_t chip_ones(uint32_t width)
{
    return width == 4 ? UINT32_MAX : (1u << 8 * width) - 1;
}

static inline uint64_t chip_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    const struct chip *s = dev;
    uint32_t shift = 8 * (uint32_t)(offset % 4);

    (void)region;
    return offset / 4 < N_REGS ? s->v[offset / 4] >> shift & chip_ones(width) : 0;
}

static inline void chip_store(struct chip *s, uint64_t offset, uint32_t width, uint64_t value)
{
    uint32_t shift = 8 * (uint32_t)(offset % 4);
    uint32_t mask = chip_ones(width) << shift;
    uint32_t *at = &s->v[offset / 4];

    *at = (*at & ~mask) | ((uint32_t)value << shift & mask);
}

static inline void chip_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                              uint64_t value)
{
    struct chip *s = dev;

    (void)region;
    if (offset / 4 >= N_REGS)
        return;
    chip_store(s, offset, width, value);
    s->v[CONTROL] &= CONTROL_IRQ | CONTROL_TIMER;
    if (offset / 4 == CONTROL && (s->v[CONTROL] & CONTROL_TIMER)) {
        s->deadline_ns = s->host->clock_ns(s->host) + 1000000;
        s->host->timer_arm(s->host, s->timer, s->deadline_ns);
    }
    chip_update_line(s);
}

static inline void chip_reset(void *dev, uint32_t kind)
{
    struct chip *s = dev;

    (void)kind;
    memset(s->v, 0, sizeof(s->v));
    s->hidden = 0;
    s->deadline_ns = 0;
}

static inline void chip_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct chip *s = dev;

    (void)r;
    s->v[CONTROL] &= CONTROL_IRQ | CONTROL_TIMER;
    if (s->deadline_ns)
        s->host->timer_arm(s->host, s->timer, s->deadline_ns);
    chip_update_line(s);
}

static inline int32_t chip_create(const struct bp_host *host, void *dev)
{
    ((struct chip *)dev)->host = host;
    return BP_OK;
}

static inline int32_t chip_realize(void *dev)
{
    struct chip *s = dev;

    return s->host->timer_create(s->host, chip_fire, &s->timer);
}

static const struct bp_region chip_regions[] = {
    {.name = "regs", .size = 4 * N_REGS, .kind = BP_MMIO, .widths = BP_W8 | BP_W16 | BP_W32}};
static const struct bp_line chip_lines[] = {{"out", BP_LEVEL_HIGH, 0}};
static const struct bp_field chip_fields[] = {
    BP_FIELD_U32(struct chip, v),
    BP_FIELD_U64(struct chip, deadline_ns),
};

/* Of BROKEN_PLUGIN: tables, and functions that are right. */
#define CHIP_TABLES                                                                                \
    .instance_size = sizeof(struct chip), .state_version = 1, .regions = BP_TABLE(chip_regions),   \
    .lines = BP_TABLE(chip_lines), .dt_name = "chip", .dt_compatible = "example,chip\0",           \
    .create = chip_create
#define CHIP_STATE  .state = BP_TABLE(chip_fields), .load_commit = chip_load_commit
#define CHIP_TIMER  .realize = chip_realize
#define CHIP_RESET  .reset = chip_reset
#define CHIP_ACCESS .read = chip_read, .write = chip_write

#endif
