/*
 * Loads and stores of every width and alignment, fences, and the A extension. What the ISA leaves
 * open is not generated: misaligned atomics, an SC to a near address or of another width than its
 * LR, an LR whose reservation is left behind.
 */
#include "diff/gen.h"
#include "diff/insn.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

/* Farther apart than any reservation set. */
#define FAR 512

/* A base register and an offset from it, for `width` bytes in the scratch area. */
static uint32_t address(struct gen *g, struct item *item, uint32_t width, int32_t *offset)
{
    uint32_t align = rng_one_in(&g->rng, 3) ? 1 : width;
    int32_t at = gen_offset(g, align, width);

    if (rng_one_in(&g->rng, 2)) {
        *offset = at;
        return g->base;
    }
    int32_t part = (int32_t)rng_below(&g->rng, 2 * SCRATCH) - SCRATCH;
    uint32_t pointer = gen_x_new(g);
    gen_point(g, item, pointer, part);
    *offset = at - part;
    return pointer;
}

struct access {
    const char *name;
    uint32_t f3, width;
};

void gen_load(struct gen *g, struct item *item)
{
    static const struct access forms[] = {
        {"lb", 0, 1},  {"lh", 1, 2},  {"lw", 2, 4},  {"ld", 3, 8},
        {"lbu", 4, 1}, {"lhu", 5, 2}, {"lwu", 6, 4},
    };
    const struct access *f = &forms[rng_one_in(&g->rng, 2) ? 3 : rng_below(&g->rng, COUNT(forms))];
    int32_t offset;
    uint32_t rs1 = address(g, item, f->width, &offset);

    item_put(item, f->name, enc_i(OP_LOAD, f->f3, gen_x_dest(g), rs1, offset));
}

void gen_store(struct gen *g, struct item *item)
{
    static const struct access forms[] = {{"sb", 0, 1}, {"sh", 1, 2}, {"sw", 2, 4}, {"sd", 3, 8}};
    const struct access *f = &forms[rng_below(&g->rng, COUNT(forms))];
    int32_t offset;
    uint32_t rs1 = address(g, item, f->width, &offset);

    item_put(item, f->name, enc_s(OP_STORE, f->f3, rs1, gen_x(g), offset));
}

void gen_load_f(struct gen *g, struct item *item)
{
    static const struct access forms[] = {{"flw", 2, 4}, {"fld", 3, 8}, {"fld", 3, 8}};
    const struct access *f = &forms[rng_below(&g->rng, COUNT(forms))];
    int32_t offset;
    uint32_t rs1 = address(g, item, f->width, &offset);

    item_put(item, f->name, enc_i(OP_LOAD_FP, f->f3, gen_f(g), rs1, offset));
}

void gen_store_f(struct gen *g, struct item *item)
{
    static const struct access forms[] = {{"fsw", 2, 4}, {"fsd", 3, 8}};
    const struct access *f = &forms[rng_below(&g->rng, COUNT(forms))];
    int32_t offset;
    uint32_t rs1 = address(g, item, f->width, &offset);

    item_put(item, f->name, enc_s(OP_STORE_FP, f->f3, rs1, gen_f(g), offset));
}

void gen_fence(struct gen *g, struct item *item)
{
    if (rng_one_in(&g->rng, 4))
        item_put(item, "fence.i", enc_i(OP_MISC_MEM, 1, 0, 0, 0));
    else if (rng_one_in(&g->rng, 4))
        item_put(item, "fence.tso", enc_i(OP_MISC_MEM, 0, 0, 0, (int32_t)0x833));
    else
        item_put(item, "fence", enc_i(OP_MISC_MEM, 0, 0, 0, (int32_t)rng_below(&g->rng, 256)));
}

/* funct5, aq and rl. */
static uint32_t ordered(struct gen *g, uint32_t f5)
{
    return f5 << 2 | rng_below(&g->rng, 4);
}

