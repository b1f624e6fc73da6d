/*
 * bp.net/1 - Ethernet frames in both directions: network cards and what they are plugged into.
 *
 * A frame is one whole frame of IEEE 802.3: destination, source, type, payload; without preamble
 * and check sequence, not padded. Checksums in it are complete; none is ever left to the other end.
 *
 * Pull model: frames wait at the backend until the device fetches them, and what the backend does
 * not take stays with the device, so no buffer grows and nothing is lost on the link itself. (What
 * a network does beyond it, it does as networks do; a backend counts and logs what it drops.)
 * A device may leave its link unconnected: the cable is out, and frames written vanish. A link is a
 * cable with two ends: each device has a backend of its own.
 */
#ifndef BACKPLANE_IF_NET_H
#define BACKPLANE_IF_NET_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_NET_ID "bp.net/1"

#define BP_NET_FRAME_MIN 14u    /* bytes: the two addresses and the type */
#define BP_NET_FRAME_MAX 65535u /* bytes, with the header */

#define BP_NET_LINK_UP (1u << 0)

struct bp_net_info {
    uint32_t struct_size; /* set by the caller */
    uint32_t flags;       /* BP_NET_* */
    uint32_t mtu;         /* largest payload in bytes behind the 14 of the header; 0: not known */
    uint8_t mac[6];       /* an address for the device; all zero: it takes one of its own */
    uint8_t pad[2];
};

/* For devices, from get_interface(BP_NET_ID). `link` is the index in the class's link table. */
struct bp_net {
    uint32_t struct_size;
    uint32_t pad;
    /* [setup] after realize of the backend, [dev]. BP_ERR_NOT_FOUND: the link is not connected.
     * on_link(BP_LINK_CHANGED) comes when it is to be asked again. */
    int32_t (*info)(const struct bp_host *host, uint32_t link, struct bp_net_info *out);
    /* [dev] Fetches the oldest frame that waits: its size in bytes, BP_NET_FRAME_MIN or more. 0:
     * there is none, and on_link(BP_LINK_READABLE) comes when there is. `room` is the buffer's
     * size: BP_NET_FRAME_MAX or more, else BP_ERR_INVALID. */
    int32_t (*read)(const struct bp_host *host, uint32_t link, void *frame, uint32_t room);
    /* [dev] BP_OK: taken, and copied. BP_ERR_BUSY: there is no room now, the frame stays the
     * device's; on_link(BP_LINK_WRITABLE) comes when there is. BP_ERR_RANGE: shorter than
     * BP_NET_FRAME_MIN or longer than BP_NET_FRAME_MAX, and so no frame. */
    int32_t (*write)(const struct bp_host *host, uint32_t link, const void *frame, uint32_t size);
};

/* For backends: the service table. The host has checked sizes and room. They tell of news with
 * bp.link/1 notify: BP_LINK_READABLE after a read that found nothing, BP_LINK_WRITABLE after a
 * write that was BP_ERR_BUSY, BP_LINK_CHANGED. All functions are called [dev]. */
struct bp_net_ops {
    uint32_t struct_size;
    uint32_t pad;
    /* Results and errors as in struct bp_net. What else goes wrong outside is the backend's to log.
     */
    int32_t (*info)(void *dev, struct bp_net_info *out);
    int32_t (*read)(void *dev, void *frame, uint32_t room);
    int32_t (*write)(void *dev, const void *frame, uint32_t size);
};

#ifdef __cplusplus
}
#endif
#endif
