/* Results that take more than an expression. Division as in table 7.1 of the unprivileged ISA. */
#ifndef VMM_ACCEL_RV64_ALU_H
#define VMM_ACCEL_RV64_ALU_H

#include <stdint.h>

__extension__ typedef unsigned __int128 alu_u128;

static inline uint64_t alu_mulhu(uint64_t a, uint64_t b)
{
    return (uint64_t)((alu_u128)a * b >> 64);
}

static inline uint64_t alu_mulhsu(uint64_t a, uint64_t b)
{
    return alu_mulhu(a, b) - ((int64_t)a < 0 ? b : 0);
}

static inline uint64_t alu_mulh(uint64_t a, uint64_t b)
{
    return alu_mulhsu(a, b) - ((int64_t)b < 0 ? a : 0);
}

static inline uint64_t alu_div(uint64_t a, uint64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    return b == UINT64_MAX ? 0 - a : (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t alu_rem(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint64_t alu_sext32(uint64_t a)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)a;
}

static inline uint64_t alu_divw(uint32_t a, uint32_t b)
{
    return alu_sext32(alu_div(alu_sext32(a), alu_sext32(b)));
}

static inline uint64_t alu_remw(uint32_t a, uint32_t b)
{
    return alu_sext32(alu_rem(alu_sext32(a), alu_sext32(b)));
}

static inline uint64_t alu_clz(uint64_t a)
{
    return a == 0 ? 64 : (uint64_t)__builtin_clzll(a);
}

static inline uint64_t alu_ctz(uint64_t a)
{
    return a == 0 ? 64 : (uint64_t)__builtin_ctzll(a);
}

static inline uint64_t alu_ror(uint64_t a, uint64_t n)
{
    return a >> (n & 63) | a << (-n & 63);
}

static inline uint64_t alu_rorw(uint32_t a, uint64_t n)
{
    return alu_sext32(a >> (n & 31) | (uint64_t)a << (-n & 31));
}

static inline uint64_t alu_orc_b(uint64_t a)
{
    const uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t high = (((a & low7) + low7) | a) & ~low7; /* bit 7 of each byte that is not 0 */
    return (high >> 7) * 255;
}

#endif
