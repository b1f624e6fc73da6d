/*
 * From the guest to the client, by way of a ring. With nobody there, or somebody who does not read,
 * the ring keeps the newest bytes; otherwise the device waits when it is full.
 */
#include "char-socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define STALL_NS       UINT64_C(1000000000)
#define FINISH_WAIT_MS 1000

/* --- The ring --------------------------------------------------------------------------------- */

uint32_t ring_put(struct socket_ring *ring, const uint8_t *from, uint32_t size)
{
    uint32_t room = SOCKET_RING_BYTES - ring->n;
    uint32_t n = size < room ? size : room;
    uint32_t at = (ring->first + ring->n) & (SOCKET_RING_BYTES - 1);
    uint32_t run = n < SOCKET_RING_BYTES - at ? n : SOCKET_RING_BYTES - at;
    memcpy(ring->bytes + at, from, run);
    memcpy(ring->bytes, from + run, n - run);
    ring->n += n;
    return n;
}

static void ring_drop(struct socket_ring *ring, uint32_t n)
{
    ring->first = (ring->first + n) & (SOCKET_RING_BYTES - 1);
    ring->n -= n;
}

uint32_t ring_get(struct socket_ring *ring, uint8_t *to, uint32_t size)
{
    uint32_t n = size < ring->n ? size : ring->n;
    uint32_t run = n < SOCKET_RING_BYTES - ring->first ? n : SOCKET_RING_BYTES - ring->first;
    memcpy(to, ring->bytes + ring->first, run);
    memcpy(to + run, ring->bytes, n - run);
    ring_drop(ring, n);
    return n;
}

/* What was written last is what counts. */
static void ring_put_newest(struct socket_ring *ring, const uint8_t *from, uint32_t size)
{
    uint32_t n = size < SOCKET_RING_BYTES ? size : SOCKET_RING_BYTES;
    uint32_t room = SOCKET_RING_BYTES - ring->n;
    if (n > room)
        ring_drop(ring, n - room);
    (void)ring_put(ring, from + (size - n), n);
}

/* --- To the client ---------------------------------------------------------------------------- */

static bool has_reader(const struct char_socket *s)
{
    return s->client_fd >= 0 && !s->output_ended;
}

/* Sends until all is out or the client would have to be waited for; true: the latter. */
static bool drain(struct char_socket *s)
{
    while (s->out.n != 0 && has_reader(s)) {
        uint32_t run = SOCKET_RING_BYTES - s->out.first;
        ssize_t n = send(s->client_fd, s->out.bytes + s->out.first, s->out.n < run ? s->out.n : run,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            ring_drop(&s->out, (uint32_t)n);
            s->moved_ns = s->host->clock_ns(s->host);
            s->is_stalled = false;
        } else if (n < 0 && errno == EAGAIN) {
            return true;
        } else if (n == 0 || errno != EINTR) {
            s->output_ended = true;
        }
    }
    return false;
}

/* Word to the device as soon as there is room again, or nobody is waited for any more. */
static void pay(struct char_socket *s)
{
    if (!s->owes_writable || (has_reader(s) && !s->is_stalled && s->out.n >= SOCKET_RING_BYTES / 2))
        return;
    s->owes_writable = false;
    s->link->notify(s->host, BP_LINK_WRITABLE);
}

void output_flush(struct char_socket *s)
{
    s->is_waiting = drain(s);
    client_watch(s, (s->watched & ~BP_LOOP_WRITE) | (s->is_waiting ? BP_LOOP_WRITE : 0));
    pay(s);
}

static void flush_later(void *dev, uint64_t arg)
{
    struct char_socket *s = dev;
    (void)arg;
    s->will_flush = false;
    output_flush(s);
}

/* --- A client that does not read -------------------------------------------------------------- */

void output_check_stall(void *dev)
{
    struct char_socket *s = dev;
    uint64_t now = s->host->clock_ns(s->host);
    if (!s->owes_writable || s->is_stalled)
        return;
    if (now - s->moved_ns < STALL_NS) {
        (void)s->host->timer_arm(s->host, s->stall_timer, s->moved_ns + STALL_NS);
        return;
    }
    s->is_stalled = true;
    s->host->log(s->host, BP_LOG_INFO,
                 "the client does not read: the guest goes on, and its oldest output is dropped");
    pay(s);
}

static void owe(struct char_socket *s)
{
    if (s->owes_writable)
        return;
    s->owes_writable = true;
    s->moved_ns = s->host->clock_ns(s->host);
    (void)s->host->timer_arm(s->host, s->stall_timer, s->moved_ns + STALL_NS);
}

/* --- From the guest --------------------------------------------------------------------------- */

/* Consoles write byte by byte: they are gathered until the loop's thread comes by. */
uint32_t output_write(struct char_socket *s, const uint8_t *from, uint32_t size)
{
    if (size == 0)
        return 0;
    uint32_t n = ring_put(&s->out, from, size);
    if (n < size && has_reader(s) && !s->is_waiting) {
        output_flush(s);
        n += ring_put(&s->out, from + n, size - n);
    }
    if (n < size && (!has_reader(s) || s->is_stalled)) {
        ring_put_newest(&s->out, from + n, size - n);
        n = size;
    }
    if (n < size)
        owe(s);
    if (!s->will_flush && !s->is_waiting && has_reader(s)) {
        s->will_flush = s->host->defer(s->host, flush_later, 0) == BP_OK;
        if (!s->will_flush)
            output_flush(s);
    }
    return n;
}

void output_finish(struct char_socket *s)
{
    for (int waited_ms = 0; !s->is_stalled && waited_ms < FINISH_WAIT_MS && drain(s);) {
        struct pollfd room = {.fd = s->client_fd, .events = POLLOUT};
        waited_ms += poll(&room, 1, 50) == 0 ? 50 : 1;
    }
}
