/*
 * Interrupts and doorbells on KVM. An edge line is an event descriptor that the kernel itself turns
 * into an interrupt, where it does (kvm_arch.pulses_edges); a level line is set exactly, because
 * the kernel's own way of resampling would need a notification at each end of interrupt.
 */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm_arch.h"

/* --- Routes ----------------------------------------------------------------------------------- */

int32_t kvm_commit_routes(struct accel_vm *vm, struct err *err)
{
    size_t bytes = vm->n_routes * sizeof(vm->routes[0]);
    struct kvm_irq_routing *table = calloc(1, sizeof(*table) + bytes);
    if (table == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    table->nr = vm->n_routes;
    if (bytes != 0)
        memcpy(table->entries, vm->routes, bytes);
    int32_t status = BP_OK;
    if (ioctl(vm->vm_fd, KVM_SET_GSI_ROUTING, table) != 0)
        status = kvm_fail("KVM_SET_GSI_ROUTING", err);
    free(table);
    return status;
}

static struct kvm_irq_routing_entry *find_route(struct accel_vm *vm, uint32_t gsi)
{
    for (uint32_t i = 0; i < vm->n_routes; i++)
        if (vm->routes[i].gsi == gsi)
            return &vm->routes[i];
    return NULL;
}

/* The kernel only wants to know which vectors end with an exit: the messages themselves come by
 * kvm_send_msi. A masked pin keeps its route: its last interrupt may not have ended yet. */
int32_t kvm_route_pin(struct accel_vm *vm, uint32_t pin, uint64_t address, uint32_t data,
                      bool is_level, bool is_masked)
{
    if (pin >= vm->config.ioapic_pins)
        return BP_ERR_RANGE;
    if (!is_level || is_masked)
        return BP_OK;
    const struct kvm_irq_routing_entry entry = {
        .gsi = pin,
        .type = KVM_IRQ_ROUTING_MSI,
        .u.msi = {.address_lo = (uint32_t)address,
                  .address_hi = (uint32_t)(address >> 32),
                  .data = data},
    };
    int32_t status = BP_OK;
    pthread_mutex_lock(&vm->route_lock);
    struct kvm_irq_routing_entry *old = find_route(vm, pin);
    bool is_same = old != NULL && memcmp(old, &entry, sizeof(entry)) == 0;
    if (old == NULL)
        old = &vm->routes[vm->n_routes++]; /* there is room for one of each pin */
    *old = entry;
    if (!is_same)
        status = kvm_commit_routes(vm, NULL);
    pthread_mutex_unlock(&vm->route_lock);
    return status;
}

/* --- Lines ------------------------------------------------------------------------------------ */

/* An interrupt controller that needs its vCPUs first is not there yet: EAGAIN. */
static int32_t attach_edge(struct accel_vm *vm, struct kvm_line *line, struct err *err)
{
    struct kvm_irqfd irqfd = {.fd = (uint32_t)line->event_fd, .gsi = line->gsi};
    line->is_attached = ioctl(vm->vm_fd, KVM_IRQFD, &irqfd) == 0;
    return line->is_attached || errno == EAGAIN ? BP_OK : kvm_fail("KVM_IRQFD", err);
}

int32_t kvm_attach_lines(struct accel_vm *vm, struct err *err)
{
    int32_t status = BP_OK;
    for (uint32_t i = 0; i < vm->n_lines && status == BP_OK; i++) {
        struct kvm_line *line = &vm->lines[i];
        if (line->is_connected && line->event_fd >= 0 && !line->is_attached)
            status = attach_edge(vm, line, err);
    }
    return status;
}

static int32_t connect_edge(struct accel_vm *vm, struct kvm_line *line, struct err *err)
{
    line->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (line->event_fd < 0)
        return kvm_fail("an event descriptor for an interrupt line", err);
    int32_t status = attach_edge(vm, line, err);
    if (status == BP_OK)
        return BP_OK;
    close(line->event_fd);
    line->event_fd = -1;
    return status;
}

int32_t kvm_connect_line(struct accel_vm *vm, uint32_t number, uint32_t trigger, struct err *err)
{
    uint32_t gsi;
    int32_t status = kvm_arch.find_gsi(vm, number, &gsi, err);
    if (status != BP_OK)
        return status;
    struct kvm_line *line = &vm->lines[number];
    if (line->is_connected && line->trigger == trigger)
        return BP_OK;
    if (line->is_connected)
        return err_set(err, BP_ERR_EXISTS,
                       KVM_OBJECT ": line %u: connected already, with another trigger", number);
    *line = (struct kvm_line){.trigger = trigger, .gsi = gsi, .event_fd = -1};
    if (trigger == BP_EDGE_RISING && !kvm_arch.pulses_edges)
        status = connect_edge(vm, line, err);
    line->is_connected = status == BP_OK;
    return status;
}

void kvm_set_line(struct accel_vm *vm, uint32_t number, bool level)
{
    if (number >= vm->n_lines || !vm->lines[number].is_connected)
        return;
    const struct kvm_line *line = &vm->lines[number];
    if (line->event_fd >= 0) {
        const uint64_t one = 1;
        /* A full counter is one that the kernel has yet to read: nothing is lost. */
        if (level && write(line->event_fd, &one, sizeof(one)) < 0)
            return;
        return;
    }
    struct kvm_irq_level irq = {.irq = kvm_arch.irq_base + line->gsi, .level = level};
    (void)ioctl(vm->vm_fd, KVM_IRQ_LINE, &irq);
    if (line->trigger != BP_EDGE_RISING || !level)
        return;
    irq.level = false;
    (void)ioctl(vm->vm_fd, KVM_IRQ_LINE, &irq);
}

void kvm_lines_free(struct accel_vm *vm)
{
    for (uint32_t i = 0; vm->lines != NULL && i < vm->n_lines; i++)
        if (vm->lines[i].is_connected && vm->lines[i].event_fd >= 0)
            close(vm->lines[i].event_fd);
    free(vm->lines);
    free(vm->routes);
    vm->lines = NULL;
    vm->routes = NULL;
}

int32_t kvm_send_msi(struct accel_vm *vm, uint64_t address, uint32_t data)
{
    struct kvm_msi msi = {
        .address_lo = (uint32_t)address, .address_hi = (uint32_t)(address >> 32), .data = data};
    if (kvm_arch.has_no_msi)
        return BP_ERR_UNSUPPORTED;
    /* 0: a guest that has its local APIC off. */
    return ioctl(vm->vm_fd, KVM_SIGNAL_MSI, &msi) >= 0 ? BP_OK : BP_ERR_INVALID;
}

/* --- Doorbells -------------------------------------------------------------------------------- */

int32_t kvm_add_doorbell(struct accel_vm *vm, const struct accel_doorbell *doorbell,
                         struct err *err)
{
    uint32_t width = doorbell->width;
    if (width != 1 && width != 2 && width != 4 && (width != 8 || doorbell->is_port))
        return err_set(err, BP_ERR_INVALID, KVM_OBJECT ": doorbell: a width of %u", width);
    struct kvm_ioeventfd bell = {
        .datamatch = doorbell->value,
        .addr = doorbell->address,
        .len = width,
        .fd = doorbell->event_fd,
        .flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
    };
    if (doorbell->is_port)
        bell.flags |= KVM_IOEVENTFD_FLAG_PIO;
    if (ioctl(vm->vm_fd, KVM_IOEVENTFD, &bell) == 0)
        return BP_OK;
    if (errno == ENOSPC) /* the kernel's bus is full: the others come as exits */
        return err_set(err, BP_ERR_UNSUPPORTED, KVM_OBJECT ": doorbell: the kernel has no more");
    return kvm_fail("KVM_IOEVENTFD", err);
}
