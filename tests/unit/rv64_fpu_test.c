/*
 * Vectors typed from IEEE 754-2008 and the RISC-V Unprivileged ISA 20191213, chapters 11 and 12;
 * then the host-arithmetic paths against the integer ones. tests/diff compares with another
 * implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "accel/rv64/fpu.h"
#include "accel/rv64/fpu_soft.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Bits of well-known numbers. */
#define ONE_S   0x3f800000u
#define TWO_S   0x40000000u
#define THREE_S 0x40400000u
#define INF_S   0x7f800000u
#define MINUS_S 0x80000000u
#define MAX_S   0x7f7fffffu
#define MIN_S   0x00800000u /* least normal */
#define TINY_S  0x00000001u /* least subnormal */
#define SNAN_S  0x7fa00000u
#define QNAN_S  0xffc12345u /* quiet, with sign and payload */
#define ONE_D   UINT64_C(0x3ff0000000000000)
#define THREE_D UINT64_C(0x4008000000000000)
#define HALF_D  UINT64_C(0x3fe0000000000000)
#define INF_D   UINT64_C(0x7ff0000000000000)
#define MINUS_D UINT64_C(0x8000000000000000)
#define MAX_D   UINT64_C(0x7fefffffffffffff)
#define MIN_D   UINT64_C(0x0010000000000000)
#define SNAN_D  UINT64_C(0x7ff4000000000000)
#define QNAN_D  UINT64_C(0xfff8000000000123)
#define NONE    0u

struct case_s {
    uint32_t rm, a, b, want, flags;
};

struct case_d {
    uint32_t rm;
    uint64_t a, b, want;
    uint32_t flags;
};

typedef uint32_t op_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags);
typedef uint64_t op_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags);

static void check_s(op_s *op, const struct case_s *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct case_s *c = &cases[i];
        uint32_t flags = 0, sticky = FPU_NX;
        assert_int_equal(op(c->a, c->b, c->rm, &flags), c->want);
        assert_int_equal(flags, c->flags);
        assert_int_equal(op(c->a, c->b, c->rm, &sticky), c->want);
        assert_int_equal(sticky, c->flags | FPU_NX);
    }
}

static void check_d(op_d *op, const struct case_d *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct case_d *c = &cases[i];
        uint32_t flags = 0, sticky = FPU_NX;
        assert_int_equal(op(c->a, c->b, c->rm, &flags), c->want);
        assert_int_equal(flags, c->flags);
        assert_int_equal(op(c->a, c->b, c->rm, &sticky), c->want);
        assert_int_equal(sticky, c->flags | FPU_NX);
    }
}

static void a_single_that_is_not_boxed_reads_as_the_canonical_nan(void **state)
{
    (void)state;
    assert_int_equal(fpu_box_s(ONE_S), UINT64_C(0xffffffff3f800000));
    assert_int_equal(fpu_unbox_s(UINT64_C(0xffffffff3f800000)), ONE_S);
    assert_int_equal(fpu_unbox_s(UINT64_C(0x000000003f800000)), 0x7fc00000u);
    assert_int_equal(fpu_unbox_s(UINT64_C(0xfffffffe3f800000)), 0x7fc00000u);
    assert_int_equal(fpu_unbox_s(UINT64_C(0x7fffffff3f800000)), 0x7fc00000u);
}

static void five_rounding_modes_are_valid_and_dyn_is_the_callers_to_resolve(void **state)
{
    (void)state;
    for (uint32_t rm = 0; rm < 8; rm++)
        assert_int_equal(fpu_is_rm(rm), rm <= 4);
}

static void addition_rounds_as_the_mode_says(void **state)
{
    (void)state;
    /* 1 + 2^-24 is midway between 1 and its successor; 1 + 3*2^-24 midway above an odd one. */
    static const struct case_s cases[] = {
        {FPU_RNE, ONE_S, 0x33800000, ONE_S, FPU_NX},
        {FPU_RTZ, ONE_S, 0x33800000, ONE_S, FPU_NX},
        {FPU_RDN, ONE_S, 0x33800000, ONE_S, FPU_NX},
        {FPU_RUP, ONE_S, 0x33800000, 0x3f800001, FPU_NX},
        {FPU_RMM, ONE_S, 0x33800000, 0x3f800001, FPU_NX},
        {FPU_RNE, 0x3f800001, 0x33800000, 0x3f800002, FPU_NX},
        {FPU_RMM, 0xbf800000, 0xb3800000, 0xbf800001, FPU_NX},
        {FPU_RDN, 0xbf800000, 0xb3800000, 0xbf800001, FPU_NX},
        {FPU_RUP, 0xbf800000, 0xb3800000, 0xbf800000, FPU_NX},
        {FPU_RUP, ONE_S, TINY_S, 0x3f800001, FPU_NX},
        {FPU_RTZ, ONE_S, MINUS_S | TINY_S, 0x3f7fffff, FPU_NX},
        {FPU_RNE, ONE_S, ONE_S, TWO_S, NONE},
        {FPU_RMM, ONE_S, TWO_S, THREE_S, NONE},
    };
    check_s(fpu_add_s, cases, COUNT(cases));
}

static void an_exact_zero_sum_is_positive_except_when_rounding_down(void **state)
{
    (void)state;
    static const struct case_d cases[] = {
        {FPU_RNE, ONE_D, MINUS_D | ONE_D, 0, NONE},
        {FPU_RTZ, ONE_D, MINUS_D | ONE_D, 0, NONE},
        {FPU_RUP, ONE_D, MINUS_D | ONE_D, 0, NONE},
        {FPU_RMM, ONE_D, MINUS_D | ONE_D, 0, NONE},
        {FPU_RDN, ONE_D, MINUS_D | ONE_D, MINUS_D, NONE},
        {FPU_RDN, 0, MINUS_D, MINUS_D, NONE},
        {FPU_RNE, 0, MINUS_D, 0, NONE},
        {FPU_RUP, MINUS_D, MINUS_D, MINUS_D, NONE},
        {FPU_RDN, 0, 0, 0, NONE},
    };
    check_d(fpu_add_d, cases, COUNT(cases));
}

