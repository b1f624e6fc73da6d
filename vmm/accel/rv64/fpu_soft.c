/*
 * Exact floating point by integers. IEEE 754-2008 with the choices of the RISC-V ISA: canonical
 * NaNs, tininess detected after rounding, NV for infinity times zero plus a quiet NaN.
 */
#include "accel/rv64/fpu_soft.h"

#include "accel/rv64/fpu.h"

__extension__ typedef unsigned __int128 u128;

const struct fpu_format fpu_single = {8, 23};
const struct fpu_format fpu_double = {11, 52};

/* A magnitude with room for an exact product: sig * 2^(exp - 126), bit 126 of sig set. */
struct wide {
    bool sign;
    int32_t exp;
    u128 sig;
};

static uint64_t exp_mask(const struct fpu_format *f)
{
    return (UINT64_C(1) << f->exp_bits) - 1;
}

static int32_t bias(const struct fpu_format *f)
{
    return (1 << (f->exp_bits - 1)) - 1;
}

static uint64_t sign_bit(const struct fpu_format *f, bool sign)
{
    return (uint64_t)sign << (f->exp_bits + f->frac_bits);
}

static uint64_t infinity(const struct fpu_format *f, bool sign)
{
    return sign_bit(f, sign) | exp_mask(f) << f->frac_bits;
}

uint64_t fpu_soft_nan(const struct fpu_format *f)
{
    return infinity(f, false) | UINT64_C(1) << (f->frac_bits - 1);
}

struct fpu_num fpu_soft_unpack(const struct fpu_format *f, uint64_t a)
{
    uint64_t frac = a & ((UINT64_C(1) << f->frac_bits) - 1);
    uint64_t exp = (a >> f->frac_bits) & exp_mask(f);
    struct fpu_num n = {FPU_FINITE, (a >> (f->exp_bits + f->frac_bits)) & 1, 0, 0};

    if (exp == exp_mask(f)) {
        bool quiet = frac >> (f->frac_bits - 1);
        n.kind = frac == 0 ? FPU_INFINITE : quiet ? FPU_QUIET_NAN : FPU_SIGNALLING_NAN;
        return n;
    }
    if (exp == 0 && frac == 0) {
        n.kind = FPU_ZERO;
        return n;
    }
    if (exp != 0) {
        n.exp = (int32_t)exp - bias(f);
        n.sig = (frac << (63 - f->frac_bits)) | UINT64_C(1) << 63;
        return n;
    }
    uint32_t lead = (uint32_t)__builtin_clzll(frac);
    n.exp = 1 - bias(f) - (int32_t)(lead - (63 - f->frac_bits));
    n.sig = frac << lead;
    return n;
}

bool fpu_soft_is_up(uint32_t rm, bool sign, bool odd, uint64_t rest, uint64_t half)
{
    switch (rm) {
    case FPU_RNE:
        return rest > half || (rest == half && odd);
    case FPU_RMM:
        return rest >= half;
    case FPU_RDN:
        return sign && rest != 0;
    case FPU_RUP:
        return !sign && rest != 0;
    default:
        return false;
    }
}

static uint64_t overflow(const struct fpu_format *f, bool sign, uint32_t rm, uint32_t *flags)
{
    bool to_infinity = rm == FPU_RNE || rm == FPU_RMM || rm == (sign ? FPU_RDN : FPU_RUP);

    *flags |= FPU_OF | FPU_NX;
    return infinity(f, sign) - !to_infinity;
}

uint64_t fpu_soft_round(const struct fpu_format *f, bool sign, int32_t exp, uint64_t sig,
                        uint32_t rm, uint32_t *flags)
{
    uint32_t cut = 63 - f->frac_bits;
    uint64_t mask = (UINT64_C(1) << cut) - 1, half = UINT64_C(1) << (cut - 1);
    int32_t e = exp + bias(f);
    bool tiny = false;

    if (e >= (int32_t)exp_mask(f))
        return overflow(f, sign, rm, flags);
    if (e < 1) {
        /* Tiny unless rounding with an unbounded exponent would reach the least normal number. */
        bool up = fpu_soft_is_up(rm, sign, (sig >> cut) & 1, sig & mask, half);
        tiny = e < 0 || sig >> cut != (UINT64_C(2) << f->frac_bits) - 1 || !up;
        sig = fpu_soft_jam(sig, (uint32_t)(1 - e));
        e = 1;
    }
    uint64_t rest = sig & mask;
    uint64_t r = (sig >> cut) + fpu_soft_is_up(rm, sign, (sig >> cut) & 1, rest, half);
    /* The leading bit and a carry out of the fraction both land in the exponent. */
    r += (uint64_t)(e - 1) << f->frac_bits;
    if (r >= infinity(f, false))
        return overflow(f, sign, rm, flags);
    if (rest != 0)
        *flags |= tiny ? FPU_UF | FPU_NX : FPU_NX;
    return sign_bit(f, sign) | r;
}

