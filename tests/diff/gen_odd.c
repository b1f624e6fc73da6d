/*
 * Encodings at random inside the standard opcodes: most are illegal, and must be so on both sides.
 * A trap handler counts them and goes on.
 */
#include "diff/gen.h"
#include "diff/insn.h"

#define CTZW 0x6010101bu /* see gen_int.c */

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

/* funct7 values that mean something somewhere, and random ones. */
static uint32_t any_f7(struct gen *g)
{
    static const uint32_t known[] = {0x00, 0x01, 0x04, 0x05, 0x10, 0x14, 0x20, 0x24, 0x30, 0x34};

    return rng_one_in(&g->rng, 3) ? rng_below(&g->rng, 128)
                                  : known[rng_below(&g->rng, COUNT(known))];
}

void gen_any_encoding(struct gen *g, struct item *item)
{
    static const uint32_t ops[] = {OP_IMM, OP_IMM_32, OP_OP, OP_OP_32};
    uint32_t bits = enc_r(ops[rng_below(&g->rng, COUNT(ops))], rng_below(&g->rng, 8), any_f7(g),
                          gen_x_dest(g), gen_x(g), rng_below(&g->rng, 32));

    if ((bits & 0xfff0707f) != CTZW)
        item_put(item, "?int", bits);
}

void gen_any_fp_encoding(struct gen *g, struct item *item)
{
    static const uint32_t ops[] = {OP_FP, OP_FP, OP_FP, OP_MADD, OP_MSUB, OP_NMSUB, OP_NMADD};
    uint32_t f7 = rng_below(&g->rng, 128);

    /* Formats S and D, mostly: H and Q are other extensions. */
    if (!rng_one_in(&g->rng, 8))
        f7 &= ~2u;
    item_put(item, "?fp",
             enc_r(ops[rng_below(&g->rng, COUNT(ops))], rng_below(&g->rng, 8), f7, gen_x_new(g),
                   rng_below(&g->rng, 32), rng_below(&g->rng, rng_one_in(&g->rng, 2) ? 4 : 32)));
}

void gen_any_memory_encoding(struct gen *g, struct item *item)
{
    uint32_t pointer = gen_x_new(g), f3 = rng_below(&g->rng, 8), f5 = rng_below(&g->rng, 32);

    gen_point(g, item, pointer, gen_offset(g, 8, 8));
    switch (rng_below(&g->rng, 4)) {
    case 0:
        item_put(item, "?load", enc_i(OP_LOAD, f3, gen_x_dest(g), pointer, 0));
        break;
    case 1:
        item_put(item, "?store", enc_s(OP_STORE, f3, pointer, gen_x(g), 0));
        break;
    case 2:
        if (f5 == 2) /* LR must have rs2 0 */
            item_put(item, "?lr", enc_r(OP_AMO, f3, f5 << 2, gen_x_dest(g), pointer, 1 + f5));
        item_put(item, "?amo",
                 enc_r(OP_AMO, f3, (f5 == 2 || f5 == 3 ? 0 : f5) << 2, gen_x_dest(g), pointer,
                       gen_x(g)));
        break;
    default:
        if (f3 == 2 || f3 == 3)
            item_put(item, "?loadf", enc_i(OP_LOAD_FP, f3, gen_f(g), pointer, 0));
        else
            item_put(item, "?storef", enc_s(OP_STORE_FP, 2 + (f3 & 1), pointer, gen_f(g), 0));
        break;
    }
}

void gen_reserved_c(struct gen *g, struct item *item)
{
    uint32_t rp = gen_x_small(g);

    switch (rng_below(&g->rng, 8)) {
    case 0:
        item_put(item, "c.illegal", 0);
        break;
    case 1:
        item_put(item, "?c.addi4spn 0", rp << 2);
        break;
    case 2:
        item_put(item, "?c quadrant 0", 4u << 13 | rng_below(&g->rng, 2048) << 2);
        break;
    case 3:
        item_put(item, "?c.addiw x0", enc_ci(1, 1, 0, rng_below(&g->rng, 64)));
        break;
    case 4:
        item_put(item, "?c.lui 0", enc_ci(3, 1, gen_x_new(g), 0));
        break;
    case 5:
        item_put(item, "?c.arith",
                 4u << 13 | 7u << 10 | rp << 7 | (2 + rng_below(&g->rng, 2)) << 5 |
                     rng_below(&g->rng, 8) << 2 | 1);
        break;
    case 6:
        item_put(item, "?c.l*sp x0",
                 enc_ci(2 + rng_below(&g->rng, 2), 2, 0, rng_below(&g->rng, 64)));
        break;
    default:
        item_put(item, "?c.jr x0", enc_cr(8, 0, 0));
        break;
    }
}