void gen_amo(struct gen *g, struct item *item)
{
    static const struct {
        const char *name[2];
        uint32_t f5;
    } forms[] = {
        {{"amoadd.w", "amoadd.d"}, 0x00},   {{"amoswap.w", "amoswap.d"}, 0x01},
        {{"amoxor.w", "amoxor.d"}, 0x04},   {{"amoor.w", "amoor.d"}, 0x08},
        {{"amoand.w", "amoand.d"}, 0x0c},   {{"amomin.w", "amomin.d"}, 0x10},
        {{"amomax.w", "amomax.d"}, 0x14},   {{"amominu.w", "amominu.d"}, 0x18},
        {{"amomaxu.w", "amomaxu.d"}, 0x1c},
    };
    uint32_t i = rng_below(&g->rng, COUNT(forms)), wide = rng_below(&g->rng, 2);
    uint32_t width = wide ? 8 : 4, pointer = gen_x_new(g);

    gen_point(g, item, pointer, gen_offset(g, width, width));
    item_put(item, forms[i].name[wide],
             enc_r(OP_AMO, 2 + wide, ordered(g, forms[i].f5), gen_x_dest(g), pointer, gen_x(g)));
}

static void put_lr(struct gen *g, struct item *item, uint32_t wide, uint32_t pointer)
{
    uint32_t rd;

    do {
        rd = gen_x_dest(g);
    } while (rd == pointer);
    item_put(item, wide ? "lr.d" : "lr.w", enc_r(OP_AMO, 2 + wide, ordered(g, 2), rd, pointer, 0));
}

static void put_sc(struct gen *g, struct item *item, uint32_t wide, uint32_t pointer)
{
    item_put(item, wide ? "sc.d" : "sc.w",
             enc_r(OP_AMO, 2 + wide, ordered(g, 3), gen_x_dest(g), pointer, gen_x(g)));
}

void gen_lr_sc(struct gen *g, struct item *item)
{
    uint32_t wide = rng_below(&g->rng, 2), width = wide ? 8 : 4, pointer = gen_x_new(g);

    gen_point(g, item, pointer, gen_offset(g, width, width));
    put_lr(g, item, wide, pointer);
    while (rng_one_in(&g->rng, 3) && item->n < 8) {
        uint32_t rd;
        do {
            rd = gen_x_new(g);
        } while (rd == pointer);
        item_put(item, "add", enc_r(OP_OP, 0, 0, rd, gen_x(g), gen_x(g)));
    }
    put_sc(g, item, wide, pointer);
}

/* SC without a reservation, twice after one LR, after an LR elsewhere. */
void gen_sc_fails(struct gen *g, struct item *item)
{
    uint32_t wide = rng_below(&g->rng, 2), width = wide ? 8 : 4;
    uint32_t here = gen_x_new(g), there;
    int32_t offset = gen_offset(g, width, width);
    int32_t far = offset < 0 ? offset + FAR : offset - FAR;

    do {
        there = gen_x_new(g);
    } while (there == here);
    gen_point(g, item, here, offset);
    gen_point(g, item, there, far);
    switch (rng_below(&g->rng, 4)) {
    case 0:
        put_lr(g, item, wide, there);
        gen_point(g, item, here, offset);
        break;
    case 1:
        put_lr(g, item, wide, here);
        gen_point(g, item, there, far);
        item_put(item, "lr", enc_r(OP_AMO, 2 + wide, ordered(g, 2), 0, there, 0));
        break;
    case 2:
        put_lr(g, item, wide, here);
        item_put(item, "sc", enc_r(OP_AMO, 2 + wide, ordered(g, 3), 0, here, gen_x(g)));
        break;
    default:
        break;
    }
    put_sc(g, item, wide, here);
}

/* A store over an instruction that lies ahead, and FENCE.I between the two. A register's low bits
 * become the new immediate, so that it differs from run to run. */
void gen_patch_code(struct gen *g, struct item *item)
{
    uint32_t where = gen_x_new(g), word, rd = gen_x_dest(g);
    uint32_t patch = enc_i(OP_IMM, 0, rd, gen_x(g), 0);

    do {
        word = gen_x_new(g);
    } while (word == where);
    item_put(item, "lui", enc_u(OP_LUI, where, (patch + 0x800) >> 12));
    item_put(item, "addi", enc_i(OP_IMM, 0, where, where, (int32_t)(patch & 0xfff)));
    item_put(item, "slli", enc_i(OP_IMM, 1, word, gen_x(g), 20));
    item_put(item, "or", enc_r(OP_OP, 6, 0, word, word, where));
    item_put(item, "auipc", enc_u(OP_AUIPC, where, 0));
    item_put(item, "sw", enc_s(OP_STORE, 2, where, word, 12));
    item_put(item, "fence.i", enc_i(OP_MISC_MEM, 1, 0, 0, 0));
    item_put(item, "patched", enc_i(OP_IMM, 4, rd, rd, -1));
}
