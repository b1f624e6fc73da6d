/*
 * Part of the body of interp_run(): loads, stores, atomics and what else may fault. The fast path
 * is one comparison that proves that the page is in the TLB, in this context, and that the address
 * is aligned.
 */
LOAD(LB, uint8_t, (uint64_t)(int64_t)(int8_t))
LOAD(LH, uint16_t, (uint64_t)(int64_t)(int16_t))
LOAD(LW, uint32_t, (uint64_t)(int64_t)(int32_t))
LOAD(LD, uint64_t, )
LOAD(LBU, uint8_t, )
LOAD(LHU, uint16_t, )
LOAD(LWU, uint32_t, )
STORE(SB, uint8_t, RS2)
STORE(SH, uint16_t, RS2)
STORE(SW, uint32_t, RS2)
STORE(SD, uint64_t, RS2)
STORE(FSW, uint32_t, h->f[op->rs2])
STORE(FSD, uint64_t, h->f[op->rs2])

CASE(FLW)
{
    LOAD_VALUE(uint32_t, RS1 + IMM);
    h->f[op->rd] = fpu_box_s((uint32_t)value);
    NEXT;
}

CASE(FLD)
{
    LOAD_VALUE(uint64_t, RS1 + IMM);
    h->f[op->rd] = value;
    NEXT;
}

CASE(AUIPC_LD)
{
    /* If the load faults, the register holds what auipc has put there. */
    uint64_t high = (IMM + 4 + 0x800) & ~UINT64_C(0xfff);
    RD = PC - 4 + high;
    LOAD_VALUE(uint64_t, PC + IMM);
    RD = value;
    NEXT;
}

CASE(LR_W)
{
    uint64_t value;
    if (!memory_load_reserved(h, RS1, 4, &value))
        goto fault;
    RD = value;
    NEXT;
}

CASE(LR_D)
{
    uint64_t value;
    if (!memory_load_reserved(h, RS1, 8, &value))
        goto fault;
    RD = value;
    NEXT;
}

CASE(SC_W)
{
    uint64_t failed;
    if (!memory_store_conditional(h, RS1, 4, RS2, &failed))
        goto fault;
    RD = failed;
    NEXT;
}

CASE(SC_D)
{
    uint64_t failed;
    if (!memory_store_conditional(h, RS1, 8, RS2, &failed))
        goto fault;
    RD = failed;
    NEXT;
}

CASE(AMO_W)
{
    uint64_t old;
    if (!memory_amo(h, RS1, 4, (uint32_t)op->imm, RS2, &old))
        goto fault;
    RD = old;
    NEXT;
}

CASE(AMO_D)
{
    uint64_t old;
    if (!memory_amo(h, RS1, 8, (uint32_t)op->imm, RS2, &old))
        goto fault;
    RD = old;
    NEXT;
}

CASE(FENCE)
fence_full();
NEXT;

CASE(FENCE_WEAK)
fence_weak();
NEXT;

CASE(PAUSE)
if (UNLIKELY(++h->pauses >= PAUSES_PER_REST))
    hart_rest(h);
NEXT;

CASE(CBO)
if (!system_cbo(h, op, block_word_at(b, op->pc_half * 2u)))
    goto fault;
NEXT;

CASE(FP_CHECK)
if ((h->mstatus & MSTATUS_FS) == 0)
    goto illegal;
if (op->imm != 0)
    h->mstatus |= MSTATUS_FS;
NEXT;

CASE(FP)
if (!fp_execute(h, op))
    goto illegal;
NEXT;

FP2_D(FADD_D, fpu_add_d)
FP2_D(FSUB_D, fpu_sub_d)
FP2_D(FMUL_D, fpu_mul_d)
FP2_S(FADD_S, fpu_add_s)
FP2_S(FSUB_S, fpu_sub_s)
FP2_S(FMUL_S, fpu_mul_s)

CASE(FMADD_D)
{
    uint32_t rm;
    if (!fp_resolve_rm(h, (uint32_t)op->imm, &rm))
        goto illegal;
    h->f[op->rd] =
        fpu_fma_d(h->f[op->rs1], h->f[op->rs2], h->f[op->imm >> 16 & 31], rm, &h->fflags);
    NEXT;
}
