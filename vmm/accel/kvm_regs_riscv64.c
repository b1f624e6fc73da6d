/*
 * Registers of a riscv64 vCPU by their stable ids. Guests on KVM have the supervisor's and the
 * user's registers only; RISC-V privileged specification, chapter 4.
 */
#include <backplane/abi.h>
#include <stddef.h>

#include "accel/kvm_riscv64.h"
#include "core/reg.h"

#define NO_REG UINT64_MAX
#define MODE_S 1u

static uint64_t core(uint64_t index)
{
    return KVM_RISCV_REG64(KVM_REG_RISCV_CORE, index);
}

static uint64_t csr(uint64_t index)
{
    return KVM_RISCV_REG64(KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_GENERAL, index);
}

static uint64_t config(uint64_t index)
{
    return KVM_RISCV_REG64(KVM_REG_RISCV_CONFIG, index);
}

static uint64_t timer(uint64_t index)
{
    return KVM_RISCV_REG64(KVM_REG_RISCV_TIMER, index);
}

static uint64_t find_csr(uint32_t number)
{
    switch (number) {
    case 0x100:
        return csr(KVM_REG_RISCV_CSR_REG(sstatus));
    case 0x104:
        return csr(KVM_REG_RISCV_CSR_REG(sie));
    case 0x105:
        return csr(KVM_REG_RISCV_CSR_REG(stvec));
    case 0x106:
        return csr(KVM_REG_RISCV_CSR_REG(scounteren));
    case 0x10a:
        return csr(KVM_REG_RISCV_CSR_REG(senvcfg));
    case 0x140:
        return csr(KVM_REG_RISCV_CSR_REG(sscratch));
    case 0x141:
        return csr(KVM_REG_RISCV_CSR_REG(sepc));
    case 0x142:
        return csr(KVM_REG_RISCV_CSR_REG(scause));
    case 0x143:
        return csr(KVM_REG_RISCV_CSR_REG(stval));
    case 0x144:
        return csr(KVM_REG_RISCV_CSR_REG(sip));
    case 0x14d:
        return timer(KVM_REG_RISCV_TIMER_REG(compare));
    case 0x180:
        return csr(KVM_REG_RISCV_CSR_REG(satp));
    case 0xc01:
        return timer(KVM_REG_RISCV_TIMER_REG(time));
    case 0xf11:
        return config(KVM_REG_RISCV_CONFIG_REG(mvendorid));
    case 0xf12:
        return config(KVM_REG_RISCV_CONFIG_REG(marchid));
    case 0xf13:
        return config(KVM_REG_RISCV_CONFIG_REG(mimpid));
    default:
        return NO_REG;
    }
}

/* struct user_regs_struct begins with pc, where x0 would be. */
static uint64_t find(uint32_t reg)
{
    if (reg > REG_RISCV64_X(0) && reg <= REG_RISCV64_X(31))
        return core(reg - REG_RISCV64_X(0));
    if (reg == REG_RISCV64_PC)
        return core(KVM_REG_RISCV_CORE_REG(regs.pc));
    if (reg == REG_RISCV64_MODE)
        return core(KVM_REG_RISCV_CORE_REG(mode));
    if (reg >= REG_RISCV64_F(0) && reg <= REG_RISCV64_F(31))
        return KVM_RISCV_REG64(KVM_REG_RISCV_FP_D, reg - REG_RISCV64_F(0));
    if (reg >= REG_RISCV64_CSR(0) && reg <= REG_RISCV64_CSR(0xfff))
        return find_csr(reg - REG_RISCV64_CSR(0));
    return NO_REG;
}

static int32_t unknown(uint32_t reg, struct err *err)
{
    return err_set(err, BP_ERR_UNSUPPORTED,
                   KVM_OBJECT ": register %s (0x%x): this processor has none of that name",
                   reg_name(reg), reg);
}

int32_t kvm_regs_get(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err)
{
    uint64_t id = find(reg);
    *value = 0;
    if (reg == REG_RISCV64_X(0))
        return BP_OK;
    return id != NO_REG ? kvm_onereg_get(vcpu->fd, id, reg_name(reg), value, err)
                        : unknown(reg, err);
}

int32_t kvm_regs_set(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err)
{
    uint64_t id = find(reg);
    if (reg == REG_RISCV64_X(0))
        return BP_OK;
    if (reg == REG_RISCV64_MODE && value > MODE_S)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       KVM_OBJECT ": mode %llu: guests on KVM have no machine mode",
                       (unsigned long long)value);
    return id != NO_REG ? kvm_onereg_put(vcpu->fd, id, reg_name(reg), value, err)
                        : unknown(reg, err);
}

/* It costs a system call: only a trace that somebody asked for is worth that. */
uint64_t kvm_regs_pc(const struct accel_vcpu *vcpu)
{
    uint64_t pc = 0;
    if (vcpu->trace.has_ticks)
        (void)kvm_onereg_read(vcpu->fd, core(KVM_REG_RISCV_CORE_REG(regs.pc)), &pc);
    return pc;
}
