/*
 * The interpreter: threaded code. Every operation holds the address of its handler, every handler
 * ends by jumping to the next one's; that needs GNU C's labels as values, and is why one function
 * holds everything and macros hold its control flow. At the end of a block one comparison asks
 * both whether the next block is still what memory holds and whether anything wants attention.
 *
 * `pc` is the address of the current block's first instruction; the hart's own pc is set only
 * where something outside looks at it.
 */
#include "accel/rv64/alu.h"
#include "accel/rv64/fpu.h"
#include "accel/rv64/parts.h"

#pragma GCC diagnostic ignored "-Wpedantic" /* labels as values */
#include "accel/rv64/fence.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define RD        h->x[op->rd]
#define RS1       h->x[op->rs1]
#define RS2       h->x[op->rs2]
#define IMM       ((uint64_t)(int64_t)op->imm)
#define PC        (pc + op->pc_half * 2u)
#define SEXT32(a) alu_sext32(a)

#define CASE(name) L_##name:
#define NEXT       goto *(++op)->handler

#define ALU(name, result)                                                                          \
    CASE(name)                                                                                     \
    RD = (result);                                                                                 \
    NEXT;

#define TLB_TAG(va, type) (((va) & (~RV64_PAGE_MASK | (sizeof(type) - 1))) ^ h->data_key)

/* Declares `value`, zero-extended. */
#define LOAD_VALUE(type, address)                                                                  \
    uint64_t value, va = (address);                                                                \
    const struct tlb_entry *e = &h->load_tlb[va >> 12 & (TLB_ENTRIES - 1)];                        \
    if (LIKELY(e->tag == TLB_TAG(va, type))) {                                                     \
        value = __atomic_load_n((const type *)(va + e->addend), __ATOMIC_RELAXED);                 \
    } else {                                                                                       \
        uint64_t slow_value; /* so that `value` stays in a register */                             \
        h->pc = PC;                                                                                \
        if (!memory_load(h, va, sizeof(type), &slow_value))                                        \
            goto fault;                                                                            \
        value = slow_value;                                                                        \
    }

#define LOAD(name, type, extend)                                                                   \
    CASE(name)                                                                                     \
    {                                                                                              \
        LOAD_VALUE(type, RS1 + IMM);                                                               \
        RD = extend(type) value;                                                                   \
        NEXT;                                                                                      \
    }

#define STORE(name, type, source)                                                                  \
    CASE(name)                                                                                     \
    {                                                                                              \
        uint64_t va = RS1 + IMM;                                                                   \
        const struct tlb_entry *e = &h->store_tlb[va >> 12 & (TLB_ENTRIES - 1)];                   \
        if (LIKELY(e->tag == TLB_TAG(va, type))) {                                                 \
            __atomic_store_n((type *)(va + e->addend), (type)(source), __ATOMIC_RELAXED);          \
            NEXT;                                                                                  \
        }                                                                                          \
        h->pc = PC;                                                                                \
        if (!memory_store(h, va, sizeof(type), source))                                            \
            goto fault;                                                                            \
        NEXT;                                                                                      \
    }

#define FP2_D(name, function)                                                                      \
    CASE(name)                                                                                     \
    {                                                                                              \
        uint32_t rm;                                                                               \
        if (!fp_resolve_rm(h, (uint32_t)op->imm, &rm))                                             \
            goto illegal;                                                                          \
        h->f[op->rd] = function(h->f[op->rs1], h->f[op->rs2], rm, &h->fflags);                     \
        NEXT;                                                                                      \
    }

#define FP2_S(name, function)                                                                      \
    CASE(name)                                                                                     \
    {                                                                                              \
        uint32_t rm;                                                                               \
        if (!fp_resolve_rm(h, (uint32_t)op->imm, &rm))                                             \
            goto illegal;                                                                          \
        h->f[op->rd] = fpu_box_s(                                                                  \
            function(fpu_unbox_s(h->f[op->rs1]), fpu_unbox_s(h->f[op->rs2]), rm, &h->fflags));     \
        NEXT;                                                                                      \
    }

