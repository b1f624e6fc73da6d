/* What the card (virtio-net.c), its two directions (frames.c) and its filter (control.c) share. */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <backplane/device.h>
#include <backplane/if/net.h>
#include <backplane/if/virtio.h>
#include <stdbool.h>

/* Queues: 5.1.2 */
#define NET_QUEUE_RX 0u
#define NET_QUEUE_TX 1u
#define NET_QUEUE_CT 2u
#define NET_QUEUES   3u

#define NET_QUEUE_SIZE   256u
#define NET_LINK_NET     0u
#define NET_HEADER_BYTES 12u /* struct virtio_net_hdr: 5.1.6 */
#define NET_BUFFER_BYTES (NET_HEADER_BYTES + BP_NET_FRAME_MAX)
#define NET_RUN_LIMIT    64u /* frames in one go: a guest, or the world, may have no end of them */
#define NET_TABLE_MAX    32u
#define NET_MAC_BYTES    6u
#define NET_VLANS        4096u

/* Feature bits: 5.1.3 */
#define F_MTU            (UINT64_C(1) << 3)
#define F_MAC            (UINT64_C(1) << 5)
#define F_MRG_RXBUF      (UINT64_C(1) << 15)
#define F_STATUS         (UINT64_C(1) << 16)
#define F_CTRL_VQ        (UINT64_C(1) << 17)
#define F_CTRL_RX        (UINT64_C(1) << 18)
#define F_CTRL_VLAN      (UINT64_C(1) << 19)
#define F_CTRL_RX_EXTRA  (UINT64_C(1) << 20)
#define F_GUEST_ANNOUNCE (UINT64_C(1) << 21)
#define F_CTRL_MAC_ADDR  (UINT64_C(1) << 23)

/* Addresses that the driver wants, of one kind. */
struct net_table {
    uint32_t n;
    uint8_t has_more; /* it named more than fit: everything of the kind passes */
    uint8_t macs[NET_TABLE_MAX][NET_MAC_BYTES];
};

struct virtio_net {
    const struct bp_host *host;
    const struct bp_virtio *virtio;
    const struct bp_net *net;
    const char *mac_text; /* properties */
    uint32_t mtu_asked;

    uint8_t first_mac[NET_MAC_BYTES]; /* after a reset */
    uint32_t mtu;                     /* told to the driver; 0: nothing is */
    bool is_up;                       /* link state */
    uint64_t features;                /* negotiated; 0 while no driver runs it */
    bool is_active;
    bool is_parked;                   /* quiesced: moves nothing */
    bool will_run;                    /* a deferred run is on its way */
    bool is_announcing;               /* the driver is asked to make itself known */
    uint32_t n_gathered;              /* buffers fetched for the frame in rx, */
    uint64_t gathered_bytes;          /* and what fits into them */
    struct bp_virtio_chain *gathered; /* NET_QUEUE_SIZE */
    struct bp_virtio_used *used;      /* NET_QUEUE_SIZE, scratch */

    /* State */
    uint8_t mac[NET_MAC_BYTES];
    uint8_t modes; /* bit 1 << command of class RX (control.c) */
    struct net_table unicast;
    struct net_table multicast;
    uint8_t vlans[NET_VLANS / 8]; /* a bit for each that passes */
    uint32_t rx_size;             /* of the frame that waits for buffers; 0: none */
    uint32_t tx_size;             /* of the frame that the backend has not taken; 0: none */
    uint8_t *rx;                  /* NET_BUFFER_BYTES: header and frame */
    uint8_t *tx;                  /* the same */
};

/* --- Frames: frames.c ------------------------------------------------------------------------- */
/* Moves frames as far as both sides let it. */
void net_run(struct virtio_net *s);
/* Gives fetched buffers back unused: before the state is saved none may be out. */
void net_return_buffers(struct virtio_net *s);

/* --- Control queue and filter: control.c ------------------------------------------------------ */
/* One request of the control queue; false when there is none. */
bool control_step(struct virtio_net *s);
/* Everything passes, as before a driver says what it wants: 5.1.6.5. */
void control_reset(struct virtio_net *s);
/* Does the driver want this frame? */
bool control_passes(const struct virtio_net *s, const uint8_t *frame, uint32_t size);

#endif
