/*
 * The software RISC-V processor: state of a hart and what its files offer one another.
 *
 *   isa.h decode.c expand.c   instruction words to operations
 *   block.c fuse.c            operations to cached blocks
 *   interp.c fp.c system.c    carrying operations out
 *   mmu.c memory.c pmp.c      translation, loads and stores, physical memory protection
 *   csr.c trap.c              privileged state
 *   hart.c timer.c            running, sleeping, interrupts from other threads
 *   sbi.c                     the firmware interface, when the guest brings no firmware
 *   accel_rv64.c              struct accel_ops
 *
 * Threads: a hart's fields belong to the host thread that runs it, but those under "shared", which
 * any thread reaches with atomic operations or with the lock that is named.
 */
#ifndef VMM_ACCEL_RV64_RV64_H
#define VMM_ACCEL_RV64_RV64_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel/rv64/cache.h"
#include "accel/rv64/isa.h"
#include "core/accel.h"

#define RV64_MAX_HARTS   16u
#define RV64_MAX_SLOTS   16u
#define RV64_PMP         16u
#define RV64_PAGE        UINT64_C(4096)
#define RV64_PAGE_MASK   (RV64_PAGE - 1)
#define RV64_GPA_BITS    56u
#define PAUSES_PER_REST  64u
#define RV64_NO_DEADLINE UINT64_MAX

/* ---- hart -----------------------------------------------------------------------------------*/

enum hsm_state { HSM_STARTED = 0, HSM_STOPPED = 1, HSM_START_PENDING = 2, HSM_SUSPENDED = 4 };

/* Work that another hart asks for. */
#define ASK_FENCE_I (1u << 0)
#define ASK_TLB     (1u << 1) /* the queue, or everything when it has overflowed */

struct fence_range {
    uint64_t base, size; /* size 0: everything */
    uint32_t asid;       /* FENCE_ALL_ASIDS or the one */
};
#define FENCE_ALL_ASIDS UINT32_MAX
#define FENCE_QUEUE     8u

struct pmp {
    uint8_t cfg[RV64_PMP];
    uint64_t addr[RV64_PMP];
    /* derived: the range of each entry, last = base - 1 when the entry is off */
    uint64_t base[RV64_PMP], last[RV64_PMP];
    bool any;        /* an entry is on */
    bool grants_all; /* entry 0 covers everything with all permissions */
};

struct trace {
    struct trace_entry *entries;
    size_t size, n, next;
};

struct rv64_vm;

struct hart {
    uint64_t x[33]; /* x[0] stays 0; [32] takes writes to x0 */

    /* shared: what a block's epoch must equal to be entered. `epoch`, or 0 when another thread or
     * this one wants hart_service() to be called before the next block. */
    uint32_t run_epoch;
    uint32_t epoch;    /* counts FENCE.I; never 0 */
    uint64_t data_key; /* context id << 3 of loads and stores */
    uint64_t instret;
    struct code_cache *code;
    uint32_t jump_tag;
    uint32_t fflags;
    uint64_t f[32];
    uint64_t pc; /* exact only outside of a block */

    struct tlb_entry load_tlb[TLB_ENTRIES];
    struct tlb_entry store_tlb[TLB_ENTRIES];
    struct fetch_entry fetch_tlb[FETCH_ENTRIES];

    /* privileged state */
    enum priv priv;
    uint64_t mstatus;
    uint64_t medeleg, mideleg, mie, mtvec, mscratch, mepc, mcause, mtval;
    uint64_t stvec, sscratch, sepc, scause, stval, satp;
    uint64_t menvcfg, senvcfg, stimecmp;
    uint32_t mcounteren, scounteren, mcountinhibit;
    uint32_t frm;
    uint64_t cycle_offset, instret_offset; /* counter = instret + offset */
    uint64_t cycle_frozen, instret_frozen; /* the counter while it is inhibited */
    struct pmp pmp;
    bool stip;          /* stimecmp has passed */
    uint64_t armed_for; /* the stimecmp that the timer thread knows of */
    bool seip_soft;
    uint64_t trap_cause, trap_value; /* of the fault that a false return announces */

    /* LR: where and what; NULL: no reservation */
    void *reserved;
    uint64_t reserved_value;
    uint32_t reserved_size;

    /* translation */
    uint64_t fetch_key;
    enum priv data_priv;
    bool data_paged, fetch_paged;
    struct context contexts[MMU_CONTEXTS];
    uint32_t last_context, next_context, next_id, next_jump_tag;
    uint8_t tlb_super[2][TLB_ENTRIES]; /* level of the page behind a TLB entry: loads, stores */
    bool super_seen[2];                /* by the top bit of the virtual address */
    uint16_t sum_log[SUM_LOG];         /* TLB entries of user pages; + TLB_ENTRIES: stores */
    uint32_t n_sum_log, next_sum_log;
    uint64_t jump_pages[64]; /* which virtual pages have jump entries: a filter of 4096 bits */

    /* code */
    size_t arena_used;
    uint32_t n_blocks;
    uint32_t code_generation; /* counts drops of the whole cache */
    struct block *scratch;    /* for an instruction that must not be cached */
    struct block *unlinked;   /* where links point that lead nowhere yet; never current */

    struct rv64_vm *vm;
    uint32_t index;
    enum run_result exit_result; /* why the run loop is left */
    struct trace trace;

    /* PAUSE: how many since the last rest, when that was, and how many in quick succession */
    uint32_t pauses, rests;
    uint64_t rested_at; /* instret */

    /* shared */
    uint64_t lines; /* IRQ_ bits: inputs, and the software-writable SSIP */
    uint32_t kicked;
    uint32_t asked;                   /* ASK_ bits */
    uint32_t running;                 /* inside vcpu_run and not asleep */
    uint32_t ask_ticket, done_ticket; /* fences asked for, fences done */
    uint32_t hsm;                     /* enum hsm_state; changes under vm->lock */
    uint64_t start_pc, start_arg;     /* under vm->lock */
    struct hart *awaited;             /* whose fence this hart waits for; own thread */
    uint32_t awaited_ticket;
    uint32_t awaits_fence;
    bool timer_fired;     /* the timer thread has poked since it was armed */
    uint64_t timer_at_ns; /* under timer lock: host time of the next look; RV64_NO_DEADLINE */
    pthread_mutex_t lock; /* the fence queue and sleeping */
    pthread_cond_t wake;
    uint32_t wants_wake; /* asleep or about to be */
    struct fence_range fences[FENCE_QUEUE];
    uint32_t n_fences; /* under lock; FENCE_QUEUE + 1: overflowed */
};

struct slot {
    uint64_t gpa, size;
    uint8_t *host;
};

struct timer_thread {
    pthread_t thread;
    bool started, stop; /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t sleeping_until_ns; /* under lock */
};

struct rv64_vm {
    struct slot slots[RV64_MAX_SLOTS];
    uint32_t n_slots;
    const struct accel_env *env;
    uint64_t timebase_hz;
    uint32_t n_harts;
    bool firmware;
    const void *const *handlers;        /* of operations, by enum isa_op */
    struct hart *harts[RV64_MAX_HARTS]; /* shared: read with acquire */
    pthread_mutex_t lock;               /* HSM state changes */
    struct timer_thread timer;
};

#endif
