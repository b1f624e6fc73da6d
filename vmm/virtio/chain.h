/* Chains of descriptors: fetched from guest memory once, then used only as copies. */
#ifndef VMM_VIRTIO_CHAIN_H
#define VMM_VIRTIO_CHAIN_H

#include "virtio/virtqueue.h"

/* Copies and checks the chain that begins with descriptor `head` (< q->size). BP_ERR_FORMAT when
 * it breaks a rule, BP_ERR_NO_MEMORY. */
int32_t chain_fetch(const struct virtqueue *q, const struct memory *memory, uint32_t head,
                    struct virtq_chain *chain, struct err *err);

/* The segments that hold [offset, offset + size) of the writable or readable part; *n is the
 * capacity on entry, the count on return. BP_ERR_RANGE, BP_ERR_NO_SPACE. */
int32_t chain_segments(const struct virtq_chain *chain, bool writable, uint64_t offset,
                       uint64_t size, struct bp_segment *out, uint32_t *n);

/* Copies out of the readable, into the writable part. BP_ERR_RANGE beyond its end. */
int32_t chain_read(const struct virtq_chain *chain, const struct memory *memory, uint64_t offset,
                   void *to, uint64_t size);
int32_t chain_write(const struct virtq_chain *chain, struct memory *memory, uint64_t offset,
                    const void *from, uint64_t size);

#endif
