/*
 * A hart's life: reset, attention between blocks, sleep, and what other threads ask of it.
 *
 * Another thread first writes what it wants (lines, asked, kicked), then 0 into run_epoch, then
 * looks whether the hart sleeps. The hart first writes that it sleeps, or its epoch back into
 * run_epoch, then looks at what is wanted. All of that is sequentially consistent, so one of the
 * two always sees the other.
 */
#include "accel/rv64/parts.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#define SBI_COUNTERS        7u /* cycle, time, instret */
#define NS_PER_S            UINT64_C(1000000000)
#define SLEEP_MAX_NS        (3600 * NS_PER_S)
#define ACK_WAIT_NS         UINT64_C(1000000)
#define REST_NS             UINT64_C(50000)
#define YIELDS_BEFORE_SLEEP 8u

uint64_t hart_ticks(const struct hart *h)
{
    return h->vm->env->ticks(h->vm->env->ctx);
}

static void reset_for_supervisor(struct hart *h)
{
    h->priv = PRIV_S;
    h->medeleg = ~(UINT64_C(1) << CAUSE_ECALL_S | UINT64_C(1) << CAUSE_ECALL_M) & 0xffff;
    h->mideleg = IRQ_S_ALL;
    h->mcounteren = h->scounteren = SBI_COUNTERS; /* as OpenSBI: Linux leaves scounteren alone */
    h->menvcfg |= ENVCFG_STCE | ENVCFG_PBMTE | ENVCFG_CBZE | ENVCFG_CBCFE | ENVCFG_CBIE;
    h->pmp.cfg[0] = 0x1f; /* NAPOT, all permissions, all addresses */
    h->pmp.addr[0] = (UINT64_C(1) << 54) - 1;
}

static void reset_csrs(struct hart *h)
{
    h->priv = PRIV_M;
    h->mstatus = 0;
    h->medeleg = h->mideleg = h->mie = h->mtvec = h->mscratch = h->mepc = h->mcause = h->mtval = 0;
    h->stvec = h->sscratch = h->sepc = h->scause = h->stval = h->satp = 0;
    h->menvcfg = ENVCFG_ADUE;
    h->senvcfg = 0;
    h->stimecmp = UINT64_MAX;
    h->armed_for = 0; /* the timer thread is to be told anew */
    h->mcounteren = h->scounteren = h->mcountinhibit = 0;
    h->frm = h->fflags = 0;
    h->instret = h->cycle_offset = h->instret_offset = h->cycle_frozen = h->instret_frozen = 0;
    h->stip = h->seip_soft = false;
    memset(&h->pmp, 0, sizeof(h->pmp));
}

void hart_reset(struct hart *h, enum accel_entry entry)
{
    bool waits = entry == ENTRY_SECONDARY && !h->vm->firmware;
    memset(h->x, 0, sizeof(h->x));
    memset(h->f, 0, sizeof(h->f));
    h->pc = 0;
    h->reserved = NULL;
    reset_csrs(h);
    if (!h->vm->firmware)
        reset_for_supervisor(h);
    pmp_update(h);
    h->data_priv = h->priv;
    mmu_flush_all(h);
    block_drop_all(h);
    __atomic_and_fetch(&h->lines, ~IRQ_SSIP, __ATOMIC_SEQ_CST);
    __atomic_store_n(&h->hsm, waits ? HSM_STOPPED : HSM_STARTED, __ATOMIC_SEQ_CST);
    hart_ask_service(h);
}

void hart_ask_service(struct hart *h)
{
    __atomic_store_n(&h->run_epoch, 0, __ATOMIC_SEQ_CST);
}

void hart_poke(struct hart *h)
{
    __atomic_store_n(&h->run_epoch, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&h->wants_wake, __ATOMIC_SEQ_CST) == 0)
        return;
    pthread_mutex_lock(&h->lock);
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

void hart_set_lines(struct hart *h, uint64_t set, uint64_t clear)
{
    uint64_t before = set != 0 ? __atomic_fetch_or(&h->lines, set, __ATOMIC_SEQ_CST) : set;
    if (clear != 0)
        __atomic_fetch_and(&h->lines, ~clear, __ATOMIC_SEQ_CST);
    if ((set & ~before) != 0)
        hart_poke(h);
}

/* ---- fences for other harts */

