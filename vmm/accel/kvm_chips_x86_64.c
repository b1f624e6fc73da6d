/*
 * A PC's interrupt controllers and timer in the kernel: two 8259A, a 24-pin I/O APIC, local APICs,
 * an 8254; or the local APICs alone, when a device of the machine is the I/O APIC. Wiring as on
 * every PC: interrupt n is input n of the 8259s and pin n of the I/O APIC, but the timer's, input 0
 * and pin 2. KVM's documentation 4.24, 4.25, 4.52, 4.71, 7.5.
 */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "accel/kvm_x86_64.h"

#define PIC_PINS     16u
#define PIC_CASCADE  2u
#define IOAPIC_PINS  24u
#define TIMER_GSI    0u
#define TIMER_PIN    2u
#define SPLIT_ROUTES 256u

/* Lines of the 8259s that the ELCR can make level-triggered: not timer, keyboard, cascade, clock,
 * coprocessor. */
#define ELCR_ALLOWED 0xdef8u

static void add_route(struct accel_vm *vm, uint32_t gsi, uint32_t chip, uint32_t pin)
{
    vm->routes[vm->n_routes++] = (struct kvm_irq_routing_entry){
        .gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {.irqchip = chip, .pin = pin}};
}

static void wire_pc(struct accel_vm *vm)
{
    for (uint32_t pin = 0; pin < PIC_PINS; pin++)
        if (pin != PIC_CASCADE)
            add_route(vm, pin, pin < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, pin & 7);
    for (uint32_t pin = 1; pin < IOAPIC_PINS; pin++)
        add_route(vm, pin == TIMER_PIN ? TIMER_GSI : pin, KVM_IRQCHIP_IOAPIC, pin);
}

static int32_t make_tables(struct accel_vm *vm, struct err *err)
{
    vm->n_lines = IOAPIC_PINS;
    vm->lines = calloc(vm->n_lines, sizeof(*vm->lines));
    vm->routes = calloc(SPLIT_ROUTES, sizeof(*vm->routes));
    if (vm->lines == NULL || vm->routes == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    return BP_OK;
}

static int32_t create_split(struct accel_vm *vm, struct err *err)
{
    uint32_t pins = vm->config.ioapic_pins;
    if (pins > SPLIT_ROUTES)
        return err_set(err, BP_ERR_RANGE, KVM_OBJECT ": an I/O APIC of %u pins: 1 to %u", pins,
                       SPLIT_ROUTES);
    if (kvm_check_fd(&vm->kvm_fd, KVM_CAP_SPLIT_IRQCHIP) == 0)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       KVM_DEVICE ": this kernel's KVM lacks KVM_CAP_SPLIT_IRQCHIP (an I/O APIC of "
                                  "the machine's own); update the host's kernel, or leave that "
                                  "device out");
    struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {pins}};
    return ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) == 0
               ? BP_OK
               : kvm_fail("KVM_ENABLE_CAP(KVM_CAP_SPLIT_IRQCHIP)", err);
}

static int32_t read_chip(struct accel_vm *vm, uint32_t id, struct kvm_irqchip *chip,
                         struct err *err)
{
    chip->chip_id = id;
    return ioctl(vm->vm_fd, KVM_GET_IRQCHIP, chip) == 0 ? BP_OK : kvm_fail("KVM_GET_IRQCHIP", err);
}

static int32_t create_pc(struct accel_vm *vm, struct err *err)
{
    struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
    struct kvm_chips *chips = &vm->arch->chips;
    if (ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, 0) != 0)
        return kvm_fail("KVM_CREATE_IRQCHIP", err);
    if (ioctl(vm->vm_fd, KVM_CREATE_PIT2, &pit) != 0)
        return kvm_fail("KVM_CREATE_PIT2", err);
    wire_pc(vm);
    int32_t status = kvm_commit_routes(vm, err);
    if (status == BP_OK)
        status = read_chip(vm, KVM_IRQCHIP_PIC_MASTER, &chips->pics[0], err);
    if (status == BP_OK)
        status = read_chip(vm, KVM_IRQCHIP_PIC_SLAVE, &chips->pics[1], err);
    if (status == BP_OK)
        status = read_chip(vm, KVM_IRQCHIP_IOAPIC, &chips->ioapic, err);
    if (status == BP_OK && ioctl(vm->vm_fd, KVM_GET_PIT2, &chips->pit) != 0)
        status = kvm_fail("KVM_GET_PIT2", err);
    return status;
}

int32_t kvm_chips_create(struct accel_vm *vm, struct err *err)
{
    int32_t status = make_tables(vm, err);
    if (status != BP_OK)
        return status;
    return vm->config.ioapic_pins != 0 ? create_split(vm, err) : create_pc(vm, err);
}

/* --- Reset ------------------------------------------------------------------------------------ */

/* Firmware's part: the 8259s know which of their inputs are level-triggered. */
static uint32_t level_lines(const struct accel_vm *vm)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < PIC_PINS; i++)
        if (vm->lines[i].is_connected && vm->lines[i].trigger == BP_LEVEL_HIGH)
            mask |= 1u << i;
    return mask & ELCR_ALLOWED;
}

static int32_t write_chip(struct accel_vm *vm, const struct kvm_irqchip *chip, struct err *err)
{
    return ioctl(vm->vm_fd, KVM_SET_IRQCHIP, chip) == 0 ? BP_OK : kvm_fail("KVM_SET_IRQCHIP", err);
}

int32_t kvm_chips_reset(struct accel_vm *vm, struct err *err)
{
    struct kvm_chips chips = vm->arch->chips;
    struct kvm_clock_data clock = {0};
    if (ioctl(vm->vm_fd, KVM_SET_CLOCK, &clock) != 0)
        return kvm_fail("KVM_SET_CLOCK", err);
    if (vm->config.ioapic_pins != 0)
        return BP_OK;
    uint32_t levels = level_lines(vm);
    chips.pics[0].chip.pic.elcr = (uint8_t)levels;
    chips.pics[1].chip.pic.elcr = (uint8_t)(levels >> 8);
    int32_t status = write_chip(vm, &chips.pics[0], err);
    if (status == BP_OK)
        status = write_chip(vm, &chips.pics[1], err);
    if (status == BP_OK)
        status = write_chip(vm, &chips.ioapic, err);
    if (status == BP_OK && ioctl(vm->vm_fd, KVM_SET_PIT2, &chips.pit) != 0)
        status = kvm_fail("KVM_SET_PIT2", err);
    return status;
}

/* --- Lines ------------------------------------------------------------------------------------ */

int32_t kvm_chips_find_gsi(struct accel_vm *vm, uint32_t line, uint32_t *gsi, struct err *err)
{
    if (vm->config.ioapic_pins != 0)
        return err_set(err, BP_ERR_STATE,
                       KVM_OBJECT ": line %u: a device of the machine is the I/O APIC", line);
    if (line == 0 || line >= IOAPIC_PINS)
        return err_set(err, BP_ERR_RANGE, KVM_OBJECT ": line %u: the I/O APIC has lines 1-%u", line,
                       IOAPIC_PINS - 1);
    if (line == TIMER_PIN)
        return err_set(err, BP_ERR_EXISTS, KVM_OBJECT ": line %u: it is the timer's", line);
    *gsi = line;
    return BP_OK;
}