static uint64_t round_wide(const struct fpu_format *f, const struct wide *w, uint32_t rm,
                           uint32_t *flags)
{
    uint64_t high = (uint64_t)(w->sig >> 63), low = (uint64_t)w->sig << 1;

    return fpu_soft_round(f, w->sign, w->exp, high | (low != 0), rm, flags);
}

static u128 jam_wide(u128 a, uint32_t n)
{
    if (n > 127)
        return a != 0;
    return (a >> n) | ((a & (((u128)1 << n) - 1)) != 0);
}

static void normalize(struct wide *w)
{
    uint64_t high = (uint64_t)(w->sig >> 64);
    uint32_t lead = high != 0 ? (uint32_t)__builtin_clzll(high)
                              : 64 + (uint32_t)__builtin_clzll((uint64_t)w->sig);

    if (lead == 0)
        w->sig = jam_wide(w->sig, 1);
    else
        w->sig <<= lead - 1;
    w->exp -= (int32_t)lead - 1;
}

static struct wide widen(const struct fpu_num *a)
{
    return (struct wide){a->sign, a->exp, (u128)a->sig << 63};
}

/* The exact product: 2 * 53 bits fit. */
static struct wide multiply(const struct fpu_num *a, const struct fpu_num *b)
{
    struct wide w = {a->sign != b->sign, a->exp + b->exp + 1, (u128)a->sig * b->sig >> 1};

    normalize(&w);
    return w;
}

static uint64_t zero_sum(const struct fpu_format *f, bool sign_a, bool sign_b, uint32_t rm)
{
    return sign_bit(f, sign_a == sign_b ? sign_a : rm == FPU_RDN);
}

static uint64_t sum(const struct fpu_format *f, struct wide a, struct wide b, uint32_t rm,
                    uint32_t *flags)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct wide t = a;
        a = b;
        b = t;
    }
    b.sig = jam_wide(b.sig, (uint32_t)(a.exp - b.exp));
    if (a.sign == b.sign)
        a.sig += b.sig;
    else
        a.sig -= b.sig;
    if (a.sig == 0)
        return zero_sum(f, a.sign, b.sign, rm);
    normalize(&a);
    return round_wide(f, &a, rm, flags);
}

static bool is_nan(const struct fpu_num *n)
{
    return n->kind >= FPU_QUIET_NAN;
}

static uint64_t invalid(const struct fpu_format *f, uint32_t *flags)
{
    *flags |= FPU_NV;
    return fpu_soft_nan(f);
}

static uint64_t propagate(const struct fpu_format *f, const struct fpu_num *a,
                          const struct fpu_num *b, uint32_t *flags)
{
    if (a->kind == FPU_SIGNALLING_NAN || b->kind == FPU_SIGNALLING_NAN)
        *flags |= FPU_NV;
    return fpu_soft_nan(f);
}

uint64_t fpu_soft_add(const struct fpu_format *f, uint64_t a, uint64_t b, uint32_t rm,
                      uint32_t *flags)
{
    struct fpu_num x = fpu_soft_unpack(f, a), y = fpu_soft_unpack(f, b);

    if (is_nan(&x) || is_nan(&y))
        return propagate(f, &x, &y, flags);
    if (x.kind == FPU_INFINITE && y.kind == FPU_INFINITE && x.sign != y.sign)
        return invalid(f, flags);
    if (x.kind == FPU_ZERO && y.kind == FPU_ZERO)
        return zero_sum(f, x.sign, y.sign, rm);
    if (x.kind == FPU_INFINITE || y.kind == FPU_ZERO)
        return a;
    if (y.kind == FPU_INFINITE || x.kind == FPU_ZERO)
        return b;
    return sum(f, widen(&x), widen(&y), rm, flags);
}

