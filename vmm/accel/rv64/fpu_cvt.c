/*
 * Conversions of rv64's F and D. RISC-V Unprivileged ISA 20191213, table 11.4: what does not fit
 * saturates with NV and without NX; a NaN counts as plus infinity.
 */
#include "accel/rv64/fpu.h"

#include "accel/rv64/fpu_host.h"
#include "accel/rv64/fpu_soft.h"

/* The magnitudes that an integer type reaches on either side of zero. */
struct range {
    uint64_t negative;
    uint64_t positive;
};

static const struct range range_w = {UINT64_C(1) << 31, INT32_MAX};
static const struct range range_wu = {0, UINT32_MAX};
static const struct range range_l = {UINT64_C(1) << 63, INT64_MAX};
static const struct range range_lu = {0, UINT64_MAX};

static uint64_t signed_value(bool sign, uint64_t magnitude)
{
    return sign ? 0 - magnitude : magnitude;
}

/* The magnitude rounded to an integer; *rest tells what was cut off. exp is below 64. */
static uint64_t integer_part(const struct fpu_num *n, uint32_t rm, uint64_t *rest)
{
    uint64_t half = UINT64_C(1) << 63;

    if (n->exp == 63) {
        *rest = 0;
        return n->sig;
    }
    /* The integer above the binary point, the fraction in 64 bits below it. */
    uint64_t whole = n->exp < 0 ? 0 : n->sig >> (63 - n->exp);
    *rest = n->exp < 0 ? fpu_soft_jam(n->sig, (uint32_t)(-1 - n->exp)) : n->sig << (n->exp + 1);
    return whole + fpu_soft_is_up(rm, n->sign, whole & 1, *rest, half);
}

static uint64_t to_integer_exactly(uint64_t a, const struct range *range, uint32_t rm,
                                   uint32_t *flags)
{
    struct fpu_num n = fpu_soft_unpack(&fpu_double, a);
    uint64_t rest;

    if (n.kind == FPU_ZERO)
        return 0;
    bool sign = n.sign && n.kind <= FPU_INFINITE;
    uint64_t limit = sign ? range->negative : range->positive;
    if (n.kind != FPU_FINITE || n.exp > 63) {
        *flags |= FPU_NV;
        return signed_value(sign, limit);
    }
    uint64_t magnitude = integer_part(&n, rm, &rest);
    if (magnitude > limit) {
        *flags |= FPU_NV;
        return signed_value(sign, limit);
    }
    if (rest != 0)
        *flags |= FPU_NX;
    return signed_value(sign, magnitude);
}

static uint64_t to_integer(uint64_t a, const struct range *range, uint32_t rm, uint32_t *flags)
{
    /* Below 2^62 in magnitude, where the host's truncation is defined. */
    if (rm != FPU_RTZ || ((a >> 52) & 0x7ff) >= 1023 + 62)
        return to_integer_exactly(a, range, rm, flags);
    double d = fpu_host_d(a);
    int64_t i = (int64_t)d;
    uint64_t magnitude = signed_value(i < 0, (uint64_t)i);
    if (magnitude > (i < 0 ? range->negative : range->positive))
        return to_integer_exactly(a, range, rm, flags);
    if ((double)i != d)
        *flags |= FPU_NX;
    return (uint64_t)i;
}

static uint64_t sign_extend_w(uint64_t x)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)x;
}

uint64_t fpu_cvt_w_d(uint64_t a, uint32_t rm, uint32_t *flags)
{
    return to_integer(a, &range_w, rm, flags);
}

uint64_t fpu_cvt_wu_d(uint64_t a, uint32_t rm, uint32_t *flags)
{
    return sign_extend_w(to_integer(a, &range_wu, rm, flags));
}

uint64_t fpu_cvt_l_d(uint64_t a, uint32_t rm, uint32_t *flags)
{
    return to_integer(a, &range_l, rm, flags);
}

uint64_t fpu_cvt_lu_d(uint64_t a, uint32_t rm, uint32_t *flags)
{
    return to_integer(a, &range_lu, rm, flags);
}

/* Every single is a double. Both kinds of NaN give the same integer and flag, so it does not
 * matter what the host makes of one. */
static uint64_t as_double(uint32_t a)
{
    return fpu_host_bits_d((double)fpu_host_s(a));
}

uint64_t fpu_cvt_w_s(uint32_t a, uint32_t rm, uint32_t *flags)
{
    return fpu_cvt_w_d(as_double(a), rm, flags);
}

