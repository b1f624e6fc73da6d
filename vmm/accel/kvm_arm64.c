/*
 * KVM on arm64: vCPUs that begin at EL1, with PSCI, the virtual timer and the interrupt controller
 * in the kernel. KVM's documentation, api.rst; Arm DEN 0022 (PSCI).
 * Not modelled: 32-bit guests, nested virtualization, memory tagging.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "accel/kvm_arch.h"
#include "accel/kvm_arm64.h"
#include "core/reg.h"

#define GPA_BITS_USUAL 40u /* of VMs that ask for none */
#define MPIDR_AFFINITY UINT64_C(0xffffff)

static const struct kvm_need needs[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", "guest memory"},
    {KVM_CAP_NR_MEMSLOTS, "KVM_CAP_NR_MEMSLOTS", "guest memory"},
    {KVM_CAP_MAX_VCPUS, "KVM_CAP_MAX_VCPUS", "processors"},
    {KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG", "registers"},
    {KVM_CAP_ARM_PSCI_0_2, "KVM_CAP_ARM_PSCI_0_2", "more than one processor"},
    {KVM_CAP_DEVICE_CTRL, "KVM_CAP_DEVICE_CTRL", "the interrupt controller"},
    {KVM_CAP_IRQFD, "KVM_CAP_IRQFD", "interrupts from event descriptors"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD", "doorbells"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", "stopping a processor"},
};

static uint32_t arm64_gpa_bits(int kvm_fd)
{
    uint32_t bits = kvm_fd >= 0 ? kvm_check_fd(&kvm_fd, KVM_CAP_ARM_VM_IPA_SIZE) : 0;
    return bits != 0 ? bits : GPA_BITS_USUAL;
}

/* 0 is the usual width, also where the kernel knows no other. */
static unsigned long arm64_vm_type(struct accel_vm *vm)
{
    return vm->gpa_bits == GPA_BITS_USUAL ? 0 : KVM_VM_TYPE_ARM_IPA_SIZE(vm->gpa_bits);
}

static void arm64_limits(int kvm_fd, struct accel_limits *out)
{
    kvm_vgic_limits(kvm_fd, out);
    out->has_no_pmu = kvm_check_fd(&kvm_fd, KVM_CAP_ARM_PMU_V3) == 0;
}

/* --- VM --------------------------------------------------------------------------------------- */

static int32_t arm64_vm_create(struct accel_vm *vm, struct err *err)
{
    struct kvm_enable_cap no_syndrome = {.cap = KVM_CAP_ARM_NISV_TO_USER};
    vm->arch = calloc(1, sizeof(*vm->arch));
    if (vm->arch == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory for a machine");
    vm->arch->gic_fd = vm->arch->its_fd = -1;
    vm->arch->has_sve = kvm_check_fd(&vm->vm_fd, KVM_CAP_ARM_SVE) != 0;
    vm->arch->has_pauth = kvm_check_fd(&vm->vm_fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) != 0 &&
                          kvm_check_fd(&vm->vm_fd, KVM_CAP_ARM_PTRAUTH_GENERIC) != 0;
    /* Without it the run fails as a whole, and nobody can say why. */
    (void)ioctl(vm->vm_fd, KVM_ENABLE_CAP, &no_syndrome);
    return kvm_vgic_create(vm, err);
}

static void arm64_vm_destroy(struct accel_vm *vm)
{
    if (vm->arch != NULL)
        kvm_vgic_destroy(vm);
    free(vm->arch);
    vm->arch = NULL;
}

/* --- vCPUs ------------------------------------------------------------------------------------ */

static void add_feature(struct kvm_vcpu_init *init, uint32_t feature)
{
    init->features[feature / 32] |= 1u << feature % 32;
}

static int32_t init_vcpu(struct accel_vcpu *vcpu, enum accel_entry entry, struct err *err)
{
    struct kvm_vcpu_init init = vcpu->arch->init;
    if (entry == ENTRY_SECONDARY)
        add_feature(&init, KVM_ARM_VCPU_POWER_OFF);
    return ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init) == 0 ? BP_OK
                                                          : kvm_fail("KVM_ARM_VCPU_INIT", err);
}

static bool has_pmu(const struct accel_vcpu *vcpu)
{
    const struct platform *platform = vcpu->vm->config.platform;
    return platform != NULL && platform->has_pmu;
}

/* The performance counters want a complete interrupt controller. */
static int32_t set_up_pmu(struct accel_vcpu *vcpu, struct err *err)
{
    int intid = 16 + PLATFORM_PMU_PPI;
    struct kvm_device_attr irq = {.group = KVM_ARM_VCPU_PMU_V3_CTRL,
                                  .attr = KVM_ARM_VCPU_PMU_V3_IRQ,
                                  .addr = (uintptr_t)&intid};
    struct kvm_device_attr init = {.group = KVM_ARM_VCPU_PMU_V3_CTRL,
                                   .attr = KVM_ARM_VCPU_PMU_V3_INIT};
    if (!has_pmu(vcpu) || vcpu->arch->has_pmu)
        return BP_OK;
    if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &irq) != 0)
        return kvm_fail("KVM_ARM_VCPU_PMU_V3_IRQ", err);
    if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &init) != 0)
        return kvm_fail("KVM_ARM_VCPU_PMU_V3_INIT", err);
    vcpu->arch->has_pmu = true;
    return BP_OK;
}

