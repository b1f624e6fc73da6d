/* What the files of vmm/virtio share. */
#ifndef VMM_VIRTIO_PARTS_H
#define VMM_VIRTIO_PARTS_H

#include "virtio/virtio.h"
#include "virtio/virtqueue.h"

struct virtio_dev {
    struct virtio_config config;
    uint32_t status;
    uint32_t interrupts;
    uint32_t generation;
    uint64_t features; /* the driver's */
    uint32_t n_queues;
    struct virtqueue *queues;
};

/* A rule was broken beyond repair: the device stops until the driver resets it. */
void virtio_break(struct virtio_dev *v, const char *sentence);

/* Raises or lowers the line to what the interrupt status says; the only place that does. */
void virtio_update_irq(struct virtio_dev *v);

/* The driver has finished its set-up and nothing is broken. */
static inline bool virtio_is_live(const struct virtio_dev *v)
{
    return (v->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)) == VIRTIO_DRIVER_OK;
}

#endif
