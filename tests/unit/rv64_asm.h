/*
 * RISC-V instructions by name, for tests that write guest programs as arrays of words. Encodings
 * typed from the instruction listings of the unprivileged ISA, chapter 24, not shared with the
 * decoder under test.
 */
#ifndef TESTS_UNIT_RV64_ASM_H
#define TESTS_UNIT_RV64_ASM_H

#include <stdint.h>

enum {
    X0,
    RA,
    SP,
    GP,
    TP,
    T0,
    T1,
    T2,
    S0,
    S1,
    A0,
    A1,
    A2,
    A3,
    A4,
    A5,
    A6,
    A7,
    S2,
    S3,
    S4,
    S5,
    S6,
    S7,
    S8,
    S9,
    S10,
    S11,
    T3,
    T4,
    T5,
    T6
};

static inline uint32_t asm_i(uint32_t opcode, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm)
{
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | (uint32_t)imm << 20;
}

static inline uint32_t asm_r(uint32_t opcode, uint32_t f3, uint32_t f7, uint32_t rd, uint32_t rs1,
                             uint32_t rs2)
{
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

static inline uint32_t asm_s(uint32_t opcode, uint32_t f3, uint32_t rs2, uint32_t rs1, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return opcode | (u & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (u >> 5 & 127) << 25;
}

static inline uint32_t asm_b(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return 0x63 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
           (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}

static inline uint32_t asm_j(uint32_t rd, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return 0x6f | rd << 7 | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
           (u >> 20 & 1) << 31;
}

#define LUI(rd, imm20)      (0x37u | (uint32_t)(rd) << 7 | (uint32_t)(imm20) << 12)
#define AUIPC(rd, imm20)    (0x17u | (uint32_t)(rd) << 7 | (uint32_t)(imm20) << 12)
#define JAL(rd, off)        asm_j(rd, off)
#define JALR(rd, rs1, imm)  asm_i(0x67, 0, rd, rs1, imm)
#define BEQ(a, b, off)      asm_b(0, a, b, off)
#define BNE(a, b, off)      asm_b(1, a, b, off)
#define BLT(a, b, off)      asm_b(4, a, b, off)
#define BGEU(a, b, off)     asm_b(7, a, b, off)
#define LB(rd, rs1, imm)    asm_i(0x03, 0, rd, rs1, imm)
#define LH(rd, rs1, imm)    asm_i(0x03, 1, rd, rs1, imm)
#define LW(rd, rs1, imm)    asm_i(0x03, 2, rd, rs1, imm)
#define LD(rd, rs1, imm)    asm_i(0x03, 3, rd, rs1, imm)
#define LBU(rd, rs1, imm)   asm_i(0x03, 4, rd, rs1, imm)
#define LHU(rd, rs1, imm)   asm_i(0x03, 5, rd, rs1, imm)
#define LWU(rd, rs1, imm)   asm_i(0x03, 6, rd, rs1, imm)
#define SB(rs2, rs1, imm)   asm_s(0x23, 0, rs2, rs1, imm)
#define SH(rs2, rs1, imm)   asm_s(0x23, 1, rs2, rs1, imm)
#define SW(rs2, rs1, imm)   asm_s(0x23, 2, rs2, rs1, imm)
#define SD(rs2, rs1, imm)   asm_s(0x23, 3, rs2, rs1, imm)
#define FLD(rd, rs1, imm)   asm_i(0x07, 3, rd, rs1, imm)
#define FSD(rs2, rs1, imm)  asm_s(0x27, 3, rs2, rs1, imm)
#define ADDI(rd, rs1, imm)  asm_i(0x13, 0, rd, rs1, imm)
#define ADDIW(rd, rs1, imm) asm_i(0x1b, 0, rd, rs1, imm)
#define ANDI(rd, rs1, imm)  asm_i(0x13, 7, rd, rs1, imm)
#define SLLI(rd, rs1, n)    asm_i(0x13, 1, rd, rs1, n)
#define SRLI(rd, rs1, n)    asm_i(0x13, 5, rd, rs1, n)
#define ADD(rd, a, b)       asm_r(0x33, 0, 0, rd, a, b)
#define SUB(rd, a, b)       asm_r(0x33, 0, 0x20, rd, a, b)
#define MUL(rd, a, b)       asm_r(0x33, 0, 1, rd, a, b)
#define FADD_D(rd, a, b)    asm_r(0x53, 7, 1, rd, a, b)
#define NOP                 ADDI(X0, X0, 0)
#define LI(rd, imm)         ADDI(rd, X0, imm)
#define MV(rd, rs1)         ADDI(rd, rs1, 0)
#define J(off)              JAL(X0, off)
#define RET                 JALR(X0, RA, 0)

#define CSRRW(rd, csr, rs1)  asm_i(0x73, 1, rd, rs1, csr)
#define CSRRS(rd, csr, rs1)  asm_i(0x73, 2, rd, rs1, csr)
#define CSRRC(rd, csr, rs1)  asm_i(0x73, 3, rd, rs1, csr)
#define CSRRWI(rd, csr, imm) asm_i(0x73, 5, rd, imm, csr)
#define CSRRSI(rd, csr, imm) asm_i(0x73, 6, rd, imm, csr)
#define CSRR(rd, csr)        CSRRS(rd, csr, X0)
#define CSRW(csr, rs1)       CSRRW(X0, csr, rs1)
#define ECALL                0x00000073u
#define EBREAK               0x00100073u
#define SRET                 0x10200073u
#define MRET                 0x30200073u
#define WFI                  0x10500073u
#define FENCE                0x0ff0000fu
#define FENCE_I              0x0000100fu
#define SFENCE_VMA(rs1, rs2) asm_r(0x73, 0, 0x09, 0, rs1, rs2)
#define SINVAL_VMA(rs1, rs2) asm_r(0x73, 0, 0x0b, 0, rs1, rs2)
#define SFENCE_W_INVAL       0x18000073u
#define SFENCE_INVAL_IR      0x18100073u
#define CBO_ZERO(rs1)        asm_i(0x0f, 2, 0, rs1, 4)
#define CBO_FLUSH(rs1)       asm_i(0x0f, 2, 0, rs1, 2)

#define LR_W(rd, rs1)           asm_r(0x2f, 2, 0x08, rd, rs1, 0)
#define LR_D(rd, rs1)           asm_r(0x2f, 3, 0x08, rd, rs1, 0)
#define SC_W(rd, rs2, rs1)      asm_r(0x2f, 2, 0x0c, rd, rs1, rs2)
#define SC_D(rd, rs2, rs1)      asm_r(0x2f, 3, 0x0c, rd, rs1, rs2)
#define AMOADD_W(rd, rs2, rs1)  asm_r(0x2f, 2, 0x00, rd, rs1, rs2)
#define AMOADD_D(rd, rs2, rs1)  asm_r(0x2f, 3, 0x00, rd, rs1, rs2)
#define AMOSWAP_W(rd, rs2, rs1) asm_r(0x2f, 2, 0x04, rd, rs1, rs2)
#define AMOMAX_D(rd, rs2, rs1)  asm_r(0x2f, 3, 0x50, rd, rs1, rs2)
#define AMOMINU_W(rd, rs2, rs1) asm_r(0x2f, 2, 0x60, rd, rs1, rs2)

/* Two 16-bit instructions, the first in the low half. */
#define HALVES(a, b) ((uint32_t)(a) | (uint32_t)(b) << 16)
#define C_NOP        0x0001u
#define C_EBREAK     0x9002u

#endif
