/*
 * Decoded code: making blocks and finding them. Blocks are found by guest-physical address, so a
 * page of code is decoded once for all address spaces; they are compared with memory again after
 * a FENCE.I, one by one as they are entered, and stay if the bytes are the same.
 */
#include "accel/rv64/parts.h"

#include <string.h>

struct builder {
    struct insn insns[BLOCK_MAX_INSNS];
    uint32_t n_insns;
    uint8_t bytes[4 * BLOCK_MAX_INSNS];
    uint32_t n_bytes;
    struct op cells[BLOCK_MAX_CELLS];
    uint32_t n_cells;
    uint32_t fp_checked; /* 0 no, 1 for reading, 2 for writing */
    bool jumps;          /* the last instruction ends the block by itself */
};

static uint64_t hash_of(uint64_t gpa)
{
    return (gpa >> 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Where probing for the address begins, and the bits that its entries have above the unit. */
static uint32_t first_probe(uint64_t gpa)
{
    return (uint32_t)(hash_of(gpa) >> 32) & (CODE_INDEX - 1);
}

static uint32_t index_tag(uint64_t gpa)
{
    return (uint32_t)(hash_of(gpa) >> 50) << INDEX_UNIT_BITS;
}

static uint16_t load_half(const uint8_t *host)
{
    return __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED);
}

static uint16_t half_of(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void put_half(struct builder *w, uint16_t half)
{
    w->bytes[w->n_bytes++] = (uint8_t)half;
    w->bytes[w->n_bytes++] = (uint8_t)(half >> 8);
}

uint32_t block_word_at(const struct block *b, uint32_t offset)
{
    const uint8_t *bytes = (const uint8_t *)(b->ops + b->n_cells) + offset;
    uint32_t word = half_of(bytes);
    return isa_length((uint16_t)word) == 4 ? word | (uint32_t)half_of(bytes + 2) << 16 : word;
}

uint32_t block_count_before(const struct block *b, uint32_t offset)
{
    uint32_t n = 0;
    for (uint32_t at = 0; at < offset; n++)
        at += isa_length((uint16_t)block_word_at(b, at));
    return n;
}

static bool op_ends_block(uint32_t op)
{
    return (op >= OP_JAL && op <= OP_BGEU) || (op >= OP_FENCE_I && op <= OP_ILLEGAL);
}

/* Copies and decodes instructions up to a jump, the end of the page or the greatest length. */
static void read_insns(struct builder *w, const uint8_t *host, uint32_t left)
{
    while (w->n_insns < BLOCK_MAX_INSNS && left >= 2) {
        uint16_t half = load_half(host);
        uint32_t length = isa_length(half);
        if (length > left)
            return;
        uint32_t word = half;
        put_half(w, half);
        if (length == 4) {
            uint16_t high = load_half(host + 2);
            put_half(w, high);
            word |= (uint32_t)high << 16;
        }
        struct insn *insn = &w->insns[w->n_insns++];
        isa_decode(word, insn);
        w->jumps = op_ends_block(insn->op);
        if (w->jumps)
            return;
        host += length;
        left -= length;
    }
}

static struct op *put_cell(struct hart *h, struct builder *w, enum isa_op kind, uint32_t offset)
{
    struct op *op = &w->cells[w->n_cells++];
    memset(op, 0, sizeof(*op));
    op->handler = h->vm->handlers[kind];
    op->pc_half = (uint8_t)(offset / 2);
    return op;
}

static void put_links(struct hart *h, struct builder *w)
{
    struct op *op = &w->cells[w->n_cells++];
    op->link[0] = op->link[1] = h->unlinked;
}

/* 0: not floating point, 1: leaves f registers and flags alone, 2: may change them. */
static uint32_t fp_effect(const struct insn *insn)
{
    switch (insn->op) {
    case OP_FSW:
    case OP_FSD:
        return 1;
    case OP_FLW:
    case OP_FLD:
    case OP_FP:
    case OP_FADD_D:
    case OP_FSUB_D:
    case OP_FMUL_D:
    case OP_FMADD_D:
    case OP_FADD_S:
    case OP_FSUB_S:
    case OP_FMUL_S:
        return 2;
    default:
        return 0;
    }
}

static void put_fp_check(struct hart *h, struct builder *w, const struct insn *insn, uint32_t at)
{
    uint32_t effect = fp_effect(insn);
    if (effect <= w->fp_checked)
        return;
    put_cell(h, w, OP_FP_CHECK, at)->imm = effect == 2;
    w->fp_checked = effect;
}

static bool same_page(uint64_t gpa, uint32_t offset, int64_t distance)
{
    int64_t target = (int64_t)(gpa & RV64_PAGE_MASK) + offset + distance;
    return target >= 0 && target < (int64_t)RV64_PAGE;
}

/* Which links of a jump may be kept: bit 0 taken, bit 1 fall through. */
static uint8_t link_bits(uint64_t gpa, uint32_t offset, int32_t distance, uint32_t length)
{
    return (uint8_t)(same_page(gpa, offset, distance) | same_page(gpa, offset, length) << 1);
}

/* A fused branch has its distance in the low 16 bits of imm, its link bits above them. */
static void put_fused_distance(struct op *op, uint64_t gpa, uint32_t at, const struct insn *insn)
{
    int32_t distance = (int16_t)insn->imm;
    uint32_t low = (uint32_t)(distance + (int32_t)at) & 0xffff;
    uint32_t bits = link_bits(gpa, at, distance, insn->length);
    op->imm = (int32_t)(((uint32_t)insn->imm & 0xfff00000u) | bits << 16 | low);
}

static void put_insn(struct hart *h, struct builder *w, uint64_t gpa, const struct insn *insn,
                     uint32_t at)
{
    uint32_t kind = insn->op;
    if (kind == OP_JAL && !same_page(gpa, at, insn->imm))
        kind = OP_JAL_FAR;
    struct op *op = put_cell(h, w, kind, at);
    op->rd = insn->rd;
    op->rs1 = insn->rs1;
    op->rs2 = insn->rs2;
    op->imm = insn->imm;
    if (kind == OP_JAL || kind == OP_JAL_FAR || (kind >= OP_BEQ && kind <= OP_BGEU))
        op->imm += (int32_t)at; /* from the first instruction of the block */
    if (kind >= OP_BEQ && kind <= OP_BGEU)
        op->rd = link_bits(gpa, at, insn->imm, insn->length);
    if (kind >= OP_ADDI_BEQ && kind <= OP_LI_BNE)
        put_fused_distance(op, gpa, at, insn);
    if (kind == OP_JAL || (kind >= OP_BEQ && kind <= OP_BGEU) || kind >= OP_ADDI_BEQ)
        put_links(h, w);
}

static void translate_insns(struct hart *h, struct builder *w, uint64_t gpa)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < w->n_insns; i++) {
        const struct insn *a = &w->insns[i];
        struct insn fused;
        put_fp_check(h, w, a, at);
        if (i + 1 < w->n_insns && fp_effect(a) == 0 && fp_effect(a + 1) == 0 &&
            fuse_pair(a, a + 1, &fused)) {
            bool faults = fused.op != a->op;
            put_insn(h, w, gpa, &fused, faults ? at + a->length : at);
            at += a->length;
            i++;
            at += a[1].length;
            continue;
        }
        put_insn(h, w, gpa, a, at);
        at += a->length;
    }
    if (w->jumps)
        return;
    put_cell(h, w, same_page(gpa, at, 0) ? OP_END : OP_END_PAGE, at);
    put_links(h, w);
}