static int32_t make_processor(struct accel_vcpu *vcpu, struct err *err)
{
    const struct kvm_arch_vm *a = vcpu->vm->arch;
    struct kvm_vcpu_init *init = &vcpu->arch->init;
    int sve = KVM_ARM_VCPU_SVE;
    if (ioctl(vcpu->vm->vm_fd, KVM_ARM_PREFERRED_TARGET, init) != 0)
        return kvm_fail("KVM_ARM_PREFERRED_TARGET", err);
    add_feature(init, KVM_ARM_VCPU_PSCI_0_2);
    if (has_pmu(vcpu))
        add_feature(init, KVM_ARM_VCPU_PMU_V3);
    if (a->has_sve)
        add_feature(init, KVM_ARM_VCPU_SVE);
    if (a->has_pauth) {
        add_feature(init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
        add_feature(init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
    }
    int32_t status = init_vcpu(vcpu, ENTRY_BOOT_VCPU, err);
    if (status != BP_OK)
        return status;
    if (a->has_sve && ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &sve) != 0)
        return kvm_fail("KVM_ARM_VCPU_FINALIZE", err);
    return BP_OK;
}

/* The interrupt controller needs all vCPUs. */
static int32_t note_vcpu(struct accel_vcpu *vcpu, struct err *err)
{
    struct accel_vm *vm = vcpu->vm;
    uint64_t mpidr;
    int32_t status = kvm_onereg_get(vcpu->fd, KVM_ARM64_MPIDR, "mpidr_el1", &mpidr, err);
    if (status != BP_OK)
        return status;
    vm->arch->affinities[vcpu->index] = mpidr & MPIDR_AFFINITY;
    if (++vm->arch->n_vcpus != vm->config.n_cpus)
        return BP_OK;
    vm->arch->is_fresh = true;
    status = kvm_vgic_complete(vm, err);
    return status == BP_OK ? kvm_vgic_note(vm, err) : status;
}

static int32_t arm64_vcpu_create(struct accel_vcpu *vcpu, struct err *err)
{
    vcpu->arch = calloc(1, sizeof(*vcpu->arch));
    if (vcpu->arch == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    int32_t status = make_processor(vcpu, err);
    return status == BP_OK ? note_vcpu(vcpu, err) : status;
}

static void arm64_vcpu_destroy(struct accel_vcpu *vcpu)
{
    free(vcpu->arch);
    vcpu->arch = NULL;
}

/* The counter is that of all vCPUs; a kernel that does not let it be set lets it go on. */
static int32_t reset_machine(struct accel_vcpu *vcpu, struct err *err)
{
    const uint64_t zero = 0;
    bool was_fresh = vcpu->vm->arch->is_fresh;
    vcpu->vm->arch->is_fresh = false;
    if (was_fresh)
        return BP_OK;
    (void)kvm_onereg_write(vcpu->fd, KVM_REG_ARM_TIMER_CNT, &zero);
    return kvm_vgic_reset(vcpu->vm, err);
}

/* Initialising a vCPU again is its reset, timers included. */
static int32_t arm64_vcpu_reset(struct accel_vcpu *vcpu, enum accel_entry entry, struct err *err)
{
    int32_t status = vcpu->index == 0 ? reset_machine(vcpu, err) : BP_OK;
    if (status == BP_OK)
        status = init_vcpu(vcpu, entry, err);
    return status == BP_OK ? set_up_pmu(vcpu, err) : status;
}

/* --- Exits ------------------------------------------------------------------------------------ */

static enum run_result arm64_on_exit(struct accel_vcpu *vcpu, struct err *err)
{
    const struct kvm_run *run = vcpu->run;
    if (run->exit_reason == KVM_EXIT_ARM_NISV)
        return kvm_crash(vcpu, err,
                         "an instruction that the processor does not explain accesses a device at "
                         "0x%llx (syndrome 0x%llx)",
                         (unsigned long long)run->arm_nisv.fault_ipa,
                         (unsigned long long)run->arm_nisv.esr_iss);
    (void)err_set(err, BP_ERR_IO,
                  KVM_OBJECT ": vCPU %u: KVM exit %u, which this version does not know; see the "
                             "host kernel's log (dmesg)",
                  vcpu->index, run->exit_reason);
    return RUN_ERROR;
}

/* Kernels without KVM_EXIT_ARM_NISV. */
static const char *arm64_guest_fault(int error)
{
    return error == ENOSYS ? "an instruction that the processor does not explain accesses a device"
                           : NULL;
}

const struct kvm_arch kvm_arch = {
    .arch = ARCH_ARM64,
    .needs = needs,
    .n_needs = sizeof(needs) / sizeof(needs[0]),
    .gpa_bits = arm64_gpa_bits,
    .limits = arm64_limits,
    .vm_type = arm64_vm_type,
    .vm_create = arm64_vm_create,
    .vm_destroy = arm64_vm_destroy,
    .vcpu_create = arm64_vcpu_create,
    .vcpu_destroy = arm64_vcpu_destroy,
    .vcpu_reset = arm64_vcpu_reset,
    .on_exit = arm64_on_exit,
    .guest_fault = arm64_guest_fault,
    .pc_reg = REG_ARM64_PC,
    .pc = kvm_regs_pc,
    .get_reg = kvm_regs_get,
    .set_reg = kvm_regs_set,
    .irq_base = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | 32,
    .has_no_msi = true,
    .find_gsi = kvm_vgic_find_gsi,
};