uint32_t hart_ask_fence(struct hart *target, const struct fence_range *range)
{
    if (range != NULL) {
        pthread_mutex_lock(&target->lock);
        if (target->n_fences < FENCE_QUEUE)
            target->fences[target->n_fences++] = *range;
        else
            target->n_fences = FENCE_QUEUE + 1;
        pthread_mutex_unlock(&target->lock);
    }
    __atomic_fetch_or(&target->asked, range != NULL ? ASK_TLB : ASK_FENCE_I, __ATOMIC_SEQ_CST);
    uint32_t ticket = __atomic_add_fetch(&target->ask_ticket, 1, __ATOMIC_SEQ_CST);
    hart_poke(target);
    return ticket;
}

void hart_fence_i(struct hart *h)
{
    uint32_t old = h->epoch;
    if (++h->epoch == BLOCK_NEVER) {
        block_drop_all(h);
        h->epoch = 1;
    }
    /* If run_epoch is 0 by now, hart_service() will put the new epoch there. */
    __atomic_compare_exchange_n(&h->run_epoch, &old, h->epoch, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
}

void hart_flush_range(struct hart *h, const struct fence_range *range)
{
    const uint64_t many = 32 * RV64_PAGE;
    if (range->size > 0 && range->size <= many) {
        uint64_t last = (range->base + range->size - 1) & ~RV64_PAGE_MASK;
        for (uint64_t va = range->base & ~RV64_PAGE_MASK;; va += RV64_PAGE) {
            mmu_flush_page(h, va);
            if (va == last)
                return;
        }
    }
    if (range->asid != FENCE_ALL_ASIDS)
        mmu_flush_asid(h, range->asid);
    else
        mmu_flush_all(h);
}

static void do_tlb_fences(struct hart *h)
{
    struct fence_range ranges[FENCE_QUEUE];
    pthread_mutex_lock(&h->lock);
    uint32_t n = h->n_fences;
    memcpy(ranges, h->fences, sizeof(ranges));
    h->n_fences = 0;
    pthread_mutex_unlock(&h->lock);
    if (n > FENCE_QUEUE) {
        mmu_flush_all(h);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        hart_flush_range(h, &ranges[i]);
}

static void do_what_is_asked(struct hart *h)
{
    uint32_t ticket = __atomic_load_n(&h->ask_ticket, __ATOMIC_SEQ_CST);
    uint32_t asked = __atomic_exchange_n(&h->asked, 0, __ATOMIC_SEQ_CST);
    if ((asked & ASK_FENCE_I) != 0)
        hart_fence_i(h);
    if ((asked & ASK_TLB) != 0)
        do_tlb_fences(h);
    if (h->done_ticket == ticket)
        return;
    __atomic_store_n(&h->done_ticket, ticket, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < h->vm->n_harts; i++) {
        struct hart *other = __atomic_load_n(&h->vm->harts[i], __ATOMIC_ACQUIRE);
        if (other != NULL && __atomic_load_n(&other->awaits_fence, __ATOMIC_SEQ_CST) != 0)
            hart_poke(other);
    }
}

/* ---- sleep */

static struct timespec host_time(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

/* Sleeps until poked, at most `left_ns`, unless `wanted` is true already. */
static void sleep_unless(struct hart *h, uint64_t left_ns, bool (*wanted)(struct hart *h))
{
    struct timespec until =
        host_time(timer_now_ns() + (left_ns < SLEEP_MAX_NS ? left_ns : SLEEP_MAX_NS));
    pthread_mutex_lock(&h->lock);
    __atomic_store_n(&h->wants_wake, 1, __ATOMIC_SEQ_CST);
    if (!wanted(h))
        (void)pthread_cond_timedwait(&h->wake, &h->lock, &until);
    __atomic_store_n(&h->wants_wake, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&h->lock);
}

static bool is_called(struct hart *h)
{
    return __atomic_load_n(&h->kicked, __ATOMIC_SEQ_CST) != 0 ||
           __atomic_load_n(&h->asked, __ATOMIC_SEQ_CST) != 0;
}

static bool wakes_from_wfi(struct hart *h)
{
    return is_called(h) || (csr_mip(h) & h->mie) != 0;
}

void hart_wait(struct hart *h)
{
    for (;;) {
        timer_update(h);
        if ((csr_mip(h) & h->mie) != 0 || __atomic_load_n(&h->kicked, __ATOMIC_SEQ_CST) != 0)
            break;
        __atomic_store_n(&h->running, 0, __ATOMIC_SEQ_CST);
        sleep_unless(h, timer_left_ns(h), wakes_from_wfi);
        __atomic_store_n(&h->running, 1, __ATOMIC_SEQ_CST);
        do_what_is_asked(h);
    }
    hart_ask_service(h);
}

/* Interrupts that are pending but off, as in most spins, do not count. */
static bool wants_attention(struct hart *h)
{
    return is_called(h) || __atomic_load_n(&h->run_epoch, __ATOMIC_SEQ_CST) == 0;
}

void hart_rest(struct hart *h)
{
    const uint64_t spin_insns = 32 * PAUSES_PER_REST; /* more between two rests: not a long spin */
    h->rests = h->instret - h->rested_at < spin_insns ? h->rests + 1 : 0;
    h->rested_at = h->instret;
    h->pauses = 0;
    if (h->vm->n_harts == 1)
        return;
    if (h->rests < YIELDS_BEFORE_SLEEP) {
        (void)sched_yield();
        return;
    }
    sleep_unless(h, REST_NS, wants_attention);
}

static bool is_called_to_start(struct hart *h)
{
    return is_called(h) || __atomic_load_n(&h->hsm, __ATOMIC_SEQ_CST) != HSM_STOPPED;
}

static bool fence_wait_over(struct hart *h)
{
    return is_called(h) || h->awaited == NULL ||
           (int32_t)(__atomic_load_n(&h->awaited->done_ticket, __ATOMIC_SEQ_CST) -
                     h->awaited_ticket) >= 0 ||
           __atomic_load_n(&h->awaited->running, __ATOMIC_SEQ_CST) == 0;
}

bool hart_await_fence(struct hart *h, struct hart *target, uint32_t ticket)
{
    bool done = false;
    h->awaited = target;
    h->awaited_ticket = ticket;
    __atomic_store_n(&h->awaits_fence, 1, __ATOMIC_SEQ_CST);
    while (!done && __atomic_load_n(&h->kicked, __ATOMIC_SEQ_CST) == 0) {
        do_what_is_asked(h); /* the target may be waiting for us */
        sleep_unless(h, ACK_WAIT_NS, fence_wait_over);
        done = !is_called(h) && fence_wait_over(h);
    }
    __atomic_store_n(&h->awaits_fence, 0, __ATOMIC_SEQ_CST);
    h->awaited = NULL;
    return done;
}

/* ---- running */

bool hart_service(struct hart *h)
{
    __atomic_store_n(&h->run_epoch, h->epoch, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&h->kicked, 0, __ATOMIC_SEQ_CST) != 0) {
        h->exit_result = RUN_INTERRUPTED;
        return true;
    }
    do_what_is_asked(h);
    timer_update(h);
    (void)trap_take_interrupt(h);
    return false;
}

static void begin_started(struct hart *h)
{
    pthread_mutex_lock(&h->vm->lock);
    bool pending = h->hsm == HSM_START_PENDING;
    if (pending) {
        h->x[10] = h->index;
        h->x[11] = h->start_arg;
        h->pc = h->start_pc;
        __atomic_store_n(&h->hsm, HSM_STARTED, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&h->vm->lock);
    if (!pending)
        return;
    h->priv = PRIV_S;
    h->satp = 0;
    h->mie = 0;
    csr_set_mstatus(h, h->mstatus & ~(MSTATUS_SIE | MSTATUS_FS));
    mmu_flush_all(h);
    hart_fence_i(h);
}

/* A stopped hart waits here. False: kicked. */
static bool await_start(struct hart *h)
{
    while (__atomic_load_n(&h->hsm, __ATOMIC_SEQ_CST) == HSM_STOPPED) {
        if (__atomic_exchange_n(&h->kicked, 0, __ATOMIC_SEQ_CST) != 0)
            return false;
        do_what_is_asked(h);
        __atomic_store_n(&h->running, 0, __ATOMIC_SEQ_CST);
        sleep_unless(h, RV64_NO_DEADLINE, is_called_to_start);
        __atomic_store_n(&h->running, 1, __ATOMIC_SEQ_CST);
    }
    begin_started(h);
    return true;
}

enum run_result hart_run(struct hart *h)
{
    enum run_result result;
    __atomic_store_n(&h->running, 1, __ATOMIC_SEQ_CST);
    hart_ask_service(h);
    do
        result = await_start(h) ? interp_run(h) : RUN_INTERRUPTED;
    while (result == RUN_HANDLED); /* the hart has stopped itself */
    __atomic_store_n(&h->running, 0, __ATOMIC_SEQ_CST);
    return result;
}
