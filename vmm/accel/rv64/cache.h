/*
 * The caches of one hart: translations (TLBs) and decoded code. All are direct-mapped or bounded,
 * touched lazily, and belong to the hart's own thread.
 */
#ifndef VMM_ACCEL_RV64_CACHE_H
#define VMM_ACCEL_RV64_CACHE_H

#include <stdint.h>

/* A 4 KiB page of RAM as seen by loads or by stores: host address = virtual address + addend.
 * tag = virtual page ^ context id << 3; bits 0-2 are zero, so that one comparison also finds
 * misaligned accesses. */
struct tlb_entry {
    uint64_t tag;
    uintptr_t addend;
};
#define TLB_ENTRIES 256u
#define TLB_MAX_ID  511u /* ids have 9 bits, 0 is never used */

struct fetch_entry {
    uint64_t tag; /* like tlb_entry */
    uint64_t gpa; /* of the page, all of which may be executed */
};
#define FETCH_ENTRIES 64u

struct block;

/* One decoded operation. Operations that end a block are followed by a cell of links. */
struct op {
    union {
        struct {
            const void *handler;
            uint8_t rd, rs1, rs2;
            uint8_t pc_half; /* distance from the block's first instruction, in 2 bytes */
            int32_t imm;
        };
        struct block *link[2]; /* [0] branch taken or jump, [1] fall through */
    };
};

/* Decoded instructions without a jump between them, all in one page of RAM. Nothing in a block is
 * virtual: it serves every mapping of the page. After the cells come the guest's bytes that it was
 * made from. */
struct block {
    uint32_t epoch; /* the hart's epoch at which the bytes were last compared; BLOCK_NEVER: dead */
    uint16_t n_insns;
    uint16_t n_cells;
    uint64_t gpa;
    uint64_t gpa2; /* BLOCK_STRADDLES: of the second half */
    uint16_t n_bytes;
    uint16_t kind; /* BLOCK_ bits */
    uint32_t unused;
    struct op ops[];
};
#define BLOCK_STRADDLES 1u /* one instruction that lies in two pages */
#define BLOCK_SCRATCH   2u /* must not be found again */

#define BLOCK_NEVER UINT32_MAX /* an epoch that no hart reaches, nor is it 0 */

/* Where a jump to a virtual address leads, valid while `tag` is the hart's jump_tag. */
struct jump_entry {
    uint64_t pc;
    uint32_t tag;
    uint32_t block; /* offset in the arena, in units of 16 bytes; 0: none */
};
#define JUMP_ENTRIES 4096u

/* The index of blocks by guest-physical address, open addressing: the block's place in the arena in
 * the low bits, bits of the address's hash above them, so that few blocks are looked at in vain. */
#define CODE_INDEX       32768u
#define CODE_INDEX_MAX   24576u /* blocks; with more of them the cache counts as full */
#define INDEX_UNIT_BITS  18u
#define CODE_ARENA_BYTES (2560u * 1024u)
#define BLOCK_UNIT       16u
#define BLOCK_MAX_INSNS  64u
#define BLOCK_MAX_CELLS  (BLOCK_MAX_INSNS + 4u) /* FP_CHECK twice, END, links */
#define BLOCK_MAX_BYTES                                                                            \
    (sizeof(struct block) + BLOCK_MAX_CELLS * sizeof(struct op) + 4 * BLOCK_MAX_INSNS)

/* The decoded code of one hart: one mapping of anonymous memory, touched as it is used. When the
 * arena is full, all is dropped. */
struct code_cache {
    struct jump_entry jumps[JUMP_ENTRIES];
    uint32_t index[CODE_INDEX];
    _Alignas(16) uint8_t arena[CODE_ARENA_BYTES];
};

/* Translation contexts: an id for each (satp, privilege) in use. Giving out new ids flushes. */
struct context {
    uint64_t satp;
    uint16_t id[4];       /* by enum priv; 0: none yet */
    uint32_t jump_tag[4]; /* by enum priv; 0: none yet */
};
#define MMU_CONTEXTS 16u

#define SUM_LOG 16u

#endif
