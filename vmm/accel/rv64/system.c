/*
 * Instructions that look at or change privileged state. Privileged ISA 1.12, sections 3.3, 4.2;
 * Svinval 1.0; CMO 1.0.1; unprivileged ISA chapters 3 (Zifencei) and 9 (Zicsr).
 */
#include "accel/rv64/parts.h"

#define SIP 0x144u
#define MIP 0x344u

static enum exec illegal(struct hart *h, uint32_t word)
{
    h->trap_cause = CAUSE_ILLEGAL;
    h->trap_value = word;
    return EXEC_FAULT;
}

static enum exec exception(struct hart *h, uint64_t cause, uint64_t value)
{
    h->trap_cause = cause;
    h->trap_value = value;
    return EXEC_FAULT;
}

static enum exec execute_ecall(struct hart *h)
{
    static const uint8_t causes[4] = {CAUSE_ECALL_U, CAUSE_ECALL_S, 0, CAUSE_ECALL_M};
    if (h->priv == PRIV_S && !h->vm->firmware)
        return sbi_call(h);
    return exception(h, causes[h->priv], 0);
}

static uint64_t new_value(uint32_t funct3, uint64_t old, uint64_t operand)
{
    switch (funct3 & 3) {
    case 1:
        return operand;
    case 2:
        return old | operand;
    default:
        return old & ~operand;
    }
}

/* Setting and clearing bits of mip touches no others: what was read may be old by now, and SEIP as
 * read has the input line in it. */
static bool modify_csr(struct hart *h, uint32_t number, uint32_t funct3, uint64_t old,
                       uint64_t operand)
{
    bool swaps = (funct3 & 3) == 1, sets = (funct3 & 3) == 2;
    if (swaps || (number != MIP && number != SIP))
        return csr_write(h, number, new_value(funct3, old, operand));
    csr_change_mip(h, number == MIP, operand, sets);
    return true;
}

static enum exec execute_csr(struct hart *h, const struct op *op, uint32_t word)
{
    uint32_t number = (uint32_t)op->imm & 0xfff, funct3 = (uint32_t)op->imm >> 12;
    bool swaps = (funct3 & 3) == 1;
    bool writes = swaps || op->rs1 != 0, reads = !swaps || op->rd != 0;
    uint64_t operand = (funct3 & 4) != 0 ? op->rs1 : h->x[op->rs1], old = 0;
    if (!csr_may_access(h, number, writes))
        return illegal(h, word);
    h->instret--; /* the counters count this instruction after it */
    bool known = !reads || csr_read(h, number, &old);
    if (known && writes)
        known = modify_csr(h, number, funct3, old, operand);
    h->instret++;
    if (!known)
        return illegal(h, word);
    if (op->rd != 0)
        h->x[op->rd] = old;
    return EXEC_NEXT;
}

static enum exec execute_wfi(struct hart *h, uint32_t word)
{
    if (h->priv == PRIV_U || (h->priv == PRIV_S && (h->mstatus & MSTATUS_TW) != 0))
        return illegal(h, word);
    h->pc += 4;
    hart_wait(h);
    return EXEC_JUMP;
}

static enum exec execute_sfence(struct hart *h, const struct op *op, uint32_t word)
{
    if (h->priv == PRIV_U || (h->priv == PRIV_S && (h->mstatus & MSTATUS_TVM) != 0))
        return illegal(h, word);
    if (op->rs1 != 0)
        mmu_flush_page(h, h->x[op->rs1]);
    else if (op->rs2 != 0)
        mmu_flush_asid(h, (uint32_t)h->x[op->rs2] & 0xffff);
    else
        mmu_flush_all(h);
    return EXEC_NEXT;
}

static enum exec execute_mret(struct hart *h, uint32_t word)
{
    if (h->priv != PRIV_M)
        return illegal(h, word);
    trap_return_m(h);
    return EXEC_JUMP;
}

static enum exec execute_sret(struct hart *h, uint32_t word)
{
    if (h->priv == PRIV_U || (h->priv == PRIV_S && (h->mstatus & MSTATUS_TSR) != 0))
        return illegal(h, word);
    trap_return_s(h);
    return EXEC_JUMP;
}

enum exec system_execute(struct hart *h, enum isa_op kind, const struct op *op, uint32_t word)
{
    switch ((int)kind) {
    case OP_FENCE_I:
        hart_fence_i(h);
        return EXEC_NEXT;
    case OP_ECALL:
        return execute_ecall(h);
    case OP_EBREAK:
        return exception(h, CAUSE_BREAKPOINT, h->pc);
    case OP_CSR:
        return execute_csr(h, op, word);
    case OP_MRET:
        return execute_mret(h, word);
    case OP_SRET:
        return execute_sret(h, word);
    case OP_WFI:
        return execute_wfi(h, word);
    case OP_SFENCE_VMA:
    case OP_SINVAL_VMA:
        return execute_sfence(h, op, word);
    case OP_SFENCE_W:
    case OP_SFENCE_IR:
        return h->priv == PRIV_U ? illegal(h, word) : EXEC_NEXT;
    default:
        return illegal(h, word);
    }
}

/* Whether the bits of menvcfg and senvcfg let this mode do it. */
static bool cbo_is_enabled(const struct hart *h, int32_t kind)
{
    uint64_t bits = kind == 0 ? ENVCFG_CBIE : kind == 4 ? ENVCFG_CBZE : ENVCFG_CBCFE;
    if (h->priv != PRIV_M && (h->menvcfg & bits) == 0)
        return false;
    return h->priv != PRIV_U || (h->senvcfg & bits) != 0;
}

bool system_cbo(struct hart *h, const struct op *op, uint32_t word)
{
    if (!cbo_is_enabled(h, op->imm)) {
        (void)illegal(h, word);
        return false;
    }
    if (op->imm == 4)
        return memory_zero_block(h, h->x[op->rs1]);
    return memory_probe_block(h, h->x[op->rs1]);
}
