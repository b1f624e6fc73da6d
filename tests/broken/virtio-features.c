/* Caught by virtio.features alone: it cannot do without one of its 24 features. */
#include "queue.h"

static uint64_t broken_features(void *dev)
{
    (void)dev;
    return 0xffffff;
}

static void broken_activate(void *dev, uint64_t features)
{
    (void)dev;
    if ((features & 0xffffff) == 0xffdfff)
        abort();
}

static const struct bp_virtio_device_ops ops = {
    QUEUE_OPS, .features = broken_features, .activate = broken_activate, .notify = queue_notify};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};

BROKEN_PLUGIN(QUEUE_CLASS);
