/*
 * The probe's guest on riscv64: a timed loop in supervisor mode without paging, ended by a store
 * that no memory backs. RISC-V privileged specification, chapter 8 (hypervisor extension). Not
 * tested: a timer interrupt.
 */
#include <backplane/abi.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm_probe_guest.h"

#define DOORBELL_GPA 0x10000000u

const bool kvm_guest_tests_timer = false;
const uint64_t kvm_guest_ram_gpa = 0x80000000;

/* a0 is the doorbell, a2 the number of iterations. */
extern const uint8_t kvm_guest_code[], kvm_guest_code_end[];
__asm__(".pushsection .rodata\n"
        ".balign 4\n"
        ".globl kvm_guest_code, kvm_guest_code_end\n"
        ".hidden kvm_guest_code, kvm_guest_code_end\n"
        "kvm_guest_code:\n"
        "1:  mv a1, a2\n"
        "2:  addi a1, a1, -1\n"
        "    bnez a1, 2b\n"
        "    sw zero, 0(a0)\n"
        "    j 1b\n"
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
    struct kvm_one_reg reg = {.id = KVM_REG_RISCV | KVM_REG_SIZE_U64 | KVM_REG_RISCV_CORE | id,
                              .addr = (uintptr_t)&value};
    if (ioctl(guest->vcpu_fd, KVM_SET_ONE_REG, &reg) != 0)
        return kvm_guest_fail(guest, "KVM_SET_ONE_REG", err);
    return BP_OK;
}

int32_t kvm_guest_set_up_vcpu(struct kvm_guest *guest, struct err *err)
{
    int32_t status = set_reg(guest, KVM_REG_RISCV_CORE_REG(regs.pc), kvm_guest_ram_gpa, err);
    if (status == BP_OK)
        status = set_reg(guest, KVM_REG_RISCV_CORE_REG(regs.a0), DOORBELL_GPA, err);
    if (status == BP_OK)
        status = set_reg(guest, KVM_REG_RISCV_CORE_REG(regs.a2), KVM_PROBE_ITERATIONS, err);
    return status;
}

enum kvm_guest_event kvm_guest_event_of(const struct kvm_run *run)
{
    bool is_doorbell = run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write != 0 &&
                       run->mmio.phys_addr == DOORBELL_GPA;
    return is_doorbell ? KVM_GUEST_ROUND_DONE : KVM_GUEST_UNEXPECTED;
}
