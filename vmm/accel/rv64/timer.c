/*
 * The supervisor timer (Sstc 0.5): stimecmp against the machine's time counter. A running hart does
 * not look at the clock by itself; one thread for the whole machine pokes it when the time has
 * come by the host's clock, and the hart then reads the guest's. A sleeping hart times itself.
 */
#include "accel/rv64/parts.h"

#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define MIN_NS   UINT64_C(2000) /* not worth a sleep */

__extension__ typedef unsigned __int128 timer_u128;

uint64_t timer_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t timer_left_ns(const struct hart *h)
{
    if ((h->menvcfg & ENVCFG_STCE) == 0 || h->stip || h->stimecmp == UINT64_MAX)
        return RV64_NO_DEADLINE;
    uint64_t now = hart_ticks(h);
    if (now >= h->stimecmp)
        return 0;
    timer_u128 left = (timer_u128)(h->stimecmp - now) * NS_PER_S / h->vm->timebase_hz;
    return left < RV64_NO_DEADLINE / 4 ? (uint64_t)left + MIN_NS : RV64_NO_DEADLINE;
}

static void arm(struct hart *h)
{
    struct timer_thread *t = &h->vm->timer;
    uint64_t left = timer_left_ns(h);
    uint64_t at = left == RV64_NO_DEADLINE ? left : timer_now_ns() + left;
    pthread_mutex_lock(&t->lock);
    h->timer_at_ns = at;
    if (at < t->sleeping_until_ns)
        pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void timer_update(struct hart *h)
{
    if ((h->menvcfg & ENVCFG_STCE) == 0)
        return; /* STIP is then a bit that machine mode writes */
    h->stip = hart_ticks(h) >= h->stimecmp;
    if (h->armed_for == h->stimecmp && !__atomic_load_n(&h->timer_fired, __ATOMIC_SEQ_CST))
        return;
    h->armed_for = h->stimecmp;
    __atomic_store_n(&h->timer_fired, false, __ATOMIC_SEQ_CST);
    if (!h->stip)
        arm(h);
}

/* Pokes the harts whose time has come; returns when the next one's comes. Under the lock. */
static uint64_t poke_due(struct rv64_vm *vm, uint64_t now)
{
    uint64_t next = RV64_NO_DEADLINE;
    for (uint32_t i = 0; i < vm->n_harts; i++) {
        struct hart *h = __atomic_load_n(&vm->harts[i], __ATOMIC_ACQUIRE);
        if (h == NULL)
            continue;
        if (h->timer_at_ns <= now) {
            h->timer_at_ns = RV64_NO_DEADLINE;
            __atomic_store_n(&h->timer_fired, true, __ATOMIC_SEQ_CST);
            hart_poke(h);
        }
        if (h->timer_at_ns < next)
            next = h->timer_at_ns;
    }
    return next;
}

static void *timer_main(void *arg)
{
    struct rv64_vm *vm = arg;
    struct timer_thread *t = &vm->timer;
    pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        uint64_t next = poke_due(vm, timer_now_ns());
        t->sleeping_until_ns = next;
        if (next == RV64_NO_DEADLINE) {
            pthread_cond_wait(&t->changed, &t->lock);
        } else {
            struct timespec until = {.tv_sec = (time_t)(next / NS_PER_S),
                                     .tv_nsec = (long)(next % NS_PER_S)};
            (void)pthread_cond_timedwait(&t->changed, &t->lock, &until);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

bool timer_start(struct rv64_vm *vm)
{
    struct timer_thread *t = &vm->timer;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    t->sleeping_until_ns = RV64_NO_DEADLINE;
    t->started = pthread_create(&t->thread, NULL, timer_main, vm) == 0;
    return t->started;
}

void timer_stop(struct rv64_vm *vm)
{
    struct timer_thread *t = &vm->timer;
    if (t->started) {
        pthread_mutex_lock(&t->lock);
        t->stop = true;
        pthread_cond_signal(&t->changed);
        pthread_mutex_unlock(&t->lock);
        (void)pthread_join(t->thread, NULL);
    }
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
}
