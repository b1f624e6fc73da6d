/*
 * The queues of a virtio device: their fields as the driver sets them, and their chains as the
 * class uses them.
 *
 * Fields are frozen while a queue is ready, and all of them from DRIVER_OK to the reset (virtio 1.2
 * section 3.1.1). A driver may stop a live queue (4.2.2: QueueReady = 0); it stays stopped then.
 */
#include <stdio.h>

#include "virtio/chain.h"
#include "virtio/parts.h"

uint64_t virtio_queue_get(const struct virtio_dev *v, uint32_t queue, uint32_t field)
{
    if (queue >= v->n_queues)
        return 0;
    const struct virtqueue *q = &v->queues[queue];
    switch (field) {
    case BP_VIRTQ_SIZE:
        return q->size;
    case BP_VIRTQ_SIZE_MAX:
        return q->size_max;
    case BP_VIRTQ_READY:
        return q->ready;
    case BP_VIRTQ_DESC:
        return q->desc_gpa;
    case BP_VIRTQ_DRIVER:
        return q->driver_gpa;
    case BP_VIRTQ_DEVICE:
        return q->device_gpa;
    default:
        return 0;
    }
}

static void refuse(const struct virtio_dev *v, uint32_t queue, const char *why)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "the driver sets up queue %u %s; ignored", queue, why);
    v->config.guest_log(v->config.ctx, text);
}

static void enable(struct virtio_dev *v, struct virtqueue *q)
{
    struct err err;
    if (q->ready)
        return;
    if ((v->status & VIRTIO_FEATURES_OK) == 0) {
        refuse(v, q->index, "before FEATURES_OK");
        return;
    }
    if (q->stopped || (v->status & VIRTIO_DRIVER_OK) != 0) {
        refuse(v, q->index, "after DRIVER_OK");
        return;
    }
    if (virtq_enable(q, v->config.memory, (v->features & VIRTIO_F_INDIRECT_DESC) != 0,
                     (v->features & VIRTIO_F_EVENT_IDX) != 0, &err) != BP_OK)
        virtio_break(v, err.text);
}

static void disable(struct virtio_dev *v, struct virtqueue *q)
{
    q->stopped = q->stopped || (q->ready && (v->status & VIRTIO_DRIVER_OK) != 0);
    virtq_disable(q);
}

void virtio_queue_set(struct virtio_dev *v, uint32_t queue, uint32_t field, uint64_t value)
{
    if (queue >= v->n_queues) {
        refuse(v, queue, "which does not exist");
        return;
    }
    struct virtqueue *q = &v->queues[queue];
    if (field == BP_VIRTQ_READY) {
        if ((value & 1) != 0)
            enable(v, q);
        else
            disable(v, q);
        return;
    }
    if (q->ready || (v->status & VIRTIO_DRIVER_OK) != 0) {
        refuse(v, queue, "while it is live");
        return;
    }
    switch (field) {
    case BP_VIRTQ_SIZE: /* checked when the queue becomes ready */
        q->size = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
        break;
    case BP_VIRTQ_DESC:
        q->desc_gpa = value;
        break;
    case BP_VIRTQ_DRIVER:
        q->driver_gpa = value;
        break;
    case BP_VIRTQ_DEVICE:
        q->device_gpa = value;
        break;
    default:
        break;
    }
}

/* A handle is the generation, the queue and the head. */
static bp_handle chain_handle(const struct virtqueue *q, uint32_t head)
{
    return (bp_handle)q->chains[head].generation << 32 | (bp_handle)q->index << 16 | head;
}

static uint32_t queue_of(bp_handle handle)
{
    return (uint32_t)(handle >> 16 & 0xffff);
}

static uint32_t head_of(bp_handle handle)
{
    return (uint32_t)(handle & 0xffff);
}

/* NULL for a chain that has ended or was there before a reset. */
static struct virtq_chain *find_chain(const struct virtio_dev *v, bp_handle handle)
{
    uint32_t queue = queue_of(handle), head = head_of(handle);
    if (queue >= v->n_queues || head >= v->queues[queue].size_max)
        return NULL;
    struct virtq_chain *chain = &v->queues[queue].chains[head];
    return chain->busy && chain->generation == handle >> 32 ? chain : NULL;
}

