/*
 * Registers of an x86_64 vCPU by their stable ids, and the two modes in which boot protocols begin.
 * Intel SDM volume 3, chapters 2 and 3.
 */
#include <backplane/abi.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm_x86_64.h"
#include "core/reg.h"

#define CR0_PE        (UINT64_C(1) << 0)
#define CR0_MP        (UINT64_C(1) << 1)
#define CR0_ET        (UINT64_C(1) << 4)
#define CR0_NE        (UINT64_C(1) << 5)
#define CR0_WP        (UINT64_C(1) << 16)
#define CR0_PG        (UINT64_C(1) << 31)
#define CR4_PAE       (UINT64_C(1) << 5)
#define EFER_LME_LMA  UINT64_C(0x500)
#define RFLAGS_ALWAYS UINT64_C(2)
#define SEGMENT_CODE  0xbu /* execute, read, accessed */
#define SEGMENT_DATA  0x3u /* read, write, accessed */
#define SEGMENT_TSS   0xbu /* busy */
#define FLAT_CS       0x10u
#define FLAT_DS       0x18u
#define TSS_LIMIT     0x67u

static int32_t unknown(uint32_t reg, struct err *err)
{
    return err_set(err, BP_ERR_UNSUPPORTED,
                   KVM_OBJECT ": register %s (0x%x): this processor has none of that name",
                   reg_name(reg), reg);
}

/* Where the register lies in one of KVM's two structs. */
static __u64 *find_general(struct kvm_regs *r, uint32_t reg)
{
    __u64 *const gprs[] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
                           &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
                           &r->r12, &r->r13, &r->r14, &r->r15, &r->rip, &r->rflags};
    uint32_t index = reg - REG_X86_64_BASE;
    return index < sizeof(gprs) / sizeof(gprs[0]) ? gprs[index] : NULL;
}

static __u64 *find_system(struct kvm_sregs *s, uint32_t reg)
{
    switch (reg) {
    case REG_X86_64_CR0:
        return &s->cr0;
    case REG_X86_64_CR2:
        return &s->cr2;
    case REG_X86_64_CR3:
        return &s->cr3;
    case REG_X86_64_CR4:
        return &s->cr4;
    case REG_X86_64_CR8:
        return &s->cr8;
    case REG_X86_64_EFER:
        return &s->efer;
    case REG_X86_64_APICBASE:
        return &s->apic_base;
    default:
        return NULL;
    }
}

int32_t kvm_regs_get(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    __u64 *general = find_general(&regs, reg), *system = find_system(&sregs, reg);
    if (general == NULL && system == NULL)
        return unknown(reg, err);
    if (general != NULL && ioctl(vcpu->fd, KVM_GET_REGS, &regs) != 0)
        return kvm_fail("KVM_GET_REGS", err);
    if (system != NULL && ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) != 0)
        return kvm_fail("KVM_GET_SREGS", err);
    *value = general != NULL ? *general : *system;
    return BP_OK;
}

/* The kernel refuses values that no processor takes. */
static int32_t write_sregs(struct accel_vcpu *vcpu, const struct kvm_sregs *sregs, const char *what,
                           struct err *err)
{
    if (ioctl(vcpu->fd, KVM_SET_SREGS, sregs) == 0)
        return BP_OK;
    if (errno == EINVAL)
        return err_set(err, BP_ERR_INVALID,
                       KVM_OBJECT ": %s: a value that this processor does not take", what);
    return kvm_fail("KVM_SET_SREGS", err);
}

int32_t kvm_regs_set(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    __u64 *general = find_general(&regs, reg), *system = find_system(&sregs, reg);
    if (general == NULL && system == NULL)
        return unknown(reg, err);
    if (general != NULL) {
        if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) != 0)
            return kvm_fail("KVM_GET_REGS", err);
        *general = reg == REG_X86_64_RFLAGS ? value | RFLAGS_ALWAYS : value;
        return ioctl(vcpu->fd, KVM_SET_REGS, &regs) == 0 ? BP_OK : kvm_fail("KVM_SET_REGS", err);
    }
    if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) != 0)
        return kvm_fail("KVM_GET_SREGS", err);
    *system = value;
    return write_sregs(vcpu, &sregs, reg_name(reg), err);
}

/* --- Modes ------------------------------------------------------------------------------------ */

static void set_segments(struct kvm_sregs *s, uint16_t cs, uint16_t ds, bool is_64_bit)
{
    const struct kvm_segment data = {.limit = UINT32_MAX,
                                     .selector = ds,
                                     .type = SEGMENT_DATA,
                                     .present = 1,
                                     .db = 1,
                                     .s = 1,
                                     .g = 1};
    s->ds = s->es = s->fs = s->gs = s->ss = data;
    s->cs = data;
    s->cs.selector = cs;
    s->cs.type = SEGMENT_CODE;
    s->cs.db = !is_64_bit;
    s->cs.l = is_64_bit;
    s->tr = (struct kvm_segment){.limit = TSS_LIMIT, .type = SEGMENT_TSS, .present = 1};
    s->ldt = (struct kvm_segment){.unusable = 1};
    s->idt = (struct kvm_dtable){0};
}

/* Paging off; the descriptor table is for the guest to make: what the selectors mean is loaded. */
int32_t kvm_regs_protected_mode(struct accel_vcpu *vcpu, struct err *err)
{
    struct kvm_sregs s;
    if (ioctl(vcpu->fd, KVM_GET_SREGS, &s) != 0)
        return kvm_fail("KVM_GET_SREGS", err);
    set_segments(&s, FLAT_CS, FLAT_DS, false);
    s.gdt = (struct kvm_dtable){0};
    s.cr0 = CR0_PE | CR0_ET;
    s.cr3 = 0;
    s.cr4 = 0;
    s.efer = 0;
    return write_sregs(vcpu, &s, "protected mode", err);
}

int32_t kvm_regs_long_mode(struct accel_vcpu *vcpu, const struct accel_x86_long_mode *mode,
                           struct err *err)
{
    struct kvm_sregs s;
    if (ioctl(vcpu->fd, KVM_GET_SREGS, &s) != 0)
        return kvm_fail("KVM_GET_SREGS", err);
    set_segments(&s, mode->cs, mode->ds, true);
    s.gdt = (struct kvm_dtable){.base = mode->gdt_gpa, .limit = mode->gdt_limit};
    s.cr3 = mode->cr3;
    s.cr4 = CR4_PAE;
    s.efer = EFER_LME_LMA;
    s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    return write_sregs(vcpu, &s, "64-bit mode", err);
}
