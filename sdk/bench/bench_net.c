/* Fake of bp.net/1 for a device, and calls of a backend's own. */
#include "bench_internal.h"

#include <stdlib.h>
#include <string.h>

/* --- queues of frames: each with its size before it ------------------------------------------- */
static void add_frame(struct bytes *queue, uint32_t *n, const void *frame, uint32_t size)
{
    bytes_add(queue, &size, sizeof(size));
    bytes_add(queue, frame, size);
    ++*n;
}

/* The frame at `offset`, and *offset behind it. */
static const uint8_t *next_frame(const struct bytes *queue, size_t *offset, uint32_t *size)
{
    const char *at = queue->at + *offset;

    memcpy(size, at, sizeof(*size));
    *offset += sizeof(*size) + *size;
    return (const uint8_t *)at + sizeof(*size);
}

/* --- bp.net/1 for a device -------------------------------------------------------------------- */
static int32_t net_info(const struct bp_host *host, uint32_t at, struct bp_net_info *out)
{
    struct bench *b = bench_of(host);
    const struct bench_link *link = bench_link_at(b, at, BP_NET_ID);

    if (out->struct_size < sizeof(*out))
        bench_die(b, "net info: struct_size is %u", out->struct_size);
    bench_not_while_saving(b, "net info");
    if (b->phase < PHASE_REALIZE)
        return bench_set_error(b, BP_ERR_STATE, "net info before realize");
    if (bench_fails_ever(b, BP_NET_ID, "net info"))
        return BP_ERR_STATE;
    if (!link->connected)
        return BP_ERR_NOT_FOUND;
    *out = link->net;
    out->struct_size = sizeof(*out);
    return BP_OK;
}

static int32_t net_read(const struct bp_host *host, uint32_t at, void *frame, uint32_t room)
{
    struct bench *b = bench_of(host);
    struct bench_link *link = bench_link_at(b, at, BP_NET_ID);
    const uint8_t *from;
    size_t offset = 0;
    uint32_t size;

    bench_not_while_saving(b, "net read");
    if (room < BP_NET_FRAME_MAX)
        return BP_ERR_INVALID;
    link->calls++;
    link->hungry = !link->n_in;
    if (!link->connected || !link->n_in)
        return 0;
    from = next_frame(&link->in, &offset, &size);
    memcpy(frame, from, size);
    bytes_drop(&link->in, offset);
    link->n_in--;
    return (int32_t)size;
}

static int32_t net_write(const struct bp_host *host, uint32_t at, const void *frame, uint32_t size)
{
    struct bench *b = bench_of(host);
    struct bench_link *link = bench_link_at(b, at, BP_NET_ID);

    bench_not_while_saving(b, "net write");
    if (size < BP_NET_FRAME_MIN || size > BP_NET_FRAME_MAX)
        return BP_ERR_RANGE;
    link->calls++;
    if (!link->connected)
        return BP_OK; /* vanishes */
    if (bench_fails_running(b, BP_NET_ID)) {
        link->events |= 1u << BP_LINK_WRITABLE;
        return BP_ERR_BUSY;
    }
    link->blocked = !link->room;
    if (!link->room)
        return BP_ERR_BUSY;
    if (link->room != UINT32_MAX)
        link->room--;
    add_frame(&link->out, &link->n_out, frame, size);
    return BP_OK;
}

const struct bp_net bench_net_if = {sizeof(struct bp_net), 0, net_info, net_read, net_write};

void bench_net_feed(struct bench *b, const char *name, const void *frame, uint32_t size)
{
    struct bench_link *link = bench_link_named(b, name, BP_NET_ID);

    if (size < BP_NET_FRAME_MIN || size > BP_NET_FRAME_MAX)
        bench_die(b, "a frame of %u bytes: %u to %u are possible", size, BP_NET_FRAME_MIN,
                  BP_NET_FRAME_MAX);
    if (link->hungry)
        link->events |= 1u << BP_LINK_READABLE;
    link->hungry = 0;
    add_frame(&link->in, &link->n_in, frame, size);
    bench_settle(b);
}

