/*
 * Add, multiply, divide, square root and fused multiply-add of rv64's F and D: the host's FPU
 * wherever its result is proven right, fpu_soft.c for the rest.
 *
 * The proof. Hosts implement IEEE 754 to nearest, ties to even, so a rounded value is right
 * when rm is RNE. What is left is the flags, which the host's own are never asked for:
 *  - A result that is "plain" (fpu_host.h) has neither overflowed nor underflowed, and comes from
 *    operands without NaN, and without an infinity in the places where one gives a finite result
 *    (a finite x / infinity is zero, and zero is not plain). So NV, DZ, OF and UF do not rise.
 *  - NX alone may rise. If it is already set, nothing is left to know. Else either the rounding
 *    error is computed exactly, or fpu_soft.c decides.
 */
#include "accel/rv64/fpu.h"

#include <math.h>

#include "accel/rv64/fpu_host.h"
#include "accel/rv64/fpu_soft.h"

__extension__ typedef unsigned __int128 u128;

static uint64_t exponent_d(uint64_t a)
{
    return (a >> 52) & 0x7ff;
}

static bool is_zero_d(uint64_t a)
{
    return a << 1 == 0;
}

static bool is_zero_s(uint32_t a)
{
    return a << 1 == 0;
}

uint64_t fpu_add_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags)
{
    double x = fpu_host_d(a), y = fpu_host_d(b);
    double s = x + y;
    uint64_t r = fpu_host_bits_d(s);

    /* A finite sum, be it zero or subnormal, has finite operands; a subnormal one is exact. */
    if (rm != FPU_RNE || exponent_d(r) == 0x7ff)
        return fpu_soft_add(&fpu_double, a, b, rm, flags);
    if (*flags & FPU_NX)
        return r;
    if (exponent_d(a) >= 0x7fd || exponent_d(b) >= 0x7fd)
        return fpu_soft_add(&fpu_double, a, b, rm, flags);
    if (fpu_host_sum_error(x, y, s) != 0)
        *flags |= FPU_NX;
    return r;
}

uint32_t fpu_add_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags)
{
    double x = fpu_host_s(a), y = fpu_host_s(b);
    float s = fpu_host_s(a) + fpu_host_s(b);
    uint32_t r = fpu_host_bits_s(s);

    if (rm != FPU_RNE || ((r >> 23) & 0xff) == 0xff)
        return (uint32_t)fpu_soft_add(&fpu_single, a, b, rm, flags);
    if (*flags & FPU_NX)
        return r;
    double wide = x + y;
    if (wide != (double)s || fpu_host_sum_error(x, y, wide) != 0)
        *flags |= FPU_NX;
    return r;
}

/* The sign of a NaN changes too, and no result shows it. */
uint64_t fpu_sub_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags)
{
    return fpu_add_d(a, fpu_neg_d(b), rm, flags);
}

uint32_t fpu_sub_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags)
{
    return fpu_add_s(a, fpu_neg_s(b), rm, flags);
}

static uint64_t significand_d(uint64_t a)
{
    uint64_t frac = a & ((UINT64_C(1) << 52) - 1);

    return exponent_d(a) != 0 ? frac | UINT64_C(1) << 52 : frac;
}

/* Whether the product of two finite nonzero numbers has no more than 53 significant bits. */
static bool is_product_exact_d(uint64_t a, uint64_t b)
{
    uint64_t x = significand_d(a), y = significand_d(b);
    u128 product = (u128)x * y;
    uint64_t high = (uint64_t)(product >> 64);
    int length = high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)product);

    return length - __builtin_ctzll(x) - __builtin_ctzll(y) <= 53;
}

uint64_t fpu_mul_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags)
{
    double p = fpu_host_d(a) * fpu_host_d(b);
    uint64_t r = fpu_host_bits_d(p);

    if (rm != FPU_RNE)
        return fpu_soft_mul(&fpu_double, a, b, rm, flags);
    if (fpu_host_is_plain_d(r)) {
        if (!(*flags & FPU_NX) && !is_product_exact_d(a, b))
            *flags |= FPU_NX;
        return r;
    }
    if (is_zero_d(r) && (is_zero_d(a) || is_zero_d(b)))
        return r;
    return fpu_soft_mul(&fpu_double, a, b, rm, flags);
}

