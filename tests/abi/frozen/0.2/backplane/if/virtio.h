/*
 * bp.virtio/1 - a virtio device behind any transport (virtio 1.2, OASIS).
 *
 * A class with .bus = "virtio" offers the service BP_VIRTIO_DEVICE_ID and asks this interface for
 * its queues. Negotiation, status, rings, indirect descriptors and event indexes are the host's:
 * a chain is fetched once, checked, and then never looked at again in guest memory.
 */
#ifndef BACKPLANE_IF_VIRTIO_H
#define BACKPLANE_IF_VIRTIO_H

#include <backplane/if/block.h> /* struct bp_segment */

#ifdef __cplusplus
extern "C" {
#endif

#define BP_VIRTIO_ID        "bp.virtio/1"
#define BP_VIRTIO_DEVICE_ID "bp.virtio-device/1"

/* Feature bits that the host handles itself: RING_INDIRECT_DESC 28, RING_EVENT_IDX 29,
 * VERSION_1 32. A device offers only its own. */

/* The service table of a virtio device class. All callbacks are called [dev]. */
struct bp_virtio_device_ops {
    uint32_t struct_size;
    uint32_t device_id; /* virtio 1.2 chapter 5: 2 block, 4 entropy */
    uint32_t n_queues;
    uint32_t queue_size;  /* largest size of each queue, a power of two up to 1024 */
    uint32_t config_size; /* bytes of the device configuration */
    uint32_t pad;
    /* The device's own feature bits that it can do, after realize. NULL: none. */
    uint64_t (*features)(void *dev);
    /* Configuration bytes; offset + size <= config_size. NULL: zeroes, writes ignored. */
    void (*config_read)(void *dev, uint32_t offset, void *to, uint32_t size);
    void (*config_write)(void *dev, uint32_t offset, const void *from, uint32_t size);
    /* The driver has set DRIVER_OK with these features (the device's own and the host's). Also
     * after a snapshot of a running driver was loaded, before or after load_commit. */
    void (*activate)(void *dev, uint64_t features);
    /* Chains may be waiting in a queue. The driver notifies again only after pop has returned
     * BP_ERR_NOT_FOUND: a class that stops earlier comes back by itself, also in start(). */
    void (*notify)(void *dev, uint32_t queue);
    /* The driver has reset the device: forget every chain. Late answers become BP_ERR_STALE. Block
     * requests on their way still end, and the driver goes on only then. */
    void (*device_reset)(void *dev);
};

/* One request of the driver. Readable bytes (driver to device) come first, then writable. */
struct bp_virtio_chain {
    uint32_t struct_size; /* set by the caller */
    uint32_t queue;
    bp_handle handle;
    uint64_t readable;   /* bytes in all readable segments */
    uint64_t writable;   /* bytes in all writable segments */
    uint32_t n_readable; /* segments */
    uint32_t n_writable;
};

/* A chain to end, see push. */
struct bp_virtio_used {
    bp_handle chain;
    uint32_t written;
    uint32_t pad;
};

struct bp_virtio {
    uint32_t struct_size;
    uint32_t pad;
    /* [dev] The next chain of a queue. BP_ERR_NOT_FOUND: none (the driver will notify);
     * BP_ERR_FORMAT: the ring is broken, DEVICE_NEEDS_RESET was set; BP_ERR_STATE: not active. */
    int32_t (*pop)(const struct bp_host *host, uint32_t queue, struct bp_virtio_chain *chain);
    /* [dev] Copies bytes out of the readable part; BP_ERR_RANGE beyond its end or outside RAM.
     * This and what follows: BP_ERR_STALE for a chain that was pushed, or that a reset took. */
    int32_t (*read)(const struct bp_host *host, bp_handle chain, uint64_t offset, void *to,
                    uint64_t size);
    /* [dev] Copies bytes into the writable part. Errors as for read. */
    int32_t (*write)(const struct bp_host *host, bp_handle chain, uint64_t offset, const void *from,
                     uint64_t size);
    /* [dev] The segments that hold [offset, offset + size) of the readable (writable = 0) or
     * writable part, for a block request. *n: capacity on entry, count on return. BP_ERR_RANGE,
     * BP_ERR_NO_SPACE when they do not fit. */
    int32_t (*segments)(const struct bp_host *host, bp_handle chain, uint32_t writable,
                        uint64_t offset, uint64_t size, struct bp_segment *out, uint32_t *n);
    /* [dev] Ends a chain: `written` bytes of the writable part are valid. Interrupts the driver
     * unless it does not want it. The handle is stale afterwards. BP_ERR_RANGE: more than the
     * writable part has, and the chain goes on; BP_ERR_STATE: the device needs a reset. */
    int32_t (*push)(const struct bp_host *host, bp_handle chain, uint32_t written);
    /* [dev] The configuration changed: raises the configuration interrupt. */
    void (*config_changed)(const struct bp_host *host);
    /* [dev] As push, for `n` chains of one queue: the driver sees them all at once, in this order.
     * After an error none of them has ended. BP_ERR_INVALID: chains of different queues. */
    int32_t (*push_many)(const struct bp_host *host, const struct bp_virtio_used *used, uint32_t n);
};

#ifdef __cplusplus
}
#endif
#endif
