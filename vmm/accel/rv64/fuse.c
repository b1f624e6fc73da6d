/*
 * Pairs of instructions that compilers write again and again, done as one operation. Each pair
 * leaves in the registers exactly what its two instructions leave.
 */
#include "accel/rv64/parts.h"

static bool fits_int32(int64_t value)
{
    return value >= INT32_MIN && value <= INT32_MAX;
}

/* lui + addi, lui + addiw: a constant. */
static bool fuse_constant(const struct insn *a, const struct insn *b, struct insn *out)
{
    int64_t sum = (int64_t)a->imm + b->imm;
    if (b->rd != a->rd || b->rs1 != a->rd)
        return false;
    if (b->op == OP_ADDIW)
        sum = (int32_t)(uint32_t)(uint64_t)sum;
    else if (b->op != OP_ADDI || !fits_int32(sum))
        return false;
    *out = *a;
    out->imm = (int32_t)sum;
    return true;
}

/* auipc + addi: an address. auipc + ld: a load from one; imm is the distance from the load.
 * auipc + jalr: a far call; x[rs1] takes the address of the auipc's page. */
static bool fuse_address(const struct insn *a, const struct insn *b, struct insn *out)
{
    int64_t sum = (int64_t)a->imm + b->imm;
    if (b->rs1 != a->rd || !fits_int32(sum - a->length))
        return false;
    if (b->op == OP_ADDI && b->rd == a->rd) {
        *out = *a;
        out->imm = (int32_t)sum;
        return true;
    }
    if ((b->op != OP_LD || b->rd != a->rd) && b->op != OP_JALR)
        return false;
    *out = *b;
    out->op = b->op == OP_LD ? OP_AUIPC_LD : OP_AUIPC_JALR;
    out->imm = (int32_t)sum - a->length;
    return true;
}

/* Fields of imm: two immediates of 12 bits, a register; or a register and a small number. */
static int32_t pack(int32_t high, int32_t middle, uint32_t low)
{
    return (int32_t)((uint32_t)high << 20 | ((uint32_t)middle & 0xfff) << 8 | low);
}

static bool fits_12_bits(int32_t value)
{
    return value >= -2048 && value <= 2047;
}

/* The operand of `b` that is not `reg`; false: `reg` is none of them. */
static bool other_operand(const struct insn *b, uint32_t reg, uint8_t *other)
{
    *other = b->rs1 == reg ? b->rs2 : b->rs1;
    return b->rs1 == reg || b->rs2 == reg;
}

/* Computes rd from rs1 and an immediate, and branches on it against rs2: the distance of the branch
 * is in the low 16 bits of imm. */
static bool fuse_branch(const struct insn *a, const struct insn *b, struct insn *out)
{
    static const struct {
        uint16_t first, beq, bne;
    } rows[] = {{OP_ADDI, OP_ADDI_BEQ, OP_ADDI_BNE},
                {OP_ADDIW, OP_ADDIW_BEQ, OP_ADDIW_BNE},
                {OP_ANDI, OP_ANDI_BEQ, OP_ANDI_BNE},
                {OP_LI, OP_LI_BEQ, OP_LI_BNE}};
    uint8_t other;
    if ((b->op != OP_BEQ && b->op != OP_BNE) || !other_operand(b, a->rd, &other))
        return false;
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].first != a->op || !fits_12_bits(a->imm))
            continue;
        *out = *b;
        out->op = b->op == OP_BEQ ? rows[i].beq : rows[i].bne;
        out->rd = a->rd;
        out->rs1 = a->rs1;
        out->rs2 = other;
        out->imm = (int32_t)((uint32_t)a->imm << 20 | ((uint32_t)b->imm & 0xffff));
        return true;
    }
    return false;
}

/* addw + bne: the other operand of the branch is in bits 20-25 of imm. */
static bool fuse_addw_bne(const struct insn *a, const struct insn *b, struct insn *out)
{
    uint8_t other;
    if (b->op != OP_BNE || !other_operand(b, a->rd, &other))
        return false;
    *out = *a;
    out->op = OP_ADDW_BNE;
    out->length = b->length;
    out->imm = (int32_t)((uint32_t)other << 20 | ((uint32_t)b->imm & 0xffff));
    return true;
}

