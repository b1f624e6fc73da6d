/*
 * @ID@ - an alarm clock behind two x86 ports, with one interrupt.
 * Specification: this comment. The byte written to INDEX (port 0) picks the register that DATA
 * (port 1) reads and writes: 0 CTRL, 1 and 2 the low and high byte of COUNT, 3 STATUS. Setting
 * CTRL.RUN waits for COUNT milliseconds, then clears RUN and sets STATUS.DONE; the line is high
 * while STATUS.DONE and CTRL.IRQ are 1. Writing 1 to STATUS.DONE clears it. Other registers read
 * 0xff. Not modelled: nothing. (Say here what of the real chip you leave out.)
 *
 * Its offsets are a protocol, so it has read and write callbacks instead of a table of registers.
 */
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

/* Step 1: ports, registers and bits, as in the data sheet. */
enum { PORT_INDEX, PORT_DATA, N_PORTS };
enum { CTRL, COUNT_LOW, COUNT_HIGH, STATUS, N_REGS };

#define CTRL_RUN    (1u << 0)
#define CTRL_IRQ    (1u << 1)
#define STATUS_DONE (1u << 0)
#define MS          UINT64_C(1000000) /* ns */

/* Step 2: the lines, by their index in the table at the end. */
enum { LINE_DONE };

/* Step 3: the state, with units. One instance for each device of a machine; no statics. */
struct alarm {
    const struct bp_host *host;
    bp_handle timer;
    uint64_t deadline_ns; /* virtual time; of no meaning while RUN is 0 */
    uint32_t min_ms;      /* the property "min-count" */
    uint8_t index;
    uint8_t regs[N_REGS];
};

/* Step 4: one function drives the line, and computes it from the state. */
static void update_irq(struct alarm *s)
{
    s->host->irq_set(s->host, LINE_DONE,
                     (s->regs[STATUS] & STATUS_DONE) && (s->regs[CTRL] & CTRL_IRQ));
}

/* Step 5: what the outside world does: timers, links, completions. */
static void alarm_done(void *dev)
{
    struct alarm *s = dev;

    s->regs[CTRL] &= (uint8_t)~CTRL_RUN;
    s->regs[STATUS] |= STATUS_DONE;
    update_irq(s);
}

/* Step 6: what a guest does. The host has checked offset and width; any value can come. */
static void ctrl_write(struct alarm *s, uint8_t value)
{
    uint32_t ms = s->regs[COUNT_LOW] | (uint32_t)s->regs[COUNT_HIGH] << 8;

    s->regs[CTRL] = value & (CTRL_RUN | CTRL_IRQ);
    update_irq(s);
    if (!(value & CTRL_RUN)) {
        s->host->timer_cancel(s->host, s->timer);
        return;
    }
    if (ms < s->min_ms) { /* the guest's mistake: defined result, a line in the log */
        bp_guest_logf(s->host, "COUNT = %u: it takes %u ms", ms, s->min_ms);
        ms = s->min_ms;
    }
    s->deadline_ns = s->host->clock_ns(s->host) + ms * MS;
    s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

static void data_write(struct alarm *s, uint8_t value)
{
    switch (s->index) {
    case CTRL:
        ctrl_write(s, value);
        return;
    case COUNT_LOW:
    case COUNT_HIGH:
        s->regs[s->index] = value;
        return;
    case STATUS:
        s->regs[STATUS] &= (uint8_t) ~(value & STATUS_DONE);
        update_irq(s);
        return;
    default:
        return;
    }
}

static uint64_t alarm_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    const struct alarm *s = dev;

    (void)region;
    (void)width;
    if (offset == PORT_INDEX)
        return s->index;
    return s->index < N_REGS ? s->regs[s->index] : 0xff;
}

static void alarm_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct alarm *s = dev;

    (void)region;
    (void)width;
    if (offset == PORT_INDEX)
        s->index = (uint8_t)value;
    else
        data_write(s, (uint8_t)value);
}

/* Step 7: the life cycle. Properties are in the instance before create is called. */
static int32_t alarm_create(const struct bp_host *host, void *dev)
{
    struct alarm *s = dev;

    s->host = host;
    return BP_OK;
}

static int32_t alarm_realize(void *dev)
{
    struct alarm *s = dev;

    return s->host->timer_create(s->host, alarm_done, &s->timer);
}

/* The host has lowered the line and cancelled the timer already. */
static void alarm_reset(void *dev, uint32_t kind)
{
    struct alarm *s = dev;

    (void)kind;
    s->index = 0;
    s->deadline_ns = 0;
    for (uint32_t i = 0; i < N_REGS; i++)
        s->regs[i] = 0;
}

/* The table's fields are in place; what they mean outside the instance is done again. A snapshot
 * may have been written by hand, but then the alarm is only early or late: its timer fires once. */
static void alarm_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct alarm *s = dev;

    (void)r;
    update_irq(s);
    if (s->regs[CTRL] & CTRL_RUN)
        s->host->timer_arm(s->host, s->timer, s->deadline_ns);
}

/* Step 8: the class's tables. */
static const struct bp_region regions[] = {
    {.name = "ports", .size = N_PORTS, .kind = BP_PIO, .widths = BP_W8},
};

static const struct bp_line lines[] = {
    [LINE_DONE] = {.name = "done", .trigger = BP_LEVEL_HIGH},
};

static const struct bp_property properties[] = {
    BP_PROP_U32(struct alarm, min_ms, "min-count", "1", 1, 60000,
                "Shortest time in milliseconds. A guest that asks for less gets this, so that it "
                "cannot keep the host busy."),
};

static const struct bp_field fields[] = {
    BP_FIELD_U64(struct alarm, deadline_ns),
    BP_FIELD_U8(struct alarm, index),
    BP_FIELD_U8(struct alarm, regs),
};

/* Step 9: the class, and the macro that makes it a plugin. Ports are an x86 machine's. */
static const struct bp_class alarm = {
    .struct_size = sizeof(struct bp_class),
    .id = "@ID@",
    .version = "1.0",
    .summary = "alarm clock behind an index and a data port",
    .instance_size = sizeof(struct alarm),
    .state_version = 1,
    .arch = "x86_64",
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(fields),
    .dt_name = "timer",
    .dt_compatible = "example,alarm\0",
    .create = alarm_create,
    .realize = alarm_realize,
    .reset = alarm_reset,
    .load_commit = alarm_load_commit,
    .read = alarm_read,
    .write = alarm_write,
};
BP_PLUGIN("@ID@", "1.0", &alarm);
