/*
 * net-user - a network behind the host's own sockets, that needs no privilege: libslirp. The guest
 * gets an address by DHCP and reaches what a program of this user could reach; ports of the host
 * can be forwarded to it (hostfwd).
 *
 * Frames wait in two rings of fixed size. When that to the guest is half full, nothing more is read
 * from the sockets; what still comes (answers to the guest's own frames) is dropped when there is
 * no room, counted, and sent again by whoever needs it. When that from the guest is full, its card
 * waits.
 *
 * A snapshot holds no connection: those that were open end with a reset when it is loaded
 * elsewhere. For guests that are not trusted libslirp should be 4.8 with its distribution's fixes,
 * or newer: what is looked at and put right here (filter.c, fragments.c) is what can be without
 * knowing connections. Not modelled: TFTP, neither here nor out to the world; several guests on one
 * network; IPv6 in hostfwd; ICMP beyond echo.
 */
#include "net-user.h"

#include <backplane/lib/log.h>
#include <backplane/plugin.h>
#include <stdlib.h>
#include <string.h>

#define MTU_MIN 576u /* RFC 791: what every host takes; less is not of use */
#define MTU_MAX 65521u

/* --- bp.net/1 --------------------------------------------------------------------------------- */

static int32_t user_info(void *dev, struct bp_net_info *out)
{
    const struct net_user *s = dev;
    out->flags = BP_NET_LINK_UP;
    out->mtu = s->mtu;
    return BP_OK;
}

static int32_t user_read(void *dev, void *frame, uint32_t room)
{
    struct net_user *s = dev;
    (void)room;
    uint32_t size = ring_get(&s->to_guest, frame);
    s->is_hungry = size == 0;
    if (!s->is_watching && s->to_guest.used <= s->to_guest.size / 4)
        stack_plan_run(s);
    return (int32_t)size;
}

static int32_t user_write(void *dev, const void *frame, uint32_t size)
{
    struct net_user *s = dev;
    if (!ring_put(&s->to_world, frame, size)) {
        s->owes_writable = true;
        stack_plan_run(s);
        return BP_ERR_BUSY;
    }
    stack_plan_run(s);
    return BP_OK;
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static int32_t user_create(const struct bp_host *host, void *dev)
{
    struct net_user *s = dev;
    s->host = host;
    s->sockets.epoll_fd = -1;
    s->loop = host->get_interface(host, BP_LOOP_ID);
    s->link = host->get_interface(host, BP_LINK_ID);
    if (s->loop == NULL || s->link == NULL)
        return host->set_error(host, BP_ERR_UNSUPPORTED,
                               "this host lacks " BP_LOOP_ID " or " BP_LINK_ID);
    int32_t status = settings_parse(s);
    if (status != BP_OK)
        return status;
    s->scratch = malloc(BP_NET_FRAME_MAX);
    s->fragments = fragments_create();
    if (s->scratch == NULL || s->fragments == NULL ||
        !ring_open(&s->to_guest, USER_TO_GUEST_BYTES) ||
        !ring_open(&s->to_world, USER_TO_WORLD_BYTES))
        return host->set_error(host, BP_ERR_NO_MEMORY, "out of memory");
    s->is_hungry = true;
    return BP_OK;
}

static int32_t user_realize(void *dev)
{
    return stack_open(dev);
}

/* Another guest begins: nothing of the one before is for it. */
static void user_reset(void *dev, uint32_t kind)
{
    struct net_user *s = dev;
    (void)kind;
    ring_clear(&s->to_guest);
    ring_clear(&s->to_world);
    fragments_clear(s->fragments);
    s->is_hungry = true;
    s->owes_writable = false;
    s->n_dropped = 0;
}

static void user_start(void *dev)
{
    struct net_user *s = dev;
    s->is_parked = false;
    stack_run(s);
}

static int32_t user_quiesce(void *dev)
{
    struct net_user *s = dev;
    if (!s->is_parked)
        stack_park(s);
    return BP_OK;
}

static void user_destroy(void *dev)
{
    struct net_user *s = dev;
    stack_close(s);
    ring_close(&s->to_guest);
    ring_close(&s->to_world);
    fragments_destroy(s->fragments);
    free(s->scratch);
    settings_free(s);
}

/* --- Tables ----------------------------------------------------------------------------------- */

static const struct bp_net_ops net_ops = {
    .struct_size = sizeof(struct bp_net_ops),
    .info = user_info,
    .read = user_read,
    .write = user_write,
};

static const struct bp_property properties[] = {
    BP_PROP_STRING(struct net_user, network_text, "network", "10.0.2.0/24", 18,
                   "The guest's network: an address and the length of its prefix."),
    BP_PROP_STRING(struct net_user, host_text, "host", NULL, 15,
                   "The gateway's address, which also stands for this host. Without it the second "
                   "of the network."),
    BP_PROP_STRING(struct net_user, dns_text, "dns", NULL, 15,
                   "The name server's address; what is asked there goes to this host's. Without it "
                   "the third of the network."),
    BP_PROP_STRING(struct net_user, dhcp_start_text, "dhcp-start", NULL, 15,
                   "The first address that DHCP gives. Without it the fifteenth of the network."),
    BP_PROP_STRING(struct net_user, hostfwd, "hostfwd", NULL, 4096,
                   "Ports of this host that lead to the guest: tcp:127.0.0.1:8080-:80, with udp as "
                   "well as tcp, several with commas between. Without the first address all of "
                   "this host's, so that others can connect; without the second dhcp-start."),
    BP_PROP_STRING(struct net_user, hostname, "hostname", NULL, 32,
                   "The name that DHCP gives to the guest."),
    BP_PROP_U32(struct net_user, mtu, "mtu", "1500", MTU_MIN, MTU_MAX,
                "Largest payload of a frame in bytes."),
    BP_PROP_BOOL(struct net_user, is_restricted, "restrict", "no",
                 "Cuts the guest off: no connection leaves, only forwarded ones come in."),
    BP_PROP_BOOL(struct net_user, has_ipv6, "ipv6", "no",
                 "Gives the guest IPv6 as well, as fec0::/64."),
    BP_PROP_BOOL(struct net_user, has_host_loopback, "host-loopback", "yes",
                 "Lets the guest reach, at the gateway's address, what listens on 127.0.0.1."),
    BP_PROP_U32(struct net_user, max_sockets, "max-sockets", "400", 8, 65536,
                "Connections at once; datagrams from one port are one for some minutes. At most "
                "half of the files that the program may open."),
};

static const struct bp_service services[] = {{BP_NET_ID, &net_ops}};
static const char *const needs[] = {BP_LOOP_ID, BP_LINK_ID, NULL};

static const struct bp_class net_user = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "net-user",
    .version = "1.0",
    .summary = "network through this host's own sockets, with port forwarding",
    .instance_size = sizeof(struct net_user),
    .state_version = 1,
    .needs = needs,
    .properties = BP_TABLE(properties),
    .services = BP_TABLE(services),
    .create = user_create,
    .realize = user_realize,
    .reset = user_reset,
    .start = user_start,
    .quiesce = user_quiesce,
    .destroy = user_destroy,
};
BP_PLUGIN_BACKEND("net-user", "1.0", &net_user);