static void sums_of_specials_follow_the_standard(void **state)
{
    (void)state;
    static const struct case_s cases[] = {
        {FPU_RNE, INF_S, INF_S, INF_S, NONE},
        {FPU_RNE, INF_S, MINUS_S | INF_S, FPU_NAN_S, FPU_NV},
        {FPU_RNE, MINUS_S | INF_S, MAX_S, MINUS_S | INF_S, NONE},
        {FPU_RNE, QNAN_S, ONE_S, FPU_NAN_S, NONE},
        {FPU_RNE, SNAN_S, ONE_S, FPU_NAN_S, FPU_NV},
        {FPU_RNE, QNAN_S, SNAN_S, FPU_NAN_S, FPU_NV},
        {FPU_RNE, MAX_S, MAX_S, INF_S, FPU_OF | FPU_NX},
        {FPU_RTZ, MAX_S, MAX_S, MAX_S, FPU_OF | FPU_NX},
        {FPU_RDN, MAX_S, MAX_S, MAX_S, FPU_OF | FPU_NX},
        {FPU_RUP, MAX_S, MAX_S, INF_S, FPU_OF | FPU_NX},
        {FPU_RUP, 0xff7fffff, 0xff7fffff, 0xff7fffff, FPU_OF | FPU_NX},
        {FPU_RDN, 0xff7fffff, 0xff7fffff, 0xff800000, FPU_OF | FPU_NX},
        {FPU_RMM, 0xff7fffff, 0xff7fffff, 0xff800000, FPU_OF | FPU_NX},
        /* Subnormal sums are exact, so nothing underflows. */
        {FPU_RNE, TINY_S, TINY_S, 0x00000002, NONE},
        {FPU_RNE, MIN_S, MINUS_S | TINY_S, 0x007fffff, NONE},
    };
    check_s(fpu_add_s, cases, COUNT(cases));
}

static void subtraction_is_addition_of_the_negative(void **state)
{
    (void)state;
    static const struct case_d cases[] = {
        {FPU_RNE, THREE_D, ONE_D, UINT64_C(0x4000000000000000), NONE},
        {FPU_RNE, INF_D, INF_D, FPU_NAN_D, FPU_NV},
        {FPU_RNE, ONE_D, QNAN_D, FPU_NAN_D, NONE},
        {FPU_RNE, ONE_D, SNAN_D, FPU_NAN_D, FPU_NV},
        {FPU_RDN, 0, 0, MINUS_D, NONE},
        /* 2^970 is half of the last place of the greatest number, which is odd. */
        {FPU_RNE, MAX_D, UINT64_C(0x7c90000000000000), MAX_D - 1, FPU_NX},
        {FPU_RTZ, MAX_D, UINT64_C(0x0000000000000001), MAX_D - 1, FPU_NX},
    };
    check_d(fpu_sub_d, cases, COUNT(cases));
}

static void underflow_is_detected_after_rounding(void **state)
{
    (void)state;
    static const struct case_s cases[] = {
        /* MIN * (1 - 2^-24): with an unbounded exponent exact and below MIN, so it is tiny. */
        {FPU_RNE, MIN_S, 0x3f7fffff, MIN_S, FPU_UF | FPU_NX},
        /* MIN (1 + 2^-23)(1 - 2^-24) lies above MIN. */
        {FPU_RNE, MIN_S | 1, 0x3f7fffff, MIN_S, FPU_NX},
        {FPU_RTZ, MIN_S | 1, 0x3f7fffff, MIN_S, FPU_NX},
        {FPU_RNE, TINY_S, 0x3f000000, 0, FPU_UF | FPU_NX},
        {FPU_RUP, TINY_S, 0x3f000000, TINY_S, FPU_UF | FPU_NX},
        {FPU_RMM, TINY_S, 0x3f000000, TINY_S, FPU_UF | FPU_NX},
        {FPU_RDN, TINY_S, 0xbf000000, MINUS_S | TINY_S, FPU_UF | FPU_NX},
        {FPU_RNE, MIN_S, 0x3f000000, 0x00400000, NONE}, /* subnormal and exact */
        {FPU_RNE, TINY_S, TINY_S, 0, FPU_UF | FPU_NX},
        {FPU_RUP, TINY_S, TINY_S, TINY_S, FPU_UF | FPU_NX},
    };
    check_s(fpu_mul_s, cases, COUNT(cases));
}

static void tininess_depends_on_the_rounding_mode_at_the_border(void **state)
{
    (void)state;
    /* (2 - 2^-23) times (MIN / 2 + 2^-149) = MIN (1 - 2^-24)(1 + 2^-22), above MIN. */
    static const struct case_s above[] = {
        {FPU_RNE, 0x3fffffff, 0x00400001, 0x00800001, FPU_NX},
    };
    /* 0x00ffffff is 2 - 2^-23 times MIN; a half of it lies midway between the greatest subnormal
     * and MIN, and has 24 bits: exactly tiny. */
    static const struct case_s exact[] = {
        {FPU_RNE, 0x00ffffff, 0x3f000000, MIN_S, FPU_UF | FPU_NX},
        {FPU_RTZ, 0x00ffffff, 0x3f000000, 0x007fffff, FPU_UF | FPU_NX},
        {FPU_RUP, 0x00ffffff, 0x3f000000, MIN_S, FPU_UF | FPU_NX},
    };
    /* 0x3f000001 * 0x00fffffe = MIN (1 + 2^-23)(1 - 2^-23) = MIN (1 - 2^-46): rounded to 24 bits
     * it is MIN in the nearest and upward modes, hence not tiny there. */
    static const struct case_s border[] = {
        {FPU_RNE, 0x3f000001, 0x00fffffe, MIN_S, FPU_NX},
        {FPU_RMM, 0x3f000001, 0x00fffffe, MIN_S, FPU_NX},
        {FPU_RUP, 0x3f000001, 0x00fffffe, MIN_S, FPU_NX},
        {FPU_RTZ, 0x3f000001, 0x00fffffe, 0x007fffff, FPU_UF | FPU_NX},
        {FPU_RDN, 0x3f000001, 0x00fffffe, 0x007fffff, FPU_UF | FPU_NX},
        {FPU_RUP, 0xbf000001, 0x00fffffe, 0x807fffff, FPU_UF | FPU_NX},
    };
    check_s(fpu_mul_s, above, COUNT(above));
    check_s(fpu_mul_s, exact, COUNT(exact));
    check_s(fpu_mul_s, border, COUNT(border));
}