uint64_t fpu_cvt_wu_s(uint32_t a, uint32_t rm, uint32_t *flags)
{
    return fpu_cvt_wu_d(as_double(a), rm, flags);
}

uint64_t fpu_cvt_l_s(uint32_t a, uint32_t rm, uint32_t *flags)
{
    return fpu_cvt_l_d(as_double(a), rm, flags);
}

uint64_t fpu_cvt_lu_s(uint32_t a, uint32_t rm, uint32_t *flags)
{
    return fpu_cvt_lu_d(as_double(a), rm, flags);
}

static uint64_t from_magnitude(const struct fpu_format *f, bool sign, uint64_t magnitude,
                               uint32_t rm, uint32_t *flags)
{
    if (magnitude == 0)
        return 0;
    int32_t lead = __builtin_clzll(magnitude);
    return fpu_soft_round(f, sign, 63 - lead, magnitude << lead, rm, flags);
}

uint64_t fpu_cvt_d_w(uint64_t x)
{
    return fpu_host_bits_d((double)(int32_t)(uint32_t)x);
}

uint64_t fpu_cvt_d_wu(uint64_t x)
{
    return fpu_host_bits_d((double)(uint32_t)x);
}

uint64_t fpu_cvt_d_l(uint64_t x, uint32_t rm, uint32_t *flags)
{
    uint64_t magnitude = signed_value(x >> 63, x);

    if (magnitude <= UINT64_C(1) << 53)
        return fpu_host_bits_d((double)(int64_t)x);
    return from_magnitude(&fpu_double, x >> 63, magnitude, rm, flags);
}

uint64_t fpu_cvt_d_lu(uint64_t x, uint32_t rm, uint32_t *flags)
{
    if (x <= UINT64_C(1) << 53)
        return fpu_host_bits_d((double)x);
    return from_magnitude(&fpu_double, false, x, rm, flags);
}

uint32_t fpu_cvt_s_l(uint64_t x, uint32_t rm, uint32_t *flags)
{
    uint64_t magnitude = signed_value(x >> 63, x);

    if (magnitude <= UINT64_C(1) << 24)
        return fpu_host_bits_s((float)(int64_t)x);
    return (uint32_t)from_magnitude(&fpu_single, x >> 63, magnitude, rm, flags);
}

uint32_t fpu_cvt_s_lu(uint64_t x, uint32_t rm, uint32_t *flags)
{
    if (x <= UINT64_C(1) << 24)
        return fpu_host_bits_s((float)x);
    return (uint32_t)from_magnitude(&fpu_single, false, x, rm, flags);
}

uint32_t fpu_cvt_s_w(uint64_t x, uint32_t rm, uint32_t *flags)
{
    return fpu_cvt_s_l(sign_extend_w(x), rm, flags);
}

uint32_t fpu_cvt_s_wu(uint64_t x, uint32_t rm, uint32_t *flags)
{
    return fpu_cvt_s_lu((uint32_t)x, rm, flags);
}

static uint32_t narrow(uint64_t a, uint32_t rm, uint32_t *flags)
{
    struct fpu_num n = fpu_soft_unpack(&fpu_double, a);

    if (n.kind == FPU_FINITE)
        return (uint32_t)fpu_soft_round(&fpu_single, n.sign, n.exp, n.sig, rm, flags);
    if (n.kind == FPU_SIGNALLING_NAN)
        *flags |= FPU_NV;
    if (n.kind >= FPU_QUIET_NAN)
        return FPU_NAN_S;
    return (n.sign ? UINT32_C(0x80000000) : 0) |
           (n.kind == FPU_INFINITE ? UINT32_C(0x7f800000) : 0);
}

uint32_t fpu_cvt_s_d(uint64_t a, uint32_t rm, uint32_t *flags)
{
    double d = fpu_host_d(a);
    float s = (float)d;
    uint32_t r = fpu_host_bits_s(s);

    if (rm != FPU_RNE || !fpu_host_is_plain_s(r))
        return narrow(a, rm, flags);
    if ((double)s != d)
        *flags |= FPU_NX;
    return r;
}

uint64_t fpu_cvt_d_s(uint32_t a, uint32_t *flags)
{
    float s = fpu_host_s(a);

    if (s == s)
        return fpu_host_bits_d((double)s);
    if (!(a & UINT32_C(0x00400000)))
        *flags |= FPU_NV;
    return FPU_NAN_D;
}
