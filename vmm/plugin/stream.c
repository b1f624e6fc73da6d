#include "plugin/stream.h"

#include <backplane/if/char.h>
#include <string.h>

static const struct device_link *char_link(const struct device *dev)
{
    for (uint32_t i = 0; dev != NULL && i < dev->class_->links.n_rows; i++)
        if (strcmp(dev->links[i].row->interface, BP_CHAR_ID) == 0 && dev->links[i].target != NULL)
            return &dev->links[i];
    return NULL;
}

static uint32_t bounded(size_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

size_t stream_write(struct device *dev, const uint8_t *bytes, size_t n)
{
    const struct device_link *link = char_link(dev);
    if (link == NULL || !link->target->realized ||
        !device_enter(link->target, "write of its stream"))
        return n;
    const struct bp_char_ops *ops = link->ops;
    uint32_t taken = ops->write(link->target->instance, bytes, bounded(n));
    device_leave(link->target);
    return taken;
}

size_t stream_read(struct device *dev, uint8_t *bytes, size_t n)
{
    const struct device_link *link = char_link(dev);
    if (link == NULL || !link->target->realized ||
        !device_enter(link->target, "read of its stream"))
        return 0;
    const struct bp_char_ops *ops = link->ops;
    uint32_t given = ops->read(link->target->instance, bytes, bounded(n));
    device_leave(link->target);
    return given;
}
