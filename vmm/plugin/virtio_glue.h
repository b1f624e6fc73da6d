/* Where the life cycle of devices meets virtio/: hooks of device_realize, reset and destroy. Each
 * does nothing for a device that is neither a transport nor a virtio device. */
#ifndef VMM_PLUGIN_VIRTIO_GLUE_H
#define VMM_PLUGIN_VIRTIO_GLUE_H

#include "plugin/device.h"

/* For a transport: makes the virtio machinery between it and the device its link names. */
int32_t device_attach_virtio(struct device *transport, struct err *err);
void device_reset_virtio(struct device *dev);
void device_detach_virtio(struct device *dev); /* frees it; takes either end, transport first */

#endif
