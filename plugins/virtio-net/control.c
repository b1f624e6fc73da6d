/*
 * The control queue and what it controls: which frames the driver wants (virtio 1.2
 * section 5.1.6.5). A request is class and command, data, and one byte from the device.
 */
#include "virtio-net.h"

#include <backplane/lib/log.h>
#include <string.h>

#define ACK_OK  0u
#define ACK_ERR 1u

/* Classes */
#define CLASS_RX       0u
#define CLASS_MAC      1u
#define CLASS_VLAN     2u
#define CLASS_ANNOUNCE 3u

/* Commands of class RX, and their bits in `modes` */
#define RX_PROMISC  0u
#define RX_ALLMULTI 1u
#define RX_ALLUNI   2u
#define RX_NOMULTI  3u
#define RX_NOUNI    4u
#define RX_NOBCAST  5u

#define MAC_TABLE_SET 0u
#define MAC_ADDR_SET  1u

#define VLAN_ADD 0u
#define VLAN_DEL 1u

#define ANNOUNCE_ACK 0u

#define DATA_OFFSET 2u

#define TAG_OFFSET 12u
#define TAG_8021Q  0x8100u

/* --- Requests --------------------------------------------------------------------------------- */

/* Exactly `size` bytes of data. */
static bool get_data(const struct virtio_net *s, const struct bp_virtio_chain *chain, void *to,
                     uint32_t size)
{
    return chain->readable == DATA_OFFSET + (uint64_t)size &&
           s->virtio->read(s->host, chain->handle, DATA_OFFSET, to, size) == BP_OK;
}

static bool set_mode(struct virtio_net *s, uint8_t command, const struct bp_virtio_chain *chain)
{
    uint64_t needed = command <= RX_ALLMULTI ? F_CTRL_RX : F_CTRL_RX_EXTRA;
    uint8_t on;
    if (command > RX_NOBCAST || (s->features & needed) == 0 || !get_data(s, chain, &on, 1))
        return false;
    s->modes = (uint8_t)(s->modes & ~(1u << command));
    if (on != 0)
        s->modes = (uint8_t)(s->modes | 1u << command);
    return true;
}

/* A table at *offset of the chain, which is moved behind it. */
static bool get_table(const struct virtio_net *s, const struct bp_virtio_chain *chain,
                      uint64_t *offset, struct net_table *table)
{
    uint8_t count[4];
    memset(table, 0, sizeof(*table));
    if (s->virtio->read(s->host, chain->handle, *offset, count, sizeof(count)) != BP_OK)
        return false;
    uint64_t n =
        count[0] | (uint64_t)count[1] << 8 | (uint64_t)count[2] << 16 | (uint64_t)count[3] << 24;
    *offset += sizeof(count);
    if (n * NET_MAC_BYTES > chain->readable - *offset)
        return false;
    table->has_more = n > NET_TABLE_MAX;
    table->n = table->has_more ? 0 : (uint32_t)n;
    if (s->virtio->read(s->host, chain->handle, *offset, table->macs, table->n * NET_MAC_BYTES) !=
        BP_OK)
        return false;
    *offset += n * NET_MAC_BYTES;
    return true;
}

static bool set_tables(struct virtio_net *s, const struct bp_virtio_chain *chain)
{
    struct net_table unicast, multicast;
    uint64_t offset = DATA_OFFSET;
    if (!get_table(s, chain, &offset, &unicast) || !get_table(s, chain, &offset, &multicast) ||
        offset != chain->readable)
        return false;
    s->unicast = unicast;
    s->multicast = multicast;
    return true;
}

static bool set_mac(struct virtio_net *s, uint8_t command, const struct bp_virtio_chain *chain)
{
    if (command == MAC_TABLE_SET)
        return (s->features & F_CTRL_RX) != 0 && set_tables(s, chain);
    return command == MAC_ADDR_SET && (s->features & F_CTRL_MAC_ADDR) != 0 &&
           get_data(s, chain, s->mac, sizeof(s->mac));
}

