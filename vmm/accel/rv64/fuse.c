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

bool fuse_pair(const struct insn *a, const struct insn *b, struct insn *out)
{
    switch (a->op) {
    case OP_LI:
        return fuse_constant(a, b, out);
    case OP_AUIPC:
        return fuse_address(a, b, out);
    default:
        return false;
    }
}
