/* Where the life cycle of devices meets virtio/: hooks of device_realize, reset and destroy. Each
 * does nothing for a device that is neither a transport nor a virtio device. */
#ifndef VMM_PLUGIN_VIRTIO_GLUE_H
#define VMM_PLUGIN_VIRTIO_GLUE_H

#include "plugin/device.h"

/* What lies between a transport and its virtio device. Both ends' `virtio` is the one machinery; it
 * is guarded by the device's lock, which is taken after the transport's. */
struct virtio_glue {
    struct device *transport;
    struct device *device;
    uint32_t line; /* the transport's, once it has said which */
    bool has_line;
};

/* NULL for a device that is neither end. */
struct virtio_glue *virtio_glue_of(const struct device *dev);

/* For a transport: makes the virtio machinery between it and the device its link names. */
int32_t device_attach_virtio(struct device *transport, struct err *err);

/* Resets the virtio device and waits until none of its block requests is under way. */
void device_reset_virtio(struct device *dev);
void device_detach_virtio(struct device *dev); /* frees it; takes either end, transport first */

#endif
