/*
 * Random programs: a program is a list of items, an item is a few instructions that make sense
 * together (a pointer and the load through it, LR and SC, a loop). Items do not depend on where
 * they stand, so that a failing program can be shrunk by leaving some out.
 *
 * Conventions: one register, `base`, holds the address of the middle of the program's scratch area
 * and is never written; `counter` is written by loops alone. Both differ between programs.
 */
#ifndef TESTS_DIFF_GEN_H
#define TESTS_DIFF_GEN_H

#include <stdint.h>

#include "diff/values.h"

#define ITEM_MAX    32u
#define PROGRAM_MAX 256u

/* Scratch: bytes [-SCRATCH, SCRATCH) from the base. */
#define SCRATCH 1024

/* They begin as values of value_corner in its windows: singles, then doubles. */
#define CORNERS (-SCRATCH)

struct item {
    uint32_t n;
    uint32_t bits[ITEM_MAX];
    const char *name[ITEM_MAX];
    /* The last instruction jumps over so many items that follow; 0: it is no such jump. */
    uint32_t skip;
    /* Bytes of zeros before the last instruction: distance for jumps, never carried out. */
    uint32_t gap;
};

struct gen {
    struct rng rng;
    uint32_t base, counter;
};

struct program {
    uint32_t base, counter;
    uint32_t n_items;
    struct item items[PROGRAM_MAX];
};

typedef void gen_item(struct gen *g, struct item *item);

/* A group of the instruction set that is tested by itself: its generators, the likelier ones more
 * than once. */
struct group {
    const char *name;
    gen_item *const *items;
    uint32_t n_items;
};

extern const struct group gen_groups[];
extern const uint32_t gen_n_groups;

void gen_program(struct program *program, const struct group *group, uint64_t seed);

/* Aims the jump at the end of `item` at `offset` bytes from that jump; how far it reaches. */
void gen_aim(struct item *item, int32_t offset);
int32_t gen_reach(const struct item *item);

/* For the generators. */
void item_put(struct item *item, const char *name, uint32_t bits);
uint32_t gen_x(struct gen *g);       /* a register to read */
uint32_t gen_x_dest(struct gen *g);  /* one to write; seldom x0 */
uint32_t gen_x_new(struct gen *g);   /* one to write, not x0 */
uint32_t gen_x_small(struct gen *g); /* x8-x15, to write, as 0-7 */
uint32_t gen_f(struct gen *g);
int32_t gen_imm12(struct gen *g);
int32_t gen_offset(struct gen *g, uint32_t align, uint32_t width); /* into the scratch area */
/* Puts ADDI rd, base, offset. */
void gen_point(struct gen *g, struct item *item, uint32_t rd, int32_t offset);

/* gen_int.c */
gen_item gen_op, gen_op_imm, gen_upper, gen_muldiv, gen_zba, gen_zbb, gen_zbs;
/* gen_mem.c */
gen_item gen_load, gen_store, gen_load_f, gen_store_f, gen_fence, gen_amo, gen_lr_sc, gen_sc_fails;
gen_item gen_patch_code;
/* gen_pair.c */
gen_item gen_pair_constant, gen_pair_address;
/* gen_flow.c */
gen_item gen_branch, gen_jal, gen_jalr, gen_loop, gen_c_branch, gen_c_jump_register, gen_far;
/* gen_fp.c */
gen_item gen_fp_single, gen_fp_double, gen_fp_recorded, gen_fp_convert, gen_fp_move, gen_fp_compare;
gen_item gen_fp_corner, gen_fp_cancel, gen_fp_csr;
/* gen_rvc.c */
gen_item gen_c_arith, gen_c_imm, gen_c_memory, gen_c_stack;
/* gen_odd.c */
gen_item gen_any_encoding, gen_any_fp_encoding, gen_any_memory_encoding, gen_reserved_c;

#endif
