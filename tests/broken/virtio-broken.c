/* Caught by virtio.broken: it does not expect that a ring can break. */
#include "queue.h"

static void broken_notify(void *dev, uint32_t queue)
{
    struct queue *s = dev;
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    int32_t status = BP_OK;

    while (!s->is_parked && status == BP_OK) {
        status = s->virtio->pop(s->host, queue, &chain);
        if (status == BP_OK)
            queue_answer(s, &chain);
        else if (status == BP_ERR_FORMAT)
            abort();
    }
}

static const struct bp_virtio_device_ops ops = {QUEUE_OPS, .notify = broken_notify};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};

BROKEN_PLUGIN(QUEUE_CLASS);
