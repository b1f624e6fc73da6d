/*
 * RISC-V instruction formats: fields to bits. Unprivileged ISA 20191213, sections 2.2, 2.3 and
 * 16.2 (compressed). Immediates are byte offsets or values, as in assembly.
 */
#ifndef TESTS_DIFF_INSN_H
#define TESTS_DIFF_INSN_H

#include <stdint.h>

enum opcode {
    OP_LOAD = 0x03,
    OP_LOAD_FP = 0x07,
    OP_MISC_MEM = 0x0f,
    OP_IMM = 0x13,
    OP_AUIPC = 0x17,
    OP_IMM_32 = 0x1b,
    OP_STORE = 0x23,
    OP_STORE_FP = 0x27,
    OP_AMO = 0x2f,
    OP_OP = 0x33,
    OP_LUI = 0x37,
    OP_OP_32 = 0x3b,
    OP_MADD = 0x43,
    OP_MSUB = 0x47,
    OP_NMSUB = 0x4b,
    OP_NMADD = 0x4f,
    OP_FP = 0x53,
    OP_BRANCH = 0x63,
    OP_JALR = 0x67,
    OP_JAL = 0x6f,
    OP_SYSTEM = 0x73,
};

#define CSR_FFLAGS 1u
#define CSR_FRM    2u
#define CSR_FCSR   3u

static inline uint32_t field(uint32_t value, uint32_t width, uint32_t at)
{
    return (value & ((1u << width) - 1)) << at;
}

static inline uint32_t enc_r(uint32_t op, uint32_t f3, uint32_t f7, uint32_t rd, uint32_t rs1,
                             uint32_t rs2)
{
    return op | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

static inline uint32_t enc_r4(uint32_t op, uint32_t rm, uint32_t fmt, uint32_t rd, uint32_t rs1,
                              uint32_t rs2, uint32_t rs3)
{
    return enc_r(op, rm, rs3 << 2 | fmt, rd, rs1, rs2);
}

static inline uint32_t enc_i(uint32_t op, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm)
{
    return op | rd << 7 | f3 << 12 | rs1 << 15 | field((uint32_t)imm, 12, 20);
}

static inline uint32_t enc_s(uint32_t op, uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm)
{
    uint32_t u = (uint32_t)imm;

    return op | field(u, 5, 7) | f3 << 12 | rs1 << 15 | rs2 << 20 | field(u >> 5, 7, 25);
}

static inline uint32_t enc_b(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t offset)
{
    uint32_t u = (uint32_t)offset;

    return OP_BRANCH | field(u >> 11, 1, 7) | field(u >> 1, 4, 8) | f3 << 12 | rs1 << 15 |
           rs2 << 20 | field(u >> 5, 6, 25) | field(u >> 12, 1, 31);
}

static inline uint32_t enc_u(uint32_t op, uint32_t rd, uint32_t upper20)
{
    return op | rd << 7 | field(upper20, 20, 12);
}

static inline uint32_t enc_j(uint32_t rd, int32_t offset)
{
    uint32_t u = (uint32_t)offset;

    return OP_JAL | rd << 7 | field(u >> 12, 8, 12) | field(u >> 11, 1, 20) |
           field(u >> 1, 10, 21) | field(u >> 20, 1, 31);
}

/* Compressed. Registers called rp are x8-x15 as 0-7. */
static inline uint32_t enc_ci(uint32_t f3, uint32_t quadrant, uint32_t rd, uint32_t imm6)
{
    return f3 << 13 | field(imm6 >> 5, 1, 12) | rd << 7 | field(imm6, 5, 2) | quadrant;
}

static inline uint32_t enc_cr(uint32_t f4, uint32_t rd, uint32_t rs2)
{
    return f4 << 12 | rd << 7 | rs2 << 2 | 2;
}

/* C.ADDI4SPN */
static inline uint32_t enc_ciw(uint32_t rp, uint32_t u)
{
    return field(u >> 4, 2, 11) | field(u >> 6, 4, 7) | field(u >> 2, 1, 6) | field(u >> 3, 1, 5) |
           rp << 2;
}

/* C.LW, C.SW: multiples of 4 up to 124; rp is rd' or rs2'. */
static inline uint32_t enc_cl_w(uint32_t f3, uint32_t base, uint32_t rp, uint32_t u)
{
    return f3 << 13 | field(u >> 3, 3, 10) | base << 7 | field(u >> 2, 1, 6) | field(u >> 6, 1, 5) |
           rp << 2;
}

/* C.LD, C.SD, C.FLD, C.FSD: multiples of 8 up to 248. */
static inline uint32_t enc_cl_d(uint32_t f3, uint32_t base, uint32_t rp, uint32_t u)
{
    return f3 << 13 | field(u >> 3, 3, 10) | base << 7 | field(u >> 6, 2, 5) | rp << 2;
}

static inline uint32_t enc_ci_lwsp(uint32_t rd, uint32_t u)
{
    return 2u << 13 | field(u >> 5, 1, 12) | rd << 7 | field(u >> 2, 3, 4) | field(u >> 6, 2, 2) |
           2;
}

static inline uint32_t enc_ci_ldsp(uint32_t f3, uint32_t rd, uint32_t u)
{
    return f3 << 13 | field(u >> 5, 1, 12) | rd << 7 | field(u >> 3, 2, 5) | field(u >> 6, 3, 2) |
           2;
}

static inline uint32_t enc_css_swsp(uint32_t rs2, uint32_t u)
{
    return 6u << 13 | field(u >> 2, 4, 9) | field(u >> 6, 2, 7) | rs2 << 2 | 2;
}

static inline uint32_t enc_css_sdsp(uint32_t f3, uint32_t rs2, uint32_t u)
{
    return f3 << 13 | field(u >> 3, 3, 10) | field(u >> 6, 3, 7) | rs2 << 2 | 2;
}

static inline uint32_t enc_ci_addi16sp(int32_t imm)
{
    uint32_t u = (uint32_t)imm;

    return 3u << 13 | field(u >> 9, 1, 12) | 2u << 7 | field(u >> 4, 1, 6) | field(u >> 6, 1, 5) |
           field(u >> 7, 2, 3) | field(u >> 5, 1, 2) | 1;
}

static inline uint32_t enc_cb(uint32_t f3, uint32_t rp, int32_t offset)
{
    uint32_t u = (uint32_t)offset;

    return f3 << 13 | field(u >> 8, 1, 12) | field(u >> 3, 2, 10) | rp << 7 | field(u >> 6, 2, 5) |
           field(u >> 1, 2, 3) | field(u >> 5, 1, 2) | 1;
}

static inline uint32_t enc_cj(int32_t offset)
{
    uint32_t u = (uint32_t)offset;

    return 5u << 13 | field(u >> 11, 1, 12) | field(u >> 4, 1, 11) | field(u >> 8, 2, 9) |
           field(u >> 10, 1, 8) | field(u >> 6, 1, 7) | field(u >> 7, 1, 6) | field(u >> 1, 3, 3) |
           field(u >> 5, 1, 2) | 1;
}

static inline uint32_t insn_length(uint32_t bits)
{
    return (bits & 3) == 3 ? 4 : 2;
}

#endif