static void products_of_specials_follow_the_standard(void **state)
{
    (void)state;
    static const struct case_d cases[] = {
        {FPU_RNE, INF_D, 0, FPU_NAN_D, FPU_NV},
        {FPU_RNE, MINUS_D, INF_D, FPU_NAN_D, FPU_NV},
        {FPU_RNE, INF_D, MINUS_D | ONE_D, MINUS_D | INF_D, NONE},
        {FPU_RNE, MINUS_D | ONE_D, 0, MINUS_D, NONE},
        {FPU_RNE, MINUS_D, MINUS_D | ONE_D, 0, NONE},
        {FPU_RNE, QNAN_D, INF_D, FPU_NAN_D, NONE},
        {FPU_RNE, SNAN_D, 0, FPU_NAN_D, FPU_NV},
        {FPU_RNE, MAX_D, THREE_D, INF_D, FPU_OF | FPU_NX},
        {FPU_RDN, MAX_D, MINUS_D | THREE_D, MINUS_D | INF_D, FPU_OF | FPU_NX},
        {FPU_RTZ, MAX_D, MINUS_D | THREE_D, MINUS_D | MAX_D, FPU_OF | FPU_NX},
        /* (1 + 2^-52)^2 = 1 + 2^-51 + 2^-104 */
        {FPU_RNE, ONE_D | 1, ONE_D | 1, ONE_D | 2, FPU_NX},
        {FPU_RUP, ONE_D | 1, ONE_D | 1, ONE_D | 3, FPU_NX},
        {FPU_RNE, THREE_D, HALF_D, UINT64_C(0x3ff8000000000000), NONE},
        {FPU_RNE, 1, HALF_D, 0, FPU_UF | FPU_NX},
        /* Tiny before and after rounding, although the result is the least normal number. */
        {FPU_RNE, MIN_D, UINT64_C(0x3fefffffffffffff), MIN_D, FPU_UF | FPU_NX},
        {FPU_RNE, 3, HALF_D, 2, FPU_UF | FPU_NX},
    };
    check_d(fpu_mul_d, cases, COUNT(cases));
}

static void division_by_zero_and_its_neighbours(void **state)
{
    (void)state;
    static const struct case_d cases[] = {
        {FPU_RNE, ONE_D, 0, INF_D, FPU_DZ},
        {FPU_RNE, ONE_D, MINUS_D, MINUS_D | INF_D, FPU_DZ},
        {FPU_RNE, 0, 0, FPU_NAN_D, FPU_NV},
        {FPU_RNE, INF_D, INF_D, FPU_NAN_D, FPU_NV},
        {FPU_RNE, INF_D, 0, INF_D, NONE},
        {FPU_RNE, 0, MINUS_D | INF_D, MINUS_D, NONE},
        {FPU_RNE, QNAN_D, 0, FPU_NAN_D, NONE},
        {FPU_RNE, ONE_D, THREE_D, UINT64_C(0x3fd5555555555555), FPU_NX},
        {FPU_RUP, ONE_D, THREE_D, UINT64_C(0x3fd5555555555556), FPU_NX},
        {FPU_RMM, ONE_D, THREE_D, UINT64_C(0x3fd5555555555555), FPU_NX},
        {FPU_RDN, MINUS_D | ONE_D, THREE_D, UINT64_C(0xbfd5555555555556), FPU_NX},
        {FPU_RNE, THREE_D, THREE_D, ONE_D, NONE},
        {FPU_RNE, MAX_D, HALF_D, INF_D, FPU_OF | FPU_NX},
        {FPU_RNE, MIN_D, THREE_D, UINT64_C(0x0005555555555555), FPU_UF | FPU_NX},
        {FPU_RNE, 6, THREE_D, 2, NONE},
        {FPU_RNE, UINT64_C(0x001fffffffffffff), UINT64_C(0x4000000000000000), MIN_D,
         FPU_UF | FPU_NX},
    };
    check_d(fpu_div_d, cases, COUNT(cases));
}

static uint32_t sqrt_s(uint32_t a, uint32_t b, uint32_t rm, uint32_t *flags)
{
    (void)b;
    return fpu_sqrt_s(a, rm, flags);
}

static uint64_t sqrt_d(uint64_t a, uint64_t b, uint32_t rm, uint32_t *flags)
{
    (void)b;
    return fpu_sqrt_d(a, rm, flags);
}

static void square_roots_of_specials_squares_and_the_rest(void **state)
{
    (void)state;
    static const struct case_s singles[] = {
        {FPU_RNE, 0, 0, 0, NONE},
        {FPU_RNE, MINUS_S, 0, MINUS_S, NONE},
        {FPU_RNE, 0xbf800000, 0, FPU_NAN_S, FPU_NV},
        {FPU_RNE, 0xff800000, 0, FPU_NAN_S, FPU_NV},
        {FPU_RNE, INF_S, 0, INF_S, NONE},
        {FPU_RNE, QNAN_S, 0, FPU_NAN_S, NONE},
        {FPU_RNE, SNAN_S, 0, FPU_NAN_S, FPU_NV},
        {FPU_RNE, 0x41100000, 0, THREE_S, NONE},
        {FPU_RNE, TWO_S, 0, 0x3fb504f3, FPU_NX},
        {FPU_RUP, TWO_S, 0, 0x3fb504f4, FPU_NX},
        {FPU_RNE, TINY_S, 0, 0x1a3504f3, FPU_NX},   /* 2^-149: sqrt(2) 2^-75 */
        {FPU_RNE, 0x00000002, 0, 0x1a800000, NONE}, /* 2^-148 */
    };
    static const struct case_d doubles[] = {
        {FPU_RNE, UINT64_C(0x4000000000000000), 0, UINT64_C(0x3ff6a09e667f3bcd), FPU_NX},
        {FPU_RTZ, UINT64_C(0x4000000000000000), 0, UINT64_C(0x3ff6a09e667f3bcc), FPU_NX},
        {FPU_RNE, UINT64_C(0x4022000000000000), 0, THREE_D, NONE},
        {FPU_RNE, 4, 0, UINT64_C(0x1e70000000000000), NONE},
    };
    check_s(sqrt_s, singles, COUNT(singles));
    check_d(sqrt_d, doubles, COUNT(doubles));
}

