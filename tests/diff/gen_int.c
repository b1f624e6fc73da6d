/*
 * Integer instructions: RV64I, M, Zba, Zbb, Zbs (Bit-manipulation 1.0.0).
 */
#include "diff/gen.h"
#include "diff/insn.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

struct r_form {
    const char *name;
    uint32_t op, f3, f7;
};

/* Immediates with a fixed upper part `high` (bits 31-20, as a shift's funct6 or a unary's whole
 * field) and `free` low bits that vary. */
struct i_form {
    const char *name;
    uint32_t op, f3, high, free;
};

static void put_r(struct gen *g, struct item *item, const struct r_form *forms, uint32_t n)
{
    const struct r_form *f = &forms[rng_below(&g->rng, n)];

    item_put(item, f->name, enc_r(f->op, f->f3, f->f7, gen_x_dest(g), gen_x(g), gen_x(g)));
}

static void put_i(struct gen *g, struct item *item, const struct i_form *forms, uint32_t n)
{
    const struct i_form *f = &forms[rng_below(&g->rng, n)];
    uint32_t imm = f->high | rng_below(&g->rng, 1u << f->free);

    if (f->free == 12)
        imm = (uint32_t)gen_imm12(g);
    item_put(item, f->name, enc_i(f->op, f->f3, gen_x_dest(g), gen_x(g), (int32_t)imm));
}

void gen_op(struct gen *g, struct item *item)
{
    static const struct r_form forms[] = {
        {"add", OP_OP, 0, 0},     {"sub", OP_OP, 0, 0x20},  {"sll", OP_OP, 1, 0},
        {"slt", OP_OP, 2, 0},     {"sltu", OP_OP, 3, 0},    {"xor", OP_OP, 4, 0},
        {"srl", OP_OP, 5, 0},     {"sra", OP_OP, 5, 0x20},  {"or", OP_OP, 6, 0},
        {"and", OP_OP, 7, 0},     {"addw", OP_OP_32, 0, 0}, {"subw", OP_OP_32, 0, 0x20},
        {"sllw", OP_OP_32, 1, 0}, {"srlw", OP_OP_32, 5, 0}, {"sraw", OP_OP_32, 5, 0x20},
    };

    put_r(g, item, forms, COUNT(forms));
}

void gen_op_imm(struct gen *g, struct item *item)
{
    static const struct i_form forms[] = {
        {"addi", OP_IMM, 0, 0, 12},        {"slti", OP_IMM, 2, 0, 12},
        {"sltiu", OP_IMM, 3, 0, 12},       {"xori", OP_IMM, 4, 0, 12},
        {"ori", OP_IMM, 6, 0, 12},         {"andi", OP_IMM, 7, 0, 12},
        {"slli", OP_IMM, 1, 0, 6},         {"srli", OP_IMM, 5, 0, 6},
        {"srai", OP_IMM, 5, 0x400, 6},     {"addiw", OP_IMM_32, 0, 0, 12},
        {"slliw", OP_IMM_32, 1, 0, 5},     {"srliw", OP_IMM_32, 5, 0, 5},
        {"sraiw", OP_IMM_32, 5, 0x400, 5},
    };

    put_i(g, item, forms, COUNT(forms));
}

void gen_upper(struct gen *g, struct item *item)
{
    uint32_t imm = (uint32_t)value_integer(&g->rng);

    if (rng_one_in(&g->rng, 2))
        item_put(item, "lui", enc_u(OP_LUI, gen_x_dest(g), imm));
    else
        item_put(item, "auipc", enc_u(OP_AUIPC, gen_x_dest(g), imm));
}

void gen_muldiv(struct gen *g, struct item *item)
{
    static const struct r_form forms[] = {
        {"mul", OP_OP, 0, 1},      {"mulh", OP_OP, 1, 1},     {"mulhsu", OP_OP, 2, 1},
        {"mulhu", OP_OP, 3, 1},    {"div", OP_OP, 4, 1},      {"divu", OP_OP, 5, 1},
        {"rem", OP_OP, 6, 1},      {"remu", OP_OP, 7, 1},     {"mulw", OP_OP_32, 0, 1},
        {"divw", OP_OP_32, 4, 1},  {"divuw", OP_OP_32, 5, 1}, {"remw", OP_OP_32, 6, 1},
        {"remuw", OP_OP_32, 7, 1},
    };

    put_r(g, item, forms, COUNT(forms));
}

