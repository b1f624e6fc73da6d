/*
 * The host's processor as an accelerator: Linux's KVM (Documentation/virt/kvm/api.rst). This file
 * makes and ends VMs and vCPUs; see kvm.h for the others.
 * Not modelled: nested virtualization for the guest, system management mode, confidential guests.
 */
#include "accel/kvm.h"

#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel/kvm_arch.h"
#include "core/reg.h"

/* --- VM --------------------------------------------------------------------------------------- */

static int32_t check_config(const struct accel_config *config, struct err *err)
{
    if (config->arch == ARCH_INVALID || config->arch != kvm_arch.arch)
        return err_set(err, BP_ERR_UNSUPPORTED, KVM_OBJECT ": it does not run %s guests here",
                       arch_name(config->arch));
    if (config->env == NULL)
        return err_set(err, BP_ERR_INVALID, KVM_OBJECT ": a machine needs an environment");
    if (config->n_cpus == 0 || config->n_cpus > KVM_CPUS_MAX)
        return err_set(err, BP_ERR_RANGE, KVM_OBJECT ": %u cpus: it has 1 to %u", config->n_cpus,
                       KVM_CPUS_MAX);
    return BP_OK;
}

static int32_t check_kernel(struct accel_vm *vm, struct err *err)
{
    int32_t status = kvm_check_needs(KVM_DEVICE, kvm_arch.needs, kvm_arch.n_needs, kvm_check_fd,
                                     &vm->kvm_fd, err);
    if (status != BP_OK)
        return status;
    uint32_t cpus = kvm_check_fd(&vm->kvm_fd, KVM_CAP_MAX_VCPUS);
    if (vm->config.n_cpus > cpus)
        return err_set(err, BP_ERR_RANGE, KVM_OBJECT ": %u cpus: this kernel's KVM has 1 to %u",
                       vm->config.n_cpus, cpus);
    vm->max_slots = kvm_check_fd(&vm->kvm_fd, KVM_CAP_NR_MEMSLOTS);
    vm->gpa_bits = kvm_arch.gpa_bits(vm->kvm_fd);
    int bytes = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (bytes < (int)sizeof(struct kvm_run))
        return kvm_fail("KVM_GET_VCPU_MMAP_SIZE", err);
    vm->run_bytes = (size_t)bytes;
    return BP_OK;
}

static int32_t vm_make(struct accel_vm *vm, struct err *err)
{
    int32_t version;
    int32_t status = kvm_open(KVM_DEVICE, &vm->kvm_fd, &version, err);
    if (status == BP_OK)
        status = check_kernel(vm, err);
    if (status != BP_OK)
        return status;
    const unsigned long type = kvm_arch.vm_type != NULL ? kvm_arch.vm_type(vm) : 0;
    do
        vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, type);
    while (vm->vm_fd < 0 && errno == EINTR);
    if (vm->vm_fd < 0)
        return kvm_fail("KVM_CREATE_VM", err);
    kvm_prepare_kicks();
    return kvm_arch.vm_create(vm, err);
}

static void kvm_vm_destroy(struct accel_vm *vm)
{
    if (vm == NULL)
        return;
    kvm_arch.vm_destroy(vm);
    kvm_lines_free(vm);
    if (vm->vm_fd >= 0)
        close(vm->vm_fd);
    if (vm->kvm_fd >= 0)
        close(vm->kvm_fd);
    pthread_mutex_destroy(&vm->route_lock);
    free(vm->slots);
    free(vm);
}

static int32_t kvm_vm_create(const struct accel_config *config, struct accel_vm **out,
                             struct err *err)
{
    int32_t status = check_config(config, err);
    if (status != BP_OK)
        return status;
    struct accel_vm *vm = calloc(1, sizeof(*vm));
    if (vm == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory for a machine");
    vm->config = *config;
    vm->kvm_fd = vm->vm_fd = -1;
    pthread_mutex_init(&vm->route_lock, NULL);
    status = vm_make(vm, err);
    if (status != BP_OK) {
        kvm_vm_destroy(vm);
        return status;
    }
    *out = vm;
    return BP_OK;
}

/* --- vCPUs ------------------------------------------------------------------------------------ */

static int32_t vcpu_make(struct accel_vcpu *vcpu, struct err *err)
{
    struct accel_vm *vm = vcpu->vm;
    vcpu->fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, (unsigned long)vcpu->index);
    if (vcpu->fd < 0)
        return kvm_fail("KVM_CREATE_VCPU", err);
    void *run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (run == MAP_FAILED)
        return kvm_fail("mapping a vCPU", err);
    vcpu->run = run;
    return kvm_arch.vcpu_create(vcpu, err);
}