struct case_fma_s {
    uint32_t rm, a, b, c, want, flags;
};

static void fused_multiply_add_rounds_once(void **state)
{
    (void)state;
    static const struct case_fma_s cases[] = {
        /* (1 + 2^-12)(1 + 2^-12) - (1 + 2^-11) = 2^-24: the product alone would lose it. */
        {FPU_RNE, 0x3f800800, 0x3f800800, 0xbf801000, 0x33800000, NONE},
        {FPU_RNE, 0x17800000, ONE_S, ONE_S, ONE_S, FPU_NX}, /* 2^-80 + 1 */
        /* 2^-24 is midway above 1; 2^-24 + 2^-47 is more. */
        {FPU_RNE, 0x33800001, ONE_S, ONE_S, 0x3f800001, FPU_NX},
        /* (1 + 2^-23)(2^-24 + 2^-47) is 2^-24 + 2^-46 + 2^-70. */
        {FPU_RNE, 0x3f800001, 0x33800001, ONE_S, 0x3f800001, FPU_NX},
        /* 2^24 (1 + 2^-23) + 2^-40 lies just above 2^24 + 2. */
        {FPU_RUP, 0x4b800000, 0x3f800001, 0x2b800000, 0x4b800002, FPU_NX},
        {FPU_RNE, ONE_S, ONE_S, 0xbf800000, 0, NONE},
        {FPU_RDN, ONE_S, ONE_S, 0xbf800000, MINUS_S, NONE},
        {FPU_RNE, MAX_S, TWO_S, 0xff7fffff, MAX_S, NONE}, /* the product alone overflows */
        {FPU_RNE, MAX_S, TWO_S, MAX_S, INF_S, FPU_OF | FPU_NX},
        {FPU_RNE, INF_S, 0, ONE_S, FPU_NAN_S, FPU_NV},
        {FPU_RNE, INF_S, 0, QNAN_S, FPU_NAN_S, FPU_NV},
        {FPU_RNE, 0, MINUS_S | INF_S, QNAN_S, FPU_NAN_S, FPU_NV},
        {FPU_RNE, ONE_S, ONE_S, QNAN_S, FPU_NAN_S, NONE},
        {FPU_RNE, ONE_S, QNAN_S, SNAN_S, FPU_NAN_S, FPU_NV},
        {FPU_RNE, INF_S, ONE_S, 0xff800000, FPU_NAN_S, FPU_NV},
        {FPU_RNE, ONE_S, ONE_S, INF_S, INF_S, NONE},
        {FPU_RNE, 0, ONE_S, MINUS_S, 0, NONE},
        {FPU_RNE, MINUS_S, ONE_S, MINUS_S, MINUS_S, NONE},
        {FPU_RNE, TINY_S, TINY_S, 0, 0, FPU_UF | FPU_NX},
        {FPU_RUP, TINY_S, TINY_S, ONE_S, 0x3f800001, FPU_NX},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct case_fma_s *c = &cases[i];
        uint32_t flags = 0, sticky = FPU_NX;
        assert_int_equal(fpu_fma_s(c->a, c->b, c->c, c->rm, &flags), c->want);
        assert_int_equal(flags, c->flags);
        assert_int_equal(fpu_fma_s(c->a, c->b, c->c, c->rm, &sticky), c->want);
        assert_int_equal(sticky, c->flags | FPU_NX);
    }
}

static void fused_multiply_add_singles_survive_double_rounding(void **state)
{
    (void)state;
    uint32_t flags = 0;
    /* 2^120 - 2^-30: a double sum shows 2^120, and the mode is down. */
    assert_int_equal(fpu_fma_s(0x5d800000, 0x5d800000, 0xb0800000, FPU_RDN, &flags), 0x7b7fffff);
    assert_int_equal(flags, FPU_NX);
    /* (1 + 2^-12)(1 - 2^-12) + 1 = 2 - 2^-24, a tie. */
    assert_int_equal(fpu_fma_s(0x3f800800, 0x3f7ff000, ONE_S, FPU_RNE, &flags), TWO_S);
    /* 4097 * 4095 + 2 = 2^24 + 1 is a tie; with 2 + 2^-22 it is above. */
    assert_int_equal(fpu_fma_s(0x45800800, 0x457ff000, TWO_S, FPU_RNE, &flags), 0x4b800000);
    assert_int_equal(fpu_fma_s(0x45800800, 0x457ff000, 0x40000001, FPU_RNE, &flags), 0x4b800001);
    /* (2^24 + 2)(1/2 + 2^-24) = 2^23 + 2 + 2^-23, and 1.5 (1 + 2^-23), a tie: the addend 2^-100,
     * which no double sum can show, decides the latter. */
    flags = 0;
    assert_int_equal(fpu_fma_s(0x4b800001, 0x3f000001, 0x0d800000, FPU_RNE, &flags), 0x4b000002);
    assert_int_equal(flags, FPU_NX);
    assert_int_equal(fpu_fma_s(0x3fc00000, 0x3f800001, 0x0d800000, FPU_RNE, &flags), 0x3fc00002);
    assert_int_equal(fpu_fma_s(0x3fc00000, 0x3f800001, 0x8d800000, FPU_RNE, &flags), 0x3fc00001);
}

