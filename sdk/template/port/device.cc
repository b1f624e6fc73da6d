/*
 * @ID@ - an alarm clock behind two x86 ports, with one interrupt.
 * Specification: this comment. The byte written to INDEX (port 0) picks the register that DATA
 * (port 1) reads and writes: 0 CTRL, 1 and 2 the low and high byte of COUNT, 3 STATUS. Setting
 * CTRL.RUN waits for COUNT milliseconds, then clears RUN and sets STATUS.DONE; the line is high
 * while STATUS.DONE and CTRL.IRQ are 1. Writing 1 to STATUS.DONE clears it. Other registers read
 * 0xff. Not modelled: nothing. (Say here what of the real chip you leave out.)
 *
 * Its offsets are a protocol, so it has read and write callbacks instead of a table of registers.
 * No exception may leave a callback (hence noexcept), and no constructor runs on the instance.
 */
#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>

namespace
{

/* Step 1: ports, registers and bits, as in the data sheet. */
enum Port { PORT_INDEX, PORT_DATA, N_PORTS };
enum Register { CTRL, COUNT_LOW, COUNT_HIGH, STATUS, N_REGS };

constexpr uint8_t CTRL_RUN = 1u << 0;
constexpr uint8_t CTRL_IRQ = 1u << 1;
constexpr uint8_t STATUS_DONE = 1u << 0;
constexpr uint64_t MS = 1000000; /* ns */

/* Step 2: the lines, by their index in the table at the end. */
enum Line { LINE_DONE };

/* Step 3: the state, with units. One instance for each device of a machine; no statics. */
struct Alarm {
    const bp_host *host;
    bp_handle timer;
    uint64_t deadline_ns; /* virtual time; of no meaning while RUN is 0 */
    uint32_t min_ms;      /* the property "min-count" */
    uint8_t index;
    uint8_t regs[N_REGS];

    void update_irq() const noexcept;
    void done() noexcept;
    void ctrl_write(uint8_t value) noexcept;
    void data_write(uint8_t value) noexcept;
};

Alarm &alarm_of(void *dev)
{
    return *static_cast<Alarm *>(dev);
}

/* Step 4: one function drives the line, and computes it from the state. */
void Alarm::update_irq() const noexcept
{
    host->irq_set(host, LINE_DONE, (regs[STATUS] & STATUS_DONE) && (regs[CTRL] & CTRL_IRQ));
}

/* Step 5: what the outside world does: timers, links, completions. */
void Alarm::done() noexcept
{
    regs[CTRL] = static_cast<uint8_t>(regs[CTRL] & ~CTRL_RUN);
    regs[STATUS] |= STATUS_DONE;
    update_irq();
}

/* Step 6: what a guest does. The host has checked offset and width; any value can come. */
void Alarm::ctrl_write(uint8_t value) noexcept
{
    uint32_t ms = regs[COUNT_LOW] | static_cast<uint32_t>(regs[COUNT_HIGH]) << 8;

    regs[CTRL] = value & (CTRL_RUN | CTRL_IRQ);
    update_irq();
    if (!(value & CTRL_RUN)) {
        host->timer_cancel(host, timer);
        return;
    }
    if (ms < min_ms) { /* the guest's mistake: defined result, a line in the log */
        bp_guest_logf(host, "COUNT = %u: it takes %u ms", ms, min_ms);
        ms = min_ms;
    }
    deadline_ns = host->clock_ns(host) + ms * MS;
    host->timer_arm(host, timer, deadline_ns);
}

void Alarm::data_write(uint8_t value) noexcept
{
    switch (index) {
    case CTRL:
        ctrl_write(value);
        return;
    case COUNT_LOW:
    case COUNT_HIGH:
        regs[index] = value;
        return;
    case STATUS:
        regs[STATUS] = static_cast<uint8_t>(regs[STATUS] & ~(value & STATUS_DONE));
        update_irq();
        return;
    default:
        return;
    }
}

uint64_t alarm_read(void *dev, uint32_t, uint64_t offset, uint32_t) noexcept
{
    const Alarm &s = alarm_of(dev);

    if (offset == PORT_INDEX)
        return s.index;
    return s.index < N_REGS ? s.regs[s.index] : 0xff;
}

void alarm_write(void *dev, uint32_t, uint64_t offset, uint32_t, uint64_t value) noexcept
{
    Alarm &s = alarm_of(dev);

    if (offset == PORT_INDEX)
        s.index = static_cast<uint8_t>(value);
    else
        s.data_write(static_cast<uint8_t>(value));
}

/* Step 7: the life cycle. Properties are in the instance before create is called. */
int32_t alarm_create(const bp_host *host, void *dev) noexcept
{
    alarm_of(dev).host = host;
    return BP_OK;
}

int32_t alarm_realize(void *dev) noexcept
{
    Alarm &s = alarm_of(dev);

    return s.host->timer_create(
        s.host, [](void *d) noexcept { alarm_of(d).done(); }, &s.timer);
}

/* The host has lowered the line and cancelled the timer already. */
void alarm_reset(void *dev, uint32_t) noexcept
{
    Alarm &s = alarm_of(dev);

    s.index = 0;
    s.deadline_ns = 0;
    for (uint8_t &reg : s.regs)
        reg = 0;
}

/* The table's fields are in place; what they mean outside the instance is done again. A snapshot
 * may have been written by hand, but then the alarm is only early or late: its timer fires once. */
void alarm_load_commit(void *dev, const bp_state_reader *) noexcept
{
    const Alarm &s = alarm_of(dev);

    s.update_irq();
    if (s.regs[CTRL] & CTRL_RUN)
        s.host->timer_arm(s.host, s.timer, s.deadline_ns);
}

/* Step 8: the class's tables. Rows in the order of device.h, since C++17 names no members. */
constexpr bp_region regions[] = {
    /* name, size, align, kind, widths, flags, 0, registers */
    {"ports", N_PORTS, 0, BP_PIO, BP_W8, 0, 0, {}},
};

constexpr bp_line lines[] = {{"done", BP_LEVEL_HIGH, 0}};

constexpr bp_property properties[] = {
    BP_PROP_U32(Alarm, min_ms, "min-count", "1", 1, 60000,
                "Shortest time in milliseconds. A guest that asks for less gets this, so that it "
                "cannot keep the host busy."),
};

constexpr bp_field fields[] = {
    BP_FIELD_U64(Alarm, deadline_ns),
    BP_FIELD_U8(Alarm, index),
    BP_FIELD_U8(Alarm, regs),
};

/* Step 9: the class, a constant, and the macro that makes it a plugin. Ports are an x86 machine's.
 */
constexpr bp_class make_class()
{
    bp_class c{};

    c.struct_size = sizeof(c);
    c.id = "@ID@";
    c.version = "1.0";
    c.summary = "alarm clock behind an index and a data port";
    c.instance_size = sizeof(Alarm);
    c.state_version = 1;
    c.arch = "x86_64";
    c.regions = BP_TABLE(regions);
    c.lines = BP_TABLE(lines);
    c.properties = BP_TABLE(properties);
    c.state = BP_TABLE(fields);
    c.dt_name = "timer";
    c.dt_compatible = "example,alarm\0";
    c.create = alarm_create;
    c.realize = alarm_realize;
    c.reset = alarm_reset;
    c.load_commit = alarm_load_commit;
    c.read = alarm_read;
    c.write = alarm_write;
    return c;
}

constexpr bp_class alarm_class = make_class();

} // namespace

BP_PLUGIN("@ID@", "1.0", &alarm_class);