/* rd = a; then register imm[13:8] = rd combined with rs2. */
static bool fuse_shift_then(const struct insn *a, const struct insn *b, uint32_t second,
                            enum isa_op fused, struct insn *out)
{
    uint8_t other;
    if (b->op != second || !other_operand(b, a->rd, &other))
        return false;
    *out = *a;
    out->op = (uint16_t)fused;
    out->rs2 = other;
    out->imm = a->imm | b->rd << 8;
    return true;
}

/* rd = rs1 op rs2; then register imm[13:8] = rd +w register imm[5:0]. */
static bool fuse_then_addw(const struct insn *a, const struct insn *b, enum isa_op fused,
                           struct insn *out)
{
    uint8_t other;
    if (b->op != OP_ADDW || !other_operand(b, a->rd, &other))
        return false;
    *out = *a;
    out->op = (uint16_t)fused;
    out->imm = other | b->rd << 8;
    return true;
}

static bool fuse_slli(const struct insn *a, const struct insn *b, struct insn *out)
{
    if (b->op != OP_SRLI || b->rs1 != a->rd)
        return fuse_shift_then(a, b, OP_ADD, OP_SLLI_ADD, out);
    *out = *a;
    out->op = OP_SLLI_SRLI;
    out->rs2 = b->rd;
    out->imm = a->imm | b->imm << 8;
    return true;
}

/* Two independent or chained additions of constants, or moves. */
static bool fuse_addi(const struct insn *a, const struct insn *b, struct insn *out)
{
    if (b->op != OP_ADDI)
        return fuse_branch(a, b, out);
    *out = *a;
    out->op = OP_ADDI_ADDI;
    out->rs2 = b->rs1;
    out->imm = pack(a->imm, b->imm, b->rd);
    return true;
}

static bool fuse_mv(const struct insn *a, const struct insn *b, struct insn *out)
{
    if (b->op != OP_MV)
        return false;
    *out = *a;
    out->op = OP_MV_MV;
    out->rs2 = b->rs1;
    out->imm = b->rd;
    return true;
}

/* An indexed load: register imm[5:0] = memory[rd + imm[31:20]]. */
static bool fuse_add(const struct insn *a, const struct insn *b, struct insn *out)
{
    uint32_t op = b->op == OP_LD    ? OP_ADD_LD
                  : b->op == OP_LW  ? OP_ADD_LW
                  : b->op == OP_LH  ? OP_ADD_LH
                  : b->op == OP_LBU ? OP_ADD_LBU
                                    : 0;
    if (op == 0 || b->rs1 != a->rd)
        return false;
    *out = *a;
    out->op = (uint16_t)op;
    out->imm = pack(b->imm, 0, b->rd);
    return true;
}

bool fuse_pair(const struct insn *a, const struct insn *b, struct insn *out)
{
    switch (a->op) {
    case OP_LI:
        return fuse_constant(a, b, out) || fuse_branch(a, b, out);
    case OP_AUIPC:
        return fuse_address(a, b, out);
    case OP_ADDI:
        return fuse_addi(a, b, out);
    case OP_ADDIW:
    case OP_ANDI:
        return fuse_branch(a, b, out);
    case OP_ADDW:
        return fuse_addw_bne(a, b, out) || fuse_then_addw(a, b, OP_ADDW_ADDW, out);
    case OP_MULW:
        return fuse_then_addw(a, b, OP_MULW_ADDW, out);
    case OP_SLLI:
        return fuse_slli(a, b, out);
    case OP_SLLIW:
        return fuse_shift_then(a, b, OP_OR, OP_SLLIW_OR, out);
    case OP_SRLIW:
        return fuse_shift_then(a, b, OP_OR, OP_SRLIW_OR, out);
    case OP_MV:
        return fuse_mv(a, b, out);
    case OP_ADD:
        return fuse_add(a, b, out);
    default:
        return false;
    }
}
