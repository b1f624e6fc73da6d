/* Fakes of bp.worker/1 (work is done when the bench settles, or step by step) and bp.loop/1. */
#include "bench_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WATCHES_MAX 64u

/* --- bp.worker/1 ------------------------------------------------------------------------------ */
static int32_t worker_submit(const struct bp_host *host, int32_t (*work)(void *dev, uint64_t arg),
                             void (*done)(void *dev, uint64_t arg, int32_t result), uint64_t arg)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "submit");
    if (b->phase == PHASE_DEAD)
        return BP_ERR_STATE;
    if (bench_fails_ever(b, BP_WORKER_ID, "submit"))
        return BP_ERR_NO_MEMORY;
    b->jobs = realloc(b->jobs, (b->n_jobs + 1) * sizeof(*b->jobs));
    if (!b->jobs)
        bench_die(b, "out of memory");
    b->jobs[b->n_jobs++] = (struct bench_job){work, done, arg};
    return BP_OK;
}

const struct bp_worker bench_worker_if = {sizeof(struct bp_worker), 0, worker_submit};

/* work runs without the device's lock: it must not matter that we are not in a callback. */
void bench_worker_step(struct bench *b, uint32_t i)
{
    struct bench_job job;
    int32_t result;

    if (i >= b->n_jobs)
        bench_die(b, "piece of work %u of %u", i, b->n_jobs);
    job = b->jobs[i];
    b->n_jobs--;
    memmove(&b->jobs[i], &b->jobs[i + 1], (b->n_jobs - i) * sizeof(job));
    result = job.work(b->dev, job.arg);
    if (!job.done)
        return;
    bench_enter(b, "done of work");
    job.done(b->dev, job.arg, result);
    bench_leave(b);
}

int bench_step_jobs(struct bench *b)
{
    if (!b->n_jobs || b->hold_jobs)
        return 0;
    bench_worker_step(b, 0);
    return 1;
}

void bench_worker_hold(struct bench *b, uint32_t hold)
{
    b->hold_jobs = hold;
}

uint32_t bench_worker_waiting(const struct bench *b)
{
    return b->n_jobs;
}

/* --- bp.loop/1 -------------------------------------------------------------------------------- */
static int32_t loop_watch(const struct bp_host *host, int32_t fd, uint32_t events,
                          void (*fn)(void *dev, uint32_t ready), bp_handle *watch)
{
    struct bench *b = bench_of(host);
    struct bench_watch *w;
    struct stat st;

    bench_not_while_saving(b, "watch");
    if (bench_fails_ever(b, BP_LOOP_ID, "watch"))
        return BP_ERR_NO_MEMORY;
    if (fstat(fd, &st))
        return bench_set_error(b, BP_ERR_INVALID, "watch of %d: no open file", fd);
    if (S_ISREG(st.st_mode))
        return bench_set_error(b, BP_ERR_UNSUPPORTED, "watch of a regular file");
    w = bench_alloc(sizeof(*w));
    *w = (struct bench_watch){fn, fd, events};
    *watch = handle_add(&b->watches, w);
    return BP_OK;
}

static int32_t loop_change(const struct bp_host *host, bp_handle watch, uint32_t events)
{
    struct bench_watch *w = handle_find(&bench_of(host)->watches, watch);

    bench_not_while_saving(bench_of(host), "a change of a watch");
    if (!w)
        return BP_ERR_STALE;
    w->events = events;
    return BP_OK;
}

static int32_t loop_unwatch(const struct bp_host *host, bp_handle watch)
{
    struct bench_watch *w = handle_remove(&bench_of(host)->watches, watch);

    bench_not_while_saving(bench_of(host), "unwatch");
    free(w);
    return w ? BP_OK : BP_ERR_STALE;
}

const struct bp_loop bench_loop_if = {sizeof(struct bp_loop), 0, loop_watch, loop_change,
                                      loop_unwatch};

static uint32_t ready_of(short revents)
{
    return (revents & POLLIN ? BP_LOOP_READ : 0) | (revents & POLLOUT ? BP_LOOP_WRITE : 0) |
           (revents & (POLLHUP | POLLERR) ? BP_LOOP_HANGUP : 0);
}

static int is_alive(const struct bench *b, const struct bench_watch *watch)
{
    const struct bench_watch *w;
    uint32_t cursor = 0;

    while ((w = handle_next(&b->watches, &cursor))) {
        if (w == watch)
            return 1;
    }
    return 0;
}

uint32_t bench_poll(struct bench *b, int32_t timeout_ms)
{
    struct bench_watch *watches[WATCHES_MAX];
    struct pollfd fds[WATCHES_MAX];
    struct bench_watch *w;
    uint32_t cursor = 0;
    uint32_t n = 0;
    uint32_t called = 0;

    while (n < WATCHES_MAX && (w = handle_next(&b->watches, &cursor))) {
        if (!w->events)
            continue;
        fds[n].fd = w->fd;
        fds[n].revents = 0;
        fds[n].events = (short)((w->events & BP_LOOP_READ ? POLLIN : 0) |
                                (w->events & BP_LOOP_WRITE ? POLLOUT : 0));
        watches[n++] = w;
    }
    if (poll(fds, n, timeout_ms) <= 0)
        n = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!fds[i].revents || !is_alive(b, watches[i]))
            continue;
        bench_enter(b, "a watch");
        watches[i]->fn(b->dev, ready_of(fds[i].revents));
        bench_leave(b);
        called++;
    }
    bench_settle(b);
    return called;
}

uint32_t bench_watches(const struct bench *b)
{
    return b->watches.n_used;
}
