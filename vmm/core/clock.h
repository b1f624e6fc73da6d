/*
 * Virtual time: nanoseconds since the machine first ran, standing still while it is paused. Timers
 * are one-shot and fire on the loop's thread.
 */
#ifndef VMM_CORE_CLOCK_H
#define VMM_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct timer;

/* `wake` is called ([any]) when the earliest deadline moved nearer. */
struct clock *clock_create(void (*wake)(void *ctx), void *ctx); /* NULL: out of memory; paused */
void clock_destroy(struct clock *clock);                        /* takes NULL; no timers are left */

uint64_t clock_now_ns(const struct clock *clock); /* [any] */
void clock_pause(struct clock *clock);            /* stands still */
void clock_resume(struct clock *clock);

/* A timer that calls fn(ctx) on the thread that runs clock_fire. NULL: out of memory. */
struct timer *timer_create_on(struct clock *clock, void (*fn)(void *ctx), void *ctx);
void timer_destroy(struct timer *timer); /* takes NULL; not while clock_fire runs its callback */

void timer_arm(struct timer *timer, uint64_t deadline_ns); /* [any] */
void timer_cancel(struct timer *timer);                    /* [any] */
bool timer_is_armed(const struct timer *timer);            /* [any] */

/* Host nanoseconds until the next deadline, 0 when one is past; UINT64_MAX as below. */
uint64_t clock_wait_ns(struct clock *clock);

/* Fires what is due, then returns the host nanoseconds until the next deadline; UINT64_MAX when
 * there is none or the clock is paused. Callbacks run without the clock's lock. */
uint64_t clock_fire(struct clock *clock);

#endif