#define IS_CURRENT(block) ((block)->epoch == __atomic_load_n(&h->run_epoch, __ATOMIC_RELAXED))

#define ENTER                                                                                      \
    do {                                                                                           \
        h->instret += b->n_insns;                                                                  \
        op = b->ops;                                                                               \
        goto * op->handler;                                                                        \
    } while (0)

/* Goes on at `target` by link `n` of the cell after this operation. */
#define CHAIN(n, target, may_link)                                                                 \
    do {                                                                                           \
        pc = (target);                                                                             \
        struct block *to = op[1].link[n];                                                          \
        if (UNLIKELY(!IS_CURRENT(to))) {                                                           \
            slot = (may_link) ? (struct block **)&op[1].link[n] : NULL;                            \
            goto slow;                                                                             \
        }                                                                                          \
        b = to;                                                                                    \
        ENTER;                                                                                     \
    } while (0)

#define BRANCH(name, condition)                                                                    \
    CASE(name)                                                                                     \
    if (condition)                                                                                 \
        CHAIN(0, pc + IMM, op->rd & 1);                                                            \
    CHAIN(1, pc + b->n_bytes, op->rd & 2);

/* Operands of fused pairs, packed into imm. */
#define IMM_HIGH   ((uint64_t)(int64_t)(op->imm >> 20))
#define IMM_MIDDLE ((uint64_t)(int64_t)((int32_t)((uint32_t)op->imm << 12) >> 20))
#define X_LOW      h->x[op->imm & 63]
#define X_MIDDLE   h->x[op->imm >> 8 & 63]

#define PAIR(name, result, second, second_result)                                                  \
    CASE(name)                                                                                     \
    {                                                                                              \
        uint64_t first = (result);                                                                 \
        RD = first;                                                                                \
        second = (second_result);                                                                  \
        NEXT;                                                                                      \
    }

#define ADD_LOAD(name, type, extend)                                                               \
    CASE(name)                                                                                     \
    {                                                                                              \
        uint64_t first = RS1 + RS2;                                                                \
        RD = first;                                                                                \
        LOAD_VALUE(type, first + IMM_HIGH);                                                        \
        X_LOW = extend(type) value;                                                                \
        NEXT;                                                                                      \
    }

#define PAIR_BRANCH(name, result, condition)                                                       \
    CASE(name)                                                                                     \
    {                                                                                              \
        uint64_t first = (result);                                                                 \
        RD = first;                                                                                \
        if (condition)                                                                             \
            CHAIN(0, pc + (uint64_t)(int64_t)(int16_t)op->imm, op->imm & 1 << 16);                 \
        CHAIN(1, pc + b->n_bytes, op->imm & 1 << 17);                                              \
    }

#define SYSTEM(name)                                                                               \
    CASE(name)                                                                                     \
    kind = OP_##name;                                                                              \
    goto system;

static bool link_is_sound(const struct hart *h, uint32_t generation, const struct block *to)
{
    return generation == h->code_generation && to->kind == 0;
}

/* The block at h->pc, after whatever wants attention had it; `slot` then leads there if it may.
 * NULL: leave the run loop. */
static __attribute__((noinline)) struct block *next_block(struct hart *h, struct block **slot)
{
    uint32_t generation = h->code_generation;
    for (;;) {
        if (__atomic_load_n(&h->run_epoch, __ATOMIC_RELAXED) == 0) {
            slot = NULL;
            if (hart_service(h))
                return NULL;
        }
        const struct jump_entry *j = block_jump_entry(h, h->pc);
        struct block *b = NULL;
        if (j->pc == h->pc && j->tag == h->jump_tag)
            b = block_at(h, j->block);
        if (b == NULL || !block_revalidate(h, b))
            b = block_find(h, h->pc);
        if (b != NULL) {
            if (slot != NULL && link_is_sound(h, generation, b))
                *slot = b;
            return b;
        }
        trap_take(h, h->trap_cause, h->trap_value);
        slot = NULL;
    }
}

