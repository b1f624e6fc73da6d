#include "diff/values.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

struct rng rng_from_seed(uint64_t seed)
{
    return (struct rng){seed};
}

/* SplitMix64: every seed is good, also neighbouring ones. */
uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
    return (uint32_t)((rng_next(rng) >> 32) * n >> 32);
}

bool rng_one_in(struct rng *rng, uint32_t n)
{
    return rng_below(rng, n) == 0;
}

uint64_t value_integer(struct rng *rng)
{
    static const uint64_t corners[] = {
        0,
        1,
        2,
        UINT64_MAX,
        UINT64_MAX - 1,
        UINT64_C(1) << 63,
        INT64_MAX,
        UINT64_C(0x7fffffff),
        UINT64_C(0x80000000),
        UINT64_C(0xffffffff),
        UINT64_C(0x100000000),
        UINT64_C(0xffffffff80000000),
        UINT64_C(0xffffffff7fffffff),
        UINT64_C(0x8000000080000000),
        UINT64_C(0x7f),
        UINT64_C(0x80),
        UINT64_C(0x7fff),
        UINT64_C(0x8000),
        UINT64_C(0x5555555555555555),
        UINT64_C(0xaaaaaaaaaaaaaaaa),
        UINT64_C(0x0102030405060708),
    };
    uint64_t r = rng_next(rng);

    switch (rng_below(rng, 8)) {
    case 0:
    case 1:
    case 2:
        return corners[r % COUNT(corners)];
    case 3:
        return UINT64_C(1) << (r & 63);
    case 4:
        return (UINT64_C(1) << (r & 63)) - 1;
    case 5:
        return (uint64_t)(int64_t)(int32_t)(uint32_t)r;
    case 6:
        return rng_next(rng) >> (r & 63);
    default:
        return r;
    }
}

/* Fractions of few bits, of long runs, and random ones. */
static uint64_t fraction(struct rng *rng, uint32_t bits)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1, r = rng_next(rng);

    switch (rng_below(rng, 8)) {
    case 0:
        return 0;
    case 1:
        return mask;
    case 2:
        return rng_below(rng, 4);
    case 3:
        return mask - rng_below(rng, 4);
    case 4:
        return (mask << rng_below(rng, bits)) & mask;
    case 5:
        return UINT64_C(1) << rng_below(rng, bits);
    case 6:
        return r & (mask << rng_below(rng, bits)) & mask;
    default:
        return r & mask;
    }
}

static uint64_t number(struct rng *rng, uint32_t exp_bits, uint32_t frac_bits)
{
    uint32_t max = (1u << exp_bits) - 1, mid = max >> 1;
    const uint32_t exps[] = {
        0,
        0,
        1,
        2,
        frac_bits,
        max,
        max - 1,
        max - 2,
        mid / 2,
        mid / 2 + 1,
        mid - frac_bits / 2,
        mid + mid / 2,
        mid + frac_bits - 1,
        mid + frac_bits,
        mid + frac_bits + 1,
        mid - frac_bits,
        mid - frac_bits - 1,
        mid + 31,
        mid + 62,
        mid + 63,
        mid + 64,
        rng_below(rng, max + 1),
        mid - 8 + rng_below(rng, 16),
        mid - 2 + rng_below(rng, 4),
        mid - 1,
        mid,
        mid + 1,
    };
    uint64_t sign = rng_below(rng, 2), exp = exps[rng_below(rng, COUNT(exps))];

    return sign << (exp_bits + frac_bits) | exp << frac_bits | fraction(rng, frac_bits);
}

uint64_t value_double(struct rng *rng)
{
    /* 2^31 - 0.5, 2^31 - 1, 2^32 - 0.5, 2^32 - 1, 2^63 - 2^10, 2^64 - 2^11, 0.5, 1.5, 2.5; then
     * the borders of single: 2^128 less half of its last place, 2^-126 less a little, 2^-150. */
    static const uint64_t corners[] = {
        UINT64_C(0x41dfffffffe00000), UINT64_C(0x41dfffffffc00000), UINT64_C(0x41effffffff00000),
        UINT64_C(0x41efffffffe00000), UINT64_C(0x43dfffffffffffff), UINT64_C(0x43efffffffffffff),
        UINT64_C(0x3fe0000000000000), UINT64_C(0x3ff8000000000000), UINT64_C(0x4004000000000000),
        UINT64_C(0x47efffffefffffff), UINT64_C(0x47effffff0000000), UINT64_C(0x380fffffffffffff),
        UINT64_C(0x380fffffe0000000), UINT64_C(0x380ffffff0000000), UINT64_C(0x380ffffff8000000),
        UINT64_C(0x3690000000000000), UINT64_C(0x3690000000000001), UINT64_C(0x36a0000000000000),
    };

    if (rng_one_in(rng, 6))
        return corners[rng_below(rng, COUNT(corners))] | rng_next(rng) << 63;
    return number(rng, 11, 52);
}

