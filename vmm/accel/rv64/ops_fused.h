/*
 * Part of the body of interp_run(): pairs of instructions, made by fuse.c, which tells where their
 * operands are. The first result is written before the operands of the second are read, as in the
 * program.
 */
PAIR(SLLI_ADD, RS1 << (op->imm & 63), X_MIDDLE, first + RS2)
PAIR(SLLI_SRLI, RS1 << (op->imm & 63), h->x[op->rs2], first >> (op->imm >> 8))
PAIR(SLLIW_OR, SEXT32(RS1 << (op->imm & 31)), X_MIDDLE, first | RS2)
PAIR(SRLIW_OR, SEXT32((uint32_t)RS1 >> (op->imm & 31)), X_MIDDLE, first | RS2)
PAIR(MULW_ADDW, SEXT32((uint32_t)RS1 * (uint32_t)RS2), X_MIDDLE, SEXT32(first + X_LOW))
PAIR(ADDW_ADDW, SEXT32(RS1 + RS2), X_MIDDLE, SEXT32(first + X_LOW))
PAIR(ADDI_ADDI, RS1 + IMM_HIGH, X_LOW, RS2 + IMM_MIDDLE)
PAIR(MV_MV, RS1, X_LOW, RS2)

ADD_LOAD(ADD_LD, uint64_t, )
ADD_LOAD(ADD_LW, uint32_t, (uint64_t)(int64_t)(int32_t))
ADD_LOAD(ADD_LH, uint16_t, (uint64_t)(int64_t)(int16_t))
ADD_LOAD(ADD_LBU, uint8_t, )

PAIR_BRANCH(ADDI_BEQ, RS1 + IMM_HIGH, first == RS2)
PAIR_BRANCH(ADDI_BNE, RS1 + IMM_HIGH, first != RS2)
PAIR_BRANCH(ADDIW_BEQ, SEXT32(RS1 + IMM_HIGH), first == RS2)
PAIR_BRANCH(ADDIW_BNE, SEXT32(RS1 + IMM_HIGH), first != RS2)
PAIR_BRANCH(ANDI_BEQ, RS1 & IMM_HIGH, first == RS2)
PAIR_BRANCH(ANDI_BNE, RS1 & IMM_HIGH, first != RS2)
PAIR_BRANCH(LI_BEQ, IMM_HIGH, first == RS2)
PAIR_BRANCH(LI_BNE, IMM_HIGH, first != RS2)
PAIR_BRANCH(ADDW_BNE, SEXT32(RS1 + RS2), first != h->x[op->imm >> 20 & 63])