/* An operation of `b` has faulted: what it and those after it would have counted is taken back. */
static void take_fault(struct hart *h, const struct block *b, const struct op *op, uint64_t pc)
{
    uint32_t offset = op->pc_half * 2u;
    h->pc = pc + offset;
    h->instret -= b->n_insns - block_count_before(b, offset);
    trap_take(h, h->trap_cause, h->trap_value);
}

#define LABEL_ROW(name) [OP_##name] = &&L_##name,

/* With no hart: only tells where the handlers are. */
static enum run_result run(struct hart *h, const void *const **handlers)
{
    static const void *const labels[ISA_N_OPS] = {ISA_OPS(LABEL_ROW)};
    if (h == NULL) {
        *handlers = labels;
        return RUN_HANDLED;
    }

    uint64_t pc = h->pc;
    struct block *b;
    const struct op *op;
    struct block **slot;
    enum isa_op kind;

lookup : {
    const struct jump_entry *j = block_jump_entry(h, pc);
    slot = NULL;
    if (UNLIKELY(j->pc != pc || j->tag != h->jump_tag))
        goto slow;
    b = block_at(h, j->block);
    if (UNLIKELY(!IS_CURRENT(b)))
        goto slow;
    ENTER;
}

slow:
    h->pc = pc;
    b = next_block(h, slot);
    if (b == NULL)
        return h->exit_result;
    pc = h->pc;
    ENTER;

illegal:
    h->trap_cause = CAUSE_ILLEGAL;
    h->trap_value = block_word_at(b, op->pc_half * 2u);
fault:
    take_fault(h, b, op, pc);
    pc = h->pc;
    goto lookup;

system:
    h->pc = PC;
    switch (system_execute(h, kind, op, block_word_at(b, op->pc_half * 2u))) {
    case EXEC_NEXT:
        pc += b->n_bytes;
        goto lookup;
    case EXEC_JUMP:
        pc = h->pc;
        goto lookup;
    case EXEC_FAULT:
        goto fault;
    case EXEC_LEAVE:
        return h->exit_result;
    }

    CASE(NOP)
    NEXT;

#include "accel/rv64/ops_alu.h"
#include "accel/rv64/ops_memory.h"
#include "accel/rv64/ops_fused.h"

    BRANCH(BEQ, RS1 == RS2)
    BRANCH(BNE, RS1 != RS2)
    BRANCH(BLT, (int64_t)RS1 < (int64_t)RS2)
    BRANCH(BGE, (int64_t)RS1 >= (int64_t)RS2)
    BRANCH(BLTU, RS1 < RS2)
    BRANCH(BGEU, RS1 >= RS2)

    /* These are the last of their block: the instruction after them begins where it ends. */
    CASE(JAL)
    RD = pc + b->n_bytes;
    CHAIN(0, pc + IMM, true);

    CASE(JAL_FAR)
    RD = pc + b->n_bytes;
    pc += IMM;
    goto lookup;

    CASE(JALR)
    {
        uint64_t target = (RS1 + IMM) & ~UINT64_C(1);
        RD = pc + b->n_bytes;
        pc = target;
        goto lookup;
    }

    CASE(AUIPC_JALR)
    {
        uint64_t from = PC;
        RS1 = from - 4 + ((IMM + 4 + 0x800) & ~UINT64_C(0xfff));
        RD = pc + b->n_bytes;
        pc = (from + IMM) & ~UINT64_C(1);
        goto lookup;
    }

    CASE(END)
    CHAIN(1, pc + b->n_bytes, true);

    CASE(END_PAGE)
    pc += b->n_bytes;
    goto lookup;

    ISA_OPS_SYSTEM(SYSTEM)
}

const void *const *interp_handlers(void)
{
    const void *const *handlers = NULL;
    (void)run(NULL, &handlers);
    return handlers;
}

enum run_result interp_run(struct hart *h)
{
    return run(h, NULL);
}
