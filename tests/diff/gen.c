#include "diff/gen.h"

#include "diff/insn.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

void item_put(struct item *item, const char *name, uint32_t bits)
{
    item->bits[item->n] = bits;
    item->name[item->n] = name;
    item->n++;
}

uint32_t gen_x(struct gen *g)
{
    return rng_below(&g->rng, 32);
}

uint32_t gen_x_new(struct gen *g)
{
    for (;;) {
        uint32_t rd = 1 + rng_below(&g->rng, 31);
        if (rd != g->base && rd != g->counter)
            return rd;
    }
}

uint32_t gen_x_dest(struct gen *g)
{
    return rng_one_in(&g->rng, 24) ? 0 : gen_x_new(g);
}

uint32_t gen_x_small(struct gen *g)
{
    for (;;) {
        uint32_t rp = rng_below(&g->rng, 8);
        if (rp + 8 != g->base && rp + 8 != g->counter)
            return rp;
    }
}

uint32_t gen_f(struct gen *g)
{
    return rng_below(&g->rng, 32);
}

int32_t gen_imm12(struct gen *g)
{
    static const int32_t corners[] = {0, 1, -1, 2047, -2048, 63, 64, -64, 255, 4};

    if (rng_one_in(&g->rng, 2))
        return corners[rng_below(&g->rng, COUNT(corners))];
    return (int32_t)rng_below(&g->rng, 4096) - 2048;
}

int32_t gen_offset(struct gen *g, uint32_t align, uint32_t width)
{
    uint32_t span = 2 * SCRATCH - width + 1;
    uint32_t at = rng_below(&g->rng, span);

    /* The base is a page's first byte. */
    if (width > 1 && rng_one_in(&g->rng, 8))
        at = SCRATCH - rng_below(&g->rng, width);
    return (int32_t)(at / align * align) - SCRATCH;
}

void gen_point(struct gen *g, struct item *item, uint32_t rd, int32_t offset)
{
    item_put(item, "addi", enc_i(OP_IMM, 0, rd, g->base, offset));
}

void gen_aim(struct item *item, int32_t offset)
{
    uint32_t *last = &item->bits[item->n - 1], bits = *last;

    if ((bits & 0x7f) == OP_BRANCH)
        *last = enc_b(bits >> 12 & 7, bits >> 15 & 31, bits >> 20 & 31, offset);
    else if ((bits & 0x7f) == OP_JAL)
        *last = enc_j(bits >> 7 & 31, offset);
    else if (bits >> 13 == 5)
        *last = enc_cj(offset);
    else
        *last = enc_cb(bits >> 13, bits >> 7 & 7, offset);
}

int32_t gen_reach(const struct item *item)
{
    uint32_t bits = item->bits[item->n - 1];

    if ((bits & 0x7f) == OP_BRANCH)
        return 4094;
    if ((bits & 0x7f) == OP_JAL)
        return 0xffffe;
    return bits >> 13 == 5 ? 2046 : 254;
}

/* --- groups ---------------------------------------------------------------------------------- */

#define GROUP(text, list)                                                                          \
    {                                                                                              \
        text, list, COUNT(list)                                                                    \
    }

static gen_item *const integer[] = {gen_pair_constant, gen_pair_address, gen_op,    gen_op,
                                    gen_op_imm,        gen_op_imm,       gen_upper, gen_load};
static gen_item *const muldiv[] = {gen_muldiv, gen_muldiv, gen_muldiv,
                                   gen_muldiv, gen_op_imm, gen_load};
static gen_item *const bits[] = {gen_zba, gen_zbb, gen_zbs, gen_zbb, gen_load, gen_op_imm};
static gen_item *const memory[] = {gen_load,  gen_store,  gen_load_f, gen_store_f,
                                   gen_fence, gen_op_imm, gen_load,   gen_store};
static gen_item *const atomics[] = {gen_amo,      gen_amo,  gen_amo, gen_lr_sc,
                                    gen_sc_fails, gen_load, gen_op};
