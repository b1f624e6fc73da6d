/*
 * Control flow: branches and jumps forward over other items, jumps through registers, bounded
 * loops.
 */
#include "diff/gen.h"
#include "diff/insn.h"

static const struct {
    const char *name;
    uint32_t f3;
} branches[] = {{"beq", 0}, {"bne", 1}, {"blt", 4}, {"bge", 5}, {"bltu", 6}, {"bgeu", 7}};

void gen_branch(struct gen *g, struct item *item)
{
    uint32_t i = rng_below(&g->rng, 6), rs1 = gen_x(g);
    uint32_t rs2 = rng_one_in(&g->rng, 6) ? rs1 : gen_x(g);

    item_put(item, branches[i].name, enc_b(branches[i].f3, rs1, rs2, 0));
    item->skip = 1 + rng_below(&g->rng, 4);
}

void gen_jal(struct gen *g, struct item *item)
{
    item_put(item, "jal", enc_j(gen_x_dest(g), 0));
    item->skip = 1 + rng_below(&g->rng, 4);
}

/* To the instruction after it, or over one; bit 0 of the target is set half of the time. */
void gen_jalr(struct gen *g, struct item *item)
{
    uint32_t pointer = gen_x_new(g), odd = rng_below(&g->rng, 2), over = rng_below(&g->rng, 2);
    int32_t part = gen_imm12(g) / 2;
    int32_t target = over ? 16 : 12;

    item_put(item, "auipc", enc_u(OP_AUIPC, pointer, 0));
    item_put(item, "addi", enc_i(OP_IMM, 0, pointer, pointer, target - part + (int32_t)odd));
    /* rd may be the pointer itself. */
    uint32_t rd = rng_one_in(&g->rng, 3) ? pointer : gen_x_dest(g);
    item_put(item, "jalr", enc_i(OP_JALR, 0, rd, pointer, part));
    item_put(item, "add", enc_r(OP_OP, 0, 0, gen_x_dest(g), gen_x(g), gen_x(g)));
}

/* A loop around a handful of simple instructions. */
void gen_loop(struct gen *g, struct item *item)
{
    static gen_item *const body[] = {gen_op,    gen_op_imm,   gen_muldiv, gen_load,
                                     gen_store, gen_c_arith,  gen_amo,    gen_fp_double,
                                     gen_zbb,   gen_fp_single};
    int32_t bytes = 0;
    uint32_t turns = 1 + rng_below(&g->rng, rng_one_in(&g->rng, 8) ? 100 : 6);

    item_put(item, "li", enc_i(OP_IMM, 0, g->counter, 0, (int32_t)turns));
    uint32_t first = item->n, n = 1 + rng_below(&g->rng, 6);
    for (uint32_t i = 0; i < n; i++)
        body[rng_below(&g->rng, sizeof(body) / sizeof(body[0]))](g, item);
    item_put(item, "addi", enc_i(OP_IMM, 0, g->counter, g->counter, -1));
    for (uint32_t i = first; i < item->n; i++)
        bytes += (int32_t)insn_length(item->bits[i]);
    item_put(item, "bnez", enc_b(1, g->counter, 0, -bytes));
}

void gen_c_branch(struct gen *g, struct item *item)
{
    uint32_t rp = rng_below(&g->rng, 8);

    switch (rng_below(&g->rng, 3)) {
    case 0:
        item_put(item, "c.j", enc_cj(0));
        break;
    case 1:
        item_put(item, "c.beqz", enc_cb(6, rp, 0));
        break;
    default:
        item_put(item, "c.bnez", enc_cb(7, rp, 0));
        break;
    }
    item->skip = 1 + rng_below(&g->rng, 2);
}

/* C.JALR links the address after its own two bytes. */
void gen_c_jump_register(struct gen *g, struct item *item)
{
    uint32_t pointer = gen_x_new(g), odd = rng_below(&g->rng, 2);
    bool link = g->base != 1 && g->counter != 1 && rng_one_in(&g->rng, 2);

    item_put(item, "auipc", enc_u(OP_AUIPC, pointer, 0));
    item_put(item, "addi", enc_i(OP_IMM, 0, pointer, pointer, 12 + (int32_t)odd));
    item_put(item, link ? "c.jalr" : "c.jr", enc_cr(link ? 9 : 8, pointer, 0));
    item_put(item, "c.nop", enc_ci(0, 1, 0, 0));
    item_put(item, "add", enc_r(OP_OP, 0, 0, gen_x_dest(g), gen_x(g), pointer));
}

/* A jump or branch of `kind`, `offset` bytes on. */
static void put_far(struct gen *g, struct item *item, uint32_t kind, int32_t offset)
{
    uint32_t i = rng_below(&g->rng, 6), rp = rng_below(&g->rng, 8), rs1 = gen_x(g);

    switch (kind) {
    case 0:
        item_put(item, "jal", enc_j(gen_x_dest(g), offset));
        break;
    case 1:
        item_put(item, branches[i].name,
                 enc_b(branches[i].f3, rs1, rng_below(&g->rng, 2) ? rs1 : gen_x(g), offset));
        break;
    case 2:
        item_put(item, "c.j", enc_cj(offset));
        break;
    default:
        item_put(item, i & 1 ? "c.beqz" : "c.bnez", enc_cb(6 + (i & 1 ? 0 : 1), rp, offset));
        break;
    }
}

/* A jump far ahead, there one far back, and there one behind both. */
void gen_far(struct gen *g, struct item *item)
{
    static const uint32_t gaps[4] = {3000, 4000, 2000, 200};
    uint32_t kind = rng_below(&g->rng, 4), gap = 2 * rng_below(&g->rng, gaps[kind] / 2);

    if (kind == 0 && rng_one_in(&g->rng, 8))
        gap = 2 * rng_below(&g->rng, rng_one_in(&g->rng, 8) ? 260000 : 10000);
    int32_t length = kind < 2 ? 4 : 2, distance = (int32_t)gap;
    put_far(g, item, kind, length + 4 + distance);
    item_put(item, "j", enc_j(0, 4 + distance + length));
    put_far(g, item, kind, -4 - distance);
    item->gap = gap;
}