void block_drop_all(struct hart *h)
{
    memset(h->code->index, 0, sizeof(h->code->index));
    h->n_blocks = 0;
    memset(h->code->jumps, 0, sizeof(h->code->jumps));
    h->arena_used = BLOCK_UNIT;
    h->code_generation++;
}

static struct block *place(struct hart *h, const struct builder *w, uint32_t kind)
{
    size_t size = sizeof(struct block) + w->n_cells * sizeof(struct op) + w->n_bytes;
    size = (size + BLOCK_UNIT - 1) & ~(size_t)(BLOCK_UNIT - 1);
    if ((kind & BLOCK_SCRATCH) != 0)
        return h->scratch;
    if (size > CODE_ARENA_BYTES - h->arena_used || h->n_blocks == CODE_INDEX_MAX)
        block_drop_all(h);
    struct block *b = block_at(h, (uint32_t)(h->arena_used / BLOCK_UNIT));
    h->arena_used += size;
    return b;
}

static uint32_t unit_of(const struct hart *h, const struct block *b)
{
    return (uint32_t)((size_t)((const uint8_t *)b - h->code->arena) / BLOCK_UNIT);
}

/* An entry whose block is dead and had the same address is used again. */
static void enter_index(struct hart *h, const struct block *b)
{
    const uint32_t unit_mask = (1u << INDEX_UNIT_BITS) - 1;
    uint32_t tag = index_tag(b->gpa), i = first_probe(b->gpa);
    for (; h->code->index[i] != 0; i = (i + 1) & (CODE_INDEX - 1)) {
        uint32_t entry = h->code->index[i];
        const struct block *old = block_at(h, entry & unit_mask);
        if ((entry & ~unit_mask) == tag && old->gpa == b->gpa && old->epoch == BLOCK_NEVER)
            break;
    }
    if (h->code->index[i] == 0)
        h->n_blocks++;
    h->code->index[i] = tag | unit_of(h, b);
}

static struct block *store(struct hart *h, const struct builder *w, uint64_t gpa, uint64_t gpa2,
                           uint32_t kind)
{
    struct block *b = place(h, w, kind);
    *b = (struct block){.epoch = h->epoch,
                        .n_insns = (uint16_t)w->n_insns,
                        .n_cells = (uint16_t)w->n_cells,
                        .gpa = gpa,
                        .gpa2 = gpa2,
                        .n_bytes = (uint16_t)w->n_bytes,
                        .kind = (uint16_t)kind};
    memcpy(b->ops, w->cells, w->n_cells * sizeof(struct op));
    memcpy(b->ops + w->n_cells, w->bytes, w->n_bytes);
    if ((kind & BLOCK_SCRATCH) == 0)
        enter_index(h, b);
    return b;
}

