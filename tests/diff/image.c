#include "diff/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diff/insn.h"

void write_insn(struct writer *w, uint32_t bits)
{
    memcpy(w->mem + w->at, &bits, insn_length(bits));
    w->at += insn_length(bits);
}

void write_li(struct writer *w, uint32_t rd, uint32_t value)
{
    write_insn(w, enc_u(OP_LUI, rd, (value + 0x800) >> 12));
    write_insn(w, enc_i(OP_IMM, 0, rd, rd, (int32_t)(value & 0xfff)));
}

static void write_load(struct writer *w, uint32_t rd, uint32_t base, int32_t offset)
{
    write_insn(w, enc_i(OP_LOAD, 3, rd, base, offset));
}

static void write_store(struct writer *w, uint32_t rs, uint32_t base, int32_t offset)
{
    write_insn(w, enc_s(OP_STORE, 3, base, rs, offset));
}

void write_record_trap(struct writer *w, uint32_t pc, uint32_t t)
{
    write_insn(w, enc_u(OP_LUI, t, (IMAGE_BASE + IMAGE_VARIABLES) >> 12));
    write_load(w, t, t, 0);
    write_load(w, t + 1, t, BLOCK_TRAPS);
    write_insn(w, enc_i(OP_IMM, 1, t + 2, t + 1, 3)); /* hash = hash * 9 + pc */
    write_insn(w, enc_r(OP_OP, 0, 0, t + 1, t + 1, t + 2));
    write_insn(w, enc_r(OP_OP, 0, 0, t + 1, t + 1, pc));
    write_store(w, t + 1, t, BLOCK_TRAPS);
    write_insn(w, enc_i(OP_LOAD, 5, t, pc, 0)); /* pc += bits 1-0 == 3 ? 4 : 2 */
    write_insn(w, enc_i(OP_IMM, 7, t, t, 3));
    write_insn(w, enc_i(OP_IMM, 0, t, t, 1));
    write_insn(w, enc_i(OP_IMM, 7, t, t, 4));
    write_insn(w, enc_b(1, t, 0, 8));
    write_insn(w, enc_i(OP_IMM, 0, t, 0, 2));
    write_insn(w, enc_r(OP_OP, 0, 0, pc, pc, t));
}

/* Enters with the block's base in x5. */
static void write_prologue(struct writer *w)
{
    write_insn(w, enc_u(OP_LUI, 6, (IMAGE_BASE + IMAGE_VARIABLES) >> 12));
    write_store(w, 5, 6, 0);
    for (uint32_t i = 0; i < 32; i++)
        write_insn(w, enc_i(OP_LOAD_FP, 3, i, 5, BLOCK_F + 8 * (int32_t)i));
    write_load(w, 6, 5, BLOCK_FCSR);
    write_insn(w, enc_i(OP_SYSTEM, 1, 0, 6, CSR_FCSR));
    for (uint32_t i = 1; i < 32; i++) {
        if (i != 5)
            write_load(w, i, 5, BLOCK_X + 8 * (int32_t)i);
    }
    write_load(w, 5, 5, BLOCK_X + 8 * 5);
}

static void write_epilogue(struct writer *w, uint32_t base)
{
    uint32_t free = base == 5 ? 6 : 5;

    for (uint32_t i = 0; i < 32; i++)
        write_store(w, i, base, BLOCK_X + 8 * (int32_t)i);
    for (uint32_t i = 0; i < 32; i++)
        write_insn(w, enc_s(OP_STORE_FP, 3, base, i, BLOCK_F + 8 * (int32_t)i));
    write_insn(w, enc_i(OP_SYSTEM, 2, free, 0, CSR_FCSR));
    write_store(w, free, base, BLOCK_FCSR);
    write_load(w, 5, base, BLOCK_NEXT);
    write_load(w, 6, 5, BLOCK_CODE);
    write_insn(w, enc_i(OP_JALR, 0, 0, 6, 0));
}

static uint32_t item_bytes(const struct item *item)
{
    uint32_t bytes = item->gap;

    for (uint32_t i = 0; i < item->n; i++)
        bytes += insn_length(item->bits[i]);
    return bytes;
}

/* The item with its jump, if it is one, aimed at the end of the items that it skips: of as many as
 * it reaches. */
static struct item aimed(const struct program *program, uint32_t i)
{
    struct item item = program->items[i];

    if (item.skip == 0 || item.n == 0)
        return item;
    int32_t offset = (int32_t)insn_length(item.bits[item.n - 1]);
    for (uint32_t k = i + 1; k <= i + item.skip && k < program->n_items; k++) {
        int32_t bytes = (int32_t)item_bytes(&program->items[k]);
        if (offset + bytes > gen_reach(&item))
            break;
        offset += bytes;
    }
    gen_aim(&item, offset);
    return item;
}

