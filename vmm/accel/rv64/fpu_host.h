/*
 * What fpu*.c may assume of the host's floating point, and the one thing that differs between
 * hosts: whether fma() is an instruction. Without it, or without exact float and double
 * evaluation, the compiler says so here.
 */
#ifndef VMM_ACCEL_RV64_FPU_HOST_H
#define VMM_ACCEL_RV64_FPU_HOST_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "the floating-point unit needs IEEE arithmetic: build without -ffast-math"
#endif

_Static_assert(FLT_EVAL_METHOD == 0, "float and double are evaluated as such (no x87)");
_Static_assert(FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53, "IEEE binary32 and binary64");

static inline double fpu_host_d(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static inline uint64_t fpu_host_bits_d(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    return bits;
}

static inline float fpu_host_s(uint32_t bits)
{
    float s;
    memcpy(&s, &bits, sizeof(s));
    return s;
}

static inline uint32_t fpu_host_bits_s(float s)
{
    uint32_t bits;
    memcpy(&bits, &s, sizeof(bits));
    return bits;
}

/* A finite number of at least twice the least normal magnitude. A result that is one has met
 * neither overflow nor underflow nor an invalid operation. */
static inline bool fpu_host_is_plain_d(uint64_t bits)
{
    return ((bits >> 52) & 0x7ff) - 2 < 0x7fd;
}

static inline bool fpu_host_is_plain_s(uint32_t bits)
{
    return ((bits >> 23) & 0xff) - 2 < 0xfd;
}

/* What a + b = s has lost: exact, unless |a| or |b| is 2^1022 or more (Knuth's two-sum). Separate
 * statements, so that no compiler may contract them. */
static inline double fpu_host_sum_error(double a, double b, double s)
{
    double b_part = s - a;
    double a_part = s - b_part;
    double b_error = b - b_part;
    double a_error = a - a_part;
    return a_error + b_error;
}

/* Whether fma() costs an instruction and not a hundred. */
static inline bool fpu_host_has_fma(void)
{
#if defined(__FP_FAST_FMA)
    return true;
#elif defined(__x86_64__)
    return __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

#endif
