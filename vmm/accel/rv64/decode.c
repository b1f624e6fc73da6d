/*
 * Decoding of 32-bit instructions to operations: RV64IMAFD, Zicsr, Zifencei, Zba, Zbb, Zbs,
 * Zicbom, Zicboz, Svinval. Unprivileged ISA 20191213 chapter 24 (listings), bit manipulation
 * 1.0.0, CMO 1.0.1. 16-bit instructions are expanded first (expand.c).
 * Not here: anything that depends on the hart's state (mode, FS, counters).
 */
#include "accel/rv64/isa.h"

/* In the tables below 0, which is OP_NOP, marks encodings that do not exist. */
struct funct7_row {
    uint32_t funct7;
    uint16_t ops[8]; /* by funct3 */
};

static const struct funct7_row op_rows[] = {
    {0x00, {OP_ADD, OP_SLL, OP_SLT, OP_SLTU, OP_XOR, OP_SRL, OP_OR, OP_AND}},
    {0x01, {OP_MUL, OP_MULH, OP_MULHSU, OP_MULHU, OP_DIV, OP_DIVU, OP_REM, OP_REMU}},
    {0x05, {0, 0, 0, 0, OP_MIN, OP_MINU, OP_MAX, OP_MAXU}},
    {0x10, {0, 0, OP_SH1ADD, 0, OP_SH2ADD, 0, OP_SH3ADD, 0}},
    {0x14, {0, OP_BSET, 0, 0, 0, 0, 0, 0}},
    {0x20, {OP_SUB, 0, 0, 0, OP_XNOR, OP_SRA, OP_ORN, OP_ANDN}},
    {0x24, {0, OP_BCLR, 0, 0, 0, OP_BEXT, 0, 0}},
    {0x30, {0, OP_ROL, 0, 0, 0, OP_ROR, 0, 0}},
    {0x34, {0, OP_BINV, 0, 0, 0, 0, 0, 0}},
};

static const struct funct7_row op32_rows[] = {
    {0x00, {OP_ADDW, OP_SLLW, 0, 0, 0, OP_SRLW, 0, 0}},
    {0x01, {OP_MULW, 0, 0, 0, OP_DIVW, OP_DIVUW, OP_REMW, OP_REMUW}},
    {0x04, {OP_ADD_UW, 0, 0, 0, OP_ZEXT_H, 0, 0, 0}},
    {0x10, {0, 0, OP_SH1ADD_UW, 0, OP_SH2ADD_UW, 0, OP_SH3ADD_UW, 0}},
    {0x20, {OP_SUBW, 0, 0, 0, 0, OP_SRAW, 0, 0}},
    {0x30, {0, OP_ROLW, 0, 0, 0, OP_RORW, 0, 0}},
};

#define ROWS(table) table, (uint32_t)(sizeof(table) / sizeof((table)[0]))

static uint32_t funct3_of(uint32_t word)
{
    return word >> 12 & 7;
}

static int32_t imm_i(uint32_t word)
{
    return (int32_t)word >> 20;
}

static int32_t imm_s(uint32_t word)
{
    return (int32_t)((uint32_t)((int32_t)word >> 25) << 5 | (word >> 7 & 31));
}

static int32_t imm_b(uint32_t word)
{
    return (int32_t)((uint32_t)((int32_t)word >> 31) << 12 | (word & 0x80) << 4 |
                     (word >> 20 & 0x7e0) | (word >> 7 & 0x1e));
}

static int32_t imm_j(uint32_t word)
{
    return (int32_t)((uint32_t)((int32_t)word >> 31) << 20 | (word & 0xff000) |
                     (word >> 9 & 0x800) | (word >> 20 & 0x7fe));
}

static void set_op(struct insn *out, uint32_t op)
{
    out->op = (uint16_t)(op == 0 ? OP_ILLEGAL : op);
}

/* An operation whose only effect is to write an x register: nothing is left of it for x0. */
static void finish_alu(struct insn *out)
{
    if (out->op == OP_ILLEGAL || out->rd != 0)
        return;
    out->op = OP_NOP;
    out->rd = ISA_X_SINK;
}

static void sink_x0(struct insn *out)
{
    if (out->rd == 0)
        out->rd = ISA_X_SINK;
}

