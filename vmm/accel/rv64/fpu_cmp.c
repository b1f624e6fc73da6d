/*
 * Comparisons, minimum, maximum and classification of rv64's F and D. Host comparisons of numbers
 * are exact and need no flags; a NaN is what makes them false.
 */
#include "accel/rv64/fpu.h"

#include "accel/rv64/fpu_host.h"

static bool is_nan_s(uint32_t a)
{
    return a << 1 > UINT32_C(0xff000000);
}

static bool is_nan_d(uint64_t a)
{
    return a << 1 > UINT64_C(0xffe0000000000000);
}

static bool is_signalling_s(uint32_t a)
{
    return is_nan_s(a) && !(a & UINT32_C(0x00400000));
}

static bool is_signalling_d(uint64_t a)
{
    return is_nan_d(a) && !(a & UINT64_C(0x0008000000000000));
}

bool fpu_eq_s(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_signalling_s(a) || is_signalling_s(b))
        *flags |= FPU_NV;
    return fpu_host_s(a) == fpu_host_s(b);
}

bool fpu_lt_s(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_nan_s(a) || is_nan_s(b))
        *flags |= FPU_NV;
    return fpu_host_s(a) < fpu_host_s(b);
}

bool fpu_le_s(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_nan_s(a) || is_nan_s(b))
        *flags |= FPU_NV;
    return fpu_host_s(a) <= fpu_host_s(b);
}

bool fpu_eq_d(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (is_signalling_d(a) || is_signalling_d(b))
        *flags |= FPU_NV;
    return fpu_host_d(a) == fpu_host_d(b);
}

bool fpu_lt_d(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (is_nan_d(a) || is_nan_d(b))
        *flags |= FPU_NV;
    return fpu_host_d(a) < fpu_host_d(b);
}

bool fpu_le_d(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (is_nan_d(a) || is_nan_d(b))
        *flags |= FPU_NV;
    return fpu_host_d(a) <= fpu_host_d(b);
}

/* minimumNumber and maximumNumber where an operand is a NaN: the other one. */
static uint32_t number_s(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_signalling_s(a) || is_signalling_s(b))
        *flags |= FPU_NV;
    if (!is_nan_s(a))
        return a;
    return is_nan_s(b) ? FPU_NAN_S : b;
}

static uint64_t number_d(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (is_signalling_d(a) || is_signalling_d(b))
        *flags |= FPU_NV;
    if (!is_nan_d(a))
        return a;
    return is_nan_d(b) ? FPU_NAN_D : b;
}

/* Equal numbers differ at most in the sign of zero, and -0 is the lesser: OR and AND pick it. */
uint32_t fpu_min_s(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_nan_s(a) || is_nan_s(b))
        return number_s(a, b, flags);
    if (fpu_host_s(a) == fpu_host_s(b))
        return a | b;
    return fpu_host_s(a) < fpu_host_s(b) ? a : b;
}

uint32_t fpu_max_s(uint32_t a, uint32_t b, uint32_t *flags)
{
    if (is_nan_s(a) || is_nan_s(b))
        return number_s(a, b, flags);
    if (fpu_host_s(a) == fpu_host_s(b))
        return a & b;
    return fpu_host_s(a) > fpu_host_s(b) ? a : b;
}

uint64_t fpu_min_d(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (is_nan_d(a) || is_nan_d(b))
        return number_d(a, b, flags);
    if (fpu_host_d(a) == fpu_host_d(b))
        return a | b;
    return fpu_host_d(a) < fpu_host_d(b) ? a : b;
}

uint64_t fpu_max_d(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (is_nan_d(a) || is_nan_d(b))
        return number_d(a, b, flags);
    if (fpu_host_d(a) == fpu_host_d(b))
        return a & b;
    return fpu_host_d(a) > fpu_host_d(b) ? a : b;
}

/* Negative numbers, from infinity up to -0, are bits 0-3; positive ones mirror them in 7-4. */
static uint32_t class_of(bool sign, bool is_exp_zero, bool is_exp_max, bool is_frac_zero)
{
    uint32_t rank = is_exp_max ? 0 : !is_exp_zero ? 1 : !is_frac_zero ? 2 : 3;

    return 1u << (sign ? rank : 7 - rank);
}

uint32_t fpu_class_s(uint32_t a)
{
    uint32_t exp = (a >> 23) & 0xff;

    if (is_nan_s(a))
        return is_signalling_s(a) ? 1u << 8 : 1u << 9;
    return class_of(a >> 31, exp == 0, exp == 0xff, a << 9 == 0);
}

uint32_t fpu_class_d(uint64_t a)
{
    uint64_t exp = (a >> 52) & 0x7ff;

    if (is_nan_d(a))
        return is_signalling_d(a) ? 1u << 8 : 1u << 9;
    return class_of(a >> 63, exp == 0, exp == 0x7ff, a << 12 == 0);
}
