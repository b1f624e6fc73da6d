/* Caught by virtio.config alone: a read of its configuration always gives all of it. */
#include "queue.h"

static void broken_config_read(void *dev, uint32_t offset, void *to, uint32_t size)
{
    (void)dev;
    (void)offset;
    (void)size;
    memset(to, 0x11, 8);
}

static const struct bp_virtio_device_ops ops = {
    QUEUE_OPS, .config_size = 8, .config_read = broken_config_read, .notify = queue_notify};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};

BROKEN_PLUGIN(QUEUE_CLASS);