static gen_item *const flow[] = {
    gen_far,    gen_pair_address, gen_branch,          gen_jal, gen_jalr, gen_loop, gen_op,
    gen_op_imm, gen_c_branch,     gen_c_jump_register, gen_load};
static gen_item *const code[] = {gen_patch_code, gen_op, gen_branch, gen_loop, gen_fence};
static gen_item *const compressed[] = {gen_far,      gen_pair_constant,   gen_c_arith,  gen_c_arith,
                                       gen_c_imm,    gen_c_imm,           gen_c_memory, gen_c_stack,
                                       gen_c_branch, gen_c_jump_register, gen_load};
static gen_item *const singles[] = {gen_fp_corner, gen_fp_single,   gen_fp_single,
                                    gen_fp_single, gen_fp_recorded, gen_fp_cancel,
                                    gen_fp_csr,    gen_load_f,      gen_fp_move};
static gen_item *const doubles[] = {gen_fp_corner, gen_fp_double,   gen_fp_double,
                                    gen_fp_double, gen_fp_recorded, gen_fp_cancel,
                                    gen_fp_csr,    gen_load_f,      gen_fp_move};
static gen_item *const recorded[] = {gen_fp_corner,   gen_fp_corner,   gen_fp_corner,
                                     gen_fp_corner,   gen_fp_recorded, gen_fp_recorded,
                                     gen_fp_recorded, gen_fp_recorded, gen_fp_recorded,
                                     gen_fp_cancel,   gen_fp_csr};
static gen_item *const convert[] = {gen_fp_convert, gen_fp_convert, gen_fp_convert, gen_fp_compare,
                                    gen_fp_move,    gen_load_f,     gen_load,       gen_fp_csr};
static gen_item *const odd[] = {
    gen_any_encoding, gen_any_fp_encoding, gen_any_memory_encoding, gen_reserved_c,
    gen_op,           gen_load_f};
static gen_item *const mixed[] = {
    gen_far,
    gen_fp_corner,
    gen_pair_constant,
    gen_pair_address,
    gen_op,
    gen_op_imm,
    gen_upper,
    gen_muldiv,
    gen_zba,
    gen_zbb,
    gen_zbs,
    gen_load,
    gen_store,
    gen_load_f,
    gen_store_f,
    gen_fence,
    gen_amo,
    gen_lr_sc,
    gen_sc_fails,
    gen_branch,
    gen_jal,
    gen_jalr,
    gen_loop,
    gen_c_branch,
    gen_fp_single,
    gen_fp_double,
    gen_fp_convert,
    gen_fp_move,
    gen_fp_compare,
    gen_fp_csr,
    gen_fp_cancel,
    gen_c_arith,
    gen_c_imm,
    gen_c_memory,
    gen_c_stack,
    gen_reserved_c,
    gen_c_jump_register,
    gen_patch_code,
    gen_fp_recorded,
};

const struct group gen_groups[] = {
    GROUP("integer", integer), GROUP("multiply", muldiv),       GROUP("bits", bits),
    GROUP("memory", memory),   GROUP("atomics", atomics),       GROUP("flow", flow),
    GROUP("code", code),       GROUP("compressed", compressed), GROUP("single", singles),
    GROUP("double", doubles),  GROUP("recorded", recorded),     GROUP("convert", convert),
    GROUP("encodings", odd),   GROUP("mixed", mixed),
};
const uint32_t gen_n_groups = COUNT(gen_groups);

void gen_program(struct program *program, const struct group *group, uint64_t seed)
{
    struct gen g = {rng_from_seed(seed), 0, 0};

    g.base = 1 + rng_below(&g.rng, 31);
    do {
        g.counter = 1 + rng_below(&g.rng, 31);
    } while (g.counter == g.base);
    program->base = g.base;
    program->counter = g.counter;
    program->n_items = 8 + rng_below(&g.rng, rng_one_in(&g.rng, 4) ? PROGRAM_MAX - 8 : 80);
    for (uint32_t i = 0; i < program->n_items; i++) {
        struct item *item = &program->items[i];
        item->n = 0;
        item->skip = 0;
        item->gap = 0;
        group->items[rng_below(&g.rng, group->n_items)](&g, item);
    }
}
