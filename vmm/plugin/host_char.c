/* bp.char/1: bytes across a link, with the backend's lock held. An unconnected link is silent. */
#include "plugin/host_tables.h"

static uint32_t char_read(const struct bp_host *host, uint32_t link, void *to, uint32_t size)
{
    const struct device_link *l = device_link_at(device_of(host), link);
    if (l == NULL || size == 0)
        return 0;
    const struct bp_char_ops *ops = l->ops;
    if (!BP_HAS(struct bp_char_ops, ops, read) || ops->read == NULL ||
        !device_enter(l->target, "read of its stream"))
        return 0;
    uint32_t n = ops->read(l->target->instance, to, size);
    device_leave(l->target);
    return n < size ? n : size;
}

static uint32_t char_write(const struct bp_host *host, uint32_t link, const void *from,
                           uint32_t size)
{
    const struct device_link *l = device_link_at(device_of(host), link);
    if (l == NULL || size == 0)
        return size;
    const struct bp_char_ops *ops = l->ops;
    if (!BP_HAS(struct bp_char_ops, ops, write) || ops->write == NULL ||
        !device_enter(l->target, "write of its stream"))
        return size;
    uint32_t n = ops->write(l->target->instance, from, size);
    device_leave(l->target);
    return n < size ? n : size;
}

const struct bp_char host_char = {
    .struct_size = sizeof(struct bp_char), .read = char_read, .write = char_write};
