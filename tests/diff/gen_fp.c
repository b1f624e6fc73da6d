/*
 * F and D: every operation in every rounding mode, static and dynamic, with flags that are looked
 * at between operations and not only at the end.
 */
#include "diff/gen.h"
#include "diff/insn.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

enum fp_format { SINGLE = 0, DOUBLE = 1 };

/* The upper half of the scratch area takes records, the lower half keeps its operands longer. */
#define RECORDS 64u

struct fp_form {
    const char *name[2];
    uint32_t f5, f3; /* f3 ROUNDED: the rounding mode */
};

#define ROUNDED 8u

/* A static mode, DYN, and now and then one of the two that are illegal. */
static uint32_t rounding(struct gen *g)
{
    if (rng_one_in(&g->rng, 40))
        return 5 + rng_below(&g->rng, 2);
    return rng_one_in(&g->rng, 3) ? 7 : rng_below(&g->rng, 5);
}

static void put_fma(struct gen *g, struct item *item, enum fp_format fmt, uint32_t rd,
                    const uint32_t rs[3])
{
    static const struct {
        const char *name[2];
        uint32_t op;
    } forms[] = {
        {{"fmadd.s", "fmadd.d"}, OP_MADD},
        {{"fmsub.s", "fmsub.d"}, OP_MSUB},
        {{"fnmsub.s", "fnmsub.d"}, OP_NMSUB},
        {{"fnmadd.s", "fnmadd.d"}, OP_NMADD},
    };
    uint32_t i = rng_below(&g->rng, COUNT(forms));

    item_put(item, forms[i].name[fmt],
             enc_r4(forms[i].op, rounding(g), fmt, rd, rs[0], rs[1], rs[2]));
}

static void put_arith(struct gen *g, struct item *item, enum fp_format fmt, uint32_t rd,
                      const uint32_t rs[3])
{
    static const struct fp_form forms[] = {
        {{"fadd.s", "fadd.d"}, 0x00, ROUNDED},     {{"fsub.s", "fsub.d"}, 0x01, ROUNDED},
        {{"fmul.s", "fmul.d"}, 0x02, ROUNDED},     {{"fdiv.s", "fdiv.d"}, 0x03, ROUNDED},
        {{"fsqrt.s", "fsqrt.d"}, 0x0b, ROUNDED},   {{"fmin.s", "fmin.d"}, 0x05, 0},
        {{"fmax.s", "fmax.d"}, 0x05, 1},           {{"fsgnj.s", "fsgnj.d"}, 0x04, 0},
        {{"fsgnjn.s", "fsgnjn.d"}, 0x04, 1},       {{"fsgnjx.s", "fsgnjx.d"}, 0x04, 2},
        {{"fcvt.s.d", "fcvt.d.s"}, 0x08, ROUNDED},
    };

    if (rng_one_in(&g->rng, 3)) {
        put_fma(g, item, fmt, rd, rs);
        return;
    }
    const struct fp_form *f = &forms[rng_below(&g->rng, COUNT(forms))];
    uint32_t f3 = f->f3 == ROUNDED ? rounding(g) : f->f3, rs2 = rs[1];
    if (f->f5 == 0x0b)
        rs2 = 0;
    if (f->f5 == 0x08)
        rs2 = fmt == SINGLE ? DOUBLE : SINGLE;
    item_put(item, f->name[fmt], enc_r(OP_FP, f3, f->f5 << 2 | fmt, rd, rs[0], rs2));
}

static void put_random_arith(struct gen *g, struct item *item, enum fp_format fmt)
{
    const uint32_t rs[3] = {gen_f(g), gen_f(g), gen_f(g)};

    put_arith(g, item, fmt, gen_f(g), rs);
}

void gen_fp_single(struct gen *g, struct item *item)
{
    put_random_arith(g, item, SINGLE);
}

void gen_fp_double(struct gen *g, struct item *item)
{
    put_random_arith(g, item, DOUBLE);
}

