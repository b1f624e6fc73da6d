/*
 * What the files of the processor offer one another. Everything runs on the hart's own thread, but
 * for functions tagged [any].
 */
#ifndef VMM_ACCEL_RV64_PARTS_H
#define VMM_ACCEL_RV64_PARTS_H

#include "accel/rv64/rv64.h"

enum access { ACCESS_LOAD = 0, ACCESS_STORE = 1, ACCESS_FETCH = 2 };

/* ---- mmu.c: functions returning bool leave the fault in trap_cause, trap_value when false */

/* After a change of mode, satp or mstatus: which context loads, stores and fetches now use. */
void mmu_update(struct hart *h);
/* Forgets every translation: SFENCE.VMA without operands, PMP, MXR, menvcfg changes. */
void mmu_flush_all(struct hart *h);
void mmu_flush_asid(struct hart *h, uint32_t asid);
void mmu_flush_page(struct hart *h, uint64_t va);
/* Drops the user pages that loads and stores in S mode have reached while SUM was set. */
void mmu_end_sum(struct hart *h);
/* Enters the data page of `va`, and returns where `va` lies: host memory, or NULL and the gpa of a
 * device. `size` bytes must not cross a page. */
bool mmu_data(struct hart *h, uint64_t va, uint32_t size, enum access access, uint8_t **host,
              uint64_t *gpa);
/* Where the instruction halfword at `va` lies; *whole says that all of the page may be executed. */
bool mmu_fetch(struct hart *h, uint64_t va, uint64_t *gpa, bool *whole);
/* [any] RAM behind a range of guest-physical addresses, NULL when not all of it is RAM. */
uint8_t *ram_find(const struct rv64_vm *vm, uint64_t gpa, uint64_t size);

/* ---- pmp.c */
void pmp_update(struct hart *h);
/* Whether an access is granted. */
bool pmp_allows(const struct hart *h, uint64_t gpa, uint64_t size, enum access access,
                enum priv priv);
/* Whether one answer holds for all of the page. */
bool pmp_page_is_uniform(const struct hart *h, uint64_t gpa);

/* ---- memory.c: the ways of loads and stores that the TLB does not serve */
bool memory_load(struct hart *h, uint64_t va, uint32_t size, uint64_t *value);
bool memory_store(struct hart *h, uint64_t va, uint32_t size, uint64_t value);
bool memory_load_reserved(struct hart *h, uint64_t va, uint32_t size, uint64_t *value);
bool memory_store_conditional(struct hart *h, uint64_t va, uint32_t size, uint64_t value,
                              uint64_t *failed);
bool memory_amo(struct hart *h, uint64_t va, uint32_t size, uint32_t funct5, uint64_t operand,
                uint64_t *old);
bool memory_zero_block(struct hart *h, uint64_t va);
/* Checks that cache-block management may touch the block of `va`. */
bool memory_probe_block(struct hart *h, uint64_t va);

/* ---- block.c */
/* The block at virtual `pc`, made if need be; NULL: the fetch faults, as in trap_cause. */
struct block *block_find(struct hart *h, uint64_t pc);
/* Whether a block's bytes are still those in memory; if so it is good for the current epoch. */
bool block_revalidate(struct hart *h, struct block *b);
/* The number of instructions of `b` before byte offset `offset`. */
uint32_t block_count_before(const struct block *b, uint32_t offset);
/* The instruction at byte `offset`; 16-bit ones with zeros above. */
uint32_t block_word_at(const struct block *b, uint32_t offset);
void block_drop_all(struct hart *h);

static inline struct block *block_at(const struct hart *h, uint32_t unit)
{
    return (struct block *)(void *)(h->code->arena + (size_t)unit * BLOCK_UNIT);
}

static inline struct jump_entry *block_jump_entry(const struct hart *h, uint64_t pc)
{
    return &h->code->jumps[(pc >> 1 ^ pc >> 12) & (JUMP_ENTRIES - 1)];
}

/* ---- fuse.c */
/* One operation that does the work of `a` and then `b`; false: they do not go together. A fused
 * operation that can fault does so only in its second half, and counts as being at its address. */
bool fuse_pair(const struct insn *a, const struct insn *b, struct insn *out);

/* ---- interp.c */
/* The handlers of all operations, by enum isa_op. */
const void *const *interp_handlers(void);
/* Runs from h->pc until hart_service() or an operation ends it. */
enum run_result interp_run(struct hart *h);

