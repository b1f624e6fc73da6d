/*
 * The memory that both sides run: programs, each with a prologue that loads all registers and fcsr
 * and an epilogue that stores them, and blocks with the values that go in and come out. A block
 * names its program and the next block, so that one run works through all of them.
 *
 *   IMAGE_BASE             what a side needs to enter, to trap and to leave; not compared
 *   IMAGE_BASE + VARIABLES the address of the block that is running
 *   IMAGE_BASE + CODE      programs
 *   IMAGE_BASE + DATA      blocks, one page apart; a block's base is the page's first byte:
 *                          scratch before and after it, then the registers
 */
#ifndef TESTS_DIFF_IMAGE_H
#define TESTS_DIFF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diff/gen.h"

#define IMAGE_BASE      0x20000000u
#define IMAGE_VARIABLES 0x1000u
#define IMAGE_CODE      0x10000u
#define IMAGE_CODE_END  0x200000u
#define IMAGE_DATA      0x200000u
#define IMAGE_SIZE      0x400000u
#define IMAGE_BLOCKS    400u

/* In a block, from its base: */
#define BLOCK_X     1024 /* x0-x31 */
#define BLOCK_F     1280
#define BLOCK_FCSR  1536
#define BLOCK_TRAPS 1544 /* a hash of the addresses that trapped */
#define BLOCK_NEXT  1552 /* the next block's base */
#define BLOCK_CODE  1560 /* where its program begins */
#define BLOCK_END   1568

struct image {
    uint8_t *mem; /* IMAGE_SIZE bytes, the caller's */
    uint32_t code_end;
    uint32_t n_blocks;
};

void image_begin(struct image *image, uint8_t *mem);

/* Both return false when there is no more room. *code is the program's offset in the image. */
bool image_add_program(struct image *image, const struct program *program, uint32_t *code);
bool image_add_block(struct image *image, const struct program *program, uint32_t code,
                     uint64_t seed);

/* Lets the last block go on to the code at `exit_offset`, after which no block is added. */
void image_finish(struct image *image, uint32_t exit_offset);

uint32_t image_block_offset(uint32_t block);
/* Bytes of data, from IMAGE_DATA on. */
uint32_t image_data_size(const struct image *image);

/* Writing instructions. */
struct writer {
    uint8_t *mem; /* of the image */
    uint32_t at;  /* offset in it */
};
void write_insn(struct writer *w, uint32_t bits);
void write_li(struct writer *w, uint32_t rd, uint32_t value); /* below 2^31 - 2^11 */
/* At the pc in x`pc`: adds it to the running block's hash and steps over the instruction. Changes
 * x`t` to x`t + 2`. */
void write_record_trap(struct writer *w, uint32_t pc, uint32_t t);

/* One line for each instruction of the program, at the addresses where image_add_program put it. */
void image_list(const struct program *program, uint32_t code);

#endif