uint32_t fpu_mul_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags)
{
    double p = (double)fpu_host_s(a) * fpu_host_s(b); /* exact */
    float s = (float)p;
    uint32_t r = fpu_host_bits_s(s);

    if (rm != FPU_RNE)
        return (uint32_t)fpu_soft_mul(&fpu_single, a, b, rm, flags);
    if (fpu_host_is_plain_s(r)) {
        if ((double)s != p)
            *flags |= FPU_NX;
        return r;
    }
    if (is_zero_s(r) && p == 0)
        return r;
    return (uint32_t)fpu_soft_mul(&fpu_single, a, b, rm, flags);
}

uint64_t fpu_div_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags)
{
    if (rm == FPU_RNE && (*flags & FPU_NX)) {
        uint64_t r = fpu_host_bits_d(fpu_host_d(a) / fpu_host_d(b));
        if (fpu_host_is_plain_d(r))
            return r;
    }
    return fpu_soft_div(&fpu_double, a, b, rm, flags);
}

uint32_t fpu_div_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags)
{
    float q = fpu_host_s(a) / fpu_host_s(b);
    uint32_t r = fpu_host_bits_s(q);

    if (rm != FPU_RNE || !fpu_host_is_plain_s(r))
        return (uint32_t)fpu_soft_div(&fpu_single, a, b, rm, flags);
    if ((double)q * fpu_host_s(b) != fpu_host_s(a))
        *flags |= FPU_NX;
    return r;
}

uint64_t fpu_sqrt_d(uint64_t a, uint32_t rm, uint32_t *flags)
{
    if (rm == FPU_RNE && (*flags & FPU_NX)) {
        uint64_t r = fpu_host_bits_d(sqrt(fpu_host_d(a)));
        if (fpu_host_is_plain_d(r))
            return r;
    }
    return fpu_soft_sqrt(&fpu_double, a, rm, flags);
}

uint32_t fpu_sqrt_s(uint32_t a, uint32_t rm, uint32_t *flags)
{
    float root = sqrtf(fpu_host_s(a));
    uint32_t r = fpu_host_bits_s(root);

    if (rm != FPU_RNE || !fpu_host_is_plain_s(r))
        return (uint32_t)fpu_soft_sqrt(&fpu_single, a, rm, flags);
    if ((double)root * root != fpu_host_s(a))
        *flags |= FPU_NX;
    return r;
}

uint64_t fpu_fma_d(uint64_t a, uint64_t b, uint64_t c, uint32_t rm, uint32_t *flags)
{
    if (rm != FPU_RNE)
        return fpu_soft_fma(&fpu_double, a, b, c, rm, flags);
    if (!(*flags & FPU_NX)) {
        uint64_t p = fpu_host_bits_d(fpu_host_d(a) * fpu_host_d(b));
        if (fpu_host_is_plain_d(p) && is_product_exact_d(a, b))
            return fpu_add_d(p, c, rm, flags);
        return fpu_soft_fma(&fpu_double, a, b, c, rm, flags);
    }
    if (fpu_host_has_fma()) {
        uint64_t r = fpu_host_bits_d(fma(fpu_host_d(a), fpu_host_d(b), fpu_host_d(c)));
        if (fpu_host_is_plain_d(r))
            return r;
    }
    return fpu_soft_fma(&fpu_double, a, b, c, rm, flags);
}

/* `sum` of an exact value whose nearest double it is and whose remainder is `error`, rounded to odd
 * instead: then rounding once more, to a single, gives what one rounding would have given, because
 * 53 >= 24 + 2 (Boldo and Melquiond). */
static double to_odd(double sum, double error)
{
    uint64_t bits = fpu_host_bits_d(sum);

    if (error == 0 || (bits & 1))
        return sum;
    return fpu_host_d((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}

uint32_t fpu_fma_s(uint32_t a, uint32_t b, uint32_t c, uint32_t rm, uint32_t *flags)
{
    double p = (double)fpu_host_s(a) * fpu_host_s(b); /* exact */
    double addend = fpu_host_s(c);
    double sum = p + addend;
    double error = fpu_host_sum_error(p, addend, sum);
    float s = (float)to_odd(sum, error);
    uint32_t r = fpu_host_bits_s(s);

    if (rm != FPU_RNE || (!fpu_host_is_plain_s(r) && sum != 0))
        return (uint32_t)fpu_soft_fma(&fpu_single, a, b, c, rm, flags);
    if (error != 0 || (double)s != sum)
        *flags |= FPU_NX;
    return r;
}
