/* Fakes of bp.cpu/1 and bp.power/1. */
#include "bench_internal.h"

#define NS_PER_S UINT64_C(1000000000)

static int exists(const struct bench *b, uint32_t cpu, uint32_t irq)
{
    return cpu < b->setup.cpus && irq && irq < 8;
}

static uint32_t cpu_count(const struct bp_host *host)
{
    return bench_of(host)->setup.cpus;
}

static uint64_t cpu_timebase_hz(const struct bp_host *host)
{
    return bench_of(host)->setup.timebase_hz;
}

/* Counted since the beginning, before set_ticks has moved it. Whole seconds apart: no overflow. */
static uint64_t ticks_at(const struct bench *b, uint64_t ns)
{
    uint64_t hz = b->setup.timebase_hz;

    return ns / NS_PER_S * hz + ns % NS_PER_S * hz / NS_PER_S;
}

uint64_t bench_cpu_ticks(const struct bench *b)
{
    return ticks_at(b, b->now_ns) + b->tick_offset;
}

static uint64_t cpu_ticks(const struct bp_host *host)
{
    return bench_cpu_ticks(bench_of(host));
}

static void cpu_set_ticks(const struct bp_host *host, uint64_t ticks)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "set_ticks");
    b->tick_offset = ticks - ticks_at(b, b->now_ns);
}

/* The first nanosecond at which the counter has reached `ticks`. */
static uint64_t cpu_ticks_to_ns(const struct bp_host *host, uint64_t ticks)
{
    struct bench *b = bench_of(host);
    uint64_t now = bench_cpu_ticks(b);
    uint64_t hz = b->setup.timebase_hz;
    uint64_t base = ticks_at(b, b->now_ns);
    uint64_t seconds;

    if (ticks <= now)
        return b->now_ns;
    if (ticks - now > UINT64_MAX - base)
        return UINT64_MAX;
    base += ticks - now;
    seconds = base / hz;
    if (seconds >= UINT64_MAX / NS_PER_S)
        return UINT64_MAX;
    return seconds * NS_PER_S + (base % hz * NS_PER_S + hz - 1) / hz;
}

static void cpu_irq_set(const struct bp_host *host, uint32_t cpu, uint32_t irq, uint32_t level)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "cpu irq_set");
    if (!exists(b, cpu, irq))
        return;
    if (level && !b->cpu_irqs[cpu][irq])
        b->cpu_raises[cpu][irq]++;
    b->cpu_irqs[cpu][irq] = level != 0;
}

const struct bp_cpu bench_cpu_if = {
    sizeof(struct bp_cpu), 0,           cpu_count, cpu_timebase_hz, cpu_ticks, cpu_set_ticks,
    cpu_ticks_to_ns,       cpu_irq_set,
};

uint32_t bench_cpu_irq(struct bench *b, uint32_t cpu, uint32_t irq)
{
    if (!exists(b, cpu, irq))
        bench_die(b, "processor %u has no input %u", cpu, irq);
    return b->cpu_irqs[cpu][irq];
}

uint32_t bench_cpu_irq_raises(struct bench *b, uint32_t cpu, uint32_t irq)
{
    if (!exists(b, cpu, irq))
        bench_die(b, "processor %u has no input %u", cpu, irq);
    return b->cpu_raises[cpu][irq];
}

/* --- the service of an interrupt controller --------------------------------------------------- */
void bench_irqchip_set(struct bench *b, uint32_t line, uint32_t level)
{
    const struct bp_irqchip_ops *ops = class_service(b->class_, BP_IRQCHIP_ID);

    if (!ops)
        bench_die(b, "the class offers no %s", BP_IRQCHIP_ID);
    bench_enter(b, "set of " BP_IRQCHIP_ID);
    ops->set(b->dev, line, level);
    bench_leave(b);
}

/* --- bp.power/1 ------------------------------------------------------------------------------- */
static void power_request(const struct bp_host *host, uint32_t what, uint32_t code)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "a power request");
    if (what < BP_POWER_OFF || what > BP_POWER_BUTTON || code > 255)
        bench_die(b, "power request %u with code %u", what, code);
    b->power = what;
    b->power_code = code;
    b->power_count++;
}

const struct bp_power bench_power_if = {sizeof(struct bp_power), 0, power_request};

uint32_t bench_power(const struct bench *b)
{
    return b->power;
}

uint32_t bench_power_code(const struct bench *b)
{
    return b->power_code;
}

uint32_t bench_power_count(const struct bench *b)
{
    return b->power_count;
}
