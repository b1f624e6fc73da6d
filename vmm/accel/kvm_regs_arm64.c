/*
 * Registers of an arm64 vCPU by their stable ids. Arm ARM DDI 0487; KVM's documentation 4.68.
 * Not here: the vector registers, which have more than 64 bits.
 */
#include <backplane/abi.h>
#include <stddef.h>

#include "accel/kvm_arm64.h"
#include "core/reg.h"

#define NO_REG      UINT64_MAX
#define PSTATE_MODE UINT64_C(0xf)
#define PSTATE_EL1H UINT64_C(5) /* the stack pointer is SP_EL1 */
#define CORE_REG(name)                                                                             \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))

/* Those that KVM keeps among the general registers, or calls by another's number. */
static uint64_t find_sysreg(uint32_t reg)
{
    switch (reg) {
    case REG_ARM64_SYS(3u, 0u, 4u, 0u, 0u): /* SPSR_EL1 */
        return CORE_REG(spsr[KVM_SPSR_EL1]);
    case REG_ARM64_SYS(3u, 0u, 4u, 0u, 1u): /* ELR_EL1 */
        return CORE_REG(elr_el1);
    case REG_ARM64_SYS(3u, 0u, 4u, 1u, 0u): /* SP_EL0 */
        return CORE_REG(regs.sp);
    case REG_ARM64_SYS(3u, 4u, 4u, 1u, 0u): /* SP_EL1 */
        return CORE_REG(sp_el1);
    case REG_ARM64_SYS(3u, 3u, 14u, 0u, 2u): /* CNTVCT_EL0 */
        return KVM_REG_ARM_TIMER_CNT;
    case REG_ARM64_SYS(3u, 3u, 14u, 3u, 2u): /* CNTV_CVAL_EL0 */
        return KVM_REG_ARM_TIMER_CVAL;
    default:
        return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG |
               (reg - REG_ARM64_SYS(0u, 0u, 0u, 0u, 0u));
    }
}

static uint64_t find_sp(const struct accel_vcpu *vcpu)
{
    uint64_t pstate = 0;
    (void)kvm_onereg_read(vcpu->fd, CORE_REG(regs.pstate), &pstate);
    return (pstate & PSTATE_MODE) == PSTATE_EL1H ? CORE_REG(sp_el1) : CORE_REG(regs.sp);
}

/* A general register is two of the 32-bit units that KVM counts in. */
static uint64_t find(const struct accel_vcpu *vcpu, uint32_t reg)
{
    if (reg >= REG_ARM64_X(0) && reg <= REG_ARM64_X(30))
        return CORE_REG(regs.regs[0]) + 2 * (reg - REG_ARM64_X(0));
    if (reg >= REG_ARM64_SYS(0u, 0u, 0u, 0u, 0u) && reg <= REG_ARM64_SYS(3u, 7u, 15u, 15u, 7u))
        return find_sysreg(reg);
    switch (reg) {
    case REG_ARM64_SP:
        return find_sp(vcpu);
    case REG_ARM64_PC:
        return CORE_REG(regs.pc);
    case REG_ARM64_PSTATE:
        return CORE_REG(regs.pstate);
    default:
        return NO_REG;
    }
}

static int32_t unknown(uint32_t reg, struct err *err)
{
    return err_set(err, BP_ERR_UNSUPPORTED,
                   KVM_OBJECT ": register %s (0x%x): this processor has none of that name",
                   reg_name(reg), reg);
}

int32_t kvm_regs_get(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err)
{
    *value = reg == REG_ARM64_GICR_BASE ? kvm_vgic_redistributor(vcpu) : 0;
    if (reg == REG_ARM64_XZR || *value != 0)
        return BP_OK;
    uint64_t id = find(vcpu, reg);
    return id != NO_REG ? kvm_onereg_get(vcpu->fd, id, reg_name(reg), value, err)
                        : unknown(reg, err);
}

/* The redistributors stay where the tables say. */
static int32_t set_redistributor(const struct accel_vcpu *vcpu, uint64_t value, struct err *err)
{
    uint64_t base = kvm_vgic_redistributor(vcpu);
    if (base == 0)
        return unknown(REG_ARM64_GICR_BASE, err);
    return base == value ? BP_OK
                         : err_set(err, BP_ERR_INVALID,
                                   KVM_OBJECT ": register gicr_base: 0x%llx; it is 0x%llx",
                                   (unsigned long long)value, (unsigned long long)base);
}

int32_t kvm_regs_set(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err)
{
    if (reg == REG_ARM64_XZR)
        return BP_OK;
    if (reg == REG_ARM64_GICR_BASE)
        return set_redistributor(vcpu, value, err);
    uint64_t id = find(vcpu, reg);
    return id != NO_REG ? kvm_onereg_put(vcpu->fd, id, reg_name(reg), value, err)
                        : unknown(reg, err);
}

/* It costs a system call: only a trace that somebody asked for is worth that. */
uint64_t kvm_regs_pc(const struct accel_vcpu *vcpu)
{
    uint64_t pc = 0;
    if (vcpu->trace.has_ticks)
        (void)kvm_onereg_read(vcpu->fd, CORE_REG(regs.pc), &pc);
    return pc;
}