int32_t virtio_pop(struct virtio_dev *v, uint32_t queue, struct bp_virtio_chain *out)
{
    struct err err;
    uint32_t head;
    if (queue >= v->n_queues || (v->status & VIRTIO_DRIVER_OK) == 0)
        return BP_ERR_STATE;
    if ((v->status & VIRTIO_NEEDS_RESET) != 0)
        return BP_ERR_FORMAT;
    struct virtqueue *q = &v->queues[queue];
    int32_t status = virtq_pop(q, v->config.memory, &head, &err);
    if (status == BP_ERR_FORMAT || status == BP_ERR_NO_MEMORY) {
        virtio_break(v, err.text);
        return BP_ERR_FORMAT;
    }
    if (status != BP_OK)
        return status;
    const struct virtq_chain *chain = &q->chains[head];
    out->queue = queue;
    out->handle = chain_handle(q, head);
    out->readable = chain->readable;
    out->writable = chain->writable;
    out->n_readable = chain->n_readable;
    out->n_writable = chain->n_writable;
    return BP_OK;
}

int32_t virtio_read(const struct virtio_dev *v, bp_handle handle, uint64_t offset, void *to,
                    uint64_t size)
{
    const struct virtq_chain *chain = find_chain(v, handle);
    if (chain == NULL)
        return BP_ERR_STALE;
    return chain_read(chain, v->config.memory, offset, to, size);
}

int32_t virtio_write(const struct virtio_dev *v, bp_handle handle, uint64_t offset,
                     const void *from, uint64_t size)
{
    const struct virtq_chain *chain = find_chain(v, handle);
    if (chain == NULL)
        return BP_ERR_STALE;
    return chain_write(chain, v->config.memory, offset, from, size);
}

int32_t virtio_segments(const struct virtio_dev *v, bp_handle handle, uint32_t writable,
                        uint64_t offset, uint64_t size, struct bp_segment *out, uint32_t *n)
{
    const struct virtq_chain *chain = find_chain(v, handle);
    if (chain == NULL)
        return BP_ERR_STALE;
    return chain_segments(chain, writable != 0, offset, size, out, n);
}

/* Takes the first `n` chains out of use. After an error all of them are as before. */
static int32_t take_chains(const struct virtio_dev *v, const struct bp_virtio_used *used,
                           uint32_t n)
{
    int32_t status = BP_OK;
    uint32_t taken = 0;
    for (; taken < n; taken++) {
        struct virtq_chain *chain = find_chain(v, used[taken].chain);
        if (chain == NULL) /* or it is in the list twice */
            status = BP_ERR_STALE;
        else if (used[taken].written > chain->writable)
            status = BP_ERR_RANGE;
        else if (queue_of(used[taken].chain) != queue_of(used[0].chain))
            status = BP_ERR_INVALID;
        if (status != BP_OK)
            break;
        chain->busy = false;
    }
    for (uint32_t i = 0; status != BP_OK && i < taken; i++)
        v->queues[queue_of(used[i].chain)].chains[head_of(used[i].chain)].busy = true;
    return status;
}

int32_t virtio_push_many(struct virtio_dev *v, const struct bp_virtio_used *used, uint32_t n)
{
    int32_t status = take_chains(v, used, n);
    if (status != BP_OK || n == 0)
        return status;
    if ((v->status & VIRTIO_NEEDS_RESET) != 0)
        return BP_ERR_STATE; /* the ring is not touched any more: 2.1.2 */
    struct virtqueue *q = &v->queues[queue_of(used[0].chain)];
    for (uint32_t i = 0; i < n; i++)
        virtq_put(q, head_of(used[i].chain), used[i].written);
    if (virtq_show(q, n)) {
        v->interrupts |= VIRTIO_INTERRUPT_QUEUE;
        virtio_update_irq(v);
    }
    return BP_OK;
}

int32_t virtio_push(struct virtio_dev *v, bp_handle handle, uint32_t written)
{
    struct bp_virtio_used used = {.chain = handle, .written = written};
    return virtio_push_many(v, &used, 1);
}