/* Stores f register `rd` and then fflags into a record, clearing fflags or setting all but some. */
static void put_record(struct gen *g, struct item *item, uint32_t rd)
{
    int32_t slot = (int32_t)rng_below(&g->rng, RECORDS) * 16;
    uint32_t flags = gen_x_new(g);

    item_put(item, "fsd", enc_s(OP_STORE_FP, 3, g->base, rd, slot));
    item_put(item, "fflags",
             enc_i(OP_SYSTEM, 5, flags, rng_one_in(&g->rng, 3) ? 1 : 0, CSR_FFLAGS));
    item_put(item, "sb", enc_s(OP_STORE, 0, g->base, flags, slot + 8));
}

/* Fresh operands, one operation, its result and its flags. */
void gen_fp_recorded(struct gen *g, struct item *item)
{
    enum fp_format fmt = rng_below(&g->rng, 2) ? DOUBLE : SINGLE;
    uint32_t rs[3], rd = gen_f(g);

    for (uint32_t i = 0; i < 3; i++) {
        int32_t offset = -SCRATCH + 8 * (int32_t)rng_below(&g->rng, SCRATCH / 8);
        rs[i] = rng_one_in(&g->rng, 4) ? gen_f(g) : (gen_f(g) & ~3u) | i;
        item_put(item, "fld", enc_i(OP_LOAD_FP, 3, rs[i], g->base, offset));
    }
    put_arith(g, item, fmt, rd, rs);
    put_record(g, item, rd);
}

static void put_comparison(struct gen *g, struct item *item, enum fp_format fmt, uint32_t rs1,
                           uint32_t rs2)
{
    static const char *const names[2][3] = {{"fle.s", "flt.s", "feq.s"},
                                            {"fle.d", "flt.d", "feq.d"}};
    uint32_t f3 = rng_below(&g->rng, 3);

    item_put(item, names[fmt][f3], enc_r(OP_FP, f3, 0x14u << 2 | fmt, gen_x_dest(g), rs1, rs2));
}

/* As above, with operands that are nasty with each other. */
void gen_fp_corner(struct gen *g, struct item *item)
{
    enum fp_format fmt = rng_below(&g->rng, 2) ? DOUBLE : SINGLE;
    uint32_t f = gen_f(g), rd = gen_f(g);
    const uint32_t rs[3] = {f, (f + 1) & 31, (f + 2) & 31};
    uint32_t window = rng_below(&g->rng, VALUE_CORNERS / VALUE_WINDOW) * VALUE_WINDOW;
    bool anywhere = rng_one_in(&g->rng, 4);

    for (uint32_t i = 0; i < 3; i++) {
        uint32_t index = window + rng_below(&g->rng, VALUE_WINDOW);
        if (anywhere)
            index = rng_below(&g->rng, VALUE_CORNERS);
        item_put(item, "fld",
                 enc_i(OP_LOAD_FP, 3, rs[i], g->base,
                       CORNERS + 8 * (int32_t)(index + (fmt == DOUBLE ? VALUE_CORNERS : 0))));
    }
    if (rng_one_in(&g->rng, 10))
        put_comparison(g, item, fmt, rs[0], rs[1]);
    else
        put_arith(g, item, fmt, rd, rs);
    put_record(g, item, rd);
}

/* A product, and then the fused difference of the same product: what is left is its rounding
 * error. */
void gen_fp_cancel(struct gen *g, struct item *item)
{
    enum fp_format fmt = rng_below(&g->rng, 2) ? DOUBLE : SINGLE;
    uint32_t a = gen_f(g), b = gen_f(g), p = gen_f(g), rd = gen_f(g);
    const uint32_t rs[3] = {a, b, p};
    int32_t offset = -SCRATCH + 8 * (int32_t)rng_below(&g->rng, SCRATCH / 8);

    if (rng_below(&g->rng, 2))
        item_put(item, "fld", enc_i(OP_LOAD_FP, 3, a, g->base, offset));
    item_put(item, fmt == SINGLE ? "fmul.s" : "fmul.d",
             enc_r(OP_FP, rng_below(&g->rng, 5), 2u << 2 | fmt, p, a, b));
    put_fma(g, item, fmt, rd, rs);
    put_record(g, item, rd);
}

