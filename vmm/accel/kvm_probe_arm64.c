/*
 * The probe's guest on arm64: a timed loop at EL1 with the MMU off, ended by a store that no memory
 * backs. Arm ARM DDI 0487; KVM's api documentation, KVM_ARM_VCPU_INIT. Not tested: a timer
 * interrupt, which needs a whole interrupt controller.
 */
#include <backplane/abi.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm_probe_guest.h"

#define DOORBELL_GPA 0x10000000u

const bool kvm_guest_tests_timer = false;
const uint64_t kvm_guest_ram_gpa = 0x40000000;

/* x0 is the doorbell, w2 the number of iterations. */
extern const uint8_t kvm_guest_code[], kvm_guest_code_end[];
__asm__(".pushsection .rodata\n"
        ".balign 4\n"
        ".globl kvm_guest_code, kvm_guest_code_end\n"
        ".hidden kvm_guest_code, kvm_guest_code_end\n"
        "kvm_guest_code:\n"
        "1:  mov w1, w2\n"
        "2:  subs w1, w1, #1\n"
        "    b.ne 2b\n"
        "    str wzr, [x0]\n"
        "    b 1b\n"
        "kvm_guest_code_end:\n"
        ".popsection\n");

int32_t kvm_guest_set_up_vm(struct kvm_guest *guest, struct err *err)
{
    (void)err;
    memcpy(guest->ram, kvm_guest_code, (size_t)(kvm_guest_code_end - kvm_guest_code));
    return BP_OK;
}

static int32_t set_reg(struct kvm_guest *guest, uint64_t id, uint64_t value, struct err *err)
{
    struct kvm_one_reg reg = {.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | id,
                              .addr = (uintptr_t)&value};
    if (ioctl(guest->vcpu_fd, KVM_SET_ONE_REG, &reg) != 0)
        return kvm_guest_fail(guest, "KVM_SET_ONE_REG", err);
    return BP_OK;
}

int32_t kvm_guest_set_up_vcpu(struct kvm_guest *guest, struct err *err)
{
    struct kvm_vcpu_init init;
    if (ioctl(guest->vm_fd, KVM_ARM_PREFERRED_TARGET, &init) != 0)
        return kvm_guest_fail(guest, "KVM_ARM_PREFERRED_TARGET", err);
    if (ioctl(guest->vcpu_fd, KVM_ARM_VCPU_INIT, &init) != 0)
        return kvm_guest_fail(guest, "KVM_ARM_VCPU_INIT", err);
    int32_t status = set_reg(guest, KVM_REG_ARM_CORE_REG(regs.pc), kvm_guest_ram_gpa, err);
    if (status == BP_OK)
        status = set_reg(guest, KVM_REG_ARM_CORE_REG(regs.regs[0]), DOORBELL_GPA, err);
    if (status == BP_OK)
        status = set_reg(guest, KVM_REG_ARM_CORE_REG(regs.regs[2]), KVM_PROBE_ITERATIONS, err);
    return status;
}

enum kvm_guest_event kvm_guest_event_of(const struct kvm_run *run)
{
    bool is_doorbell = run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write != 0 &&
                       run->mmio.phys_addr == DOORBELL_GPA;
    return is_doorbell ? KVM_GUEST_ROUND_DONE : KVM_GUEST_UNEXPECTED;
}
