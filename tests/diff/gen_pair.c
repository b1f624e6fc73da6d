/*
 * Instructions that compilers write in pairs and that a processor may fuse: with the registers that
 * make a pair and with others, entered at the first and at the second.
 */
#include "diff/gen.h"
#include "diff/insn.h"

/* One time in four a branch to the second of the pair, over a first of four bytes. */
static void maybe_enter_second(struct gen *g, struct item *item)
{
    if (rng_one_in(&g->rng, 4))
        item_put(item, "beq", enc_b(rng_below(&g->rng, 2), gen_x(g), gen_x(g), 8));
}

static uint32_t same_or_other(struct gen *g, uint32_t rd)
{
    return rng_one_in(&g->rng, 5) ? gen_x_new(g) : rd;
}

/* LUI or LI, then ADDI or ADDIW; in two or four bytes. */
void gen_pair_constant(struct gen *g, struct item *item)
{
    uint32_t rd = gen_x_new(g), rd2 = same_or_other(g, rd), rs1 = same_or_other(g, rd);
    uint32_t upper = (uint32_t)value_integer(&g->rng) >> rng_below(&g->rng, 20);
    uint32_t nonzero = 1 + rng_below(&g->rng, 63), imm6 = rng_below(&g->rng, 64);

    switch (rng_below(&g->rng, 4)) {
    case 0:
        if (rd != 2)
            item_put(item, "c.lui", enc_ci(3, 1, rd, nonzero));
        break;
    case 1:
        maybe_enter_second(g, item);
        item_put(item, "li", enc_i(OP_IMM, 0, rd, 0, gen_imm12(g)));
        break;
    default:
        maybe_enter_second(g, item);
        item_put(item, "lui", enc_u(OP_LUI, rd, upper));
        break;
    }
    switch (rng_below(&g->rng, 4)) {
    case 0:
        item_put(item, "c.addi", enc_ci(0, 1, rd2, imm6));
        break;
    case 1:
        item_put(item, "addi", enc_i(OP_IMM, 0, rd2, rs1, gen_imm12(g)));
        break;
    default:
        item_put(item, "addiw", enc_i(OP_IMM_32, 0, rd2, rs1, gen_imm12(g)));
        break;
    }
}

/* AUIPC, then ADDI, a load of code nearby, or a jump to one of the next two instructions. */
void gen_pair_address(struct gen *g, struct item *item)
{
    uint32_t rd = gen_x_new(g), rd2 = same_or_other(g, rd), odd = rng_below(&g->rng, 2);

    switch (rng_below(&g->rng, 4)) {
    case 0:
        maybe_enter_second(g, item);
        item_put(item, "auipc", enc_u(OP_AUIPC, rd, (uint32_t)value_integer(&g->rng)));
        item_put(item, "addi", enc_i(OP_IMM, 0, rd2, same_or_other(g, rd), gen_imm12(g)));
        break;
    case 1:
        item_put(item, "auipc", enc_u(OP_AUIPC, rd, 0));
        item_put(item, "ld", enc_i(OP_LOAD, 3, rd2, rd, (int32_t)rng_below(&g->rng, 600) - 200));
        break;
    case 2: /* back to the second jump, which leads out */
        item_put(item, "j", enc_j(0, 8));
        item_put(item, "j", enc_j(0, 12));
        item_put(item, "auipc", enc_u(OP_AUIPC, rd, 0));
        item_put(item, "jalr", enc_i(OP_JALR, 0, rd2, rd, -4 + (int32_t)odd));
        break;
    default:
        item_put(item, "auipc", enc_u(OP_AUIPC, rd, 0));
        item_put(item, "jalr",
                 enc_i(OP_JALR, 0, rng_one_in(&g->rng, 4) ? 0 : rd2, rd,
                       8 + 4 * (int32_t)rng_below(&g->rng, 2) + (int32_t)odd));
        item_put(item, "add", enc_r(OP_OP, 0, 0, gen_x_dest(g), gen_x(g), gen_x(g)));
        break;
    }
}
