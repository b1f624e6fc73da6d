/*
 * KVM on x86_64: the pages that the kernel needs of the guest's address space, the interrupt
 * controllers, and vCPUs as a PC's firmware leaves them.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm_arch.h"
#include "accel/kvm_x86_64.h"

/* In the range that core/platform.c keeps free of everything else. */
#define IDENTITY_MAP_GPA UINT64_C(0xfeffc000)
#define TSS_GPA          0xfeffd000ul

#define GPA_BITS_USUAL 46u /* where no kernel says it */
#define LEAF_ADDRESS   0x80000008u
#define MCE_BANKS      10u
#define MCG_CTL        0x100u

static const struct kvm_need needs[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", "guest memory"},
    {KVM_CAP_NR_MEMSLOTS, "KVM_CAP_NR_MEMSLOTS", "guest memory"},
    {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR", "code in real mode"},
    {KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR", "code in real mode"},
    {KVM_CAP_MAX_VCPUS, "KVM_CAP_MAX_VCPUS", "processors"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID", "the processor's features"},
    {KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE", "more than one processor"},
    {KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS", "reset"},
    {KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS", "reset"},
    {KVM_CAP_XSAVE, "KVM_CAP_XSAVE", "reset"},
    {KVM_CAP_XCRS, "KVM_CAP_XCRS", "reset"},
    {KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK", "the guest's clock"},
    {KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP", "interrupt controllers"},
    {KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING", "interrupt lines"},
    {KVM_CAP_IRQFD, "KVM_CAP_IRQFD", "interrupts from event descriptors"},
    {KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI", "message-signalled interrupts"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD", "doorbells"},
    {KVM_CAP_PIT2, "KVM_CAP_PIT2", "the timer"},
    {KVM_CAP_PIT_STATE2, "KVM_CAP_PIT_STATE2", "the timer"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", "stopping a processor"},
};

/* Processors whose second-level tables have four levels map less than they address. */
static uint32_t usable_bits(uint32_t eax)
{
    uint32_t addressed = eax & 0xff, mapped = eax >> 16 & 0xff;
    return mapped != 0 && mapped < addressed ? mapped : addressed;
}

/* Asking takes up to half a millisecond, since each leaf may leave this host for one beneath it; it
 * is asked for several times on the way to a guest's start, and the answer does not change. */
int32_t kvm_cpuid_supported(int kvm_fd, struct kvm_cpuid_table *out, struct err *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct kvm_cpuid_table known; /* n == 0: not asked yet */
    int32_t status = BP_OK;
    pthread_mutex_lock(&lock);
    if (known.n == 0) {
        known.n = KVM_CPUID_MAX;
        if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &known) != 0) {
            status = kvm_fail("KVM_GET_SUPPORTED_CPUID", err);
            known.n = 0;
        }
    }
    *out = known;
    pthread_mutex_unlock(&lock);
    return status;
}

static uint32_t x86_gpa_bits(int kvm_fd)
{
    struct kvm_cpuid_table *cpuid = kvm_fd >= 0 ? malloc(sizeof(*cpuid)) : NULL;
    uint32_t bits = 0;
    if (cpuid == NULL)
        return GPA_BITS_USUAL;
    if (kvm_cpuid_supported(kvm_fd, cpuid, NULL) == BP_OK) {
        const struct kvm_cpuid_entry2 *entry = kvm_cpuid_find(cpuid, LEAF_ADDRESS, 0);
        bits = entry != NULL ? usable_bits(entry->eax) : 0;
    }
    free(cpuid);
    return bits >= 32 && bits <= 52 ? bits : GPA_BITS_USUAL;
}

/* --- VM --------------------------------------------------------------------------------------- */

/* What the processors will be like. */
static int32_t read_support(struct accel_vm *vm, struct err *err)
{
    struct kvm_arch_vm *a = vm->arch;
    uint64_t mcg_cap = 0;
    int32_t status = kvm_cpuid_supported(vm->kvm_fd, &a->supported, err);
    if (status != BP_OK)
        return status;
    a->has_deadline_timer = kvm_check_fd(&vm->kvm_fd, KVM_CAP_TSC_DEADLINE_TIMER) != 0;
    uint32_t xsave2 = kvm_check_fd(&vm->vm_fd, KVM_CAP_XSAVE2);
    a->has_xsave2 = xsave2 != 0;
    a->xsave_bytes = xsave2 > sizeof(struct kvm_xsave) ? xsave2 : sizeof(struct kvm_xsave);
    if (ioctl(vm->kvm_fd, KVM_X86_GET_MCE_CAP_SUPPORTED, &mcg_cap) == 0)
        a->mcg_cap = (mcg_cap & MCG_CTL) | MCE_BANKS;
    return kvm_msr_list(vm->kvm_fd, &a->msrs, &a->n_msrs, err);
}

static int32_t x86_vm_create(struct accel_vm *vm, struct err *err)
{
    uint64_t identity_map = IDENTITY_MAP_GPA;
    vm->arch = calloc(1, sizeof(*vm->arch));
    if (vm->arch == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory for a machine");
    if (ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) != 0)
        return kvm_fail("KVM_SET_IDENTITY_MAP_ADDR", err);
    if (ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, TSS_GPA) != 0)
        return kvm_fail("KVM_SET_TSS_ADDR", err);
    int32_t status = read_support(vm, err);
    return status == BP_OK ? kvm_chips_create(vm, err) : status;
}

static void x86_vm_destroy(struct accel_vm *vm)
{
    if (vm->arch != NULL)
        free(vm->arch->msrs);
    free(vm->arch);
    vm->arch = NULL;
}

/* --- vCPUs ------------------------------------------------------------------------------------ */

static int32_t set_cpuid(struct accel_vcpu *vcpu, struct err *err)
{
    struct kvm_arch_vm *a = vcpu->vm->arch;
    struct kvm_cpuid_table *cpuid = malloc(sizeof(*cpuid));
    if (cpuid == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    int khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
    const struct kvm_cpuid_shape shape = {.index = vcpu->index,
                                          .n_cpus = vcpu->vm->config.n_cpus,
                                          .tsc_khz = khz > 0 ? (uint32_t)khz : 0,
                                          .has_deadline_timer = a->has_deadline_timer};
    *cpuid = a->supported;
    kvm_cpuid_shape(cpuid, &shape);
    int32_t status = BP_OK;
    if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) != 0)
        status = kvm_fail("KVM_SET_CPUID2", err);
    free(cpuid);
    return status;
}

static int32_t x86_vcpu_create(struct accel_vcpu *vcpu, struct err *err)
{
    vcpu->arch = calloc(1, sizeof(*vcpu->arch));
    if (vcpu->arch == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    if ((kvm_check_fd(&vcpu->vm->kvm_fd, KVM_CAP_SYNC_REGS) & KVM_SYNC_X86_REGS) != 0)
        vcpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS; /* for the trace */
    int32_t status = set_cpuid(vcpu, err);
    if (status == BP_OK)
        status = kvm_state_read(vcpu, &vcpu->arch->at_power_on, err);
    return status;
}

static void x86_vcpu_destroy(struct accel_vcpu *vcpu)
{
    if (vcpu->arch != NULL)
        kvm_state_free(&vcpu->arch->at_power_on);
    free(vcpu->arch);
    vcpu->arch = NULL;
}

/* The first vCPU's reset is the whole machine's: vCPUs are reset in their order, all stopped. */
static int32_t x86_vcpu_reset(struct accel_vcpu *vcpu, enum accel_entry entry, struct err *err)
{
    struct kvm_mp_state mp = {.mp_state = entry == ENTRY_BOOT_VCPU ? KVM_MP_STATE_RUNNABLE
                                                                   : KVM_MP_STATE_UNINITIALIZED};
    int32_t status = vcpu->index == 0 ? kvm_chips_reset(vcpu->vm, err) : BP_OK;
    if (status == BP_OK)
        status = kvm_state_write(vcpu, &vcpu->arch->at_power_on, err);
    if (status == BP_OK && ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp) != 0)
        status = kvm_fail("KVM_SET_MP_STATE", err);
    return status;
}

/* --- Exits ------------------------------------------------------------------------------------ */

static enum run_result x86_on_exit(struct accel_vcpu *vcpu, struct err *err)
{
    struct kvm_run *run = vcpu->run;
    const struct accel_env *env = vcpu->vm->config.env;
    switch (run->exit_reason) {
    case KVM_EXIT_IOAPIC_EOI:
        if (env->eoi != NULL)
            env->eoi(env->ctx, run->eoi.vector);
        return RUN_HANDLED;
    case KVM_EXIT_HYPERCALL:
        run->hypercall.ret = (uint64_t)-ENOSYS;
        return RUN_HANDLED;
    case KVM_EXIT_SET_TPR:
    case KVM_EXIT_TPR_ACCESS:
        return RUN_HANDLED;
    default:
        (void)err_set(err, BP_ERR_IO,
                      KVM_OBJECT ": vCPU %u: KVM exit %u, which this version does not know; see "
                                 "the host kernel's log (dmesg)",
                      vcpu->index, run->exit_reason);
        return RUN_ERROR;
    }
}

static uint64_t x86_pc(const struct accel_vcpu *vcpu)
{
    return vcpu->run->kvm_valid_regs != 0 ? vcpu->run->s.regs.regs.rip : 0;
}

const struct kvm_arch kvm_arch = {
    .arch = ARCH_X86_64,
    .needs = needs,
    .n_needs = sizeof(needs) / sizeof(needs[0]),
    .gpa_bits = x86_gpa_bits,
    .vm_create = x86_vm_create,
    .vm_destroy = x86_vm_destroy,
    .vcpu_create = x86_vcpu_create,
    .vcpu_destroy = x86_vcpu_destroy,
    .vcpu_reset = x86_vcpu_reset,
    .on_exit = x86_on_exit,
    .pc = x86_pc,
    .get_reg = kvm_regs_get,
    .set_reg = kvm_regs_set,
    .find_gsi = kvm_chips_find_gsi,
    .set_protected_mode = kvm_regs_protected_mode,
    .set_long_mode = kvm_regs_long_mode,
};
