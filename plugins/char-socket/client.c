/* The one who is connected: comes, sends, leaves. */
#include "char-socket.h"

#include <backplane/lib/log.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS UINT64_C(1000000000)

void client_watch(struct char_socket *s, uint32_t events)
{
    if (s->client_watch == BP_NO_HANDLE || s->watched == events)
        return;
    s->watched = s->loop->change(s->host, s->client_watch, events) == BP_OK ? events : 0;
}

/* --- Input ------------------------------------------------------------------------------------ */

/* As much as the device wants now; the rest stays in the socket, and its sender waits. */
uint32_t client_read(struct char_socket *s, uint8_t *to, uint32_t size)
{
    if (size == 0)
        return 0;
    if (s->in.n != 0)
        return ring_get(&s->in, to, size);
    if (s->client_fd < 0 || s->input_ended)
        return 0;
    ssize_t n = recv(s->client_fd, to, size, MSG_DONTWAIT);
    /* A client that is gone altogether is noticed by the watch or by who comes next. */
    s->input_ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (!s->input_ended && n < (ssize_t)size)
        client_watch(s, s->watched | BP_LOOP_READ);
    return n < 0 ? 0 : (uint32_t)n;
}

/* `echo reboot | nc -NU console`: what was sent arrives, though the sender is gone. */
static void keep_input(struct char_socket *s)
{
    uint8_t bytes[4096];
    while (!s->input_ended && s->in.n < SOCKET_RING_BYTES) {
        uint32_t room = SOCKET_RING_BYTES - s->in.n;
        ssize_t n =
            recv(s->client_fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        (void)ring_put(&s->in, bytes, (uint32_t)n);
    }
    if (!s->input_ended)
        s->host->log(
            s->host, BP_LOG_INFO,
            "a client has left, and sent more than the guest had read: some of it is lost");
}

/* --- Coming and going ------------------------------------------------------------------------- */

void client_drop(struct char_socket *s)
{
    if (s->client_watch != BP_NO_HANDLE)
        (void)s->loop->unwatch(s->host, s->client_watch);
    (void)close(s->client_fd);
    s->client_watch = BP_NO_HANDLE;
    s->client_fd = -1;
    s->watched = 0;
    s->is_waiting = false;
    s->is_stalled = false;
}

/* It has left: what it had sent stays. */
static void leave(struct char_socket *s)
{
    keep_input(s);
    client_drop(s);
    if (s->in.n != 0)
        s->link->notify(s->host, BP_LINK_READABLE);
    output_flush(s); /* nobody to wait for */
}

/* The descriptor is asked: a client that is gone may not have been noticed, when nobody waited for
 * what it sends, and word of a hang-up may be of the one before. */
static bool is_taken(const struct char_socket *s)
{
    struct pollfd one = {.fd = s->client_fd};
    return s->client_fd >= 0 && (poll(&one, 1, 0) <= 0 || (one.revents & (POLLHUP | POLLERR)) == 0);
}

static void on_client(void *dev, uint32_t ready)
{
    struct char_socket *s = dev;
    if ((ready & BP_LOOP_WRITE) != 0)
        output_flush(s);
    if ((ready & BP_LOOP_HANGUP) != 0 && s->client_fd >= 0 && !is_taken(s)) {
        leave(s);
        return;
    }
    if ((ready & BP_LOOP_READ) != 0) {
        client_watch(s, s->watched & ~BP_LOOP_READ);
        s->link->notify(s->host, BP_LINK_READABLE);
    }
}

static void let_in(struct char_socket *s, int fd)
{
    if (s->loop->watch(s->host, fd, BP_LOOP_READ, on_client, &s->client_watch) != BP_OK) {
        s->client_watch = BP_NO_HANDLE;
        (void)close(fd);
        return;
    }
    s->client_fd = fd;
    s->watched = BP_LOOP_READ;
    s->input_ended = false;
    s->output_ended = false;
    output_flush(s);
}

static void turn_away(int fd)
{
    static const char sentence[] =
        "backplane: another client has this console; come back when it has left\r\n";
    (void)send(fd, sentence, sizeof(sentence) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

void client_arrive(struct char_socket *s)
{
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        if (!s->has_warned)
            bp_logf(s->host, BP_LOG_WARN, "a client at %s has to wait: %s; this is said once",
                    s->path, strerror(errno));
        s->has_warned = true;
        (void)s->loop->change(s->host, s->listen_watch, 0);
        (void)s->host->timer_arm(s->host, s->retry_timer, s->host->clock_ns(s->host) + RETRY_NS);
        return;
    }
    if (is_taken(s)) {
        turn_away(fd);
        return;
    }
    if (s->client_fd >= 0)
        leave(s);
    let_in(s, fd);
}
