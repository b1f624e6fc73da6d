/*
 * @ID@ - an interval timer with one interrupt.
 * Specification: this comment. After RUN is set it ticks each PERIOD microseconds: COUNT goes up by
 * one and STATUS.TICK is set; the line is high while STATUS and MASK have a bit in common.
 * Not modelled: nothing. (Say here what of the real chip you leave out.)
 *
 * To make it your own, go through the steps below. What a table says needs no code. No exception
 * may leave a callback (hence noexcept), and no constructor runs on the instance.
 */
#include <backplane/if/fdt.h>
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/lib/regs.h>
#include <backplane/plugin.h>

namespace
{

/* Step 1: the registers' names and bits, as in the data sheet. */
enum Register { CTRL, PERIOD, COUNT, STATUS, MASK, N_REGS };

constexpr uint32_t CTRL_RUN = 1u << 0;
constexpr uint32_t STATUS_TICK = 1u << 0;

/* Step 2: the lines (and regions, and links), by their index in the tables at the end. */
enum Line { LINE_TICK };

/* Step 3: the state, with units. One instance for each device of a machine; no statics. */
struct Timer {
    bp_regs regs; /* first member: lib/regs finds it there */
    const bp_host *host;
    bp_handle timer;
    uint64_t deadline_ns;   /* virtual time of the next tick; of no meaning while RUN is 0 */
    uint32_t min_period_us; /* the property "min-period" */
    uint32_t pad;

    void update_irq() const noexcept;
    uint64_t period_ns() const noexcept;
    void start_or_stop() noexcept;
    void tick() noexcept;
    void load() noexcept;
};

Timer &timer_of(void *dev)
{
    return *static_cast<Timer *>(dev);
}

/* Step 4: one function drives the line, and computes it from the state. */
void Timer::update_irq() const noexcept
{
    host->irq_set(host, LINE_TICK, regs.v[STATUS] & regs.v[MASK]);
}

uint64_t Timer::period_ns() const noexcept
{
    uint32_t us = regs.v[PERIOD];

    return (us < min_period_us ? min_period_us : us) * UINT64_C(1000);
}

/* Step 5: what the outside world does: timers, links, completions. */
void Timer::tick() noexcept
{
    regs.v[COUNT]++;
    regs.v[STATUS] |= STATUS_TICK;
    update_irq();
    deadline_ns += period_ns();
    host->timer_arm(host, timer, deadline_ns);
}

/* Step 6: the hooks of the registers that do more than keep their bits. */
void Timer::start_or_stop() noexcept
{
    if (!(regs.v[CTRL] & CTRL_RUN)) {
        host->timer_cancel(host, timer);
        return;
    }
    deadline_ns = host->clock_ns(host) + period_ns();
    host->timer_arm(host, timer, deadline_ns);
}

void ctrl_write(void *dev, uint32_t) noexcept
{
    timer_of(dev).start_or_stop();
}

void period_write(void *dev, uint32_t value) noexcept
{
    const Timer &s = timer_of(dev);

    if (value < s.min_period_us) /* the guest's mistake: defined result, a line in the log */
        bp_guest_logf(s.host, "PERIOD = %u: ticks come each %u us", value, s.min_period_us);
}

void status_or_mask_write(void *dev, uint32_t) noexcept
{
    timer_of(dev).update_irq();
}

/* Step 7: the register table, in the order of the enum: offset, reset value, writable bits, bits
 * cleared by writing 1, hooks. */
constexpr bp_reg timer_regs[N_REGS] = {
    {"CTRL", 0x00, 0, CTRL_RUN, 0, nullptr, ctrl_write},
    {"PERIOD", 0x04, 1000, UINT32_MAX, 0, nullptr, period_write},
    {"COUNT", 0x08, 0, 0, 0, nullptr, nullptr},
    {"STATUS", 0x0c, 0, 0, STATUS_TICK, nullptr, status_or_mask_write},
    {"MASK", 0x10, 0, STATUS_TICK, 0, nullptr, status_or_mask_write},
};

/* Step 8: the life cycle. Properties are in the instance before create is called. */
int32_t timer_create(const bp_host *host, void *dev) noexcept
{
    Timer &s = timer_of(dev);

    s.host = host;
    bp_regs_init(&s.regs, timer_regs, N_REGS);
    return BP_OK;
}

int32_t timer_realize(void *dev) noexcept
{
    Timer &s = timer_of(dev);

    return s.host->timer_create(
        s.host, [](void *d) noexcept { timer_of(d).tick(); }, &s.timer);
}

/* The host has lowered the line and cancelled the timer already. */
void timer_reset(void *dev, uint32_t kind) noexcept
{
    bp_regs_reset(dev, kind);
    timer_of(dev).deadline_ns = 0;
}

/* The table's fields are in place; what they mean outside the instance is done again. A snapshot
 * may have been written by hand: its deadline counts only as far as a tick can be away. */
void Timer::load() noexcept
{
    uint64_t now_ns = host->clock_ns(host);

    update_irq();
    if (!(regs.v[CTRL] & CTRL_RUN))
        return;
    if (deadline_ns < now_ns || deadline_ns - now_ns > UINT32_MAX * UINT64_C(1000))
        deadline_ns = now_ns;
    host->timer_arm(host, timer, deadline_ns);
}

void timer_load_commit(void *dev, const bp_state_reader *) noexcept
{
    timer_of(dev).load();
}

/* The node has its name, compatible, reg and interrupts from the tables: this is what they lack. */
void timer_describe_fdt(const void *dev, const bp_fdt_writer *w) noexcept
{
    w->prop_u32(w, "example,min-period-us", static_cast<const Timer *>(dev)->min_period_us);
}

/* Step 9: the class's tables. Rows in the order of device.h, since C++17 names no members. */
constexpr bp_region regions[] = {
    /* name, size, align, kind, widths, flags, 0, registers */
    {"regs", 0x1000, 0, BP_MMIO, BP_W32, 0, 0, BP_TABLE(timer_regs)},
};

constexpr bp_line lines[] = {{"tick", BP_LEVEL_HIGH, 0}};

constexpr bp_property properties[] = {
    BP_PROP_U32(Timer, min_period_us, "min-period", "100", 1, 1000000,
                "Shortest time between two ticks in microseconds. A guest that asks for less gets "
                "this, so that it cannot keep the host busy."),
};

constexpr bp_field fields[] = {
    BP_FIELD_REGS(Timer, regs, N_REGS),
    BP_FIELD_U64(Timer, deadline_ns),
};

/* Step 10: the class, a constant, and the macro that makes it a plugin. */
constexpr bp_class make_class()
{
    bp_class c{};

    c.struct_size = sizeof(c);
    c.id = "@ID@";
    c.version = "1.0";
    c.summary = "interval timer";
    c.instance_size = sizeof(Timer);
    c.state_version = 1;
    c.regions = BP_TABLE(regions);
    c.lines = BP_TABLE(lines);
    c.properties = BP_TABLE(properties);
    c.state = BP_TABLE(fields);
    c.dt_name = "timer";
    c.dt_compatible = "example,ticker\0";
    c.create = timer_create;
    c.realize = timer_realize;
    c.describe_fdt = timer_describe_fdt;
    c.reset = timer_reset;
    c.load_commit = timer_load_commit;
    c.read = bp_regs_read;
    c.write = bp_regs_write;
    return c;
}

constexpr bp_class timer = make_class();

} // namespace

BP_PLUGIN("@ID@", "1.0", &timer);
