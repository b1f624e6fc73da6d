/* The stream behind a device's char link, for the firmware console (SBI DBCN) that shares it. */
#ifndef VMM_PLUGIN_STREAM_H
#define VMM_PLUGIN_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/device.h"

/* [any] but with no device's lock held. Bytes taken or given; a device without a connected char
 * link takes all and gives none. `dev` may be NULL. */
size_t stream_write(struct device *dev, const uint8_t *bytes, size_t n);
size_t stream_read(struct device *dev, uint8_t *bytes, size_t n);

#endif
