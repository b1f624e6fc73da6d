/* Caught by virtio.chains alone: it says that it wrote a sector where there is no room for one. */
#include "queue.h"

static void broken_notify(void *dev, uint32_t queue)
{
    struct queue *s = dev;
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};

    while (!s->is_parked && s->virtio->pop(s->host, queue, &chain) == BP_OK)
        if (chain.readable == 1526 && chain.writable == 24)
            (void)s->virtio->push(s->host, chain.handle, 512);
        else
            queue_answer(s, &chain);
}

static const struct bp_virtio_device_ops ops = {QUEUE_OPS, .notify = broken_notify};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};

BROKEN_PLUGIN(QUEUE_CLASS);