uint32_t value_single(struct rng *rng)
{
    static const uint32_t corners[] = {
        0x3f000000, 0x3fc00000, 0x40200000, 0x4effffff, 0x4f000000, 0x4f7fffff, 0x4f800000,
        0x5effffff, 0x5f000000, 0x5f7fffff, 0x5f800000, 0x3f7fffff, 0x3f800001, 0x007fffff,
    };

    if (rng_one_in(rng, 6))
        return corners[rng_below(rng, COUNT(corners))] | (uint32_t)rng_next(rng) << 31;
    return (uint32_t)number(rng, 8, 23);
}

uint64_t value_f_register(struct rng *rng)
{
    uint64_t boxed = UINT64_C(0xffffffff00000000) | value_single(rng);

    switch (rng_below(rng, 16)) {
    case 0:
        return boxed ^ (UINT64_C(1) << (32 + rng_below(rng, 32)));
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
        return boxed;
    default:
        return value_double(rng);
    }
}

uint64_t value_corner(bool is_double, uint32_t index)
{
    static const uint32_t singles[VALUE_CORNERS] = {
        /* 1.5, 1 and 1 or 3 last places, +-2^-100, -1.5, 1, 0.5 */
        0x3fc00000,
        0x3f800001,
        0x3f800003,
        0x0d800000,
        0x8d800000,
        0xbfc00000,
        0x3f800000,
        0x3f000000,
        /* least normal, its successor, greatest subnormal, 2 least normal less 1 last place,
         * 1 less 1 last place, 1 and 1 last place, 0.5, least subnormal */
        0x00800000,
        0x00800001,
        0x007fffff,
        0x00ffffff,
        0x3f7fffff,
        0x3f800001,
        0x3f000000,
        0x00000001,
        /* zeros, infinities, NaNs, 1, least subnormal */
        0x00000000,
        0x80000000,
        0x7f800000,
        0xff800000,
        0x7fc00000,
        0x7f800001,
        0x3f800000,
        0x80000001,
        /* greatest, its negative, predecessor, 2, 1 less and more 1 last place, half of the last
         * place of the greatest, its predecessor */
        0x7f7fffff,
        0xff7fffff,
        0x7f7ffffe,
        0x40000000,
        0x3f7fffff,
        0x3f800001,
        0x73000000,
        0x72ffffff,
    };
    static const uint64_t doubles[VALUE_CORNERS] = {
        UINT64_C(0x3ff8000000000000), UINT64_C(0x3ff0000000000001), UINT64_C(0x3ff0000000000003),
        UINT64_C(0x0170000000000000), UINT64_C(0x8170000000000000), UINT64_C(0xbff8000000000000),
        UINT64_C(0x3ff0000000000000), UINT64_C(0x3fe0000000000000),

        UINT64_C(0x0010000000000000), UINT64_C(0x0010000000000001), UINT64_C(0x000fffffffffffff),
        UINT64_C(0x001fffffffffffff), UINT64_C(0x3fefffffffffffff), UINT64_C(0x3ff0000000000001),
        UINT64_C(0x3fe0000000000000), UINT64_C(0x0000000000000001),

        UINT64_C(0x0000000000000000), UINT64_C(0x8000000000000000), UINT64_C(0x7ff0000000000000),
        UINT64_C(0xfff0000000000000), UINT64_C(0x7ff8000000000000), UINT64_C(0x7ff0000000000001),
        UINT64_C(0x3ff0000000000000), UINT64_C(0x8000000000000001),

        UINT64_C(0x7fefffffffffffff), UINT64_C(0xffefffffffffffff), UINT64_C(0x7feffffffffffffe),
        UINT64_C(0x4000000000000000), UINT64_C(0x3fefffffffffffff), UINT64_C(0x3ff0000000000001),
        UINT64_C(0x7c90000000000000), UINT64_C(0x7c8fffffffffffff),
    };

    return is_double ? doubles[index] : UINT64_C(0xffffffff00000000) | singles[index];
}
