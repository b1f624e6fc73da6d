/* Threads for work that blocks: started when there is work, at most WORKERS_MAX. */
#ifndef VMM_CORE_WORKERS_H
#define VMM_CORE_WORKERS_H

#include <stdint.h>

#include "core/loop.h"
#include "util/err.h"

#define WORKERS_MAX 8

struct workers;

int32_t workers_create(struct loop *loop, struct workers **out, struct err *err);
void workers_destroy(struct workers *workers); /* waits for work that has begun; takes NULL */

/* [any] work(ctx, arg) on a worker's thread, then done(ctx, arg, result) on the loop's thread. */
int32_t workers_submit(struct workers *workers, int32_t (*work)(void *ctx, uint64_t arg),
                       void (*done)(void *ctx, uint64_t arg, int32_t result), void *ctx,
                       uint64_t arg);

#endif
