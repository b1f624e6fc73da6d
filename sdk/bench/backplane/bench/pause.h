/* A machine that stands still, as while its state is saved: bench_quiesce to bench_resume. */
#ifndef BACKPLANE_BENCH_PAUSE_H
#define BACKPLANE_BENCH_PAUSE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* Asks the device to quiesce until it has. From then on until bench_resume every call to the host
 * but the log aborts, from whatever thread it comes, and so does work that is still on its way.
 * bench_save may be called any number of times in between. */
void bench_quiesce(struct bench *b);

/* start. */
void bench_resume(struct bench *b);

/* How many timers have fired since the bench was made. */
uint64_t bench_timer_fires(const struct bench *b);

#ifdef __cplusplus
}
#endif
#endif
