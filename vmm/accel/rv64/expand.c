/*
 * The C extension: every 16-bit instruction of RV64DC stands for one 32-bit instruction.
 * Unprivileged ISA 20191213, chapter 16 (tables 16.5-16.7). Reserved encodings expand to 0, which
 * decodes as illegal; HINTs expand to an instruction without effect. Not here: Zcb and later.
 */
#include "accel/rv64/isa.h"

enum { ZERO = 0, RA = 1, SP = 2 };

/* Bits [hi:lo] of the half, placed at bit `at` of an immediate. */
static uint32_t field(uint32_t half, uint32_t hi, uint32_t lo, uint32_t at)
{
    return (half >> lo & ((1u << (hi - lo + 1)) - 1)) << at;
}

static uint32_t sign_extend(uint32_t value, uint32_t bits)
{
    uint32_t sign = 1u << (bits - 1);
    return (value ^ sign) - sign;
}

static uint32_t make_i(uint32_t opcode, uint32_t f3, uint32_t rd, uint32_t rs1, uint32_t imm)
{
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | imm << 20;
}

static uint32_t make_s(uint32_t opcode, uint32_t f3, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
    return opcode | (imm & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | imm >> 5 << 25;
}

static uint32_t make_r(uint32_t opcode, uint32_t f3, uint32_t f7, uint32_t rd, uint32_t rs1,
                       uint32_t rs2)
{
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

static uint32_t make_b(uint32_t f3, uint32_t rs1, uint32_t imm)
{
    return 0x63 | f3 << 12 | rs1 << 15 | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 |
           (imm >> 5 & 63) << 25 | (imm >> 12 & 1) << 31;
}

static uint32_t make_j(uint32_t rd, uint32_t imm)
{
    return 0x6f | rd << 7 | (imm & 0xff000) | (imm >> 11 & 1) << 20 | (imm >> 1 & 0x3ff) << 21 |
           (imm >> 20 & 1) << 31;
}

static uint32_t imm6(uint32_t half)
{
    return field(half, 12, 12, 5) | field(half, 6, 2, 0);
}

/* Quadrant 0: loads and stores with small registers, and c.addi4spn. */
static uint32_t expand_q0(uint32_t half)
{
    uint32_t rd = 8 + (half >> 2 & 7), rs1 = 8 + (half >> 7 & 7);
    uint32_t wide = field(half, 12, 10, 3) | field(half, 6, 5, 6);
    uint32_t word = field(half, 12, 10, 3) | field(half, 6, 6, 2) | field(half, 5, 5, 6);
    uint32_t spn = field(half, 12, 11, 4) | field(half, 10, 7, 6) | field(half, 6, 6, 2) |
                   field(half, 5, 5, 3);
    switch (half >> 13) {
    case 0:
        return spn == 0 ? 0 : make_i(0x13, 0, rd, SP, spn);
    case 1:
        return make_i(0x07, 3, rd, rs1, wide);
    case 2:
        return make_i(0x03, 2, rd, rs1, word);
    case 3:
        return make_i(0x03, 3, rd, rs1, wide);
    case 5:
        return make_s(0x27, 3, rs1, rd, wide);
    case 6:
        return make_s(0x23, 2, rs1, rd, word);
    case 7:
        return make_s(0x23, 3, rs1, rd, wide);
    default:
        return 0;
    }
}

/* c.lui and c.addi16sp. */
static uint32_t expand_lui(uint32_t half, uint32_t rd)
{
    uint32_t imm = imm6(half);
    if (imm == 0)
        return 0;
    if (rd != SP)
        return 0x37 | rd << 7 | sign_extend(imm, 6) << 12;
    uint32_t sp = field(half, 12, 12, 9) | field(half, 6, 6, 4) | field(half, 5, 5, 6) |
                  field(half, 4, 3, 7) | field(half, 2, 2, 5);
    return make_i(0x13, 0, SP, SP, sign_extend(sp, 10));
}

/* c.srli, c.srai, c.andi and the register-register forms. */
static uint32_t expand_alu(uint32_t half)
{
    static const uint8_t funct3[8] = {0, 4, 6, 7, 0, 0, 0, 0};
    uint32_t rd = 8 + (half >> 7 & 7), rs2 = 8 + (half >> 2 & 7), shift = imm6(half);
    switch (half >> 10 & 3) {
    case 0:
        return make_i(0x13, 5, rd, rd, shift);
    case 1:
        return make_i(0x13, 5, rd, rd, shift | 0x400);
    case 2:
        return make_i(0x13, 7, rd, rd, sign_extend(shift, 6));
    default:
        break;
    }
    uint32_t form = (half >> 10 & 4) | (half >> 5 & 3); /* sub xor or and subw addw - - */
    if (form > 5)
        return 0;
    uint32_t f7 = form == 0 || form == 4 ? 0x20 : 0;
    return make_r(form >= 4 ? 0x3b : 0x33, funct3[form], f7, rd, rd, rs2);
}

static uint32_t expand_q1(uint32_t half)
{
    uint32_t rd = half >> 7 & 31, small = 8 + (half >> 7 & 7);
    uint32_t imm = sign_extend(imm6(half), 6);
    uint32_t jump = field(half, 12, 12, 11) | field(half, 11, 11, 4) | field(half, 10, 9, 8) |
                    field(half, 8, 8, 10) | field(half, 7, 7, 6) | field(half, 6, 6, 7) |
                    field(half, 5, 3, 1) | field(half, 2, 2, 5);
    uint32_t branch = field(half, 12, 12, 8) | field(half, 11, 10, 3) | field(half, 6, 5, 6) |
                      field(half, 4, 3, 1) | field(half, 2, 2, 5);
    switch (half >> 13) {
    case 0:
        return make_i(0x13, 0, rd, rd, imm);
    case 1:
        return rd == ZERO ? 0 : make_i(0x1b, 0, rd, rd, imm);
    case 2:
        return make_i(0x13, 0, rd, ZERO, imm);
    case 3:
        return expand_lui(half, rd);
    case 4:
        return expand_alu(half);
    case 5:
        return make_j(ZERO, sign_extend(jump, 12));
    case 6:
        return make_b(0, small, sign_extend(branch, 9));
    default:
        return make_b(1, small, sign_extend(branch, 9));
    }
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add */
static uint32_t expand_jump(uint32_t half, uint32_t rd)
{
    uint32_t rs2 = half >> 2 & 31;
    bool links = (half & 0x1000) != 0;
    if (rs2 != ZERO)
        return make_r(0x33, 0, 0, rd, links ? rd : ZERO, rs2);
    if (rd != ZERO)
        return make_i(0x67, 0, links ? RA : ZERO, rd, 0);
    return links ? 0x00100073u : 0;
}

static uint32_t expand_q2(uint32_t half)
{
    uint32_t rd = half >> 7 & 31, rs2 = half >> 2 & 31;
    uint32_t wide_load = field(half, 12, 12, 5) | field(half, 6, 5, 3) | field(half, 4, 2, 6);
    uint32_t word_load = field(half, 12, 12, 5) | field(half, 6, 4, 2) | field(half, 3, 2, 6);
    uint32_t wide_store = field(half, 12, 10, 3) | field(half, 9, 7, 6);
    uint32_t word_store = field(half, 12, 9, 2) | field(half, 8, 7, 6);
    switch (half >> 13) {
    case 0:
        return make_i(0x13, 1, rd, rd, imm6(half));
    case 1:
        return make_i(0x07, 3, rd, SP, wide_load);
    case 2:
        return rd == ZERO ? 0 : make_i(0x03, 2, rd, SP, word_load);
    case 3:
        return rd == ZERO ? 0 : make_i(0x03, 3, rd, SP, wide_load);
    case 4:
        return expand_jump(half, rd);
    case 5:
        return make_s(0x27, 3, SP, rs2, wide_store);
    case 6:
        return make_s(0x23, 2, SP, rs2, word_store);
    default:
        return make_s(0x23, 3, SP, rs2, wide_store);
    }
}

uint32_t isa_expand(uint16_t half)
{
    switch (half & 3) {
    case 0:
        return expand_q0(half);
    case 1:
        return expand_q1(half);
    case 2:
        return expand_q2(half);
    default:
        return 0;
    }
}
