/*
 * bp.block/1 - a disk: numbered bytes that are read, written, flushed and discarded.
 *
 * Data goes straight between the medium and the guest's RAM: a request lists guest-physical
 * segments. Requests of one device may complete in any order.
 */
#ifndef BACKPLANE_IF_BLOCK_H
#define BACKPLANE_IF_BLOCK_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_BLOCK_ID "bp.block/1"

#define BP_BLOCK_READ_ONLY (1u << 0)
#define BP_BLOCK_DISCARD   (1u << 1) /* discard and write-zeroes work */

struct bp_block_info {
    uint32_t struct_size;    /* set by the caller */
    uint32_t flags;          /* BP_BLOCK_* */
    uint64_t capacity_bytes; /* a multiple of 512 */
    uint32_t block_bytes;    /* preferred unit: 512 or 4096 */
    uint32_t pad;
    char serial[20]; /* filled with NULs */
    uint32_t pad2;
};

#define BP_BLOCK_READ         1u
#define BP_BLOCK_WRITE        2u
#define BP_BLOCK_FLUSH        3u /* done when all completed writes are on stable storage */
#define BP_BLOCK_DISCARD_OP   4u /* contents no longer matter */
#define BP_BLOCK_WRITE_ZEROES 5u

struct bp_segment {
    uint64_t gpa;
    uint64_t size; /* bytes */
};

struct bp_block_request {
    uint32_t struct_size;
    uint32_t op;     /* BP_BLOCK_READ ... */
    uint64_t offset; /* bytes from the start of the disk, a multiple of 512 */
    uint64_t size;   /* bytes, a multiple of 512; the sum of the segments for READ, WRITE */
    const struct bp_segment *segments; /* for the time of the call; copied if needed longer */
    uint32_t n_segments;
    uint32_t segment_stride; /* sizeof(struct bp_segment) */
    uint64_t tag;            /* the caller's; comes back with the result */
};

/* For devices, from get_interface(BP_BLOCK_ID). */
struct bp_block {
    uint32_t struct_size;
    uint32_t pad;
    /* [setup] after realize of the backend, [dev]. BP_ERR_NOT_FOUND: the link is not connected. */
    int32_t (*info)(const struct bp_host *host, uint32_t link, struct bp_block_info *out);
    /* [dev] BP_OK: done(dev, tag, status) comes later, [dev], exactly once, with BP_OK or the
     * error (BP_ERR_IO, BP_ERR_NO_SPACE, BP_ERR_RANGE, BP_ERR_PERMISSION). An error: it will not
     * come. */
    int32_t (*submit)(const struct bp_host *host, uint32_t link,
                      const struct bp_block_request *request,
                      void (*done)(void *dev, uint64_t tag, int32_t status));
};

/* For backends: the service table. The host has checked op, alignment, and that offset and size
 * lie within the capacity. All functions are called [dev]. */
struct bp_block_ops {
    uint32_t struct_size;
    uint32_t pad;
    /* After realize. An error reaches the device that asked. */
    int32_t (*info)(void *dev, struct bp_block_info *out);
    /* `request->tag` is a ticket of the host here: give it to bp.block-backend/1 complete. An error
     * ends the request at once; its ticket is stale then. */
    int32_t (*submit)(void *dev, const struct bp_block_request *request);
    /* [dev] May be NULL. Nobody wants this request any more, for the device was reset or the
     * machine ends, and somebody waits for its end: complete it soon, with any status. It may have
     * ended already. */
    void (*cancel)(void *dev, uint64_t ticket);
};

#define BP_BLOCK_BACKEND_ID "bp.block-backend/1"

struct bp_block_backend {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] The request with this ticket has ended. BP_ERR_STALE: it has ended before. */
    int32_t (*complete)(const struct bp_host *host, uint64_t ticket, int32_t status);
};

#ifdef __cplusplus
}
#endif
#endif
