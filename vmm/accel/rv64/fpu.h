/*
 * RISC-V F and D arithmetic on raw register bits: uint32_t is a single, uint64_t a double.
 * RISC-V Unprivileged ISA 20191213, chapters 11 (F 2.2) and 12 (D 2.2); IEEE 754-2008, for
 * minimum and maximum 754-2019. Not here: instruction decoding, fcsr, mstatus.FS, NaN boxing of
 * results (fpu_box_s does it), Zfa, Zfh, Q.
 *
 * What the processor does around a call:
 *  - `flags` points at the hart's live fflags, which is only ever ORed into. Not at a zeroed
 *    temporary: once NX is set, in real programs at once, the host's FPU alone does the work.
 *  - There is nothing to collect when fflags is read: the host's own exception flags are never
 *    used. No function holds state or depends on its thread, whose rounding mode and subnormal
 *    handling stay as C programs start with them.
 *  - `rm` is 0-4: the caller puts frm in for DYN (7) and raises the illegal instruction where
 *    fpu_is_rm(rm) is false.
 *  - Singles in f registers are unboxed with fpu_unbox_s, except for FSW and FMV.X.W (raw bits).
 *  - Integer operands and results are whole x registers: _w and _wu look at the low 32 bits,
 *    results of cvt_w and cvt_wu are sign-extended from bit 31, as the ISA has it.
 */
#ifndef VMM_ACCEL_RV64_FPU_H
#define VMM_ACCEL_RV64_FPU_H

#include <stdbool.h>
#include <stdint.h>

enum fpu_rm {
    FPU_RNE = 0, /* to nearest, ties to even */
    FPU_RTZ = 1, /* towards zero */
    FPU_RDN = 2, /* down */
    FPU_RUP = 3, /* up */
    FPU_RMM = 4, /* to nearest, ties to the larger magnitude */
};

#define FPU_NX    1u
#define FPU_UF    2u
#define FPU_OF    4u
#define FPU_DZ    8u
#define FPU_NV    16u
#define FPU_NAN_S UINT32_C(0x7fc00000)
#define FPU_NAN_D UINT64_C(0x7ff8000000000000)

static inline bool fpu_is_rm(uint32_t rm)
{
    return rm <= FPU_RMM;
}

static inline uint64_t fpu_box_s(uint32_t a)
{
    return UINT64_C(0xffffffff00000000) | a;
}

/* The single in an f register; the canonical NaN if it is not properly boxed. */
static inline uint32_t fpu_unbox_s(uint64_t f)
{
    return f >> 32 == UINT64_C(0xffffffff) ? (uint32_t)f : FPU_NAN_S;
}

static inline uint32_t fpu_neg_s(uint32_t a)
{
    return a ^ UINT32_C(0x80000000);
}

static inline uint64_t fpu_neg_d(uint64_t a)
{
    return a ^ UINT64_C(0x8000000000000000);
}

uint32_t fpu_add_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags);
uint32_t fpu_sub_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags);
uint32_t fpu_mul_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags);
uint32_t fpu_div_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags);
uint32_t fpu_sqrt_s(uint32_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_add_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags);
uint64_t fpu_sub_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags);
uint64_t fpu_mul_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags);
uint64_t fpu_div_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags);
uint64_t fpu_sqrt_d(uint64_t a, uint32_t rm, uint32_t *flags);

/* a * b + c with one rounding. FMADD; the others by negating operands first:
 * FMSUB (a, b, -c), FNMSUB (-a, b, c), FNMADD (-a, b, -c). */
uint32_t fpu_fma_s(uint32_t a, uint32_t b, uint32_t c, uint32_t rm, uint32_t *flags);
uint64_t fpu_fma_d(uint64_t a, uint64_t b, uint64_t c, uint32_t rm, uint32_t *flags);

uint32_t fpu_min_s(uint32_t a, uint32_t b, uint32_t *flags);
uint32_t fpu_max_s(uint32_t a, uint32_t b, uint32_t *flags);
uint64_t fpu_min_d(uint64_t a, uint64_t b, uint32_t *flags);
uint64_t fpu_max_d(uint64_t a, uint64_t b, uint32_t *flags);

/* FSGNJ, FSGNJN, FSGNJX: a with a sign from b. */
static inline uint32_t fpu_sgnj_s(uint32_t a, uint32_t b)
{
    return (a & UINT32_C(0x7fffffff)) | (b & UINT32_C(0x80000000));
}

static inline uint32_t fpu_sgnjn_s(uint32_t a, uint32_t b)
{
    return fpu_sgnj_s(a, ~b);
}

static inline uint32_t fpu_sgnjx_s(uint32_t a, uint32_t b)
{
    return a ^ (b & UINT32_C(0x80000000));
}

static inline uint64_t fpu_sgnj_d(uint64_t a, uint64_t b)
{
    return (a & UINT64_C(0x7fffffffffffffff)) | (b & UINT64_C(0x8000000000000000));
}

static inline uint64_t fpu_sgnjn_d(uint64_t a, uint64_t b)
{
    return fpu_sgnj_d(a, ~b);
}

static inline uint64_t fpu_sgnjx_d(uint64_t a, uint64_t b)
{
    return a ^ (b & UINT64_C(0x8000000000000000));
}
/* FEQ (quiet), FLT and FLE (signalling). */
bool fpu_eq_s(uint32_t a, uint32_t b, uint32_t *flags);
bool fpu_lt_s(uint32_t a, uint32_t b, uint32_t *flags);
bool fpu_le_s(uint32_t a, uint32_t b, uint32_t *flags);
bool fpu_eq_d(uint64_t a, uint64_t b, uint32_t *flags);
bool fpu_lt_d(uint64_t a, uint64_t b, uint32_t *flags);
bool fpu_le_d(uint64_t a, uint64_t b, uint32_t *flags);

/* FCLASS: one of the bits 0-9. */
uint32_t fpu_class_s(uint32_t a);
uint32_t fpu_class_d(uint64_t a);

/* FCVT.to.from, named like the instructions. */
uint64_t fpu_cvt_w_s(uint32_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_wu_s(uint32_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_l_s(uint32_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_lu_s(uint32_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_w_d(uint64_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_wu_d(uint64_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_l_d(uint64_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_lu_d(uint64_t a, uint32_t rm, uint32_t *flags);
uint32_t fpu_cvt_s_w(uint64_t x, uint32_t rm, uint32_t *flags);
uint32_t fpu_cvt_s_wu(uint64_t x, uint32_t rm, uint32_t *flags);
uint32_t fpu_cvt_s_l(uint64_t x, uint32_t rm, uint32_t *flags);
uint32_t fpu_cvt_s_lu(uint64_t x, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_d_w(uint64_t x); /* always exact */
uint64_t fpu_cvt_d_wu(uint64_t x);
uint64_t fpu_cvt_d_l(uint64_t x, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_d_lu(uint64_t x, uint32_t rm, uint32_t *flags);
uint32_t fpu_cvt_s_d(uint64_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_cvt_d_s(uint32_t a, uint32_t *flags); /* exact; NV for a signalling NaN */

#endif
