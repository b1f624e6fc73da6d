/* bp.apic/1: messages to the local APICs, for an I/O APIC that is a device of the machine. */
#include <string.h>

#include "classcheck.h"
#include "core/vm.h"
#include "plugin/host_tables.h"

static int32_t apic_send(const struct bp_host *host, uint64_t address, uint32_t data)
{
    const struct device *dev = device_of(host);
    if (dev->vm == NULL)
        return BP_ERR_STATE;
    const struct accel_ops *accel = vm_accel(dev->vm);
    return accel->send_msi != NULL ? accel->send_msi(vm_accel_vm(dev->vm), address, data)
                                   : BP_ERR_UNSUPPORTED;
}

static int32_t apic_route(const struct bp_host *host, uint32_t pin, uint64_t address, uint32_t data,
                          uint32_t flags)
{
    const struct device *dev = device_of(host);
    if (dev->vm == NULL)
        return BP_ERR_STATE;
    const struct accel_ops *accel = vm_accel(dev->vm);
    if (accel->route_pin == NULL)
        return BP_ERR_UNSUPPORTED;
    return accel->route_pin(vm_accel_vm(dev->vm), pin, address, data, (flags & BP_APIC_LEVEL) != 0,
                            (flags & BP_APIC_MASKED) != 0);
}

const struct bp_apic host_apic = {
    .struct_size = sizeof(struct bp_apic), .send = apic_send, .route = apic_route};

uint32_t device_apic_pins(const struct device *chip)
{
    if (chip == NULL || chip->irqchip_ops == NULL ||
        class_service(chip->class_, BP_APIC_EOI_ID) == NULL)
        return 0;
    uint32_t first, count;
    chip->irqchip_ops->range(chip->instance, &first, &count);
    return first + count;
}

void device_apic_eoi(struct device *chip, uint32_t vector)
{
    const struct bp_apic_eoi_ops *ops =
        chip != NULL ? class_service(chip->class_, BP_APIC_EOI_ID) : NULL;
    if (ops == NULL || !device_enter(chip, "eoi"))
        return;
    ops->eoi(chip->instance, vector);
    device_leave(chip);
}
