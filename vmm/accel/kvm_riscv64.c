/*
 * KVM on riscv64: vCPUs begin in supervisor mode, the kernel is their firmware (SBI) and has their
 * timers. Interrupt controllers are the machine's own, and what they send to supervisor mode is
 * passed on, machine mode is not there; or the kernel's (kvm_aia_riscv64.c). KVM's documentation,
 * api.rst; RISC-V SBI 2.0.
 * Not modelled: firmware of the guest's.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include "accel/kvm_arch.h"
#include "accel/kvm_riscv64.h"
#include "core/reg.h"

#define GPA_BITS_USUAL 50u /* where no kernel says it: Sv48x4 */
#define CSR_SEED       0x015u
#define SEED_ES16      0x80000000u /* Zkr: 16 bits of entropy are in the lower half */

static const struct kvm_need needs[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", "guest memory"},
    {KVM_CAP_NR_MEMSLOTS, "KVM_CAP_NR_MEMSLOTS", "guest memory"},
    {KVM_CAP_MAX_VCPUS, "KVM_CAP_MAX_VCPUS", "processors"},
    {KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG", "registers"},
    {KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE", "more than one processor"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD", "doorbells"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", "stopping a processor"},
};

static uint32_t riscv_gpa_bits(int kvm_fd)
{
    uint32_t bits = kvm_fd >= 0 ? kvm_check_fd(&kvm_fd, KVM_CAP_VM_GPA_BITS) : 0;
    return bits != 0 ? bits : GPA_BITS_USUAL;
}

static int32_t riscv_vm_create(struct accel_vm *vm, struct err *err)
{
    if (vm->config.firmware)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       KVM_OBJECT ": guests on KVM have no machine mode for firmware; leave "
                                  "--firmware out, or choose --accel soft");
    vm->arch = calloc(1, sizeof(*vm->arch));
    if (vm->arch == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory for a machine");
    vm->arch->aia_fd = -1;
    return kvm_aia_create(vm, err);
}

static void riscv_vm_destroy(struct accel_vm *vm)
{
    if (vm->arch != NULL)
        kvm_aia_destroy(vm);
    free(vm->arch);
    vm->arch = NULL;
}

/* --- vCPUs ------------------------------------------------------------------------------------ */

/* All that the guest can change, but the timer: its registers do more than keep a value. */
static bool is_state(uint64_t id)
{
    switch (id & KVM_REG_RISCV_TYPE_MASK) {
    case KVM_REG_RISCV_CORE:
    case KVM_REG_RISCV_CSR:
    case KVM_REG_RISCV_FP_F:
    case KVM_REG_RISCV_FP_D:
    case KVM_REG_RISCV_VECTOR:
    case KVM_REG_RISCV_SBI_STATE:
        return true;
    default:
        return false;
    }
}

/* The kernel's interrupt controllers need all vCPUs. */
static int32_t note_vcpu(struct accel_vcpu *vcpu, struct err *err)
{
    struct accel_vm *vm = vcpu->vm;
    if (++vm->arch->n_vcpus != vm->config.n_cpus)
        return BP_OK;
    vm->arch->is_fresh = true;
    return kvm_aia_complete(vm, err);
}

static int32_t riscv_vcpu_create(struct accel_vcpu *vcpu, struct err *err)
{
    vcpu->arch = calloc(1, sizeof(*vcpu->arch));
    if (vcpu->arch == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, KVM_OBJECT ": out of memory");
    kvm_isa_trim(vcpu->fd, vcpu->vm->arch->aia_fd >= 0);
    kvm_sbi_enable(vcpu->fd);
    int32_t status = kvm_onereg_save(vcpu->fd, is_state, &vcpu->arch->at_power_on, err);
    return status == BP_OK ? note_vcpu(vcpu, err) : status;
}

static void riscv_vcpu_destroy(struct accel_vcpu *vcpu)
{
    if (vcpu->arch != NULL)
        kvm_onereg_free(&vcpu->arch->at_power_on);
    free(vcpu->arch);
    vcpu->arch = NULL;
}

static void send_irq(struct accel_vcpu *vcpu, bool level)
{
    struct kvm_interrupt irq = {.irq = level ? KVM_INTERRUPT_SET : KVM_INTERRUPT_UNSET};
    (void)ioctl(vcpu->fd, KVM_INTERRUPT, &irq);
}

/* Off, and with no time to go off at. The kernel says EINVAL to one that was off already. */
static int32_t stop_timer(struct accel_vcpu *vcpu, struct err *err)
{
    const uint64_t off = KVM_RISCV_TIMER_STATE_OFF;
    (void)kvm_onereg_write(
        vcpu->fd, KVM_RISCV_REG64(KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TIMER_REG(state)), &off);
    return kvm_onereg_put(vcpu->fd,
                          KVM_RISCV_REG64(KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TIMER_REG(compare)),
                          "timer compare", UINT64_MAX, err);
}

/* The time counter is that of all vCPUs. */
static int32_t reset_machine(struct accel_vcpu *vcpu, struct err *err)
{
    bool was_fresh = vcpu->vm->arch->is_fresh;
    vcpu->vm->arch->is_fresh = false;
    int32_t status = kvm_onereg_put(
        vcpu->fd, KVM_RISCV_REG64(KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TIMER_REG(time)), "time", 0,
        err);
    return status == BP_OK && !was_fresh ? kvm_aia_reset(vcpu->vm, err) : status;
}

/* The register sip, among the others, forgets what was pending. */
static int32_t riscv_vcpu_reset(struct accel_vcpu *vcpu, enum accel_entry entry, struct err *err)
{
    struct kvm_mp_state mp = {.mp_state = entry == ENTRY_BOOT_VCPU ? KVM_MP_STATE_RUNNABLE
                                                                   : KVM_MP_STATE_STOPPED};
    int32_t status = vcpu->index == 0 ? reset_machine(vcpu, err) : BP_OK;
    send_irq(vcpu, false);
    if (status == BP_OK)
        status = stop_timer(vcpu, err);
    if (status == BP_OK)
        status = kvm_onereg_restore(vcpu->fd, &vcpu->arch->at_power_on, err);
    if (status == BP_OK && ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp) != 0)
        status = kvm_fail("KVM_SET_MP_STATE", err);
    return status;
}

/* [any] KVM_INTERRUPT does not wait for the vCPU. The supervisor's software interrupt has no such
 * way in: guests send it with the firmware's call. */
static void riscv_set_irq(struct accel_vcpu *vcpu, enum cpu_irq irq, bool level)
{
    if (irq == CPU_IRQ_S_EXTERNAL)
        send_irq(vcpu, level);
}

/* --- Exits ------------------------------------------------------------------------------------ */

/* Registers that the kernel leaves to us: of those only the entropy source is told to guests. */
static void serve_csr(struct accel_vcpu *vcpu)
{
    uint16_t entropy = 0;
    vcpu->run->riscv_csr.ret_value = 0;
    if (vcpu->run->riscv_csr.csr_num == CSR_SEED &&
        getrandom(&entropy, sizeof(entropy), GRND_NONBLOCK) == (ssize_t)sizeof(entropy))
        vcpu->run->riscv_csr.ret_value = SEED_ES16 | entropy;
    vcpu->is_unfinished = true;
}

static enum run_result riscv_on_exit(struct accel_vcpu *vcpu, struct err *err)
{
    switch (vcpu->run->exit_reason) {
    case KVM_EXIT_RISCV_SBI:
        kvm_sbi_call(vcpu);
        return RUN_HANDLED;
    case KVM_EXIT_RISCV_CSR:
        serve_csr(vcpu);
        return RUN_HANDLED;
    default:
        (void)err_set(err, BP_ERR_IO,
                      KVM_OBJECT ": vCPU %u: KVM exit %u, which this version does not know; see "
                                 "the host kernel's log (dmesg)",
                      vcpu->index, vcpu->run->exit_reason);
        return RUN_ERROR;
    }
}

/* The kernel has no exit for it. */
static const char *riscv_guest_fault(int error)
{
    return error == EOPNOTSUPP ? "an instruction is fetched where no memory is" : NULL;
}

const struct kvm_arch kvm_arch = {
    .arch = ARCH_RISCV64,
    .needs = needs,
    .n_needs = sizeof(needs) / sizeof(needs[0]),
    .gpa_bits = riscv_gpa_bits,
    .limits = kvm_isa_limits,
    .vm_create = riscv_vm_create,
    .vm_destroy = riscv_vm_destroy,
    .vcpu_create = riscv_vcpu_create,
    .vcpu_destroy = riscv_vcpu_destroy,
    .vcpu_reset = riscv_vcpu_reset,
    .on_exit = riscv_on_exit,
    .guest_fault = riscv_guest_fault,
    .pc_reg = REG_RISCV64_PC,
    .pc = kvm_regs_pc,
    .get_reg = kvm_regs_get,
    .set_reg = kvm_regs_set,
    .set_irq = riscv_set_irq,
    /* kvm_arch_set_irq_inatomic of Linux up to 6.12 at least: the input of a source never falls,
     * and the first interrupt is the last. */
    .pulses_edges = true,
    .find_gsi = kvm_aia_find_gsi,
};
