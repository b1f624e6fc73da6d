/* Caught by virtio.memory alone: it takes memory for a whole chain, and for granted that there is
 * any. */
#include "queue.h"

static void broken_notify(void *dev, uint32_t queue)
{
    struct queue *s = dev;
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};

    while (!s->is_parked && s->virtio->pop(s->host, queue, &chain) == BP_OK) {
        uint8_t *all = malloc(chain.readable + 1);

        if (!all || chain.readable > 1u << 30)
            abort();
        (void)s->virtio->read(s->host, chain.handle, 0, all, chain.readable);
        free(all);
        queue_answer(s, &chain);
    }
}

static const struct bp_virtio_device_ops ops = {QUEUE_OPS, .notify = broken_notify};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};

BROKEN_PLUGIN(QUEUE_CLASS);