static struct block *build(struct hart *h, uint64_t gpa, uint64_t gpa2, uint32_t kind)
{
    struct builder w = {0};
    const uint8_t *host = ram_find(h->vm, gpa, 2);
    uint32_t left = (uint32_t)(RV64_PAGE - (gpa & RV64_PAGE_MASK));
    if ((kind & BLOCK_STRADDLES) != 0) {
        uint8_t both[4];
        uint16_t low = load_half(host), high = load_half(ram_find(h->vm, gpa2, 2));
        memcpy(both, &low, 2);
        memcpy(both + 2, &high, 2);
        read_insns(&w, both, 4);
    } else {
        read_insns(&w, host, (kind & BLOCK_SCRATCH) != 0 ? isa_length(load_half(host)) : left);
    }
    translate_insns(h, &w, gpa);
    return store(h, &w, gpa, gpa2, kind);
}

static bool bytes_are_current(const struct hart *h, const struct block *b)
{
    const uint8_t *bytes = (const uint8_t *)(b->ops + b->n_cells);
    const uint8_t *host = ram_find(h->vm, b->gpa, 2);
    for (uint32_t i = 0; i < b->n_bytes; i += 2) {
        if (i == 2 && (b->kind & BLOCK_STRADDLES) != 0)
            host = ram_find(h->vm, b->gpa2, 2) - 2;
        if (load_half(host + i) != half_of(bytes + i))
            return false;
    }
    return true;
}

bool block_revalidate(struct hart *h, struct block *b)
{
    if (b->epoch == h->epoch)
        return true;
    if (b->epoch == BLOCK_NEVER)
        return false;
    if (!bytes_are_current(h, b)) {
        b->epoch = BLOCK_NEVER;
        return false;
    }
    b->epoch = h->epoch;
    return true;
}

static struct block *find_cached(struct hart *h, uint64_t gpa, uint64_t gpa2, uint32_t kind)
{
    const uint32_t unit_mask = (1u << INDEX_UNIT_BITS) - 1;
    uint32_t tag = index_tag(gpa), i = first_probe(gpa), entry;
    for (; (entry = h->code->index[i]) != 0; i = (i + 1) & (CODE_INDEX - 1)) {
        if ((entry & ~unit_mask) != tag)
            continue;
        struct block *b = block_at(h, entry & unit_mask);
        if (b->gpa == gpa && b->gpa2 == gpa2 && b->kind == kind && block_revalidate(h, b))
            return b;
    }
    return NULL;
}

static bool deny_fetch(struct hart *h, uint64_t pc)
{
    h->trap_cause = CAUSE_FETCH_ACCESS;
    h->trap_value = pc;
    return false;
}

/* Where the instruction at pc lies, and what kind of block it makes. The instruction itself is
 * looked at only where it must be: its bytes are not in the host's caches once it is decoded. */
static bool locate(struct hart *h, uint64_t pc, uint64_t *gpa, uint64_t *gpa2, uint32_t *kind)
{
    bool whole, whole2 = true, last = (pc & RV64_PAGE_MASK) == RV64_PAGE - 2;
    *kind = 0;
    *gpa2 = 0;
    if (!mmu_fetch(h, pc, gpa, &whole))
        return false;
    if (whole && !last)
        return true;
    uint32_t length = isa_length(load_half(ram_find(h->vm, *gpa, 2)));
    if (length == 4 && last) {
        *kind = BLOCK_STRADDLES;
        if (!mmu_fetch(h, pc + 2, gpa2, &whole2))
            return false;
    }
    if (whole && whole2)
        return true;
    *kind |= BLOCK_SCRATCH;
    if (*kind == BLOCK_SCRATCH && length == 4 && !pmp_allows(h, *gpa + 2, 2, ACCESS_FETCH, h->priv))
        return deny_fetch(h, pc + 2);
    return true;
}

struct block *block_find(struct hart *h, uint64_t pc)
{
    uint64_t gpa, gpa2;
    uint32_t kind;
    if (!locate(h, pc, &gpa, &gpa2, &kind))
        return NULL;
    struct block *b = (kind & BLOCK_SCRATCH) == 0 ? find_cached(h, gpa, gpa2, kind) : NULL;
    if (b == NULL)
        b = build(h, gpa, gpa2, kind);
    if ((kind & BLOCK_SCRATCH) != 0)
        return b;
    struct jump_entry *j = block_jump_entry(h, pc);
    *j = (struct jump_entry){.pc = pc, .tag = h->jump_tag, .block = unit_of(h, b)};
    for (uint32_t i = 0; i < 2; i++) { /* both pages of one that straddles */
        uint32_t bit = (uint32_t)((pc + 2 * i) >> 12) & 4095;
        h->jump_pages[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    return b;
}