static void fused_multiply_add_of_doubles_keeps_the_product_exact(void **state)
{
    (void)state;
    uint32_t flags = 0;
    /* (1 + 2^-52)^2 - (1 + 2^-51) = 2^-104 */
    uint64_t r = fpu_fma_d(ONE_D | 1, ONE_D | 1, MINUS_D | ONE_D | 2, FPU_RNE, &flags);
    assert_int_equal(r, UINT64_C(0x3970000000000000));
    assert_int_equal(flags, NONE);
    r = fpu_fma_d(THREE_D, THREE_D, ONE_D, FPU_RNE, &flags);
    assert_int_equal(r, UINT64_C(0x4024000000000000));
    assert_int_equal(flags, NONE);
    /* The same with NX set runs on the host. */
    flags = FPU_NX;
    r = fpu_fma_d(ONE_D | 1, ONE_D | 1, MINUS_D | ONE_D | 2, FPU_RNE, &flags);
    assert_int_equal(r, UINT64_C(0x3970000000000000));
    /* Tie of the product 1.5 (1 + 2^-52), decided by 2^-1000. */
    r = fpu_fma_d(UINT64_C(0x3ff8000000000000), ONE_D | 1, UINT64_C(0x0170000000000000), FPU_RNE,
                  &flags);
    assert_int_equal(r, UINT64_C(0x3ff8000000000002));
    r = fpu_fma_d(UINT64_C(0x3ff8000000000000), ONE_D | 1, UINT64_C(0x8170000000000000), FPU_RNE,
                  &flags);
    assert_int_equal(r, UINT64_C(0x3ff8000000000001));
    assert_int_equal(flags, FPU_NX);
    assert_int_equal(fpu_fma_d(INF_D, 0, QNAN_D, FPU_RNE, &flags), FPU_NAN_D);
    assert_int_equal(flags, FPU_NV | FPU_NX);
}

static void minimum_and_maximum_order_zeros_and_prefer_numbers(void **state)
{
    (void)state;
    uint32_t flags = 0;
    assert_int_equal(fpu_min_s(0, MINUS_S, &flags), MINUS_S);
    assert_int_equal(fpu_min_s(MINUS_S, 0, &flags), MINUS_S);
    assert_int_equal(fpu_max_s(MINUS_S, 0, &flags), 0);
    assert_int_equal(fpu_max_d(0, MINUS_D, &flags), 0);
    assert_int_equal(fpu_min_d(MINUS_D | ONE_D, ONE_D, &flags), MINUS_D | ONE_D);
    assert_int_equal(fpu_max_d(MINUS_D | ONE_D, ONE_D, &flags), ONE_D);
    assert_int_equal(fpu_min_s(MINUS_S | INF_S, ONE_S, &flags), MINUS_S | INF_S);
    assert_int_equal(fpu_max_s(TINY_S, 0, &flags), TINY_S);
    assert_int_equal(fpu_min_s(QNAN_S, ONE_S, &flags), ONE_S);
    assert_int_equal(fpu_max_d(ONE_D, QNAN_D, &flags), ONE_D);
    assert_int_equal(fpu_min_s(QNAN_S, QNAN_S, &flags), FPU_NAN_S);
    assert_int_equal(fpu_max_d(QNAN_D, QNAN_D, &flags), FPU_NAN_D);
    assert_int_equal(flags, NONE);
    assert_int_equal(fpu_min_d(SNAN_D, ONE_D, &flags), ONE_D);
    assert_int_equal(flags, FPU_NV);
    flags = 0;
    assert_int_equal(fpu_max_s(QNAN_S, SNAN_S, &flags), FPU_NAN_S);
    assert_int_equal(flags, FPU_NV);
}

static void only_ordered_comparisons_signal_a_quiet_nan(void **state)
{
    (void)state;
    uint32_t flags = 0;
    assert_true(fpu_eq_s(0, MINUS_S, &flags));
    assert_true(fpu_le_d(MINUS_D, 0, &flags));
    assert_false(fpu_lt_d(MINUS_D, 0, &flags));
    assert_true(fpu_lt_s(MINUS_S | ONE_S, TINY_S, &flags));
    assert_true(fpu_le_s(INF_S, INF_S, &flags));
    assert_false(fpu_eq_d(QNAN_D, QNAN_D, &flags));
    assert_int_equal(flags, NONE);
    assert_false(fpu_eq_d(SNAN_D, ONE_D, &flags));
    assert_int_equal(flags, FPU_NV);
    flags = 0;
    assert_false(fpu_lt_s(QNAN_S, ONE_S, &flags));
    assert_int_equal(flags, FPU_NV);
    flags = 0;
    assert_false(fpu_le_d(ONE_D, QNAN_D, &flags));
    assert_int_equal(flags, FPU_NV);
    flags = 0;
    assert_false(fpu_eq_s(ONE_S, SNAN_S, &flags));
    assert_int_equal(flags, FPU_NV);
}

static void classes_have_the_bits_of_table_11_5(void **state)
{
    (void)state;
    static const uint32_t singles[] = {0xff800000, 0xbf800000, 0x80000001, 0x80000000, 0x00000000,
                                       0x007fffff, 0x00800000, 0x7f800000, 0x7f800001, 0x7fc00000};
    static const uint64_t doubles[] = {UINT64_C(0xfff0000000000000), UINT64_C(0x8010000000000000),
                                       UINT64_C(0x800fffffffffffff), UINT64_C(0x8000000000000000),
                                       UINT64_C(0x0000000000000000), UINT64_C(0x0000000000000001),
                                       UINT64_C(0x7fefffffffffffff), UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0xfff7ffffffffffff), UINT64_C(0xffffffffffffffff)};
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(fpu_class_s(singles[i]), 1u << i);
        assert_int_equal(fpu_class_d(doubles[i]), 1u << i);
    }
}

