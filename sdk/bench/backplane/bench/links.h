/*
 * The bench's fakes at the other end of a device's links (bp.char/1, bp.block/1), calls of a
 * backend's services, and the fakes of bp.worker/1 and bp.loop/1. `link` is the link's name.
 */
#ifndef BACKPLANE_BENCH_LINKS_H
#define BACKPLANE_BENCH_LINKS_H

#include <backplane/if/block.h>
#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/if/loop.h>
#include <backplane/if/worker.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* on_link, now. The fakes below send the right events by themselves when the bench settles. */
void bench_link_event(struct bench *b, const char *link, uint32_t event);

/* --- a device with a bp.char/1 link ----------------------------------------------------------- */
/* Bytes arrive; settles, so that the device hears of it. */
void bench_char_feed(struct bench *b, const char *link, const void *bytes, uint32_t size);
uint32_t bench_char_waiting(struct bench *b, const char *link); /* not yet fetched */

/* What the device has written: NUL-ended, the bench's; and how many bytes it is. */
const char *bench_char_text(struct bench *b, const char *link);
uint32_t bench_char_size(struct bench *b, const char *link);
void bench_char_clear(struct bench *b, const char *link);

/* How many more bytes are taken (at first: no limit, UINT32_MAX). Settles: a device that had a
 * short write gets BP_LINK_WRITABLE. */
void bench_char_room(struct bench *b, const char *link, uint32_t bytes);

/* How often the device called read and write: a device that polls is slow. */
uint32_t bench_char_calls(struct bench *b, const char *link);

/* --- a backend that offers bp.char/1 ---------------------------------------------------------- */
uint32_t bench_backend_read(struct bench *b, void *to, uint32_t size);
uint32_t bench_backend_write(struct bench *b, const void *from, uint32_t size);

/* How often it called bp.link/1 notify with this event. */
uint32_t bench_notices(const struct bench *b, uint32_t event);

/* --- a device with a bp.block/1 link: a disk in memory ---------------------------------------- */
/* The disk's bytes and size, for looking and for preparing. */
uint8_t *bench_disk(struct bench *b, const char *link, uint64_t *size);

/* Requests from now on end with this status without being done; BP_OK heals it. */
void bench_disk_fail(struct bench *b, const char *link, int32_t status);

/* 1: requests wait for bench_disk_finish; 0: they end when the bench settles. */
void bench_disk_hold(struct bench *b, const char *link, uint32_t hold);
uint32_t bench_disk_waiting(struct bench *b, const char *link);
/* Ends the i-th of the waiting requests (0: the oldest) and calls the device's done. */
void bench_disk_finish(struct bench *b, const char *link, uint32_t i);

/* How many requests with this operation (BP_BLOCK_READ ...) were submitted. */
uint32_t bench_disk_count(struct bench *b, const char *link, uint32_t op);

/* --- a backend that offers bp.block/1 --------------------------------------------------------- */
int32_t bench_block_info(struct bench *b, struct bp_block_info *info);

/* Submits after the host's checks; segments lie in guest RAM. An error, or BP_OK and *ticket. */
int32_t bench_block_submit(struct bench *b, uint32_t op, uint64_t offset, uint64_t size,
                           const struct bp_segment *segments, uint32_t n_segments,
                           uint64_t *ticket);

/* BP_PENDING until the backend has called complete, then the status (settle first). */
int32_t bench_block_result(struct bench *b, uint64_t ticket);

/* What the host does with a request that nobody wants any more; for backends that have `cancel`. */
void bench_block_cancel(struct bench *b, uint64_t ticket);

/* submit, settle and result in one, with one segment at `gpa`. */
int32_t bench_block_do(struct bench *b, uint32_t op, uint64_t offset, uint64_t size, uint64_t gpa);

/* --- bp.worker/1 and bp.loop/1 ---------------------------------------------------------------- */
/* 1: work waits for bench_worker_step; 0 (at first): it is done when the bench settles. */
void bench_worker_hold(struct bench *b, uint32_t hold);
uint32_t bench_worker_waiting(const struct bench *b);
/* Does the i-th waiting piece of work and calls done. */
void bench_worker_step(struct bench *b, uint32_t i);

/* One poll of all watched descriptors, waiting at most so long; calls the watchers, settles.
 * Returns how many were called. */
uint32_t bench_poll(struct bench *b, int32_t timeout_ms);
uint32_t bench_watches(const struct bench *b);

#ifdef __cplusplus
}
#endif
#endif