void gen_fp_convert(struct gen *g, struct item *item)
{
    static const char *const to_int[2][4] = {
        {"fcvt.w.s", "fcvt.wu.s", "fcvt.l.s", "fcvt.lu.s"},
        {"fcvt.w.d", "fcvt.wu.d", "fcvt.l.d", "fcvt.lu.d"},
    };
    static const char *const from_int[2][4] = {
        {"fcvt.s.w", "fcvt.s.wu", "fcvt.s.l", "fcvt.s.lu"},
        {"fcvt.d.w", "fcvt.d.wu", "fcvt.d.l", "fcvt.d.lu"},
    };
    uint32_t fmt = rng_below(&g->rng, 2), type = rng_below(&g->rng, 4), rm = rounding(g);
    uint32_t f = gen_f(g), x;

    switch (rng_below(&g->rng, 3)) {
    case 0:
        x = gen_x_new(g);
        item_put(item, to_int[fmt][type], enc_r(OP_FP, rm, 0x18u << 2 | fmt, x, f, type));
        break;
    case 1:
        item_put(item, from_int[fmt][type], enc_r(OP_FP, rm, 0x1au << 2 | fmt, f, gen_x(g), type));
        break;
    default:
        item_put(item, fmt == SINGLE ? "fcvt.s.d" : "fcvt.d.s",
                 enc_r(OP_FP, rm, 8u << 2 | fmt, f, gen_f(g), fmt ^ 1));
        break;
    }
    if (rng_below(&g->rng, 2))
        put_record(g, item, f);
}

void gen_fp_move(struct gen *g, struct item *item)
{
    static const struct {
        const char *name;
        uint32_t f7, f3, to_x;
    } forms[] = {
        {"fmv.x.w", 0x70, 0, 1}, {"fmv.w.x", 0x78, 0, 0},  {"fmv.x.d", 0x71, 0, 1},
        {"fmv.d.x", 0x79, 0, 0}, {"fclass.s", 0x70, 1, 1}, {"fclass.d", 0x71, 1, 1},
    };
    uint32_t i = rng_below(&g->rng, COUNT(forms));
    uint32_t rd = forms[i].to_x ? gen_x_dest(g) : gen_f(g);
    uint32_t rs1 = forms[i].to_x ? gen_f(g) : gen_x(g);

    item_put(item, forms[i].name, enc_r(OP_FP, forms[i].f3, forms[i].f7, rd, rs1, 0));
}

void gen_fp_compare(struct gen *g, struct item *item)
{
    uint32_t rs1 = gen_f(g), rs2 = rng_one_in(&g->rng, 4) ? rs1 : gen_f(g);

    put_comparison(g, item, rng_below(&g->rng, 2) ? DOUBLE : SINGLE, rs1, rs2);
    if (rng_below(&g->rng, 2))
        put_record(g, item, rs1);
}

/* fflags, frm and fcsr through all six instructions. A frm above 4 makes DYN illegal, so it does
 * not stay. */
void gen_fp_csr(struct gen *g, struct item *item)
{
    static const char *const names[] = {"", "csrrw",  "csrrs",  "csrrc",
                                        "", "csrrwi", "csrrsi", "csrrci"};
    static const uint32_t f3s[] = {1, 2, 3, 5, 6, 7};
    uint32_t f3 = f3s[rng_below(&g->rng, COUNT(f3s))];
    uint32_t csr = 1 + rng_below(&g->rng, 3), source = rng_below(&g->rng, 32);

    if (rng_one_in(&g->rng, 2)) {
        item_put(item, "csrrwi frm",
                 enc_i(OP_SYSTEM, 5, gen_x_dest(g), rng_below(&g->rng, 5), CSR_FRM));
        return;
    }
    item_put(item, names[f3], enc_i(OP_SYSTEM, f3, gen_x_dest(g), source, (int32_t)csr));
    put_random_arith(g, item, rng_below(&g->rng, 2) ? DOUBLE : SINGLE);
    item_put(item, "csrrwi frm",
             enc_i(OP_SYSTEM, 5, gen_x_dest(g), rng_below(&g->rng, 5), CSR_FRM));
}