uint64_t fpu_soft_mul(const struct fpu_format *f, uint64_t a, uint64_t b, uint32_t rm,
                      uint32_t *flags)
{
    struct fpu_num x = fpu_soft_unpack(f, a), y = fpu_soft_unpack(f, b);
    bool any_zero = x.kind == FPU_ZERO || y.kind == FPU_ZERO;

    if (is_nan(&x) || is_nan(&y))
        return propagate(f, &x, &y, flags);
    if (x.kind == FPU_INFINITE || y.kind == FPU_INFINITE)
        return any_zero ? invalid(f, flags) : infinity(f, x.sign != y.sign);
    if (any_zero)
        return sign_bit(f, x.sign != y.sign);
    struct wide product = multiply(&x, &y);
    return round_wide(f, &product, rm, flags);
}

uint64_t fpu_soft_fma(const struct fpu_format *f, uint64_t a, uint64_t b, uint64_t c, uint32_t rm,
                      uint32_t *flags)
{
    struct fpu_num x = fpu_soft_unpack(f, a), y = fpu_soft_unpack(f, b), z = fpu_soft_unpack(f, c);
    bool any_zero = x.kind == FPU_ZERO || y.kind == FPU_ZERO;
    bool any_infinite = x.kind == FPU_INFINITE || y.kind == FPU_INFINITE;
    bool sign = x.sign != y.sign;

    if (any_zero && any_infinite)
        return invalid(f, flags);
    if (is_nan(&x) || is_nan(&y) || is_nan(&z)) {
        (void)propagate(f, &z, &z, flags);
        return propagate(f, &x, &y, flags);
    }
    if (any_infinite)
        return z.kind == FPU_INFINITE && z.sign != sign ? invalid(f, flags) : infinity(f, sign);
    if (any_zero && z.kind == FPU_ZERO)
        return zero_sum(f, sign, z.sign, rm);
    if (any_zero || z.kind == FPU_INFINITE)
        return c;
    struct wide product = multiply(&x, &y);
    if (z.kind == FPU_ZERO)
        return round_wide(f, &product, rm, flags);
    return sum(f, product, widen(&z), rm, flags);
}

static uint64_t divide(const struct fpu_format *f, const struct fpu_num *x, const struct fpu_num *y,
                       uint32_t rm, uint32_t *flags)
{
    bool less = x->sig < y->sig;
    u128 n = (u128)x->sig << (less ? 64 : 63);
    uint64_t q = (uint64_t)(n / y->sig);
    bool rest = (u128)q * y->sig != n;

    return fpu_soft_round(f, x->sign != y->sign, x->exp - y->exp - less, q | rest, rm, flags);
}

uint64_t fpu_soft_div(const struct fpu_format *f, uint64_t a, uint64_t b, uint32_t rm,
                      uint32_t *flags)
{
    struct fpu_num x = fpu_soft_unpack(f, a), y = fpu_soft_unpack(f, b);
    bool sign = x.sign != y.sign;

    if (is_nan(&x) || is_nan(&y))
        return propagate(f, &x, &y, flags);
    if (x.kind == y.kind && x.kind != FPU_FINITE)
        return invalid(f, flags);
    if (x.kind == FPU_INFINITE)
        return infinity(f, sign);
    if (x.kind == FPU_ZERO || y.kind == FPU_INFINITE)
        return sign_bit(f, sign);
    if (y.kind == FPU_ZERO) {
        *flags |= FPU_DZ;
        return infinity(f, sign);
    }
    return divide(f, &x, &y, rm, flags);
}

/* floor(sqrt(n)) for n >= 2^126, bit by bit. */
static uint64_t integer_sqrt(u128 n)
{
    uint64_t root = 0;

    for (uint32_t bit = 64; bit-- > 0;) {
        uint64_t with = root | UINT64_C(1) << bit;
        if ((u128)with * with <= n)
            root = with;
    }
    return root;
}

uint64_t fpu_soft_sqrt(const struct fpu_format *f, uint64_t a, uint32_t rm, uint32_t *flags)
{
    struct fpu_num x = fpu_soft_unpack(f, a);

    if (is_nan(&x))
        return propagate(f, &x, &x, flags);
    if (x.kind == FPU_ZERO)
        return a;
    if (x.sign)
        return invalid(f, flags);
    if (x.kind == FPU_INFINITE)
        return a;
    bool odd = x.exp & 1;
    u128 n = (u128)x.sig << (odd ? 64 : 63);
    uint64_t root = integer_sqrt(n);
    bool rest = (u128)root * root != n;
    return fpu_soft_round(f, false, (x.exp - odd) / 2, root | rest, rm, flags);
}