static void decode_rows(uint32_t word, const struct funct7_row *rows, uint32_t n, struct insn *out)
{
    uint32_t op = 0;
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].funct7 == word >> 25)
            op = rows[i].ops[funct3_of(word)];
    if (op == OP_ZEXT_H && out->rs2 != 0)
        op = 0;
    if (op == OP_ADD && out->rs1 == 0) { /* c.mv */
        out->rs1 = out->rs2;
        op = OP_MV;
    }
    set_op(out, op);
    finish_alu(out);
}

/* OP-IMM, funct3 = 1: shift left and the one-operand bit counts. */
static uint32_t shift_left_op(uint32_t word, const struct insn *insn)
{
    static const uint16_t unary[8] = {OP_CLZ, OP_CTZ, OP_CPOP, 0, OP_SEXT_B, OP_SEXT_H, 0, 0};
    switch (word >> 26) {
    case 0x00:
        return OP_SLLI;
    case 0x0a:
        return OP_BSETI;
    case 0x12:
        return OP_BCLRI;
    case 0x1a:
        return OP_BINVI;
    case 0x18:
        return insn->rs2 < 8 && word >> 25 == 0x30 ? unary[insn->rs2] : 0;
    default:
        return 0;
    }
}

static uint32_t shift_right_op(uint32_t word)
{
    if (word >> 20 == 0x287)
        return OP_ORC_B;
    if (word >> 20 == 0x6b8)
        return OP_REV8;
    switch (word >> 26) {
    case 0x00:
        return OP_SRLI;
    case 0x10:
        return OP_SRAI;
    case 0x12:
        return OP_BEXTI;
    case 0x18:
        return OP_RORI;
    default:
        return 0;
    }
}

static void decode_op_imm(uint32_t word, struct insn *out)
{
    static const uint16_t plain[8] = {OP_ADDI, 0, OP_SLTI, OP_SLTIU, OP_XORI, 0, OP_ORI, OP_ANDI};
    uint32_t op = plain[funct3_of(word)];
    out->imm = imm_i(word);
    if (op == 0) {
        op = funct3_of(word) == 1 ? shift_left_op(word, out) : shift_right_op(word);
        out->imm &= 63;
    }
    if (op == OP_ADDI && out->rs1 == 0)
        op = OP_LI;
    else if (op == OP_ADDI && out->imm == 0)
        op = OP_MV;
    set_op(out, op);
    finish_alu(out);
}

static void decode_op_imm32(uint32_t word, struct insn *out)
{
    static const uint16_t unary[4] = {OP_CLZW, OP_CTZW, OP_CPOPW, 0};
    uint32_t f3 = funct3_of(word), f7 = word >> 25, op = 0;
    out->imm = f3 == 0 ? imm_i(word) : (int32_t)(word >> 20 & 63);
    if (f3 == 0)
        op = out->imm == 0 ? OP_SEXT_W : OP_ADDIW;
    else if (f3 == 1 && word >> 26 == 0x02)
        op = OP_SLLI_UW;
    else if (f3 == 1)
        op = f7 == 0 ? OP_SLLIW : f7 == 0x30 && out->rs2 < 4 ? unary[out->rs2] : 0;
    else if (f3 == 5)
        op = f7 == 0 ? OP_SRLIW : f7 == 0x20 ? OP_SRAIW : f7 == 0x30 ? OP_RORIW : 0;
    set_op(out, op);
    finish_alu(out);
}

static void decode_load(uint32_t word, struct insn *out)
{
    static const uint16_t ops[8] = {OP_LB, OP_LH, OP_LW, OP_LD, OP_LBU, OP_LHU, OP_LWU, 0};
    out->imm = imm_i(word);
    set_op(out, ops[funct3_of(word)]);
    sink_x0(out);
}

static void decode_store(uint32_t word, struct insn *out)
{
    static const uint16_t ops[8] = {OP_SB, OP_SH, OP_SW, OP_SD, 0, 0, 0, 0};
    out->imm = imm_s(word);
    set_op(out, ops[funct3_of(word)]);
}

static void decode_fp_memory(uint32_t word, struct insn *out)
{
    bool store = (word & 0x20) != 0;
    uint32_t f3 = funct3_of(word), op = 0;
    out->imm = store ? imm_s(word) : imm_i(word);
    if (f3 == 2)
        op = store ? OP_FSW : OP_FLW;
    else if (f3 == 3)
        op = store ? OP_FSD : OP_FLD;
    set_op(out, op);
}

