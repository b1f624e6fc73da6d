/*
 * What an instruction is after decoding: the operations, their operands, and the numbers of the
 * privileged architecture. Nothing here knows how operations are carried out; the interpreter
 * (interp.c) and a later translator to host code both begin with isa_decode().
 * RISC-V Unprivileged ISA 20191213, bit manipulation 1.0.0, CMO 1.0.1; Privileged ISA 1.12.
 */
#ifndef VMM_ACCEL_RV64_ISA_H
#define VMM_ACCEL_RV64_ISA_H

#include <stdbool.h>
#include <stdint.h>

/* Operands are rd, rs1, rs2 and imm unless said otherwise. Writes to x0 are decoded as writes to
 * ISA_X_SINK, so no operation has to look for x0. */
#define ISA_X_SINK 32

#define ISA_OPS_ALU(X)                                                                             \
    X(NOP)                                                                                         \
    X(LI)                                                                                          \
    X(AUIPC)                                                                                       \
    X(MV) X(ADDI) X(SLTI) X(SLTIU) X(XORI) X(ORI) X(ANDI) X(SLLI) X(SRLI) X(SRAI) X(ADDIW)         \
        X(SLLIW) X(SRLIW) X(SRAIW) X(SEXT_W) X(ADD) X(SUB) X(SLL) X(SLT) X(SLTU) X(XOR) X(SRL)     \
            X(SRA) X(OR) X(AND) X(ADDW) X(SUBW) X(SLLW) X(SRLW) X(SRAW) X(MUL) X(MULH) X(MULHSU)   \
                X(MULHU) X(DIV) X(DIVU) X(REM) X(REMU) X(MULW) X(DIVW) X(DIVUW) X(REMW) X(REMUW)   \
                    X(ADD_UW) X(SH1ADD) X(SH2ADD) X(SH3ADD) X(SH1ADD_UW) X(SH2ADD_UW) X(SH3ADD_UW) \
                        X(SLLI_UW) X(ANDN) X(ORN) X(XNOR) X(CLZ) X(CLZW) X(CTZ) X(CTZW) X(CPOP)    \
                            X(CPOPW) X(MAX) X(MAXU) X(MIN) X(MINU) X(SEXT_B) X(SEXT_H) X(ZEXT_H)   \
                                X(ROL) X(ROLW) X(ROR) X(RORW) X(RORI) X(RORIW) X(ORC_B) X(REV8)    \
                                    X(BCLR) X(BEXT) X(BINV) X(BSET) X(BCLRI) X(BEXTI) X(BINVI)     \
                                        X(BSETI)

#define ISA_OPS_MEMORY(X)                                                                          \
    X(LB) X(LH) X(LW) X(LD) X(LBU) X(LHU) X(LWU) X(SB) X(SH) X(SW) X(SD) X(FLW) X(FLD) X(FSW) X(FSD)

/* These end a block. Branches and JAL have the byte distance in imm. */
#define ISA_OPS_JUMP(X) X(JAL) X(JALR) X(BEQ) X(BNE) X(BLT) X(BGE) X(BLTU) X(BGEU)

/* AMO: imm = funct5. FP: imm = enum fp_op | rm << 8 | rs3 << 16. CSR: imm = number | funct3 << 12,
 * rd and rs1 as encoded. SFENCE_VMA, SINVAL_VMA: rs1, rs2. CBO: imm = 0 inval, 1 clean, 2 flush,
 * 4 zero. FENCE orders stores before loads; weaker fences are FENCE_WEAK. */
#define ISA_OPS_OTHER(X)                                                                           \
    X(LR_W)                                                                                        \
    X(LR_D)                                                                                        \
    X(SC_W)                                                                                        \
    X(SC_D) X(AMO_W) X(AMO_D) X(FENCE) X(FENCE_WEAK) X(PAUSE) X(FP) X(CBO) X(FADD_D) X(FSUB_D)     \
        X(FMUL_D) X(FMADD_D) X(FADD_S) X(FSUB_S) X(FMUL_S)

/* These end a block, too, and are carried out by system.c. */
#define ISA_OPS_SYSTEM(X)                                                                          \
    X(FENCE_I)                                                                                     \
    X(ECALL)                                                                                       \
    X(EBREAK)                                                                                      \
    X(CSR) X(MRET) X(SRET) X(WFI) X(SFENCE_VMA) X(SINVAL_VMA) X(SFENCE_W) X(SFENCE_IR) X(ILLEGAL)

/* Made by the block builder only: the end of a block without a jump, within a page and at its end;
 * the test of mstatus.FS before floating point (imm = 1: f registers or flags may change); a jump
 * to another page; pairs of instructions in one (see fuse.c for their operands). */
#define ISA_OPS_BUILT(X)                                                                           \
    X(END)                                                                                         \
    X(END_PAGE) X(FP_CHECK) X(JAL_FAR) X(AUIPC_LD) X(AUIPC_JALR) X(SLLI_ADD) X(SLLI_SRLI)          \
        X(SLLIW_OR) X(SRLIW_OR) X(MULW_ADDW) X(ADDW_ADDW) X(ADDI_ADDI) X(MV_MV) X(ADD_LD)          \
            X(ADD_LW) X(ADD_LH) X(ADD_LBU) ISA_OPS_FUSED_BRANCH(X)
