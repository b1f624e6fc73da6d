/*
 * Compressed instructions, HINTs among them. Unprivileged ISA 20191213, chapter 16.
 */
#include "diff/gen.h"
#include "diff/insn.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

/* C.LI, C.LUI, C.SLLI with rd x0 are HINTs. */
static uint32_t dest_or_hint(struct gen *g)
{
    return rng_one_in(&g->rng, 12) ? 0 : gen_x_new(g);
}

void gen_c_arith(struct gen *g, struct item *item)
{
    static const char *const names[8] = {"c.sub",  "c.xor",  "c.or", "c.and",
                                         "c.subw", "c.addw", "",     ""};
    uint32_t rs2 = 1 + rng_below(&g->rng, 31), i;

    switch (rng_below(&g->rng, 4)) {
    case 0:
        item_put(item, "c.mv", enc_cr(8, dest_or_hint(g), rs2));
        break;
    case 1:
        item_put(item, "c.add", enc_cr(9, dest_or_hint(g), rs2));
        break;
    default:
        i = rng_below(&g->rng, 6);
        item_put(item, names[i],
                 4u << 13 | (i >> 2) << 12 | 3u << 10 | gen_x_small(g) << 7 | (i & 3) << 5 |
                     rng_below(&g->rng, 8) << 2 | 1);
        break;
    }
}

/* C.ANDI, C.SRLI, C.SRAI */
static void put_small_imm(struct gen *g, struct item *item, uint32_t imm)
{
    static const char *const names[3] = {"c.srli", "c.srai", "c.andi"};
    uint32_t i = rng_below(&g->rng, 3);

    item_put(item, names[i], enc_ci(4, 1, i << 3 | gen_x_small(g), imm));
}

void gen_c_imm(struct gen *g, struct item *item)
{
    uint32_t imm = rng_below(&g->rng, 64), nonzero = 1 + rng_below(&g->rng, 63);

    switch (rng_below(&g->rng, 8)) {
    case 0:
        item_put(item, "c.addi", enc_ci(0, 1, dest_or_hint(g), imm));
        break;
    case 1:
        item_put(item, "c.addiw", enc_ci(1, 1, gen_x_new(g), imm));
        break;
    case 2:
        item_put(item, "c.li", enc_ci(2, 1, dest_or_hint(g), imm));
        break;
    case 3: {
        uint32_t rd = dest_or_hint(g);
        if (rd != 2)
            item_put(item, "c.lui", enc_ci(3, 1, rd, nonzero));
        break;
    }
    case 4:
        item_put(item, "c.slli", enc_ci(0, 2, dest_or_hint(g), imm));
        break;
    case 5:
        item_put(item, "c.addi4spn", enc_ciw(gen_x_small(g), 4 * (1 + rng_below(&g->rng, 255))));
        break;
    default:
        put_small_imm(g, item, imm);
        break;
    }
}

/* Through a pointer in x8-x15, to a place so that offset and width stay in the scratch area. */
void gen_c_memory(struct gen *g, struct item *item)
{
    static const char *const names[8] = {"", "c.fld", "c.lw", "c.ld", "", "c.fsd", "c.sw", "c.sd"};
    static const uint32_t f3s[] = {1, 2, 3, 5, 6, 7};
    uint32_t f3 = f3s[rng_below(&g->rng, COUNT(f3s))], pointer = gen_x_small(g);
    uint32_t width = (f3 & 3) == 2 ? 4 : 8, u = width * rng_below(&g->rng, 32);
    bool is_integer_load = f3 == 2 || f3 == 3;
    uint32_t rp = is_integer_load ? gen_x_small(g) : rng_below(&g->rng, 8);
    int32_t at = gen_offset(g, rng_one_in(&g->rng, 3) ? 1 : width, width);

    gen_point(g, item, pointer + 8, at - (int32_t)u);
    item_put(item, names[f3],
             width == 4 ? enc_cl_w(f3, pointer, rp, u) : enc_cl_d(f3, pointer, rp, u));
}

/* Relative to x2, which must point there first; C.ADDI16SP moves it. */
void gen_c_stack(struct gen *g, struct item *item)
{
    if (g->base == 2 || g->counter == 2) {
        gen_c_imm(g, item);
        return;
    }
    uint32_t w = 4 * rng_below(&g->rng, 64), d = 8 * rng_below(&g->rng, 64);
    int32_t at = gen_offset(g, 8, 8), move = 16 * (1 + (int32_t)rng_below(&g->rng, 31));
    uint32_t kind = rng_below(&g->rng, 6);

    if (rng_below(&g->rng, 2))
        move = -move;
    gen_point(g, item, 2, at - (int32_t)(kind < 2 ? w : d) - move);
    item_put(item, "c.addi16sp", enc_ci_addi16sp(move));
    if (kind == 0)
        item_put(item, "c.lwsp", enc_ci_lwsp(gen_x_new(g), w));
    else if (kind == 1)
        item_put(item, "c.swsp", enc_css_swsp(gen_x(g), w));
    else if (kind == 2)
        item_put(item, "c.ldsp", enc_ci_ldsp(3, gen_x_new(g), d));
    else if (kind == 3)
        item_put(item, "c.fldsp", enc_ci_ldsp(1, gen_f(g), d));
    else if (kind == 4)
        item_put(item, "c.sdsp", enc_css_sdsp(7, gen_x(g), d));
    else
        item_put(item, "c.fsdsp", enc_css_sdsp(5, gen_f(g), d));
}