/* ---- fp.c: false: illegal instruction */
bool fp_execute(struct hart *h, const struct op *op);
bool fp_resolve_rm(const struct hart *h, uint32_t imm, uint32_t *rm);

/* ---- system.c: operations of OP_SYSTEM and CBO */
enum exec {
    EXEC_NEXT,  /* go on after the instruction; the page may be mapped differently now */
    EXEC_JUMP,  /* go on at h->pc */
    EXEC_FAULT, /* trap_cause, trap_value */
    EXEC_LEAVE, /* leave the run loop with h->exit_result; h->pc is where to go on */
};
/* h->pc is the instruction's address. `word` is the instruction. */
enum exec system_execute(struct hart *h, enum isa_op kind, const struct op *op, uint32_t word);
bool system_cbo(struct hart *h, const struct op *op, uint32_t word);

/* ---- csr.c */
bool csr_read(struct hart *h, uint32_t number, uint64_t *value);
/* What follows a write: nothing, or that translations or interrupts are to be looked at again has
 * been done already. */
bool csr_write(struct hart *h, uint32_t number, uint64_t value);
/* Sets or clears bits of mip, or of sip, and touches no others. */
void csr_change_mip(struct hart *h, bool machine, uint64_t bits, bool on);
bool csr_may_access(const struct hart *h, uint32_t number, bool write);
/* For debuggers and snapshots: no privilege checks. False: no such register. */
bool csr_peek(struct hart *h, uint32_t number, uint64_t *value);
bool csr_poke(struct hart *h, uint32_t number, uint64_t value);
void csr_set_mstatus(struct hart *h, uint64_t value);
/* Interrupts pending now, the soft and the hard bit of SEIP together. */
uint64_t csr_mip(const struct hart *h);

/* ---- trap.c */
/* Enters the handler of an exception at h->pc; h->pc is then the handler. */
void trap_take(struct hart *h, uint64_t cause, uint64_t value);
/* Takes the most urgent interrupt that is enabled; false: none. */
bool trap_take_interrupt(struct hart *h);
/* Asks for hart_service() before the next block if an enabled interrupt is pending. */
void trap_look_for_interrupts(struct hart *h);
void trap_return_m(struct hart *h);
void trap_return_s(struct hart *h);
void trap_record(struct hart *h, uint64_t pc, uint64_t cause, uint64_t value);

/* ---- hart.c */
void hart_reset(struct hart *h, enum accel_entry entry);
/* struct accel_ops.vcpu_run */
enum run_result hart_run(struct hart *h);
/* Before the next block, when run_epoch said so. True: leave the run loop with h->exit_result. */
bool hart_service(struct hart *h);
/* Sleeps until an interrupt is pending and enabled in mie, or a kick. */
void hart_wait(struct hart *h);
/* The guest spins: lets the host's other threads run, which may be the harts that it waits for. */
void hart_rest(struct hart *h);
/* [any] Makes the hart call hart_service() soon, and wakes it. */
void hart_poke(struct hart *h);
/* Makes this hart's own loop call hart_service() before the next block. */
void hart_ask_service(struct hart *h);
/* [any] */
void hart_set_lines(struct hart *h, uint64_t set, uint64_t clear);
/* [any] Asks another hart for a fence of instructions (ranges NULL) or translations. */
uint32_t hart_ask_fence(struct hart *target, const struct fence_range *range);
/* Waits for a ticket; false: this hart was kicked meanwhile. */
bool hart_await_fence(struct hart *h, struct hart *target, uint32_t ticket);
/* FENCE.I: every block is compared with memory before it runs again. */
void hart_fence_i(struct hart *h);
void hart_flush_range(struct hart *h, const struct fence_range *range);
uint64_t hart_ticks(const struct hart *h);

/* ---- timer.c */
/* Brings stip up to date, and arms the timer thread if the time is still to come. */
void timer_update(struct hart *h);
bool timer_start(struct rv64_vm *vm);
void timer_stop(struct rv64_vm *vm);
uint64_t timer_now_ns(void);
/* How long until stimecmp, in nanoseconds of the host; RV64_NO_DEADLINE: never. */
uint64_t timer_left_ns(const struct hart *h);

/* ---- sbi.c */
enum exec sbi_call(struct hart *h);

#endif
