/* What the device (virtio-blk.c) and its requests (requests.c) share. */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include <backplane/device.h>
#include <backplane/if/block.h>
#include <backplane/if/virtio.h>
#include <stdbool.h>

#define BLK_SECTOR_BYTES      512u
#define BLK_QUEUE_SIZE        256u
#define BLK_SEG_MAX           (BLK_QUEUE_SIZE - 2) /* without header and status */
#define BLK_REQUESTS          BLK_QUEUE_SIZE       /* under way at once */
#define BLK_RANGES_MAX        16u                  /* of one discard or write-zeroes request */
#define BLK_RANGE_SECTORS_MAX 0x400000u            /* 2 GiB */
#define BLK_SEGMENTS_MAX      1024u                /* of one chain, whatever the driver makes */
#define BLK_LINK_BLOCK        0u

/* A request that is under way at the backend. */
struct blk_request {
    bp_handle chain;
    uint32_t writable;  /* bytes of the chain's writable part; the last one is the status */
    uint32_t n_pending; /* answers that the backend owes; 0: this place is free */
    int32_t status;     /* the first error */
    bool is_write;      /* without a write-back cache a flush follows */
    bool is_forgotten;  /* the driver has reset the device meanwhile */
};

struct virtio_blk {
    const struct bp_host *host;
    const struct bp_virtio *virtio;
    const struct bp_block *block;
    struct bp_block_info info;
    struct blk_request *requests; /* BLK_REQUESTS */
    uint32_t n_busy;
    uint8_t writeback;                            /* 0: every write is flushed before it ends */
    uint8_t can_flush;                            /* negotiated */
    uint8_t can_set_cache;                        /* negotiated */
    bool is_parked;                               /* quiesced: fetches nothing */
    bool will_run;                                /* a deferred blk_queue_run is on its way */
    struct bp_segment segments[BLK_SEGMENTS_MAX]; /* scratch of one submit */
};

/* Fetches what the driver has queued, as long as there is room. */
void blk_queue_run(struct virtio_blk *s);

/* The driver reset the device: answers that are still to come free their places, and no more. */
void blk_requests_forget(struct virtio_blk *s);

#endif
