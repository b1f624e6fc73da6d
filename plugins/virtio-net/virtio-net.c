/*
 * virtio-net - a network card.
 * Specification: virtio 1.2 (OASIS), section 5.1.
 * Not modelled: several queue pairs, checksum and segmentation offloads (no backend can complete a
 * frame, see if/net.h), receive-side scaling, wake-up and speed reports, legacy layouts.
 */
#include "virtio-net.h"

#include <backplane/if/state.h>
#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Offsets of the device configuration: 5.1.4. */
#define CONFIG_MAC       0u
#define CONFIG_STATUS    6u
#define CONFIG_MAX_PAIRS 8u
#define CONFIG_MTU       10u
#define CONFIG_BYTES     12u

#define STATUS_LINK_UP  1u
#define STATUS_ANNOUNCE 2u

#define MTU_MIN 68u /* RFC 791: what every link carries */

#define FIELD_RX "rx-frame"
#define FIELD_TX "tx-frame"

/* --- Configuration ---------------------------------------------------------------------------- */

static uint64_t net_features(void *dev)
{
    const struct virtio_net *s = dev;
    uint64_t features = F_MAC | F_MRG_RXBUF | F_STATUS | F_CTRL_VQ | F_CTRL_RX | F_CTRL_VLAN |
                        F_CTRL_RX_EXTRA | F_GUEST_ANNOUNCE | F_CTRL_MAC_ADDR;
    return s->mtu != 0 ? features | F_MTU : features;
}

static void net_config_read(void *dev, uint32_t offset, void *to, uint32_t size)
{
    const struct virtio_net *s = dev;
    uint8_t config[CONFIG_BYTES] = {0};
    memcpy(config + CONFIG_MAC, s->mac, sizeof(s->mac));
    config[CONFIG_STATUS] =
        (uint8_t)((s->is_up ? STATUS_LINK_UP : 0) | (s->is_announcing ? STATUS_ANNOUNCE : 0));
    config[CONFIG_MAX_PAIRS] = 1;
    config[CONFIG_MTU] = (uint8_t)s->mtu;
    config[CONFIG_MTU + 1] = (uint8_t)(s->mtu >> 8);
    memcpy(to, config + offset, size);
}

/* What the backend says of itself, now. */
static int32_t ask_backend(struct virtio_net *s, struct bp_net_info *info)
{
    *info = (struct bp_net_info){.struct_size = sizeof(*info)};
    int32_t status = s->net->info(s->host, NET_LINK_NET, info);
    if (status == BP_ERR_NOT_FOUND) { /* the cable is out */
        *info = (struct bp_net_info){.struct_size = sizeof(*info)};
        return BP_OK;
    }
    return status;
}

static void update_link(struct virtio_net *s)
{
    struct bp_net_info info;
    bool was_up = s->is_up;
    s->is_up = ask_backend(s, &info) == BP_OK && (info.flags & BP_NET_LINK_UP) != 0;
    if (s->is_up != was_up)
        s->virtio->config_changed(s->host);
}

/* --- Driver events ---------------------------------------------------------------------------- */

static void net_activate(void *dev, uint64_t features)
{
    struct virtio_net *s = dev;
    s->features = features;
    s->is_active = true;
}

static void net_notify(void *dev, uint32_t queue)
{
    (void)queue;
    net_run(dev);
}

static void to_power_on(struct virtio_net *s)
{
    s->is_active = false;
    s->is_announcing = false;
    s->features = 0;
    s->n_gathered = 0;
    s->gathered_bytes = 0;
    s->rx_size = 0;
    s->tx_size = 0;
    memcpy(s->mac, s->first_mac, sizeof(s->mac));
    control_reset(s);
}

static void net_device_reset(void *dev)
{
    to_power_on(dev);
}

static void net_on_link(void *dev, uint32_t link, uint32_t event)
{
    struct virtio_net *s = dev;
    (void)link;
    if (s->is_parked)
        return; /* start looks at everything */
    if (event == BP_LINK_CHANGED)
        update_link(s);
    net_run(s);
}

/* --- Addresses -------------------------------------------------------------------------------- */

/* A locally administered address that is the same for a device of this name each time (FNV-1a). */
static void make_mac(const char *name, uint8_t *mac)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    mac[0] = 0x02;
    for (uint32_t i = 1; i < NET_MAC_BYTES; i++, hash >>= 8)
        mac[i] = (uint8_t)hash;
}

