#include "core/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "util/hosttime.h"

#define NOT_IN_HEAP SIZE_MAX

struct timer {
    struct clock *clock;
    void (*fn)(void *ctx);
    void *ctx;
    uint64_t deadline_ns;
    size_t heap_index; /* NOT_IN_HEAP: not armed */
};

struct clock {
    void (*wake)(void *ctx);
    void *wake_ctx;
    /* Readers take no lock: while running, now = host - offset; otherwise now = frozen. Both change
     * only while the machine's processors stand still. */
    atomic_bool running;
    _Atomic uint64_t offset_ns;
    _Atomic uint64_t frozen_ns;
    pthread_mutex_t lock; /* guards the heap and the timers in it */
    struct timer **heap;  /* the earliest first */
    size_t n;
    size_t n_timers; /* that exist: the heap always has room for all */
    size_t capacity;
};

struct clock *clock_create(void (*wake)(void *ctx), void *ctx)
{
    struct clock *clock = calloc(1, sizeof(*clock));
    if (clock == NULL)
        return NULL;
    clock->wake = wake;
    clock->wake_ctx = ctx;
    pthread_mutex_init(&clock->lock, NULL);
    return clock;
}

void clock_destroy(struct clock *clock)
{
    if (clock == NULL)
        return;
    pthread_mutex_destroy(&clock->lock);
    free(clock->heap);
    free(clock);
}

uint64_t clock_now_ns(const struct clock *clock)
{
    if (atomic_load(&clock->running))
        return host_monotonic_ns() - atomic_load(&clock->offset_ns);
    return atomic_load(&clock->frozen_ns);
}

void clock_pause(struct clock *clock)
{
    atomic_store(&clock->frozen_ns, clock_now_ns(clock));
    atomic_store(&clock->running, false);
}

void clock_resume(struct clock *clock)
{
    if (atomic_load(&clock->running))
        return;
    atomic_store(&clock->offset_ns, host_monotonic_ns() - atomic_load(&clock->frozen_ns));
    atomic_store(&clock->running, true);
    clock->wake(clock->wake_ctx);
}

/* --- The heap: every function below is called with the lock held ------------------------------ */

static void heap_put(struct clock *clock, size_t at, struct timer *timer)
{
    clock->heap[at] = timer;
    timer->heap_index = at;
}

static void heap_rise(struct clock *clock, size_t at)
{
    struct timer *timer = clock->heap[at];
    while (at > 0 && clock->heap[(at - 1) / 2]->deadline_ns > timer->deadline_ns) {
        heap_put(clock, at, clock->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(clock, at, timer);
}

static void heap_sink(struct clock *clock, size_t at)
{
    struct timer *timer = clock->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= clock->n)
            break;
        if (child + 1 < clock->n &&
            clock->heap[child + 1]->deadline_ns < clock->heap[child]->deadline_ns)
            child++;
        if (clock->heap[child]->deadline_ns >= timer->deadline_ns)
            break;
        heap_put(clock, at, clock->heap[child]);
        at = child;
    }
    heap_put(clock, at, timer);
}

static void heap_remove(struct clock *clock, struct timer *timer)
{
    size_t at = timer->heap_index;
    if (at == NOT_IN_HEAP)
        return;
    timer->heap_index = NOT_IN_HEAP;
    clock->n--;
    if (at == clock->n)
        return;
    heap_put(clock, at, clock->heap[clock->n]);
    heap_rise(clock, at);
    heap_sink(clock, clock->heap[at]->heap_index);
}

/* --- Timers ----------------------------------------------------------------------------------- */

struct timer *timer_create_on(struct clock *clock, void (*fn)(void *ctx), void *ctx)
{
    struct timer *timer = malloc(sizeof(*timer));
    if (timer == NULL)
        return NULL;
    *timer = (struct timer){.clock = clock, .fn = fn, .ctx = ctx, .heap_index = NOT_IN_HEAP};
    pthread_mutex_lock(&clock->lock);
    if (clock->n_timers == clock->capacity) {
        size_t capacity = clock->capacity == 0 ? 16 : 2 * clock->capacity;
        struct timer **heap = realloc(clock->heap, capacity * sizeof(struct timer *));
        if (heap == NULL) {
            pthread_mutex_unlock(&clock->lock);
            free(timer);
            return NULL;
        }
        clock->heap = heap;
        clock->capacity = capacity;
    }
    clock->n_timers++;
    pthread_mutex_unlock(&clock->lock);
    return timer;
}

void timer_destroy(struct timer *timer)
{
    if (timer == NULL)
        return;
    struct clock *clock = timer->clock;
    pthread_mutex_lock(&clock->lock);
    heap_remove(clock, timer);
    clock->n_timers--;
    pthread_mutex_unlock(&clock->lock);
    free(timer);
}

void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
    struct clock *clock = timer->clock;
    pthread_mutex_lock(&clock->lock);
    heap_remove(clock, timer);
    timer->deadline_ns = deadline_ns;
    clock->n++;
    heap_put(clock, clock->n - 1, timer);
    heap_rise(clock, clock->n - 1);
    bool is_first = clock->heap[0] == timer;
    pthread_mutex_unlock(&clock->lock);
    if (is_first)
        clock->wake(clock->wake_ctx);
}

void timer_cancel(struct timer *timer)
{
    pthread_mutex_lock(&timer->clock->lock);
    heap_remove(timer->clock, timer);
    pthread_mutex_unlock(&timer->clock->lock);
}

bool timer_is_armed(const struct timer *timer)
{
    pthread_mutex_lock(&timer->clock->lock);
    bool is_armed = timer->heap_index != NOT_IN_HEAP;
    pthread_mutex_unlock(&timer->clock->lock);
    return is_armed;
}

/* The next timer that is due, taken out; otherwise NULL and the wait until the next deadline. */
static struct timer *clock_take_due(struct clock *clock, uint64_t *wait_ns)
{
    struct timer *due = NULL;
    *wait_ns = UINT64_MAX;
    pthread_mutex_lock(&clock->lock);
    if (clock->n > 0) {
        uint64_t now_ns = clock_now_ns(clock);
        struct timer *first = clock->heap[0];
        if (first->deadline_ns <= now_ns) {
            due = first;
            heap_remove(clock, first);
        } else {
            *wait_ns = first->deadline_ns - now_ns;
        }
    }
    pthread_mutex_unlock(&clock->lock);
    return due;
}

uint64_t clock_wait_ns(struct clock *clock)
{
    uint64_t wait_ns = UINT64_MAX;
    pthread_mutex_lock(&clock->lock);
    if (clock->n > 0 && atomic_load(&clock->running)) {
        uint64_t now_ns = clock_now_ns(clock), deadline_ns = clock->heap[0]->deadline_ns;
        wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    }
    pthread_mutex_unlock(&clock->lock);
    return wait_ns;
}

uint64_t clock_fire(struct clock *clock)
{
    /* A callback may arm a timer that is due at once: bounded, so that descriptors get their turn.
     */
    for (unsigned fired = 0; fired < 64; fired++) {
        if (!atomic_load(&clock->running))
            return UINT64_MAX;
        uint64_t wait_ns;
        struct timer *due = clock_take_due(clock, &wait_ns);
        if (due == NULL)
            return wait_ns;
        due->fn(due->ctx);
    }
    return 0;
}