void gen_zba(struct gen *g, struct item *item)
{
    static const struct r_form forms[] = {
        {"sh1add", OP_OP, 2, 0x10},       {"sh2add", OP_OP, 4, 0x10},
        {"sh3add", OP_OP, 6, 0x10},       {"add.uw", OP_OP_32, 0, 4},
        {"sh1add.uw", OP_OP_32, 2, 0x10}, {"sh2add.uw", OP_OP_32, 4, 0x10},
        {"sh3add.uw", OP_OP_32, 6, 0x10},
    };
    static const struct i_form slli_uw = {"slli.uw", OP_IMM_32, 1, 0x080, 6};

    if (rng_one_in(&g->rng, 8))
        put_i(g, item, &slli_uw, 1);
    else
        put_r(g, item, forms, COUNT(forms));
}

/* qemu 7.2 counts past bit 31 when the low word is zero, so it never is. */
static void put_ctzw(struct gen *g, struct item *item)
{
    uint32_t rs = gen_x_new(g);

    item_put(item, "bseti", enc_i(OP_IMM, 1, rs, rs, 0x280 | 31));
    item_put(item, "ctzw", enc_i(OP_IMM_32, 1, gen_x_dest(g), rs, 0x601));
}

void gen_zbb(struct gen *g, struct item *item)
{
    static const struct r_form forms[] = {
        {"andn", OP_OP, 7, 0x20},    {"orn", OP_OP, 6, 0x20},     {"xnor", OP_OP, 4, 0x20},
        {"min", OP_OP, 4, 5},        {"minu", OP_OP, 5, 5},       {"max", OP_OP, 6, 5},
        {"maxu", OP_OP, 7, 5},       {"rol", OP_OP, 1, 0x30},     {"ror", OP_OP, 5, 0x30},
        {"rolw", OP_OP_32, 1, 0x30}, {"rorw", OP_OP_32, 5, 0x30},
    };
    static const struct i_form unary[] = {
        {"clz", OP_IMM, 1, 0x600, 0},      {"ctz", OP_IMM, 1, 0x601, 0},
        {"cpop", OP_IMM, 1, 0x602, 0},     {"sext.b", OP_IMM, 1, 0x604, 0},
        {"sext.h", OP_IMM, 1, 0x605, 0},   {"clzw", OP_IMM_32, 1, 0x600, 0},
        {"cpopw", OP_IMM_32, 1, 0x602, 0}, {"rori", OP_IMM, 5, 0x600, 6},
        {"roriw", OP_IMM_32, 5, 0x600, 5}, {"orc.b", OP_IMM, 5, 0x287, 0},
        {"rev8", OP_IMM, 5, 0x6b8, 0},     {"zext.h", OP_OP_32, 4, 0x080, 0},
    };

    if (rng_one_in(&g->rng, 2))
        put_i(g, item, unary, COUNT(unary));
    else if (rng_one_in(&g->rng, 12))
        put_ctzw(g, item);
    else
        put_r(g, item, forms, COUNT(forms));
}

void gen_zbs(struct gen *g, struct item *item)
{
    static const struct r_form forms[] = {
        {"bclr", OP_OP, 1, 0x24},
        {"bset", OP_OP, 1, 0x14},
        {"binv", OP_OP, 1, 0x34},
        {"bext", OP_OP, 5, 0x24},
    };
    static const struct i_form immediate[] = {
        {"bclri", OP_IMM, 1, 0x480, 6},
        {"bseti", OP_IMM, 1, 0x280, 6},
        {"binvi", OP_IMM, 1, 0x680, 6},
        {"bexti", OP_IMM, 5, 0x480, 6},
    };

    if (rng_one_in(&g->rng, 2))
        put_i(g, item, immediate, COUNT(immediate));
    else
        put_r(g, item, forms, COUNT(forms));
}