#define ISA_OPS_FUSED_BRANCH(X)                                                                    \
    X(ADDI_BEQ)                                                                                    \
    X(ADDI_BNE) X(ADDIW_BEQ) X(ADDIW_BNE) X(ADDW_BNE) X(ANDI_BEQ) X(ANDI_BNE) X(LI_BEQ) X(LI_BNE)

#define ISA_OPS(X)                                                                                 \
    ISA_OPS_ALU(X)                                                                                 \
    ISA_OPS_MEMORY(X)                                                                              \
    ISA_OPS_JUMP(X)                                                                                \
    ISA_OPS_OTHER(X)                                                                               \
    ISA_OPS_SYSTEM(X)                                                                              \
    ISA_OPS_BUILT(X)

#define ISA_ENUM_ROW(name) OP_##name,
enum isa_op { ISA_OPS(ISA_ENUM_ROW) ISA_N_OPS };

/* Floating-point operations behind OP_FP, singles first; + FP_D for doubles. */
enum fp_op {
    FP_ADD,
    FP_SUB,
    FP_MUL,
    FP_DIV,
    FP_SQRT,
    FP_SGNJ,
    FP_SGNJN,
    FP_SGNJX,
    FP_MIN,
    FP_MAX,
    FP_LE,
    FP_LT,
    FP_EQ,
    FP_CLASS,
    FP_MV_TO_X,
    FP_MV_FROM_X,
    FP_CVT_TO_W,
    FP_CVT_TO_WU,
    FP_CVT_TO_L,
    FP_CVT_TO_LU,
    FP_CVT_FROM_W,
    FP_CVT_FROM_WU,
    FP_CVT_FROM_L,
    FP_CVT_FROM_LU,
    FP_CVT_FROM_OTHER, /* FCVT.S.D, FCVT.D.S */
    FP_MADD,
    FP_MSUB,
    FP_NMSUB,
    FP_NMADD,
    FP_D = 32,
};

struct insn {
    uint16_t op; /* enum isa_op */
    uint8_t rd, rs1, rs2;
    uint8_t length; /* 2 or 4 bytes */
    int32_t imm;
};

/* Decodes the instruction whose first 16 bits are the low half of `word`; the high half matters
 * only if isa_length() says 4. What this processor lacks becomes OP_ILLEGAL. [pure] */
void isa_decode(uint32_t word, struct insn *out);

/* The 32-bit instruction that the 16-bit `half` abbreviates, 0 when there is none. [pure] */
uint32_t isa_expand(uint16_t half);

static inline uint32_t isa_length(uint16_t first_half)
{
    return (first_half & 3) == 3 ? 4 : 2;
}

/* Exceptions; interrupts have the top bit set. */
enum cause {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};
#define CAUSE_INTERRUPT (UINT64_C(1) << 63)

enum priv { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };

#define IRQ_SSIP  (UINT64_C(1) << 1)
#define IRQ_MSIP  (UINT64_C(1) << 3)
#define IRQ_STIP  (UINT64_C(1) << 5)
#define IRQ_MTIP  (UINT64_C(1) << 7)
#define IRQ_SEIP  (UINT64_C(1) << 9)
#define IRQ_MEIP  (UINT64_C(1) << 11)
#define IRQ_S_ALL (IRQ_SSIP | IRQ_STIP | IRQ_SEIP)
#define IRQ_ALL   (IRQ_S_ALL | IRQ_MSIP | IRQ_MTIP | IRQ_MEIP)

#define MSTATUS_SIE       (UINT64_C(1) << 1)
#define MSTATUS_MIE       (UINT64_C(1) << 3)
#define MSTATUS_SPIE      (UINT64_C(1) << 5)
#define MSTATUS_MPIE      (UINT64_C(1) << 7)
#define MSTATUS_SPP       (UINT64_C(1) << 8)
#define MSTATUS_MPP       (UINT64_C(3) << 11)
#define MSTATUS_FS        (UINT64_C(3) << 13)
#define MSTATUS_MPRV      (UINT64_C(1) << 17)
#define MSTATUS_SUM       (UINT64_C(1) << 18)
#define MSTATUS_MXR       (UINT64_C(1) << 19)
#define MSTATUS_TVM       (UINT64_C(1) << 20)
#define MSTATUS_TW        (UINT64_C(1) << 21)
#define MSTATUS_TSR       (UINT64_C(1) << 22)
#define MSTATUS_XL64      (UINT64_C(0xa) << 32) /* SXL and UXL: 64 bits */
#define MSTATUS_SD        (UINT64_C(1) << 63)
#define MSTATUS_MPP_SHIFT 11

#define ENVCFG_FIOM  (UINT64_C(1) << 0)
#define ENVCFG_CBIE  (UINT64_C(3) << 4)
#define ENVCFG_CBCFE (UINT64_C(1) << 6)
#define ENVCFG_CBZE  (UINT64_C(1) << 7)
#define ENVCFG_ADUE  (UINT64_C(1) << 61)
#define ENVCFG_PBMTE (UINT64_C(1) << 62)
#define ENVCFG_STCE  (UINT64_C(1) << 63)

#define CBO_BYTES 64u

#endif