static bool set_vlan(struct virtio_net *s, uint8_t command, const struct bp_virtio_chain *chain)
{
    uint8_t id[2];
    if (command > VLAN_DEL || (s->features & F_CTRL_VLAN) == 0 ||
        !get_data(s, chain, id, sizeof(id)))
        return false;
    uint32_t vlan = id[0] | (uint32_t)id[1] << 8;
    if (vlan >= NET_VLANS)
        return false;
    uint8_t bit = (uint8_t)(1u << (vlan & 7));
    if (command == VLAN_ADD)
        s->vlans[vlan / 8] |= bit;
    else
        s->vlans[vlan / 8] &= (uint8_t)~bit;
    return true;
}

static bool serve(struct virtio_net *s, const struct bp_virtio_chain *chain)
{
    uint8_t head[DATA_OFFSET];
    if (s->virtio->read(s->host, chain->handle, 0, head, sizeof(head)) != BP_OK)
        return false;
    switch (head[0]) {
    case CLASS_RX:
        return set_mode(s, head[1], chain);
    case CLASS_MAC:
        return set_mac(s, head[1], chain);
    case CLASS_VLAN:
        return set_vlan(s, head[1], chain);
    case CLASS_ANNOUNCE:
        if (head[1] != ANNOUNCE_ACK || (s->features & F_GUEST_ANNOUNCE) == 0)
            return false;
        s->is_announcing = false;
        return true;
    default:
        return false;
    }
}

bool control_step(struct virtio_net *s)
{
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    if (s->virtio->pop(s->host, NET_QUEUE_CT, &chain) != BP_OK)
        return false;
    uint8_t ack = ACK_ERR;
    if (serve(s, &chain))
        ack = ACK_OK;
    if (ack != ACK_OK)
        bp_guest_logf(s->host, "a control request was refused");
    uint32_t written = s->virtio->write(s->host, chain.handle, 0, &ack, 1) == BP_OK;
    (void)s->virtio->push(s->host, chain.handle, written);
    return true;
}

/* --- The filter ------------------------------------------------------------------------------- */

void control_reset(struct virtio_net *s)
{
    s->modes = 1u << RX_PROMISC;
    memset(&s->unicast, 0, sizeof(s->unicast));
    memset(&s->multicast, 0, sizeof(s->multicast));
    memset(s->vlans, 0, sizeof(s->vlans));
}

static bool has_mode(const struct virtio_net *s, uint32_t command)
{
    return (s->modes & 1u << command) != 0;
}

static bool is_in(const struct net_table *table, const uint8_t *mac)
{
    if (table->has_more)
        return true;
    for (uint32_t i = 0; i < table->n && i < NET_TABLE_MAX; i++)
        if (memcmp(table->macs[i], mac, NET_MAC_BYTES) == 0)
            return true;
    return false;
}

static bool vlan_passes(const struct virtio_net *s, const uint8_t *frame, uint32_t size)
{
    if ((s->features & F_CTRL_VLAN) == 0 || size < TAG_OFFSET + 4 ||
        ((uint32_t)frame[TAG_OFFSET] << 8 | frame[TAG_OFFSET + 1]) != TAG_8021Q)
        return true;
    uint32_t vlan = ((uint32_t)frame[TAG_OFFSET + 2] << 8 | frame[TAG_OFFSET + 3]) % NET_VLANS;
    return (s->vlans[vlan / 8] >> (vlan & 7) & 1) != 0;
}

bool control_passes(const struct virtio_net *s, const uint8_t *frame, uint32_t size)
{
    static const uint8_t broadcast[NET_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (!vlan_passes(s, frame, size))
        return false;
    if ((s->features & F_CTRL_RX) == 0 || has_mode(s, RX_PROMISC))
        return true;
    if (memcmp(frame, broadcast, NET_MAC_BYTES) == 0)
        return !has_mode(s, RX_NOBCAST);
    if ((frame[0] & 1) != 0)
        return !has_mode(s, RX_NOMULTI) &&
               (has_mode(s, RX_ALLMULTI) || is_in(&s->multicast, frame));
    return !has_mode(s, RX_NOUNI) &&
           (has_mode(s, RX_ALLUNI) || memcmp(frame, s->mac, NET_MAC_BYTES) == 0 ||
            is_in(&s->unicast, frame));
}
