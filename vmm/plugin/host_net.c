/* bp.net/1: frames across a link, with the backend's lock held. No backend sees a frame of a size
 * that no frame has, and no device gets one. An unconnected link is a cable that is not plugged in.
 */
#include <string.h>

#include "plugin/host_tables.h"

/* NULL for a backend that lacks a function: it has nothing, and takes everything. */
static const struct bp_net_ops *net_ops(const struct device_link *l)
{
    const struct bp_net_ops *ops = l->ops;
    if (!BP_HAS(struct bp_net_ops, ops, write) || ops->info == NULL || ops->read == NULL ||
        ops->write == NULL)
        return NULL;
    return ops;
}

static int32_t net_info(const struct bp_host *host, uint32_t link, struct bp_net_info *out)
{
    const struct device_link *l = device_link_at(device_of(host), link);
    if (!BP_HAS(struct bp_net_info, out, pad))
        return BP_ERR_INVALID;
    if (l == NULL)
        return BP_ERR_NOT_FOUND;
    const struct bp_net_ops *ops = net_ops(l);
    if (ops == NULL)
        return BP_ERR_UNSUPPORTED;
    if (!device_enter(l->target, "info of its network"))
        return BP_ERR_STATE;
    struct bp_net_info info = {.struct_size = sizeof(info)};
    int32_t status = ops->info(l->target->instance, &info);
    device_leave(l->target);
    if (status != BP_OK)
        return status;
    uint32_t size = out->struct_size < sizeof(info) ? out->struct_size : (uint32_t)sizeof(info);
    memcpy(out, &info, size);
    out->struct_size = size;
    return BP_OK;
}

static int32_t net_read(const struct bp_host *host, uint32_t link, void *frame, uint32_t room)
{
    const struct device_link *l = device_link_at(device_of(host), link);
    if (room < BP_NET_FRAME_MAX)
        return BP_ERR_INVALID;
    const struct bp_net_ops *ops = l != NULL ? net_ops(l) : NULL;
    if (ops == NULL || !device_enter(l->target, "read of its network"))
        return 0;
    int32_t size = ops->read(l->target->instance, frame, room);
    device_leave(l->target);
    return size < (int32_t)BP_NET_FRAME_MIN || size > (int32_t)BP_NET_FRAME_MAX ? 0 : size;
}

static int32_t net_write(const struct bp_host *host, uint32_t link, const void *frame,
                         uint32_t size)
{
    const struct device_link *l = device_link_at(device_of(host), link);
    if (size < BP_NET_FRAME_MIN || size > BP_NET_FRAME_MAX)
        return BP_ERR_RANGE;
    const struct bp_net_ops *ops = l != NULL ? net_ops(l) : NULL;
    if (ops == NULL || !device_enter(l->target, "write of its network"))
        return BP_OK;
    int32_t status = ops->write(l->target->instance, frame, size);
    device_leave(l->target);
    return status == BP_ERR_BUSY ? BP_ERR_BUSY : BP_OK;
}

const struct bp_net host_net = {
    .struct_size = sizeof(struct bp_net), .info = net_info, .read = net_read, .write = net_write};
