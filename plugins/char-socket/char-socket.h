/* What the backend (char-socket.c), its address (address.c), its client (client.c) and its output
 * (output.c) share. */
#ifndef CHAR_SOCKET_H
#define CHAR_SOCKET_H

#include <backplane/device.h>
#include <backplane/if/char.h>
#include <backplane/if/link.h>
#include <backplane/if/loop.h>
#include <stdbool.h>

#define SOCKET_RING_BYTES 65536u

/* A ring of bytes. */
struct socket_ring {
    uint8_t *bytes; /* SOCKET_RING_BYTES */
    uint32_t first;
    uint32_t n;
};

struct char_socket {
    /* Properties. */
    const char *path;
    const char *mode_text;

    const struct bp_host *host;
    const struct bp_loop *loop;
    const struct bp_link_if *link;

    uint32_t mode;
    int listen_fd; /* -1: not bound */
    bp_handle listen_watch;
    uint64_t device, inode; /* of the file that is ours; inode 0: there is none */
    bp_handle retry_timer;  /* ends the rest of listen_watch when the host was out of descriptors */
    bool has_warned;        /* of that */

    int client_fd; /* -1: nobody is connected */
    bp_handle client_watch;
    uint32_t watched;      /* events of client_watch */
    bool input_ended;      /* the client sends no more, but may still read */
    bool output_ended;     /* it reads no more, but may still have sent something */
    struct socket_ring in; /* what clients that have left had sent */

    struct socket_ring out; /* what no client has got yet */
    bp_handle stall_timer;
    uint64_t moved_ns;  /* when the client last took something */
    bool is_stalled;    /* it takes nothing: the machine no longer waits for it */
    bool is_waiting;    /* client_watch waits for room */
    bool will_flush;    /* a deferred flush is on its way */
    bool owes_writable; /* a write was cut short */
};

/* --- The address: address.c ------------------------------------------------------------------- */
/* [setup] What can be said of the path without looking at it, and the mode. */
int32_t address_check(struct char_socket *s);
/* [setup] Listens. A file that a dead process left is replaced, nothing else ever is. */
int32_t address_open(struct char_socket *s);
/* Closes, and removes the file if it is still ours. */
void address_close(struct char_socket *s);

/* --- The client: client.c --------------------------------------------------------------------- */
/* Somebody is at the door. */
void client_arrive(struct char_socket *s);
/* The end of this one, whether it has left or not. */
void client_drop(struct char_socket *s);
uint32_t client_read(struct char_socket *s, uint8_t *to, uint32_t size);
/* Says what client_watch shall wait for. */
void client_watch(struct char_socket *s, uint32_t events);

/* --- Output: output.c ------------------------------------------------------------------------- */
uint32_t ring_put(struct socket_ring *ring, const uint8_t *from, uint32_t size);
uint32_t ring_get(struct socket_ring *ring, uint8_t *to, uint32_t size);

uint32_t output_write(struct char_socket *s, const uint8_t *from, uint32_t size);
void output_flush(struct char_socket *s);
/* [dev] Of stall_timer. */
void output_check_stall(void *dev);
/* Gives the client what is left, up to a second. */
void output_finish(struct char_socket *s);

#endif