static void sign_injection_takes_the_second_sign(void **state)
{
    (void)state;
    assert_int_equal(fpu_sgnj_s(ONE_S, MINUS_S), MINUS_S | ONE_S);
    assert_int_equal(fpu_sgnjn_s(ONE_S, MINUS_S), ONE_S);
    assert_int_equal(fpu_sgnjx_s(MINUS_S | ONE_S, MINUS_S), ONE_S);
    assert_int_equal(fpu_sgnj_d(SNAN_D, MINUS_D), MINUS_D | SNAN_D);
    assert_int_equal(fpu_sgnjn_d(ONE_D, ONE_D), MINUS_D | ONE_D);
    assert_int_equal(fpu_sgnjx_d(MINUS_D | ONE_D, ONE_D), MINUS_D | ONE_D);
}

typedef uint64_t to_int(uint64_t a, uint32_t rm, uint32_t *flags);

struct case_int {
    to_int *op;
    uint32_t rm;
    uint64_t a, want;
    uint32_t flags;
};

static void conversions_to_integers_saturate_as_table_11_4_says(void **state)
{
    (void)state;
    static const struct case_int cases[] = {
        {fpu_cvt_w_d, FPU_RTZ, FPU_NAN_D, UINT64_C(0x7fffffff), FPU_NV},
        {fpu_cvt_w_d, FPU_RTZ, MINUS_D | FPU_NAN_D, UINT64_C(0x7fffffff), FPU_NV},
        {fpu_cvt_w_d, FPU_RTZ, INF_D, UINT64_C(0x7fffffff), FPU_NV},
        {fpu_cvt_w_d, FPU_RTZ, MINUS_D | INF_D, UINT64_C(0xffffffff80000000), FPU_NV},
        {fpu_cvt_wu_d, FPU_RTZ, SNAN_D, UINT64_C(0xffffffffffffffff), FPU_NV},
        {fpu_cvt_wu_d, FPU_RTZ, INF_D, UINT64_C(0xffffffffffffffff), FPU_NV},
        {fpu_cvt_wu_d, FPU_RTZ, MINUS_D | INF_D, 0, FPU_NV},
        {fpu_cvt_wu_d, FPU_RTZ, MINUS_D | ONE_D, 0, FPU_NV},
        {fpu_cvt_l_d, FPU_RTZ, FPU_NAN_D, UINT64_C(0x7fffffffffffffff), FPU_NV},
        {fpu_cvt_l_d, FPU_RTZ, MINUS_D | INF_D, MINUS_D, FPU_NV},
        {fpu_cvt_lu_d, FPU_RTZ, QNAN_D, UINT64_C(0xffffffffffffffff), FPU_NV},
        {fpu_cvt_lu_d, FPU_RTZ, MINUS_D | THREE_D, 0, FPU_NV},
        /* 2^31 - 0.5, 2^31, -2^31, -2^31 - 0.5, -2^31 - 1 */
        {fpu_cvt_w_d, FPU_RTZ, UINT64_C(0x41dfffffffe00000), 0x7fffffff, FPU_NX},
        {fpu_cvt_w_d, FPU_RNE, UINT64_C(0x41dfffffffe00000), 0x7fffffff, FPU_NV},
        {fpu_cvt_w_d, FPU_RTZ, UINT64_C(0x41e0000000000000), 0x7fffffff, FPU_NV},
        {fpu_cvt_w_d, FPU_RTZ, UINT64_C(0xc1e0000000000000), UINT64_C(0xffffffff80000000), NONE},
        {fpu_cvt_w_d, FPU_RTZ, UINT64_C(0xc1e0000000100000), UINT64_C(0xffffffff80000000), FPU_NX},
        {fpu_cvt_w_d, FPU_RDN, UINT64_C(0xc1e0000000100000), UINT64_C(0xffffffff80000000), FPU_NV},
        {fpu_cvt_w_d, FPU_RTZ, UINT64_C(0xc1e0000000200000), UINT64_C(0xffffffff80000000), FPU_NV},
        /* 2^32 - 1 sign-extends; 2^31 too */
        {fpu_cvt_wu_d, FPU_RTZ, UINT64_C(0x41efffffffe00000), UINT64_C(0xffffffffffffffff), NONE},
        {fpu_cvt_wu_d, FPU_RTZ, UINT64_C(0x41e0000000000000), UINT64_C(0xffffffff80000000), NONE},
        {fpu_cvt_wu_d, FPU_RTZ, UINT64_C(0x41f0000000000000), UINT64_C(0xffffffffffffffff), FPU_NV},
        /* 2^63, -2^63, 2^64 - 2^11, 2^64 */
        {fpu_cvt_l_d, FPU_RNE, UINT64_C(0x43e0000000000000), INT64_MAX, FPU_NV},
        {fpu_cvt_l_d, FPU_RNE, UINT64_C(0xc3e0000000000000), MINUS_D, NONE},
        {fpu_cvt_lu_d, FPU_RNE, UINT64_C(0x43e0000000000000), MINUS_D, NONE},
        {fpu_cvt_lu_d, FPU_RNE, UINT64_C(0x43efffffffffffff), UINT64_C(0xfffffffffffff800), NONE},
        {fpu_cvt_lu_d, FPU_RNE, UINT64_C(0x43f0000000000000), UINT64_MAX, FPU_NV},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t flags = 0;
        assert_int_equal(cases[i].op(cases[i].a, cases[i].rm, &flags), cases[i].want);
        assert_int_equal(flags, cases[i].flags);
    }
}