void image_begin(struct image *image, uint8_t *mem)
{
    memset(mem, 0, IMAGE_SIZE);
    *image = (struct image){mem, IMAGE_CODE, 0};
}

bool image_add_program(struct image *image, const struct program *program, uint32_t *code)
{
    struct writer w = {image->mem, image->code_end};

    uint32_t bytes = 0x2000; /* prologue, epilogue and some to spare */
    for (uint32_t i = 0; i < program->n_items; i++)
        bytes += item_bytes(&program->items[i]);
    if (bytes > IMAGE_CODE_END - w.at)
        return false;
    *code = w.at;
    write_prologue(&w);
    for (uint32_t i = 0; i < program->n_items; i++) {
        struct item item = aimed(program, i);
        for (uint32_t k = 0; k < item.n; k++) {
            w.at += k + 1 == item.n ? item.gap : 0;
            write_insn(&w, item.bits[k]);
        }
    }
    write_epilogue(&w, program->base);
    image->code_end = w.at;
    return true;
}

void image_list(const struct program *program, uint32_t code)
{
    uint8_t prologue[1024];
    struct writer w = {prologue, 0};

    write_prologue(&w);
    uint32_t pc = IMAGE_BASE + code + w.at;
    printf("  base register x%" PRIu32 ", loop counter x%" PRIu32 "\n", program->base,
           program->counter);
    for (uint32_t i = 0; i < program->n_items; i++) {
        struct item item = aimed(program, i);
        for (uint32_t k = 0; k < item.n; k++) {
            uint32_t bits = item.bits[k];
            pc += k + 1 == item.n ? item.gap : 0;
            printf("  %08" PRIx32 ":  %0*" PRIx32 "%s  %s\n", pc, (int)insn_length(bits) * 2, bits,
                   insn_length(bits) == 2 ? "    " : "", item.name[k]);
            pc += insn_length(bits);
        }
    }
}

uint32_t image_block_offset(uint32_t block)
{
    return IMAGE_DATA + 0x1000 * (block + 1);
}

uint32_t image_data_size(const struct image *image)
{
    return 0x1000 * (image->n_blocks + 1);
}

static void put64(struct image *image, uint32_t offset, uint64_t value)
{
    memcpy(image->mem + offset, &value, sizeof(value));
}

static void fill_scratch(struct image *image, uint32_t base, struct rng *rng)
{
    for (uint32_t i = 0; i < 2 * VALUE_CORNERS; i++) {
        uint32_t window = i % VALUE_CORNERS / VALUE_WINDOW * VALUE_WINDOW;
        uint32_t index = window + rng_below(rng, VALUE_WINDOW);
        put64(image, base - SCRATCH + 8 * i, value_corner(i >= VALUE_CORNERS, index));
    }
    for (uint32_t i = 16 * VALUE_CORNERS; i < 2 * SCRATCH; i += 8) {
        uint64_t value = rng_one_in(rng, 3) ? value_integer(rng) : value_f_register(rng);
        put64(image, base - SCRATCH + i, value);
    }
}

bool image_add_block(struct image *image, const struct program *program, uint32_t code,
                     uint64_t seed)
{
    struct rng rng = rng_from_seed(seed);
    uint32_t base = image_block_offset(image->n_blocks);

    if (image->n_blocks >= IMAGE_BLOCKS)
        return false;
    fill_scratch(image, base, &rng);
    for (uint32_t i = 1; i < 32; i++)
        put64(image, base + BLOCK_X + 8 * i, value_integer(&rng));
    put64(image, base + BLOCK_X + 8 * program->base, IMAGE_BASE + base);
    for (uint32_t i = 0; i < 32; i++)
        put64(image, base + BLOCK_F + 8 * i, value_f_register(&rng));
    uint32_t frm = rng_one_in(&rng, 50) ? 5 + rng_below(&rng, 3) : rng_below(&rng, 5);
    uint32_t flags = rng_one_in(&rng, 2) ? 0 : rng_below(&rng, 32);
    put64(image, base + BLOCK_FCSR, frm << 5 | flags);
    put64(image, base + BLOCK_NEXT, IMAGE_BASE + image_block_offset(image->n_blocks + 1));
    put64(image, base + BLOCK_CODE, IMAGE_BASE + code);
    image->n_blocks++;
    return true;
}

void image_finish(struct image *image, uint32_t exit_offset)
{
    put64(image, image_block_offset(image->n_blocks) + BLOCK_CODE, IMAGE_BASE + exit_offset);
}
