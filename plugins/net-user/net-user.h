/* What the backend (net-user.c), its settings (settings.c), the library it drives (stack.c), the
 * library's sockets (sockets.c) and its log (messages.c) share. */
#ifndef NET_USER_H
#define NET_USER_H

#include <backplane/device.h>
#include <backplane/if/link.h>
#include <backplane/if/loop.h>
#include <backplane/if/net.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "frames.h"

#define USER_TO_GUEST_BYTES (1u << 20)
#define USER_TO_WORLD_BYTES (1u << 18)
#define USER_TIMERS         4u

struct Slirp; /* slirp/libslirp.h */

/* A port of the host whose connections or datagrams go to the guest. */
struct user_forward {
    bool is_udp;
    struct in_addr host;
    struct in_addr guest;
    uint16_t host_port;
    uint16_t guest_port;
};

/* The settings as numbers; addresses in network order. */
struct user_settings {
    struct in_addr network;
    struct in_addr mask;
    struct in_addr host;
    struct in_addr dns;
    struct in_addr dhcp_start;
    struct user_forward *forwards; /* owned */
    uint32_t n_forwards;
};

struct user_timer {
    void (*fn)(void *ctx); /* NULL: free */
    void *ctx;
    bool is_armed;
    uint64_t deadline_ns;
};

/* A descriptor of the library: what it waits for, and what has come. */
struct user_poll {
    int fd;
    int wanted;
    int ready;
};

struct user_slot { /* one for each descriptor number */
    bool is_open;
    uint32_t registered; /* with epoll, as its events; 0: not */
    uint32_t round;      /* of the last fill that had it, */
    uint32_t at;         /* and its place there */
};

struct user_sockets {
    int epoll_fd;
    uint32_t n_open;
    uint32_t round;
    struct user_slot *slots;
    uint32_t n_slots;
    struct user_poll *now, *before; /* this fill's and the last one's */
    uint32_t n_now, n_before;
    uint32_t now_room, before_room;
};

struct net_user {
    const struct bp_host *host;
    const struct bp_loop *loop;
    const struct bp_link_if *link;
    const char *network_text; /* properties */
    const char *host_text;
    const char *dns_text;
    const char *dhcp_start_text;
    const char *hostfwd;
    const char *hostname;
    uint32_t mtu;
    uint32_t is_restricted;
    uint32_t has_ipv6;
    uint32_t has_host_loopback;
    uint32_t max_sockets;

    struct user_settings settings;
    struct Slirp *slirp;
    struct user_sockets sockets;
    uint32_t log_handler; /* 0: none */
    bp_handle watch;
    bp_handle timer;
    struct user_timer timers[USER_TIMERS]; /* the library's own; one of the host's serves all */
    uint64_t last_ns;                      /* the library's clock never goes back, */
    uint64_t clock_offset_ns;              /* whatever a snapshot does to ours */
    uint64_t active_ns;                    /* when there was something to do */
    struct frame_ring to_guest;
    struct frame_ring to_world;
    struct frame_limits limits;
    struct fragments *fragments;
    uint8_t *scratch; /* BP_NET_FRAME_MAX: the frame that is being fed */
    uint64_t n_dropped;
    bool is_parked;     /* quiesced */
    bool is_watching;   /* the watch is armed */
    bool will_run;      /* a deferred run is on its way */
    bool is_hungry;     /* a read has found nothing */
    bool owes_writable; /* a write has found no room */
};

/* --- Settings: settings.c --------------------------------------------------------------------- */
/* [setup] All properties; an error has its sentence. */
int32_t settings_parse(struct net_user *s);
void settings_free(struct net_user *s);

/* --- The library: stack.c --------------------------------------------------------------------- */
int32_t stack_open(struct net_user *s); /* [setup] */
void stack_close(struct net_user *s);
/* Soon, on the loop's thread: the only one on which the library runs. */
void stack_plan_run(struct net_user *s);
void stack_run(struct net_user *s);
/* From now on nothing comes from the world. What the guest has sent has gone. */
void stack_park(struct net_user *s);

/* --- Its descriptors: sockets.c --------------------------------------------------------------- */
int32_t sockets_open(struct user_sockets *p); /* BP_ERR_IO, BP_ERR_NO_MEMORY */
void sockets_close(struct user_sockets *p);
/* The library has opened, or is about to close, a descriptor. */
void sockets_add(struct user_sockets *p, int fd);
void sockets_remove(struct user_sockets *p, int fd);
bool sockets_has(const struct user_sockets *p, int fd);
/* A fill: begin, want for each, end. sockets_want gives the place, -1 when out of memory. */
void sockets_begin(struct user_sockets *p);
int sockets_want(struct user_sockets *p, int fd, int wanted);
void sockets_end(struct user_sockets *p);
/* Asks which are ready; false when none is. */
bool sockets_look(struct user_sockets *p);

/* --- What the library prints: messages.c ------------------------------------------------------ */
void messages_catch(struct net_user *s);
void messages_release(struct net_user *s);

#endif