static void conversions_to_integers_round_as_the_mode_says(void **state)
{
    (void)state;
    /* -2.5, -1.5, -0.5, 0.5, 1.5, 2.5 */
    static const uint32_t halves[] = {0xc0200000, 0xbfc00000, 0xbf000000,
                                      0x3f000000, 0x3fc00000, 0x40200000};
    static const int64_t want[5][6] = {
        {-2, -2, 0, 0, 2, 2}, {-2, -1, 0, 0, 1, 2},  {-3, -2, -1, 0, 1, 2},
        {-2, -1, 0, 1, 2, 3}, {-3, -2, -1, 1, 2, 3},
    };
    for (uint32_t rm = 0; rm < 5; rm++) {
        for (size_t i = 0; i < 6; i++) {
            uint32_t flags = 0;
            int64_t w = want[rm][i];
            assert_int_equal((int64_t)fpu_cvt_w_s(halves[i], rm, &flags), w);
            assert_int_equal((int64_t)fpu_cvt_l_s(halves[i], rm, &flags), w);
            assert_int_equal(flags, FPU_NX);
            flags = 0;
            assert_int_equal((int64_t)fpu_cvt_wu_s(halves[i], rm, &flags), w < 0 ? 0 : w);
            assert_int_equal((int64_t)fpu_cvt_lu_s(halves[i], rm, &flags), w < 0 ? 0 : w);
            assert_int_equal(flags, w < 0 ? FPU_NV : FPU_NX);
        }
    }
    uint32_t flags = 0;
    assert_int_equal(fpu_cvt_w_s(MINUS_S, FPU_RUP, &flags), 0);
    assert_int_equal(fpu_cvt_lu_s(MINUS_S, FPU_RDN, &flags), 0);
    assert_int_equal(flags, NONE);
    assert_int_equal(fpu_cvt_w_s(TINY_S, FPU_RUP, &flags), 1);
    assert_int_equal(flags, FPU_NX);
}

static void conversions_from_integers_round_only_what_does_not_fit(void **state)
{
    (void)state;
    uint32_t flags = 0;
    assert_int_equal(fpu_cvt_d_w(UINT64_C(0x1234567880000000)), UINT64_C(0xc1e0000000000000));
    assert_int_equal(fpu_cvt_d_wu(UINT64_C(0xffffffff80000000)), UINT64_C(0x41e0000000000000));
    assert_int_equal(fpu_cvt_d_l(0, FPU_RDN, &flags), 0);
    assert_int_equal(fpu_cvt_d_l(MINUS_D, FPU_RNE, &flags), UINT64_C(0xc3e0000000000000));
    assert_int_equal(fpu_cvt_s_w(UINT64_C(0xffffffff), FPU_RNE, &flags), 0xbf800000);
    assert_int_equal(fpu_cvt_s_lu(0, FPU_RDN, &flags), 0);
    assert_int_equal(flags, NONE);
    assert_int_equal(fpu_cvt_d_lu(UINT64_MAX, FPU_RNE, &flags), UINT64_C(0x43f0000000000000));
    assert_int_equal(flags, FPU_NX);
    assert_int_equal(fpu_cvt_d_lu(UINT64_MAX, FPU_RTZ, &flags), UINT64_C(0x43efffffffffffff));
    /* 2^53 + 1 and 2^24 + 1 are ties. */
    assert_int_equal(fpu_cvt_d_l(0x20000000000001, FPU_RNE, &flags), UINT64_C(0x4340000000000000));
    assert_int_equal(fpu_cvt_d_l(0x20000000000001, FPU_RMM, &flags), UINT64_C(0x4340000000000001));
    assert_int_equal(fpu_cvt_s_wu(0x1000001, FPU_RNE, &flags), 0x4b800000);
    assert_int_equal(fpu_cvt_s_wu(0x1000001, FPU_RUP, &flags), 0x4b800001);
    assert_int_equal(fpu_cvt_s_l(UINT64_C(0xfffffffffeffffff), FPU_RDN, &flags), 0xcb800001);
    /* Through a double this would round twice: 2^60 + 2^36 + 1 lies above the tie. */
    assert_int_equal(fpu_cvt_s_l(0x1000001000000001, FPU_RNE, &flags), 0x5d800001);
}

static void conversions_between_formats(void **state)
{
    (void)state;
    uint32_t flags = 0;
    assert_int_equal(fpu_cvt_d_s(0xc0400000, &flags), MINUS_D | THREE_D);
    assert_int_equal(fpu_cvt_d_s(TINY_S, &flags), UINT64_C(0x36a0000000000000));
    assert_int_equal(fpu_cvt_d_s(0xff800000, &flags), MINUS_D | INF_D);
    assert_int_equal(fpu_cvt_d_s(MINUS_S, &flags), MINUS_D);
    assert_int_equal(fpu_cvt_d_s(QNAN_S, &flags), FPU_NAN_D);
    assert_int_equal(fpu_cvt_s_d(QNAN_D, FPU_RNE, &flags), FPU_NAN_S);
    assert_int_equal(fpu_cvt_s_d(MINUS_D | INF_D, FPU_RUP, &flags), 0xff800000);
    assert_int_equal(fpu_cvt_s_d(MINUS_D, FPU_RUP, &flags), MINUS_S);
    assert_int_equal(fpu_cvt_s_d(THREE_D, FPU_RMM, &flags), THREE_S);
    assert_int_equal(flags, NONE);
    assert_int_equal(fpu_cvt_d_s(SNAN_S, &flags), FPU_NAN_D);
    assert_int_equal(flags, FPU_NV);
    flags = 0;
    assert_int_equal(fpu_cvt_s_d(SNAN_D, FPU_RNE, &flags), FPU_NAN_S);
    assert_int_equal(flags, FPU_NV);
    flags = 0;
    assert_int_equal(fpu_cvt_s_d(MAX_D, FPU_RNE, &flags), INF_S);
    assert_int_equal(flags, FPU_OF | FPU_NX);
    assert_int_equal(fpu_cvt_s_d(MAX_D, FPU_RTZ, &flags), MAX_S);
    flags = 0;
    assert_int_equal(fpu_cvt_s_d(MIN_D, FPU_RNE, &flags), 0);
    assert_int_equal(flags, FPU_UF | FPU_NX);
    flags = 0;
    /* 2^-126 (1 - 2^-26) rounds to the least normal single with 24 bits: not tiny. */
    assert_int_equal(fpu_cvt_s_d(UINT64_C(0x380fffffff000000) + 0x800000, FPU_RNE, &flags), MIN_S);
    assert_int_equal(flags, FPU_NX);
}