static void decode_branch(uint32_t word, struct insn *out)
{
    static const uint16_t ops[8] = {OP_BEQ, OP_BNE, 0, 0, OP_BLT, OP_BGE, OP_BLTU, OP_BGEU};
    out->imm = imm_b(word);
    set_op(out, ops[funct3_of(word)]);
}

static void decode_misc_memory(uint32_t word, struct insn *out)
{
    const uint32_t pred_store = 5u << 24, succ_load = 10u << 20; /* W or O; R or I */
    uint32_t f3 = funct3_of(word), op = 0;
    if (f3 == 0) {
        bool pause = word == 0x0100000f;
        bool tso = word >> 20 == 0x833; /* other values of fm are reserved: a normal fence */
        bool full = (word & pred_store) != 0 && (word & succ_load) != 0 && !tso;
        op = full ? OP_FENCE : pause ? OP_PAUSE : OP_FENCE_WEAK;
    } else if (f3 == 1) {
        op = OP_FENCE_I;
    } else if (f3 == 2 && out->rd == 0) {
        out->imm = (int32_t)(word >> 20);
        op = out->imm <= 2 || out->imm == 4 ? OP_CBO : 0;
    }
    set_op(out, op);
}

static void decode_amo(uint32_t word, struct insn *out)
{
    const uint32_t known = 0x1111111fu; /* funct5 0-4, 8, 12, 16, 20, 24, 28 */
    uint32_t f3 = funct3_of(word), funct5 = word >> 27;
    bool wide = f3 == 3;
    out->imm = (int32_t)funct5;
    sink_x0(out);
    if ((f3 != 2 && f3 != 3) || (known >> funct5 & 1) == 0)
        set_op(out, OP_ILLEGAL);
    else if (funct5 == 2)
        set_op(out, out->rs2 != 0 ? OP_ILLEGAL : wide ? OP_LR_D : OP_LR_W);
    else if (funct5 == 3)
        set_op(out, wide ? OP_SC_D : OP_SC_W);
    else
        set_op(out, wide ? OP_AMO_D : OP_AMO_W);
}

static void decode_privileged(uint32_t word, struct insn *out)
{
    uint32_t op = 0, funct7 = word >> 25;
    if (out->rd != 0) {
        set_op(out, OP_ILLEGAL);
        return;
    }
    if (funct7 == 0x09)
        op = OP_SFENCE_VMA;
    else if (funct7 == 0x0b)
        op = OP_SINVAL_VMA;
    else if (word == 0x00000073)
        op = OP_ECALL;
    else if (word == 0x00100073)
        op = OP_EBREAK;
    else if (word == 0x10200073)
        op = OP_SRET;
    else if (word == 0x30200073)
        op = OP_MRET;
    else if (word == 0x10500073)
        op = OP_WFI;
    else if (word == 0x18000073)
        op = OP_SFENCE_W;
    else if (word == 0x18100073)
        op = OP_SFENCE_IR;
    set_op(out, op);
}

static void decode_system(uint32_t word, struct insn *out)
{
    uint32_t f3 = funct3_of(word);
    if (f3 == 0) {
        decode_privileged(word, out);
        return;
    }
    out->imm = (int32_t)(word >> 20 | f3 << 12);
    set_op(out, f3 == 4 ? OP_ILLEGAL : OP_CSR);
}

/* OP-FP without the format: enum fp_op, or -1. */
static int32_t fp_op_of(uint32_t word, uint32_t rs2)
{
    uint32_t f3 = funct3_of(word);
    uint32_t fmt = word >> 25 & 3;
    switch (word >> 27) {
    case 0x00:
        return FP_ADD;
    case 0x01:
        return FP_SUB;
    case 0x02:
        return FP_MUL;
    case 0x03:
        return FP_DIV;
    case 0x04:
        return f3 < 3 ? (int32_t)(FP_SGNJ + f3) : -1;
    case 0x05:
        return f3 < 2 ? (int32_t)(FP_MIN + f3) : -1;
    case 0x08:
        return rs2 == (fmt ^ 1) ? FP_CVT_FROM_OTHER : -1;
    case 0x0b:
        return rs2 == 0 ? FP_SQRT : -1;
    case 0x14:
        return f3 < 3 ? (int32_t)(FP_LE + f3) : -1;
    case 0x18:
        return rs2 < 4 ? (int32_t)(FP_CVT_TO_W + rs2) : -1;
    case 0x1a:
        return rs2 < 4 ? (int32_t)(FP_CVT_FROM_W + rs2) : -1;
    case 0x1c:
        return rs2 != 0 || f3 > 1 ? -1 : f3 == 0 ? FP_MV_TO_X : FP_CLASS;
    case 0x1e:
        return rs2 == 0 && f3 == 0 ? FP_MV_FROM_X : -1;
    default:
        return -1;
    }
}

