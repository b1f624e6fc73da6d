/*
 * Requests of virtio-blk (virtio 1.2 section 5.2.6): a header of 16 bytes and data to the device,
 * then data from the device and one byte of status. How they are cut into segments says nothing.
 */
#include "virtio-blk.h"

#include <backplane/lib/log.h>
#include <string.h>

/* Types */
#define T_IN           0u
#define T_OUT          1u
#define T_FLUSH        4u
#define T_GET_ID       8u
#define T_DISCARD      11u
#define T_WRITE_ZEROES 13u

/* Status */
#define S_OK     0u
#define S_IOERR  1u
#define S_UNSUPP 2u

#define HEADER_BYTES 16u
#define ID_BYTES     20u
#define RANGE_BYTES  16u
#define RANGE_UNMAP  1u
#define RUN_LIMIT    BLK_QUEUE_SIZE /* chains in one go: other processors may add without end */

static uint64_t get(const uint8_t *at, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static uint8_t status_byte(int32_t status)
{
    if (status >= BP_OK)
        return S_OK;
    return status == BP_ERR_UNSUPPORTED ? S_UNSUPP : S_IOERR;
}

/* Ends a chain. Its status is the last byte that the device writes. */
static void end_chain(struct virtio_blk *s, bp_handle chain, uint32_t writable, int32_t status)
{
    uint8_t byte = status_byte(status);
    if (writable == 0) {
        bp_guest_logf(s->host, "a request has no room for its status");
        (void)s->virtio->push(s->host, chain, 0);
        return;
    }
    (void)s->virtio->write(s->host, chain, writable - 1, &byte, 1);
    (void)s->virtio->push(s->host, chain, writable);
}

/* --- Under way -------------------------------------------------------------------------------- */

static void request_done(void *dev, uint64_t tag, int32_t status);

static struct blk_request *take_place(struct virtio_blk *s)
{
    for (uint32_t i = 0; i < BLK_REQUESTS; i++)
        if (s->requests[i].n_pending == 0)
            return &s->requests[i];
    return NULL;
}

/* One request to the backend as part of `r`. */
static int32_t submit(struct virtio_blk *s, struct blk_request *r, uint32_t op, uint64_t offset,
                      uint64_t size, uint32_t n_segments)
{
    struct bp_block_request request = {
        .struct_size = sizeof(request),
        .op = op,
        .offset = offset,
        .size = size,
        .segments = s->segments,
        .n_segments = n_segments,
        .segment_stride = sizeof(s->segments[0]),
        .tag = (uint64_t)(r - s->requests),
    };
    int32_t status = s->block->submit(s->host, BLK_LINK_BLOCK, &request, request_done);
    if (status >= BP_OK && r->n_pending++ == 0)
        s->n_busy++;
    return status < BP_OK ? status : BP_OK;
}

/* Does a write have to be on stable storage before it ends? 5.2.6.2: yes without FLUSH, and when
 * the driver has turned the cache off. */
static bool is_write_through(const struct virtio_blk *s)
{
    return !s->can_flush || (s->can_set_cache && !s->writeback);
}

static void request_done(void *dev, uint64_t tag, int32_t status)
{
    struct virtio_blk *s = dev;
    struct blk_request *r = &s->requests[tag];
    r->n_pending--;
    if (r->status >= BP_OK && status < BP_OK)
        r->status = status;
    if (r->n_pending != 0)
        return;
    s->n_busy--;
    if (r->is_write && r->status >= BP_OK && !r->is_forgotten && is_write_through(s)) {
        r->is_write = false;
        r->status = submit(s, r, BP_BLOCK_FLUSH, 0, 0, 0);
        if (r->n_pending != 0)
            return;
    }
    if (!r->is_forgotten)
        end_chain(s, r->chain, r->writable, r->status);
    blk_queue_run(s); /* it may have stopped because all places were taken */
}

void blk_requests_forget(struct virtio_blk *s)
{
    for (uint32_t i = 0; i < BLK_REQUESTS; i++)
        s->requests[i].is_forgotten = true;
}

/* --- By type ---------------------------------------------------------------------------------- */

/* Data of the chain: the readable bytes behind the header, or the writable ones before the status.
 */
static int32_t transfer(struct virtio_blk *s, struct blk_request *r, uint32_t op, uint64_t sector,
                        uint64_t bytes)
{
    bool is_read = op == BP_BLOCK_READ;
    uint32_t n = BLK_SEGMENTS_MAX;
    if (bytes == 0 || bytes % BLK_SECTOR_BYTES != 0)
        return BP_ERR_INVALID;
    if (sector > s->info.capacity_bytes / BLK_SECTOR_BYTES)
        return BP_ERR_RANGE;
    int32_t status = s->virtio->segments(s->host, r->chain, is_read, is_read ? 0 : HEADER_BYTES,
                                         bytes, s->segments, &n);
    if (status != BP_OK)
        return status;
    r->is_write = !is_read;
    return submit(s, r, op, sector * BLK_SECTOR_BYTES, bytes, n);
}

static int32_t get_id(struct virtio_blk *s, struct blk_request *r)
{
    uint32_t room = r->writable - 1;
    uint32_t size = room < ID_BYTES ? room : ID_BYTES;
    return s->virtio->write(s->host, r->chain, 0, s->info.serial, size);
}

/* One range of a discard or write-zeroes request: 5.2.6.2. */
static int32_t submit_range(struct virtio_blk *s, struct blk_request *r, uint32_t type,
                            const uint8_t *range)
{
    uint64_t sector = get(range, 8);
    uint32_t n_sectors = (uint32_t)get(range + 8, 4);
    uint32_t flags = (uint32_t)get(range + 12, 4);
    if ((flags & ~RANGE_UNMAP) != 0 || (type == T_DISCARD && flags != 0))
        return BP_ERR_UNSUPPORTED;
    if (n_sectors > BLK_RANGE_SECTORS_MAX || sector > s->info.capacity_bytes / BLK_SECTOR_BYTES)
        return BP_ERR_RANGE;
    if (n_sectors == 0)
        return BP_OK;
    r->is_write = true;
    return submit(s, r, type == T_DISCARD ? BP_BLOCK_DISCARD_OP : BP_BLOCK_WRITE_ZEROES,
                  sector * BLK_SECTOR_BYTES, (uint64_t)n_sectors * BLK_SECTOR_BYTES, 0);
}

static int32_t submit_ranges(struct virtio_blk *s, struct blk_request *r, uint32_t type,
                             uint64_t bytes)
{
    uint8_t ranges[BLK_RANGES_MAX * RANGE_BYTES];
    if (bytes == 0 || bytes % RANGE_BYTES != 0 || bytes > sizeof(ranges))
        return BP_ERR_INVALID;
    int32_t status = s->virtio->read(s->host, r->chain, HEADER_BYTES, ranges, bytes);
    for (uint64_t at = 0; at < bytes && status == BP_OK; at += RANGE_BYTES)
        status = submit_range(s, r, type, ranges + at);
    return status;
}

/* BP_OK with nothing pending: it has ended already. */
static int32_t begin(struct virtio_blk *s, struct blk_request *r, uint64_t readable)
{
    uint8_t header[HEADER_BYTES];
    if (readable < HEADER_BYTES)
        return BP_ERR_INVALID;
    int32_t status = s->virtio->read(s->host, r->chain, 0, header, sizeof(header));
    if (status != BP_OK)
        return status;
    uint32_t type = (uint32_t)get(header, 4);
    uint64_t sector = get(header + 8, 8);
    switch (type) {
    case T_IN:
        return transfer(s, r, BP_BLOCK_READ, sector, r->writable - 1);
    case T_OUT:
        return transfer(s, r, BP_BLOCK_WRITE, sector, readable - HEADER_BYTES);
    case T_FLUSH:
        return submit(s, r, BP_BLOCK_FLUSH, 0, 0, 0);
    case T_GET_ID:
        return get_id(s, r);
    case T_DISCARD:
    case T_WRITE_ZEROES:
        return submit_ranges(s, r, type, readable - HEADER_BYTES);
    default:
        return BP_ERR_UNSUPPORTED;
    }
}

static void start_request(struct virtio_blk *s, struct blk_request *r,
                          const struct bp_virtio_chain *chain)
{
    *r = (struct blk_request){.chain = chain->handle};
    if (chain->writable == 0 || chain->writable > UINT32_MAX) {
        end_chain(s, chain->handle, 0, BP_ERR_INVALID);
        return;
    }
    r->writable = (uint32_t)chain->writable;
    int32_t status = begin(s, r, chain->readable);
    if (status < BP_OK && status != BP_ERR_UNSUPPORTED)
        bp_guest_logf(s->host, "a request was refused with status %d", status);
    r->status = status;
    if (r->n_pending == 0)
        end_chain(s, r->chain, r->writable, r->status);
}

/* --- The queue -------------------------------------------------------------------------------- */

static void run_later(void *dev, uint64_t arg)
{
    struct virtio_blk *s = dev;
    (void)arg;
    s->will_run = false;
    blk_queue_run(s);
}

void blk_queue_run(struct virtio_blk *s)
{
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    for (uint32_t n = 0; n < RUN_LIMIT && !s->is_parked; n++) {
        struct blk_request *r = take_place(s);
        if (r == NULL || s->virtio->pop(s->host, 0, &chain) != BP_OK)
            return;
        start_request(s, r, &chain);
    }
    if (!s->is_parked && !s->will_run)
        s->will_run = s->host->defer(s->host, run_later, 0) == BP_OK;
}