uint32_t bench_net_waiting(struct bench *b, const char *name)
{
    return bench_link_named(b, name, BP_NET_ID)->n_in;
}

uint32_t bench_net_sent(struct bench *b, const char *name)
{
    return bench_link_named(b, name, BP_NET_ID)->n_out;
}

const uint8_t *bench_net_frame(struct bench *b, const char *name, uint32_t i, uint32_t *size)
{
    const struct bench_link *link = bench_link_named(b, name, BP_NET_ID);
    const uint8_t *frame;
    size_t offset = 0;

    if (i >= link->n_out)
        bench_die(b, "frame %u of %u", i, link->n_out);
    do
        frame = next_frame(&link->out, &offset, size);
    while (i--);
    return frame;
}

void bench_net_clear(struct bench *b, const char *name)
{
    struct bench_link *link = bench_link_named(b, name, BP_NET_ID);

    bytes_free(&link->out);
    link->n_out = 0;
}

void bench_net_room(struct bench *b, const char *name, uint32_t frames)
{
    struct bench_link *link = bench_link_named(b, name, BP_NET_ID);

    link->room = frames;
    if (frames && link->blocked) {
        link->blocked = 0;
        link->events |= 1u << BP_LINK_WRITABLE;
    }
    bench_settle(b);
}

void bench_net_up(struct bench *b, const char *name, uint32_t up)
{
    struct bench_link *link = bench_link_named(b, name, BP_NET_ID);
    uint32_t flags = up ? BP_NET_LINK_UP : 0;

    if (link->net.flags != flags)
        link->events |= 1u << BP_LINK_CHANGED;
    link->net.flags = flags;
    bench_settle(b);
}

uint32_t bench_net_calls(struct bench *b, const char *name)
{
    return bench_link_named(b, name, BP_NET_ID)->calls;
}

/* --- a backend's own bp.net/1 ----------------------------------------------------------------- */
static const struct bp_net_ops *net_ops(struct bench *b)
{
    const struct bp_net_ops *ops = class_service(b->class_, BP_NET_ID);

    if (!ops)
        bench_die(b, "the class offers no %s", BP_NET_ID);
    return ops;
}

int32_t bench_net_info(struct bench *b, struct bp_net_info *info)
{
    const struct bp_net_ops *ops = net_ops(b);
    int32_t status;

    memset(info, 0, sizeof(*info));
    info->struct_size = sizeof(*info);
    bench_enter(b, "info of " BP_NET_ID);
    status = ops->info(b->dev, info);
    bench_leave(b);
    return status;
}

int32_t bench_net_write(struct bench *b, const void *frame, uint32_t size)
{
    const struct bp_net_ops *ops = net_ops(b);
    int32_t status;

    if (size < BP_NET_FRAME_MIN || size > BP_NET_FRAME_MAX)
        return BP_ERR_RANGE;
    bench_enter(b, "write of " BP_NET_ID);
    status = ops->write(b->dev, frame, size);
    bench_leave(b);
    if (status != BP_OK && status != BP_ERR_BUSY)
        bench_die(b, "write of a frame gave %d: BP_OK or BP_ERR_BUSY is wanted", status);
    return status;
}

uint32_t bench_net_read(struct bench *b, void *frame)
{
    const struct bp_net_ops *ops = net_ops(b);
    uint8_t *room = bench_alloc(BP_NET_FRAME_MAX);
    int32_t size;

    bench_enter(b, "read of " BP_NET_ID);
    size = ops->read(b->dev, room, BP_NET_FRAME_MAX);
    bench_leave(b);
    if (size && (size < (int32_t)BP_NET_FRAME_MIN || size > (int32_t)BP_NET_FRAME_MAX))
        bench_die(b, "read of a frame gave %d", size);
    if (frame)
        memcpy(frame, room, (size_t)size);
    free(room);
    return (uint32_t)size;
}