static int32_t digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_mac(const char *text, uint8_t *mac)
{
    for (uint32_t i = 0; i < NET_MAC_BYTES; i++, text += 3) {
        int32_t high = digit_of(text[0]);
        int32_t low = high < 0 ? -1 : digit_of(text[1]);
        if (low < 0 || text[2] != (i + 1 < NET_MAC_BYTES ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int32_t choose_mac(struct virtio_net *s)
{
    static const uint8_t nobody[NET_MAC_BYTES];
    if (s->mac_text == NULL || s->mac_text[0] == '\0') {
        make_mac(s->host->name, s->first_mac);
        return BP_OK;
    }
    if (!parse_mac(s->mac_text, s->first_mac))
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "mac = %s: six pairs of hexadecimal digits are wanted, as in "
                         "02:00:00:00:00:01",
                         s->mac_text);
    if ((s->first_mac[0] & 1) != 0 || memcmp(s->first_mac, nobody, sizeof(nobody)) == 0)
        return bp_errorf(s->host, BP_ERR_INVALID,
                         "mac = %s: that is no address of one card: its first pair must be even, "
                         "and not all may be 0",
                         s->mac_text);
    return BP_OK;
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t get_interfaces(struct virtio_net *s)
{
    s->virtio = s->host->get_interface(s->host, BP_VIRTIO_ID);
    s->net = s->host->get_interface(s->host, BP_NET_ID);
    if (s->virtio == NULL || s->net == NULL)
        return s->host->set_error(s->host, BP_ERR_UNSUPPORTED,
                                  "this host lacks " BP_VIRTIO_ID " or " BP_NET_ID);
    return BP_OK;
}

static int32_t net_create(const struct bp_host *host, void *dev)
{
    struct virtio_net *s = dev;
    s->host = host;
    int32_t status = get_interfaces(s);
    if (status == BP_OK)
        status = choose_mac(s);
    if (status != BP_OK)
        return status;
    if (s->mtu_asked != 0 && s->mtu_asked < MTU_MIN)
        return bp_errorf(host, BP_ERR_RANGE, "mtu = %u: 0, or %u and more, is possible",
                         s->mtu_asked, MTU_MIN);
    s->rx = calloc(1, NET_BUFFER_BYTES);
    s->tx = calloc(1, NET_BUFFER_BYTES);
    s->gathered = calloc(NET_QUEUE_SIZE, sizeof(*s->gathered));
    s->used = calloc(NET_QUEUE_SIZE, sizeof(*s->used));
    if (s->rx == NULL || s->tx == NULL || s->gathered == NULL || s->used == NULL)
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    to_power_on(s);
    return BP_OK;
}

static int32_t net_realize(void *dev)
{
    static const uint8_t nobody[NET_MAC_BYTES];
    struct virtio_net *s = dev;
    struct bp_net_info info;
    int32_t status = ask_backend(s, &info);
    if (status != BP_OK)
        return s->host->set_error(s->host, status,
                                  "the network behind \"net\" says nothing about itself");
    if (info.mtu != 0 && s->mtu_asked > info.mtu)
        return bp_errorf(s->host, BP_ERR_RANGE,
                         "mtu = %u: the network behind \"net\" carries %u: set that one's mtu, or "
                         "leave this one out",
                         s->mtu_asked, info.mtu);
    if ((s->mac_text == NULL || s->mac_text[0] == '\0') &&
        memcmp(info.mac, nobody, sizeof(nobody)) != 0)
        memcpy(s->first_mac, info.mac, sizeof(info.mac));
    s->mtu = s->mtu_asked != 0 ? s->mtu_asked : info.mtu;
    s->is_up = (info.flags & BP_NET_LINK_UP) != 0;
    return BP_OK;
}

static void net_reset(void *dev, uint32_t kind)
{
    (void)kind;
    to_power_on(dev);
}

static void net_start(void *dev)
{
    struct virtio_net *s = dev;
    s->is_parked = false;
    update_link(s);
    if (s->is_announcing && (s->features & F_GUEST_ANNOUNCE) != 0)
        s->virtio->config_changed(s->host);
    net_run(s);
}

static int32_t net_quiesce(void *dev)
{
    struct virtio_net *s = dev;
    s->is_parked = true;
    net_return_buffers(s);
    return BP_OK;
}

static int32_t net_save(const void *dev, const struct bp_state_writer *w)
{
    const struct virtio_net *s = dev;
    int32_t status = w->put(w, FIELD_RX, s->rx + NET_HEADER_BYTES, s->rx_size);
    if (status != BP_OK)
        return status;
    return w->put(w, FIELD_TX, s->tx + NET_HEADER_BYTES, s->tx_size);
}

static int32_t check_frame(const struct bp_state_reader *r, const char *name)
{
    uint64_t size;
    int32_t status = r->size(r, name, &size);
    if (status != BP_OK)
        return status;
    return size == 0 || (size >= BP_NET_FRAME_MIN && size <= BP_NET_FRAME_MAX) ? BP_OK
                                                                               : BP_ERR_FORMAT;
}

static int32_t net_load_check(const void *dev, const struct bp_state_reader *r)
{
    (void)dev;
    int32_t status = check_frame(r, FIELD_RX);
    return status == BP_OK ? check_frame(r, FIELD_TX) : status;
}

static uint32_t load_frame(const struct bp_state_reader *r, const char *name, uint8_t *to)
{
    uint64_t size = 0;
    if (r->size(r, name, &size) != BP_OK || r->get(r, name, to + NET_HEADER_BYTES, size) != BP_OK)
        return 0; /* the check has read the same bytes */
    return (uint32_t)size;
}

/* The network around it may be another one: who is behind the card has to be told. */
static void net_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct virtio_net *s = dev;
    s->rx_size = load_frame(r, FIELD_RX, s->rx);
    s->tx_size = load_frame(r, FIELD_TX, s->tx);
    s->is_announcing = true;
}

static void net_destroy(void *dev)
{
    struct virtio_net *s = dev;
    free(s->rx);
    free(s->tx);
    free(s->gathered);
    free(s->used);
}

static const struct bp_virtio_device_ops virtio_ops = {
    .struct_size = sizeof(struct bp_virtio_device_ops),
    .device_id = 1,
    .n_queues = NET_QUEUES,
    .queue_size = NET_QUEUE_SIZE,
    .config_size = CONFIG_BYTES,
    .features = net_features,
    .config_read = net_config_read,
    .activate = net_activate,
    .notify = net_notify,
    .device_reset = net_device_reset,
};

/* --- Tables ----------------------------------------------------------------------------------- */

static const struct bp_link links[] = {
    {"net", BP_NET_ID,
     "The network that the card is plugged into. With nothing connected the cable is out.", 0, 0},
};

static const struct bp_property properties[] = {
    BP_PROP_STRING(struct virtio_net, mac_text, "mac", NULL, 17,
                   "Hardware address, as in 02:00:00:00:00:01. Without it the network's "
                   "suggestion, or one that follows from the device's name and is the same each "
                   "time."),
    BP_PROP_U32(struct virtio_net, mtu_asked, "mtu", "0", 0, BP_NET_FRAME_MAX - BP_NET_FRAME_MIN,
                "Largest payload of a frame in bytes that the guest is told, from 68. 0: what the "
                "network says."),
};

static const struct bp_field state[] = {
    BP_FIELD_U8(struct virtio_net, mac),
    BP_FIELD_U8_MAX(struct virtio_net, modes, 0x3f),
    {"unicast-n", NET_TABLE_MAX, BP_FIELD_TYPE_U32, 1, offsetof(struct virtio_net, unicast.n), 0},
    {"unicast-more", 1, BP_FIELD_TYPE_U8, 1, offsetof(struct virtio_net, unicast.has_more), 0},
    {"unicast-macs", 0, BP_FIELD_TYPE_U8, NET_TABLE_MAX *NET_MAC_BYTES,
     offsetof(struct virtio_net, unicast.macs), 0},
    {"multicast-n", NET_TABLE_MAX, BP_FIELD_TYPE_U32, 1, offsetof(struct virtio_net, multicast.n),
     0},
    {"multicast-more", 1, BP_FIELD_TYPE_U8, 1, offsetof(struct virtio_net, multicast.has_more), 0},
    {"multicast-macs", 0, BP_FIELD_TYPE_U8, NET_TABLE_MAX *NET_MAC_BYTES,
     offsetof(struct virtio_net, multicast.macs), 0},
    BP_FIELD_U8(struct virtio_net, vlans),
};

static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};
static const char *const needs[] = {BP_VIRTIO_ID, BP_NET_ID, NULL};

static const struct bp_class virtio_net = {
    .struct_size = sizeof(struct bp_class),
    .id = "virtio-net",
    .version = "1.0",
    .summary = "virtio network card",
    .instance_size = sizeof(struct virtio_net),
    .state_version = 1,
    .bus = "virtio",
    .needs = needs,
    .properties = BP_TABLE(properties),
    .links = BP_TABLE(links),
    .services = BP_TABLE(services),
    .state = BP_TABLE(state),
    .create = net_create,
    .realize = net_realize,
    .reset = net_reset,
    .start = net_start,
    .quiesce = net_quiesce,
    .save = net_save,
    .load_check = net_load_check,
    .load_commit = net_load_commit,
    .destroy = net_destroy,
    .on_link = net_on_link,
};
BP_PLUGIN("virtio-net", "1.0", &virtio_net);
