/* bp.cpu/1 and bp.power/1: the processors, and the machine's end. */
#include "core/vm.h"
#include "plugin/host_tables.h"

static uint32_t cpu_count(const struct bp_host *host)
{
    return device_of(host)->n_cpus;
}

static uint64_t timebase_hz(const struct bp_host *host)
{
    return device_of(host)->timebase_hz;
}

static uint64_t ticks(const struct bp_host *host)
{
    const struct device *dev = device_of(host);
    return dev->vm != NULL ? vm_ticks(dev->vm) : 0;
}

static void set_ticks(const struct bp_host *host, uint64_t value)
{
    struct device *dev = device_of(host);
    if (dev->vm != NULL)
        vm_set_ticks(dev->vm, value);
}

static uint64_t ticks_to_ns(const struct bp_host *host, uint64_t value)
{
    const struct device *dev = device_of(host);
    return dev->vm != NULL ? vm_ticks_to_ns(dev->vm, value) : UINT64_MAX;
}

static void cpu_irq_set(const struct bp_host *host, uint32_t cpu, uint32_t irq, uint32_t level)
{
    struct device *dev = device_of(host);
    struct accel_vcpu *vcpu = dev->vm != NULL ? vm_vcpu(dev->vm, cpu) : NULL;
    if (vcpu == NULL || irq < BP_CPU_IRQ_M_SOFT || irq > BP_CPU_IRQ_S_EXTERNAL)
        return;
    vm_accel(dev->vm)->set_irq(vcpu, (enum cpu_irq)irq, level != 0);
}

const struct bp_cpu host_cpu = {
    .struct_size = sizeof(struct bp_cpu),
    .count = cpu_count,
    .timebase_hz = timebase_hz,
    .ticks = ticks,
    .set_ticks = set_ticks,
    .ticks_to_ns = ticks_to_ns,
    .irq_set = cpu_irq_set,
};

static void request(const struct bp_host *host, uint32_t what, uint32_t code)
{
    static const enum run_result results[] = {
        [BP_POWER_OFF] = RUN_HALTED,
        [BP_POWER_RESET] = RUN_REBOOT,
        [BP_POWER_CRASHED] = RUN_CRASHED,
        [BP_POWER_YIELD] = RUN_YIELD,
        [BP_POWER_USER_YIELD] = RUN_USER_YIELD,
    };
    struct device *dev = device_of(host);
    if (dev->vm != NULL && what >= BP_POWER_OFF && what <= BP_POWER_USER_YIELD)
        vm_request(dev->vm, results[what], code);
    else if (dev->vm != NULL && what == BP_POWER_BUTTON)
        vm_press_power_button(dev->vm);
}

const struct bp_power host_power = {.struct_size = sizeof(struct bp_power), .request = request};