static bool fp_op_rounds(int32_t op)
{
    return op <= FP_SQRT || (op >= FP_CVT_TO_W && op <= FP_NMADD);
}

static bool fp_op_writes_x(int32_t op)
{
    return op >= FP_LE && op <= FP_CVT_TO_LU && op != FP_MV_FROM_X;
}

/* The operations that deserve a way of their own in the interpreter. */
static uint32_t fp_quick_op(int32_t op, bool wide)
{
    switch (op) {
    case FP_ADD:
        return wide ? OP_FADD_D : OP_FADD_S;
    case FP_SUB:
        return wide ? OP_FSUB_D : OP_FSUB_S;
    case FP_MUL:
        return wide ? OP_FMUL_D : OP_FMUL_S;
    case FP_MADD:
        return wide ? OP_FMADD_D : OP_FP;
    default:
        return OP_FP;
    }
}

static void finish_fp(uint32_t word, int32_t op, struct insn *out)
{
    uint32_t fmt = word >> 25 & 3, rm = funct3_of(word);
    bool bad_rm = op >= 0 && fp_op_rounds(op) && (rm == 5 || rm == 6);
    if (op < 0 || fmt > 1 || bad_rm) {
        set_op(out, OP_ILLEGAL);
        return;
    }
    set_op(out, fp_quick_op(op, fmt == 1));
    out->imm = (int32_t)((uint32_t)op | fmt * FP_D | rm << 8 | (word >> 27) << 16);
    if (fp_op_writes_x(op))
        sink_x0(out);
}

static void decode_word(uint32_t word, struct insn *out)
{
    switch (word & 0x7f) {
    case 0x03:
        decode_load(word, out);
        return;
    case 0x07:
    case 0x27:
        decode_fp_memory(word, out);
        return;
    case 0x0f:
        decode_misc_memory(word, out);
        return;
    case 0x13:
        decode_op_imm(word, out);
        return;
    case 0x17:
    case 0x37:
        out->imm = (int32_t)(word & 0xfffff000u);
        set_op(out, (word & 0x20) != 0 ? OP_LI : OP_AUIPC);
        finish_alu(out);
        return;
    case 0x1b:
        decode_op_imm32(word, out);
        return;
    case 0x23:
        decode_store(word, out);
        return;
    case 0x2f:
        decode_amo(word, out);
        return;
    case 0x33:
        decode_rows(word, ROWS(op_rows), out);
        return;
    case 0x3b:
        decode_rows(word, ROWS(op32_rows), out);
        return;
    case 0x43:
    case 0x47:
    case 0x4b:
    case 0x4f:
        finish_fp(word, (int32_t)(FP_MADD + (word >> 2 & 3)), out);
        return;
    case 0x53:
        finish_fp(word, fp_op_of(word, out->rs2), out);
        return;
    case 0x63:
        decode_branch(word, out);
        return;
    case 0x67:
        out->imm = imm_i(word);
        set_op(out, funct3_of(word) == 0 ? OP_JALR : OP_ILLEGAL);
        sink_x0(out);
        return;
    case 0x6f:
        out->imm = imm_j(word);
        set_op(out, OP_JAL);
        sink_x0(out);
        return;
    case 0x73:
        decode_system(word, out);
        return;
    default:
        set_op(out, OP_ILLEGAL);
    }
}

void isa_decode(uint32_t word, struct insn *out)
{
    out->length = (uint8_t)isa_length((uint16_t)word);
    if (out->length == 2)
        word = isa_expand((uint16_t)word);
    out->rd = (uint8_t)(word >> 7 & 31);
    out->rs1 = (uint8_t)(word >> 15 & 31);
    out->rs2 = (uint8_t)(word >> 20 & 31);
    out->imm = 0;
    decode_word(word, out);
}
