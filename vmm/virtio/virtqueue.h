/*
 * Split virtqueues, the device's side: virtio 1.2 (OASIS) sections 2.6 and 2.7, with indirect
 * descriptors and event indexes. Not modelled: packed rings, legacy layout, in-order use.
 *
 * The driver is hostile. A chain is copied out of guest memory once, checked, and never looked at
 * there again; every walk is bounded. What breaks a rule of the rings is BP_ERR_FORMAT with a
 * sentence: the device then needs a reset. The caller serialises all calls on one queue.
 */
#ifndef VMM_VIRTIO_VIRTQUEUE_H
#define VMM_VIRTIO_VIRTQUEUE_H

#include <backplane/if/block.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/memory.h"
#include "util/err.h"

#define VIRTQ_SIZE_MAX  1024u
#define VIRTQ_CHAIN_MAX 1024u /* segments of one chain */

/* What one request of the driver was when it was fetched. There is one place for each possible
 * head, so the head is its index. */
struct virtq_chain {
    struct bp_segment *segments; /* readable ones first */
    uint32_t capacity;
    uint32_t n_readable;
    uint32_t n_writable;
    uint32_t generation; /* counts the uses of this place: tells late answers apart */
    uint64_t readable;   /* bytes */
    uint64_t writable;   /* bytes */
    bool busy;
};

struct virtqueue {
    uint32_t index;
    uint32_t size_max;
    /* Set by the driver before it is ready. */
    uint32_t size;
    uint64_t desc_gpa;
    uint64_t driver_gpa;
    uint64_t device_gpa;
    bool ready;
    bool stopped; /* by the driver while live: only a reset makes it ready again */
    /* While ready. */
    bool has_indirect;
    bool has_event_idx;
    bool is_quiet;  /* the driver was told not to notify */
    uint8_t *avail; /* host addresses of the driver and device areas */
    uint8_t *used;
    uint16_t next_avail;
    uint16_t next_used;
    struct virtq_chain *chains; /* size_max */
};

/* BP_ERR_NO_MEMORY. */
int32_t virtq_init(struct virtqueue *q, uint32_t index, uint32_t size_max);
void virtq_fini(struct virtqueue *q); /* also one that is all zeroes */

/* Back to power-on: all chains become stale. */
void virtq_reset(struct virtqueue *q);

/* The driver says that the fields are complete; they are checked here. */
int32_t virtq_enable(struct virtqueue *q, const struct memory *memory, bool has_indirect,
                     bool has_event_idx, struct err *err);

/* Takes back virtq_enable; all chains become stale. */
void virtq_disable(struct virtqueue *q);

/* The next chain. BP_ERR_NOT_FOUND: none, and the driver will notify; BP_ERR_FORMAT: the ring is
 * broken; BP_ERR_STATE: not ready; BP_ERR_NO_MEMORY. */
int32_t virtq_pop(struct virtqueue *q, const struct memory *memory, uint32_t *head,
                  struct err *err);

/* Ends the chain with this head: its entry in the ring, which the driver does not see yet. */
void virtq_put(struct virtqueue *q, uint32_t head, uint32_t written);

/* Shows the driver the last `n` entries. True: it wants to hear of them. */
bool virtq_show(struct virtqueue *q, uint32_t n);

/* Chains fetched and not yet ended. */
uint32_t virtq_in_flight(const struct virtqueue *q);

#endif
