/* The stepped clock: timers, deferred functions and settling. */
#include "bench_internal.h"

#include <string.h>

/* Steps of one settle; more is a device that never comes to rest. */
#define STEPS_MAX 100000u

/* Timers that fire so often in one advance, and so close to one another, fire without end. */
#define FIRES_MAX 1000000u
#define FIRE_NS   100u

uint64_t bench_now_ns(const struct bench *b)
{
    return b->now_ns;
}

void bench_wall_set(struct bench *b, uint64_t wall_ns)
{
    b->wall_ns = wall_ns;
}

uint32_t bench_timers_armed(const struct bench *b)
{
    const struct bench_timer *t;
    uint32_t cursor = 0;
    uint32_t n = 0;

    while ((t = handle_next(&b->timers, &cursor)))
        n += t->armed;
    return n;
}

uint64_t bench_timer_fires(const struct bench *b)
{
    return b->n_fires;
}

/* Earlier deadlines first, of equal ones that which was armed first; NULL when none is armed. */
static struct bench_timer *next_timer(struct bench *b)
{
    struct bench_timer *best = NULL;
    struct bench_timer *t;
    uint32_t cursor = 0;

    while ((t = handle_next(&b->timers, &cursor))) {
        if (!t->armed)
            continue;
        if (!best || t->deadline_ns < best->deadline_ns ||
            (t->deadline_ns == best->deadline_ns && t->order < best->order))
            best = t;
    }
    return best;
}

int bench_step_timers(struct bench *b)
{
    struct bench_timer *t = next_timer(b);

    if (!t || t->deadline_ns > b->now_ns)
        return 0;
    t->armed = 0;
    b->n_fires++;
    bench_enter(b, "a timer");
    t->fn(b->dev);
    bench_leave(b);
    return 1;
}

int bench_step_deferred(struct bench *b)
{
    struct bench_deferred d;

    if (!b->n_deferred)
        return 0;
    d = b->deferred[0];
    memmove(b->deferred, b->deferred + 1, --b->n_deferred * sizeof(d));
    bench_enter(b, "a deferred function");
    d.fn(b->dev, d.arg);
    bench_leave(b);
    return 1;
}

void bench_settle(struct bench *b)
{
    uint32_t steps = 0;

    if (b->phase != PHASE_RUN)
        return;
    while (bench_step_deferred(b) || bench_step_timers(b) || bench_step_links(b) ||
           bench_step_jobs(b) || bench_step_disks(b)) {
        if (++steps > STEPS_MAX)
            bench_die(b, "the device never comes to rest: it defers or re-arms without end");
    }
}

static void step_to(struct bench *b, uint64_t now_ns)
{
    b->wall_ns += now_ns - b->now_ns;
    b->now_ns = now_ns;
    bench_settle(b);
}

void bench_advance_ns(struct bench *b, uint64_t ns)
{
    uint64_t end_ns = ns > UINT64_MAX - b->now_ns ? UINT64_MAX : b->now_ns + ns;
    uint64_t begin_ns = b->now_ns;
    uint64_t n_before = b->n_fires;
    struct bench_timer *t;

    if (b->phase != PHASE_RUN) { /* only the outside world's goes on */
        b->wall_ns += ns;
        return;
    }
    bench_settle(b);
    while ((t = next_timer(b)) && t->deadline_ns <= end_ns) {
        uint64_t n = b->n_fires - n_before;

        if (n > FIRES_MAX && (b->now_ns - begin_ns) / n < FIRE_NS)
            bench_die(b, "its timers fired %llu times in %llu ns: bound the rate that a guest sets",
                      (unsigned long long)n, (unsigned long long)(b->now_ns - begin_ns));
        step_to(b, t->deadline_ns);
    }
    step_to(b, end_ns);
}
