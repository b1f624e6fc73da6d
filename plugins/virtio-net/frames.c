/*
 * Frames in both directions: virtio 1.2 sections 5.1.6.2 (transmission) and 5.1.6.3 (reception).
 *
 * A frame waits where it is: at the backend until the driver has buffers for it, in the queue until
 * the backend takes it. One in each direction may be on the way, in a buffer here. A buffer of the
 * driver is fetched only when there is a frame for it.
 */
#include "virtio-net.h"

#include <backplane/lib/log.h>
#include <string.h>

#define HEADER_FLAGS       0u
#define HEADER_GSO_TYPE    1u
#define HEADER_NUM_BUFFERS 10u

/* --- To the network --------------------------------------------------------------------------- */

/* Copies the frame of a chain to s->tx; its size, 0 for what is none. */
static uint32_t take_frame(struct virtio_net *s, const struct bp_virtio_chain *chain)
{
    if (chain->readable < NET_HEADER_BYTES + BP_NET_FRAME_MIN ||
        chain->readable > NET_BUFFER_BYTES) {
        bp_guest_logf(s->host, "%llu bytes to send are no header and frame; dropped",
                      (unsigned long long)chain->readable);
        return 0;
    }
    if (s->virtio->read(s->host, chain->handle, 0, s->tx, chain->readable) != BP_OK)
        return 0;
    if (s->tx[HEADER_FLAGS] != 0 || s->tx[HEADER_GSO_TYPE] != 0) {
        bp_guest_logf(s->host,
                      "a frame to be completed (flags %u, gso_type %u), which was not "
                      "offered; dropped",
                      s->tx[HEADER_FLAGS], s->tx[HEADER_GSO_TYPE]);
        return 0;
    }
    return (uint32_t)chain->readable - NET_HEADER_BYTES;
}

/* False when there is nothing to do, or nothing can be done now. */
static bool send_step(struct virtio_net *s)
{
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    if (s->tx_size == 0) {
        if (s->virtio->pop(s->host, NET_QUEUE_TX, &chain) != BP_OK)
            return false;
        s->tx_size = take_frame(s, &chain);
        (void)s->virtio->push(s->host, chain.handle, 0);
        if (s->tx_size == 0)
            return true;
    }
    if (s->net->write(s->host, NET_LINK_NET, s->tx + NET_HEADER_BYTES, s->tx_size) == BP_ERR_BUSY)
        return false; /* BP_LINK_WRITABLE comes */
    s->tx_size = 0;
    return true;
}

/* --- From the network ------------------------------------------------------------------------- */

static void put_header(struct virtio_net *s)
{
    memset(s->rx, 0, NET_HEADER_BYTES); /* no flags, gso_type NONE */
    s->rx[HEADER_NUM_BUFFERS] = (uint8_t)s->n_gathered;
    s->rx[HEADER_NUM_BUFFERS + 1] = (uint8_t)(s->n_gathered >> 8);
}

/* Fills the buffers and ends them together: a driver that saw some of them only would take the
 * frame for damaged. */
static void fill_buffers(struct virtio_net *s, uint32_t size)
{
    uint32_t done = 0;
    put_header(s);
    for (uint32_t i = 0; i < s->n_gathered; i++) {
        const struct bp_virtio_chain *chain = &s->gathered[i];
        uint32_t left = size - done;
        uint32_t part = chain->writable < left ? (uint32_t)chain->writable : left;
        if (s->virtio->write(s->host, chain->handle, 0, s->rx + done, part) != BP_OK)
            part = 0;
        s->used[i] = (struct bp_virtio_used){.chain = chain->handle, .written = part};
        done += part;
    }
    (void)s->virtio->push_many(s->host, s->used, s->n_gathered);
    s->n_gathered = 0;
    s->gathered_bytes = 0;
}

void net_return_buffers(struct virtio_net *s)
{
    for (uint32_t i = 0; i < s->n_gathered; i++)
        (void)s->virtio->push(s->host, s->gathered[i].handle, 0);
    s->n_gathered = 0;
    s->gathered_bytes = 0;
}

/* One more buffer for the frame. False: there is none. */
static bool gather(struct virtio_net *s)
{
    struct bp_virtio_chain *chain = &s->gathered[s->n_gathered];
    chain->struct_size = sizeof(*chain);
    if (s->virtio->pop(s->host, NET_QUEUE_RX, chain) != BP_OK)
        return false;
    if (chain->writable == 0 || (s->n_gathered == 0 && chain->writable < NET_HEADER_BYTES)) {
        bp_guest_logf(s->host, "a buffer to receive has room for %llu bytes; given back",
                      (unsigned long long)chain->writable);
        (void)s->virtio->push(s->host, chain->handle, 0);
        return true;
    }
    s->n_gathered++;
    s->gathered_bytes += chain->writable; /* each is a few GiB at most: chains are bounded */
    return true;
}

static bool deliver(struct virtio_net *s)
{
    uint32_t size = NET_HEADER_BYTES + s->rx_size;
    uint32_t limit = (s->features & F_MRG_RXBUF) != 0 ? NET_QUEUE_SIZE : 1;
    if (s->gathered_bytes < size && s->n_gathered < limit)
        return gather(s);
    if (s->gathered_bytes < size) {
        bp_guest_logf(s->host,
                      "a frame of %u bytes does not fit into the driver's buffers; dropped",
                      s->rx_size);
        net_return_buffers(s);
    } else {
        fill_buffers(s, size);
    }
    s->rx_size = 0;
    return true;
}

static bool receive_step(struct virtio_net *s)
{
    if (s->rx_size != 0)
        return deliver(s);
    int32_t size = s->net->read(s->host, NET_LINK_NET, s->rx + NET_HEADER_BYTES, BP_NET_FRAME_MAX);
    if (size <= 0)
        return false; /* BP_LINK_READABLE comes */
    if (control_passes(s, s->rx + NET_HEADER_BYTES, (uint32_t)size))
        s->rx_size = (uint32_t)size;
    return true;
}

/* --- Both ------------------------------------------------------------------------------------- */

static void run_later(void *dev, uint64_t arg)
{
    struct virtio_net *s = dev;
    (void)arg;
    s->will_run = false;
    net_run(s);
}

static bool run_queue(struct virtio_net *s, bool (*step)(struct virtio_net *s), uint32_t limit)
{
    for (uint32_t n = 0; n < limit; n++)
        if (!step(s))
            return false;
    return true;
}

void net_run(struct virtio_net *s)
{
    if (s->is_parked || !s->is_active)
        return;
    bool has_more = run_queue(s, control_step, NET_RUN_LIMIT);
    has_more |= run_queue(s, send_step, NET_RUN_LIMIT);
    /* A frame takes a step to fetch, one for each buffer, and one to deliver. */
    has_more |= run_queue(s, receive_step, 4 * NET_RUN_LIMIT);
    if (has_more && !s->will_run)
        s->will_run = s->host->defer(s->host, run_later, 0) == BP_OK;
}
