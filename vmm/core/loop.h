/*
 * The event loop: descriptors, timers of the clock, tasks from other threads. It runs on the
 * machine's main thread; callbacks are made there.
 */
#ifndef VMM_CORE_LOOP_H
#define VMM_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "util/err.h"

struct loop;
struct loop_watch;

/* The numbers are those of bp.loop/1. */
#define LOOP_READ   1u
#define LOOP_WRITE  2u
#define LOOP_HANGUP 4u

int32_t loop_create(struct loop **out, struct err *err);
void loop_destroy(struct loop *loop); /* takes NULL; drops tasks that never ran */

/* The clock whose timers this loop fires; belongs to the loop. */
struct clock *loop_clock(struct loop *loop);

int32_t loop_watch_add(struct loop *loop, int fd, uint32_t events,
                       void (*fn)(void *ctx, uint32_t ready), void *ctx, struct loop_watch **out);
int32_t loop_watch_change(struct loop_watch *watch, uint32_t events);
void loop_watch_remove(struct loop_watch *watch); /* [any], also within callbacks; takes NULL */

/* [any] fn(ctx, arg) soon, in order of posting. BP_ERR_NO_MEMORY. */
int32_t loop_post(struct loop *loop, void (*fn)(void *ctx, uint64_t arg), void *ctx, uint64_t arg);

/* The same with memory of the caller's, so that it cannot fail. The task is free for reuse when fn
 * is called. */
struct loop_task {
    struct loop_task *next;
    void (*fn)(void *ctx, uint64_t arg);
    void *ctx;
    uint64_t arg;
    bool is_heap; /* the loop's own, set by loop_post */
};

void loop_post_task(struct loop *loop, struct loop_task *task); /* [any] */

/* Takes a task back that has not run yet, if it is posted; on the loop's thread, not from within a
 * task. Before the task's memory goes. */
void loop_remove_task(struct loop *loop, const struct loop_task *task);

/* Handles events until loop_stop; loop_step handles what is there, waiting at most timeout_ns. */
void loop_run(struct loop *loop);
void loop_step(struct loop *loop, uint64_t timeout_ns);

void loop_stop(struct loop *loop); /* [any], also from a signal handler */

#endif