/* --- host paths against integer paths ------------------------------------------------------- */

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number whose exponent is mostly near those at which something happens. */
static uint64_t operand(uint64_t *state, uint32_t exp_bits, uint32_t frac_bits)
{
    uint64_t r = next(state), max = (UINT64_C(1) << exp_bits) - 1, mid = max >> 1;
    const uint64_t exps[] = {0,
                             1,
                             2,
                             max,
                             max - 1,
                             max - 2,
                             mid,
                             mid + 1,
                             mid - 1,
                             mid / 2,
                             mid + frac_bits,
                             mid + frac_bits + 1,
                             mid - frac_bits,
                             next(state) & max,
                             mid + r % 8,
                             mid - r % 8};
    uint64_t exp = exps[(r >> 8) % COUNT(exps)];
    uint64_t frac = next(state) & ((UINT64_C(1) << frac_bits) - 1);

    if ((r >> 16) % 3 == 0)
        frac &= next(state) & next(state) & next(state);
    if ((r >> 16) % 3 == 1)
        frac &= ~UINT64_C(0) << (r >> 20) % frac_bits;
    return (r >> 63) << (exp_bits + frac_bits) | exp << frac_bits | frac;
}

#define ROUNDS 40000

static void doubles_on_the_host_equal_doubles_by_integers(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint64_t a = operand(&seed, 11, 52), b = operand(&seed, 11, 52), c = operand(&seed, 11, 52);
        uint32_t f = i & 1, g = i & 1;
        assert_int_equal(fpu_add_d(a, b, 0, &f), fpu_soft_add(&fpu_double, a, b, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_mul_d(a, b, 0, &f), fpu_soft_mul(&fpu_double, a, b, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_div_d(a, b, 0, &f), fpu_soft_div(&fpu_double, a, b, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_sqrt_d(a, 0, &f), fpu_soft_sqrt(&fpu_double, a, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_fma_d(a, b, c, 0, &f), fpu_soft_fma(&fpu_double, a, b, c, 0, &g));
        assert_int_equal(f, g);
    }
}

static void singles_on_the_host_equal_singles_by_integers(void **state)
{
    (void)state;
    uint64_t seed = 43;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t a = (uint32_t)operand(&seed, 8, 23), b = (uint32_t)operand(&seed, 8, 23);
        uint32_t c = (uint32_t)operand(&seed, 8, 23), f = i & 1, g = i & 1;
        assert_int_equal(fpu_add_s(a, b, 0, &f), fpu_soft_add(&fpu_single, a, b, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_mul_s(a, b, 0, &f), fpu_soft_mul(&fpu_single, a, b, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_div_s(a, b, 0, &f), fpu_soft_div(&fpu_single, a, b, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_sqrt_s(a, 0, &f), fpu_soft_sqrt(&fpu_single, a, 0, &g));
        assert_int_equal(f, g);
        f = g = i & 1;
        assert_int_equal(fpu_fma_s(a, b, c, 0, &f), fpu_soft_fma(&fpu_single, a, b, c, 0, &g));
        assert_int_equal(f, g);
    }
}

static void truncation_on_the_host_equals_truncation_by_integers(void **state)
{
    (void)state;
    uint64_t seed = 44;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint64_t a = operand(&seed, 11, 52);
        /* Towards zero is down for what is positive, and down never truncates on the host. */
        uint32_t toward = a >> 63 ? FPU_RUP : FPU_RDN, f = 0, g = 0;
        assert_int_equal(fpu_cvt_w_d(a, FPU_RTZ, &f), fpu_cvt_w_d(a, toward, &g));
        assert_int_equal(fpu_cvt_lu_d(a, FPU_RTZ, &f), fpu_cvt_lu_d(a, toward, &g));
        assert_int_equal(f, g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_that_is_not_boxed_reads_as_the_canonical_nan),
        cmocka_unit_test(five_rounding_modes_are_valid_and_dyn_is_the_callers_to_resolve),
        cmocka_unit_test(addition_rounds_as_the_mode_says),
        cmocka_unit_test(an_exact_zero_sum_is_positive_except_when_rounding_down),
        cmocka_unit_test(sums_of_specials_follow_the_standard),
        cmocka_unit_test(subtraction_is_addition_of_the_negative),
        cmocka_unit_test(underflow_is_detected_after_rounding),
        cmocka_unit_test(tininess_depends_on_the_rounding_mode_at_the_border),
        cmocka_unit_test(products_of_specials_follow_the_standard),
        cmocka_unit_test(division_by_zero_and_its_neighbours),
        cmocka_unit_test(square_roots_of_specials_squares_and_the_rest),
        cmocka_unit_test(fused_multiply_add_rounds_once),
        cmocka_unit_test(fused_multiply_add_singles_survive_double_rounding),
        cmocka_unit_test(fused_multiply_add_of_doubles_keeps_the_product_exact),
        cmocka_unit_test(minimum_and_maximum_order_zeros_and_prefer_numbers),
        cmocka_unit_test(only_ordered_comparisons_signal_a_quiet_nan),
        cmocka_unit_test(classes_have_the_bits_of_table_11_5),
        cmocka_unit_test(sign_injection_takes_the_second_sign),
        cmocka_unit_test(conversions_to_integers_saturate_as_table_11_4_says),
        cmocka_unit_test(conversions_to_integers_round_as_the_mode_says),
        cmocka_unit_test(conversions_from_integers_round_only_what_does_not_fit),
        cmocka_unit_test(conversions_between_formats),
        cmocka_unit_test(doubles_on_the_host_equal_doubles_by_integers),
        cmocka_unit_test(singles_on_the_host_equal_singles_by_integers),
        cmocka_unit_test(truncation_on_the_host_equals_truncation_by_integers),
    };
    return cmocka_run_group_tests_name("rv64 fpu", tests, NULL, NULL);
}
