/*
 * The bench's fakes of bp.virtio/1, for device classes (the test plays the driver and adds chains),
 * and of bp.virtio-transport/1, for transport classes (the test plays driver and device).
 */
#ifndef BACKPLANE_BENCH_VIRTIO_H
#define BACKPLANE_BENCH_VIRTIO_H

#include <backplane/if/virtio.h>
#include <backplane/if/virtio_transport.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* --- a virtio device -------------------------------------------------------------------------- */
uint32_t bench_virtio_device_id(struct bench *b);
uint64_t bench_virtio_features(struct bench *b); /* what the device offers of its own */
void bench_virtio_config_read(struct bench *b, uint32_t offset, void *to, uint32_t size);
void bench_virtio_config_write(struct bench *b, uint32_t offset, const void *from, uint32_t size);
uint32_t bench_virtio_config_changes(const struct bench *b); /* calls of config_changed */

/* The driver sets DRIVER_OK with these features (VERSION_1 is added). */
void bench_virtio_activate(struct bench *b, uint64_t features);

/* The driver resets the device: chains become stale, queues empty and inactive. */
void bench_virtio_reset(struct bench *b);

/* A chain for a queue: bytes to the device, then room for bytes from it, both in guest RAM. Returns
 * its number, from 0 for the bench's first. The device hears of it by bench_virtio_notify. */
uint32_t bench_virtq_add(struct bench *b, uint32_t queue, const void *readable,
                         uint32_t readable_size, uint32_t writable_size);

/* A chain of these segments, the readable ones first, wherever they are: they may overlap, and what
 * is outside RAM gives BP_ERR_RANGE when it is read or written. */
uint32_t bench_virtq_add_segments(struct bench *b, uint32_t queue,
                                  const struct bp_segment *segments, uint32_t n_readable,
                                  uint32_t n_writable);

/* Segments of chains added from now on hold at most so many bytes; 0 (at first): no limit. */
void bench_virtq_split(struct bench *b, uint32_t bytes);

/* The next pop of this queue finds a broken ring: BP_ERR_FORMAT. */
void bench_virtq_break(struct bench *b, uint32_t queue);

/* Calls notify and settles. */
void bench_virtio_notify(struct bench *b, uint32_t queue);

/* 1 when the device has pushed the chain, and then how many bytes it said it wrote. */
uint32_t bench_virtq_done(struct bench *b, uint32_t chain);
uint32_t bench_virtq_written(struct bench *b, uint32_t chain);
uint32_t bench_virtq_done_count(const struct bench *b);
uint32_t bench_virtq_waiting(struct bench *b, uint32_t queue); /* not yet popped */

/* The writable part as it is now in guest RAM. */
void bench_virtq_result(struct bench *b, uint32_t chain, uint32_t offset, void *to, uint32_t size);

/* --- a virtio transport ----------------------------------------------------------------------- */
#define BENCH_TRANSPORT_QUEUES 4u
#define BENCH_TRANSPORT_CONFIG 64u

/* What the fake machinery behind a transport holds; the test reads and writes it freely. */
struct bench_transport_state {
    uint32_t device_id; /* 2 */
    uint32_t n_queues;  /* 2 */
    uint64_t device_features;
    uint64_t driver_features;
    uint32_t status;
    uint32_t interrupt_status;
    uint32_t config_generation;
    uint32_t attached;                         /* line + 1, 0 before attach */
    uint64_t queue[BENCH_TRANSPORT_QUEUES][8]; /* by BP_VIRTQ_*; SIZE_MAX is 256 */
    uint32_t notified[BENCH_TRANSPORT_QUEUES]; /* how often */
    uint32_t resets;                           /* how often 0 was written to status */
    uint8_t config[BENCH_TRANSPORT_CONFIG];
};
struct bench_transport_state *bench_transport(struct bench *b);

/* Sets bits of the interrupt status, and the attached line with them. */
void bench_transport_interrupt(struct bench *b, uint32_t bits);

#ifdef __cplusplus
}
#endif
#endif
