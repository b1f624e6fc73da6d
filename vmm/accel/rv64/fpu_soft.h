/*
 * Exact floating point by integers: the reference behind fpu.c, right on every host, in every
 * rounding mode, with every flag. One code for both formats; values travel as raw bits in uint64_t.
 */
#ifndef VMM_ACCEL_RV64_FPU_SOFT_H
#define VMM_ACCEL_RV64_FPU_SOFT_H

#include <stdbool.h>
#include <stdint.h>

struct fpu_format {
    uint32_t exp_bits;
    uint32_t frac_bits;
};

extern const struct fpu_format fpu_single;
extern const struct fpu_format fpu_double;

enum fpu_kind {
    FPU_ZERO,
    FPU_FINITE,
    FPU_INFINITE,
    FPU_QUIET_NAN,
    FPU_SIGNALLING_NAN,
};

/* A value taken apart. FPU_FINITE: (-1)^sign * sig * 2^(exp - 63), and bit 63 of sig is set, for
 * subnormal numbers too. */
struct fpu_num {
    enum fpu_kind kind;
    bool sign;
    int32_t exp;
    uint64_t sig;
};

struct fpu_num fpu_soft_unpack(const struct fpu_format *f, uint64_t a);

/* Rounds (-1)^sign * sig * 2^(exp - 63) into the format. Bit 63 of sig is set; bit 0 stands for
 * itself and for all that was cut off below. */
uint64_t fpu_soft_round(const struct fpu_format *f, bool sign, int32_t exp, uint64_t sig,
                        uint32_t rm, uint32_t *flags);

/* Whether a magnitude is incremented when `rest` is cut off below a last bit `odd`; `half` is
 * the rest that lies midway. */
bool fpu_soft_is_up(uint32_t rm, bool sign, bool odd, uint64_t rest, uint64_t half);

/* a >> n, with bit 0 set if anything but zeros was shifted out. */
static inline uint64_t fpu_soft_jam(uint64_t a, uint32_t n)
{
    if (n > 63)
        return a != 0;
    return (a >> n) | ((a & ((UINT64_C(1) << n) - 1)) != 0);
}

/* The canonical NaN of the format. */
uint64_t fpu_soft_nan(const struct fpu_format *f);

uint64_t fpu_soft_add(const struct fpu_format *f, uint64_t a, uint64_t b, uint32_t rm,
                      uint32_t *flags);
uint64_t fpu_soft_mul(const struct fpu_format *f, uint64_t a, uint64_t b, uint32_t rm,
                      uint32_t *flags);
uint64_t fpu_soft_div(const struct fpu_format *f, uint64_t a, uint64_t b, uint32_t rm,
                      uint32_t *flags);
uint64_t fpu_soft_sqrt(const struct fpu_format *f, uint64_t a, uint32_t rm, uint32_t *flags);
uint64_t fpu_soft_fma(const struct fpu_format *f, uint64_t a, uint64_t b, uint64_t c, uint32_t rm,
                      uint32_t *flags);

#endif
