/*
 * @ID@ - an interval timer with one interrupt.
 * Specification: this comment. After RUN is set it ticks each PERIOD microseconds: COUNT goes up by
 * one and STATUS.TICK is set; the line is high while STATUS and MASK have a bit in common.
 * Not modelled: nothing. (Say here what of the real chip you leave out.)
 *
 * To make it your own, go through the steps below. What a table says needs no code.
 */
#include <backplane/if/fdt.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

/* Step 1: the registers' names and bits, as in the data sheet. */
enum { CTRL, PERIOD, COUNT, STATUS, MASK, N_REGS };

#define CTRL_RUN    (1u << 0)
#define STATUS_TICK (1u << 0)

/* Step 2: the lines (and regions, and links), by their index in the tables at the end. */
enum { LINE_TICK };

/* Step 3: the state, with units. One instance for each device of a machine; no statics. */
struct timer {
    struct bp_regs regs; /* first member: lib/regs finds it there */
    const struct bp_host *host;
    bp_handle timer;
    uint64_t deadline_ns;   /* virtual time of the next tick; of no meaning while RUN is 0 */
    uint32_t min_period_us; /* the property "min-period" */
    uint32_t pad;
};

/* Step 4: one function drives the line, and computes it from the state. */
static void update_irq(struct timer *s)
{
    s->host->irq_set(s->host, LINE_TICK, s->regs.v[STATUS] & s->regs.v[MASK]);
}

static uint64_t period_ns(const struct timer *s)
{
    uint32_t us = s->regs.v[PERIOD];

    return (us < s->min_period_us ? s->min_period_us : us) * UINT64_C(1000);
}

/* Step 5: what the outside world does: timers, links, completions. */
static void tick(void *dev)
{
    struct timer *s = dev;

    s->regs.v[COUNT]++;
    s->regs.v[STATUS] |= STATUS_TICK;
    update_irq(s);
    s->deadline_ns += period_ns(s);
    s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

/* Step 6: the hooks of the registers that do more than keep their bits. */
static void ctrl_write(void *dev, uint32_t value)
{
    struct timer *s = dev;

    if (!(value & CTRL_RUN)) {
        s->host->timer_cancel(s->host, s->timer);
        return;
    }
    s->deadline_ns = s->host->clock_ns(s->host) + period_ns(s);
    s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

static void period_write(void *dev, uint32_t value)
{
    struct timer *s = dev;

    if (value < s->min_period_us) /* the guest's mistake: defined result, a line in the log */
        bp_guest_logf(s->host, "PERIOD = %u: ticks come each %u us", value, s->min_period_us);
}

static void status_or_mask_write(void *dev, uint32_t value)
{
    (void)value;
    update_irq(dev);
}

/* Step 7: the register table. Offset, reset value, writable bits, bits cleared by writing 1. */
/* clang-format off */
static const struct bp_reg timer_regs[N_REGS] = {
    /*           name      offset reset writable    w1c          on_read on_write */
    [CTRL]   = {"CTRL",    0x00, 0,    CTRL_RUN,    0,           NULL,   ctrl_write},
    [PERIOD] = {"PERIOD",  0x04, 1000, UINT32_MAX,  0,           NULL,   period_write},
    [COUNT]  = {"COUNT",   0x08, 0,    0,           0,           NULL,   NULL},
    [STATUS] = {"STATUS",  0x0c, 0,    0,           STATUS_TICK, NULL,   status_or_mask_write},
    [MASK]   = {"MASK",    0x10, 0,    STATUS_TICK, 0,           NULL,   status_or_mask_write},
};
/* clang-format on */

/* Step 8: the life cycle. Properties are in the instance before create is called. */
static int32_t timer_create(const struct bp_host *host, void *dev)
{
    struct timer *s = dev;

    s->host = host;
    bp_regs_init(&s->regs, timer_regs, N_REGS);
    return BP_OK;
}

static int32_t timer_realize(void *dev)
{
    struct timer *s = dev;

    return s->host->timer_create(s->host, tick, &s->timer);
}

/* The host has lowered the line and cancelled the timer already. */
static void timer_reset(void *dev, uint32_t kind)
{
    struct timer *s = dev;

    bp_regs_reset(dev, kind);
    s->deadline_ns = 0;
}

/* The table's fields are in place; what they mean outside the instance is done again. A snapshot
 * may have been written by hand: its deadline counts only as far as a tick can be away. */
static void timer_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct timer *s = dev;
    uint64_t now_ns = s->host->clock_ns(s->host);

    (void)r;
    update_irq(s);
    if (!(s->regs.v[CTRL] & CTRL_RUN))
        return;
    if (s->deadline_ns < now_ns || s->deadline_ns - now_ns > UINT32_MAX * UINT64_C(1000))
        s->deadline_ns = now_ns;
    s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

/* The node has its name, compatible, reg and interrupts from the tables: this is what they lack. */
static void timer_describe_fdt(const void *dev, const struct bp_fdt_writer *w)
{
    const struct timer *s = dev;

    w->prop_u32(w, "example,min-period-us", s->min_period_us);
}

/* Step 9: the class's tables. */
static const struct bp_region regions[] = {
    {.name = "regs",
     .size = 0x1000,
     .kind = BP_MMIO,
     .widths = BP_W32,
     .regs = BP_TABLE(timer_regs)},
};

static const struct bp_line lines[] = {
    [LINE_TICK] = {.name = "tick", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct timer, min_period_us, "min-period", "100", 1, 1000000,
                "Shortest time between two ticks in microseconds. A guest that asks for less gets "
                "this, so that it cannot keep the host busy."),
};

static const struct bp_field fields[] = {
    BP_FIELD_REGS(struct timer, regs, N_REGS),
    BP_FIELD_U64(struct timer, deadline_ns),
};

/* Step 10: the class, and the macro that makes it a plugin. */
static const struct bp_class timer = {
    .struct_size = sizeof(struct bp_class),
    .id = "@ID@",
    .version = "1.0",
    .summary = "interval timer",
    .instance_size = sizeof(struct timer),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .dt_name = "timer",
    .dt_compatible = "example,ticker\0",
    .create = timer_create,
    .realize = timer_realize,
    .describe_fdt = timer_describe_fdt,
    .reset = timer_reset,
    .load_commit = timer_load_commit,
    .read = bp_regs_read,
    .write = bp_regs_write,
};
BP_PLUGIN("@ID@", "1.0", &timer);