static void kvm_vcpu_destroy(struct accel_vcpu *vcpu)
{
    if (vcpu == NULL)
        return;
    kvm_arch.vcpu_destroy(vcpu);
    if (vcpu->run != NULL)
        (void)munmap(vcpu->run, vcpu->vm->run_bytes);
    if (vcpu->fd >= 0)
        close(vcpu->fd);
    kvm_trace_free(&vcpu->trace);
    free(vcpu);
}

static int32_t kvm_vcpu_create(struct accel_vm *vm, uint32_t index, struct accel_vcpu **out,
                               struct err *err)
{
    if (index >= vm->config.n_cpus)
        return err_set(err, BP_ERR_RANGE, KVM_OBJECT ": vCPU %u of %u", index, vm->config.n_cpus);
    struct accel_vcpu *vcpu = calloc(1, sizeof(*vcpu));
    if (vcpu == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": vCPU %u: out of memory", index);
    vcpu->vm = vm;
    vcpu->index = index;
    vcpu->fd = -1;
    kvm_trace_init(&vcpu->trace);
    int32_t status = vcpu_make(vcpu, err);
    if (status != BP_OK) {
        err_prefix(err, "vCPU %u", index);
        kvm_vcpu_destroy(vcpu);
        return status;
    }
    *out = vcpu;
    return BP_OK;
}

static void kvm_vcpu_reset(struct accel_vcpu *vcpu, enum accel_entry entry)
{
    vcpu->failure.text[0] = '\0';
    if (kvm_arch.vcpu_reset(vcpu, entry, &vcpu->failure) != BP_OK)
        err_prefix(&vcpu->failure, "reset of vCPU %u", vcpu->index);
}

/* --- Registers -------------------------------------------------------------------------------- */

static int32_t kvm_get_reg(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err)
{
    return kvm_arch.get_reg(vcpu, reg, value, err);
}

static int32_t kvm_set_reg(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err)
{
    return kvm_arch.set_reg(vcpu, reg, value, err);
}

static void kvm_set_irq(struct accel_vcpu *vcpu, enum cpu_irq irq, bool level)
{
    if (kvm_arch.set_irq != NULL)
        kvm_arch.set_irq(vcpu, irq, level);
}

static int32_t no_such_mode(struct err *err)
{
    return err_set(err, BP_ERR_UNSUPPORTED, KVM_OBJECT ": only x86_64 has this mode");
}

static int32_t kvm_set_protected_mode(struct accel_vcpu *vcpu, struct err *err)
{
    return kvm_arch.set_protected_mode != NULL ? kvm_arch.set_protected_mode(vcpu, err)
                                               : no_such_mode(err);
}

static int32_t kvm_set_long_mode(struct accel_vcpu *vcpu, const struct accel_x86_long_mode *mode,
                                 struct err *err)
{
    return kvm_arch.set_long_mode != NULL ? kvm_arch.set_long_mode(vcpu, mode, err)
                                          : no_such_mode(err);
}

/* --- Description ------------------------------------------------------------------------------ */

/* The same for all VMs of a host. */
static const char *kvm_isa_string(struct accel_vm *vm)
{
    struct accel_limits limits;
    (void)vm;
    kvm_accel_limits(kvm_arch.arch, &limits);
    return limits.isa;
}

static const char *kvm_mmu_type(struct accel_vm *vm)
{
    struct accel_limits limits;
    (void)vm;
    kvm_accel_limits(kvm_arch.arch, &limits);
    return limits.mmu_type;
}

const struct accel_ops accel_kvm = {
    .name = "kvm",
    .probe = kvm_accel_probe,
    .limits = kvm_accel_limits,
    .vm_create = kvm_vm_create,
    .vm_destroy = kvm_vm_destroy,
    .map_memory = kvm_map_memory,
    .vcpu_create = kvm_vcpu_create,
    .vcpu_destroy = kvm_vcpu_destroy,
    .vcpu_reset = kvm_vcpu_reset,
    .vcpu_run = kvm_vcpu_run,
    .vcpu_kick = kvm_vcpu_kick,
    .get_reg = kvm_get_reg,
    .set_reg = kvm_set_reg,
    .set_irq = kvm_set_irq,
    .connect_line = kvm_connect_line,
    .set_line = kvm_set_line,
    .send_msi = kvm_send_msi,
    .route_pin = kvm_route_pin,
    .add_doorbell = kvm_add_doorbell,
    .track_dirty = kvm_track_dirty,
    .fetch_dirty = kvm_fetch_dirty,
    .set_protected_mode = kvm_set_protected_mode,
    .set_long_mode = kvm_set_long_mode,
    .exit_counts = kvm_exit_counts,
    .cause_name = kvm_cause_name,
    .enable_trace = kvm_enable_trace,
    .read_trace = kvm_read_trace,
    .isa_string = kvm_isa_string,
    .mmu_type = kvm_mmu_type,
};
