/*
 * Standard output. A guest must not wait for a slow or frozen terminal, and neither may the
 * descriptor be made non-blocking: it is shared with the shell and others, who would not expect it.
 * So the same terminal or pipe is opened once more, for us alone.
 */
#include "char-stdio.h"

#include <backplane/lib/log.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOSE_WAIT_MS  1000
#define BLOCKING_BYTES 64u /* what a terminal that has room takes at once */

uint32_t ring_put(struct stdio_ring *ring, const uint8_t *from, uint32_t size)
{
    uint32_t room = ring->size - ring->n;
    uint32_t n = size < room ? size : room;
    for (uint32_t i = 0; i < n; i++)
        ring->bytes[(ring->first + ring->n + i) & (ring->size - 1)] = from[i];
    ring->n += n;
    return n;
}

uint32_t ring_get(struct stdio_ring *ring, uint8_t *to, uint32_t size)
{
    uint32_t n = size < ring->n ? size : ring->n;
    for (uint32_t i = 0; i < n; i++)
        to[i] = ring->bytes[(ring->first + i) & (ring->size - 1)];
    ring->first = (ring->first + n) & (ring->size - 1);
    ring->n -= n;
    return n;
}

static enum stdio_output probe(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return OUTPUT_GONE;
    if (S_ISSOCK(st.st_mode))
        return OUTPUT_SOCKET;
    if (S_ISFIFO(st.st_mode) || isatty(fd))
        return OUTPUT_OWN;
    return OUTPUT_FILE;
}

void output_open(struct char_stdio *s)
{
    s->out_fd = STDOUT_FILENO;
    s->output = probe(STDOUT_FILENO);
    if (s->output != OUTPUT_OWN)
        return;
    int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        s->out_fd = fd;
    else /* another user's terminal, or no /proc */
        s->output = OUTPUT_BLOCKING;
}

/* As write(2), but never waits: then -1 and EAGAIN. */
static ssize_t write_some(const struct char_stdio *s, const uint8_t *from, uint32_t size)
{
    if (s->output == OUTPUT_SOCKET)
        return send(s->out_fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (s->output == OUTPUT_BLOCKING) {
        struct pollfd ready = {.fd = s->out_fd, .events = POLLOUT};
        if (poll(&ready, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
        if (size > BLOCKING_BYTES)
            size = BLOCKING_BYTES;
    }
    return write(s->out_fd, from, size);
}

static void end_watch(struct char_stdio *s)
{
    if (s->out_watch != BP_NO_HANDLE)
        (void)s->loop->unwatch(s->host, s->out_watch);
    s->out_watch = BP_NO_HANDLE;
    s->is_waiting = false;
}

static void give_up(struct char_stdio *s, int error)
{
    bp_logf(s->host, BP_LOG_WARN,
            "standard output cannot be written: %s; the console's output is lost from here on",
            strerror(error));
    end_watch(s);
    s->output = OUTPUT_GONE;
    s->out.n = 0;
}

/* Writes until all is out (BP_OK), it would wait (BP_PENDING), or it is gone. */
static int32_t drain(struct char_stdio *s)
{
    while (s->out.n != 0 && s->output != OUTPUT_GONE) {
        uint32_t run = s->out.size - s->out.first;
        ssize_t n = write_some(s, s->out.bytes + s->out.first, s->out.n < run ? s->out.n : run);
        if (n > 0) {
            s->out.first = (s->out.first + (uint32_t)n) & (s->out.size - 1);
            s->out.n -= (uint32_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            return BP_PENDING;
        } else if (n == 0 || errno != EINTR) {
            give_up(s, n < 0 ? errno : EIO);
        }
    }
    return BP_OK;
}

static void on_room(void *dev, uint32_t ready)
{
    (void)ready;
    output_flush(dev);
}

/* The watch stays, and rests while there is nothing to write. */
static void set_waiting(struct char_stdio *s, bool is_waiting)
{
    int32_t status = BP_OK;
    if (s->is_waiting == is_waiting)
        return;
    if (s->out_watch == BP_NO_HANDLE)
        status = s->loop->watch(s->host, s->out_fd, BP_LOOP_WRITE, on_room, &s->out_watch);
    else
        status = s->loop->change(s->host, s->out_watch, is_waiting ? BP_LOOP_WRITE : 0);
    s->is_waiting = is_waiting;
    if (status != BP_OK)
        give_up(s, EIO);
}

void output_flush(struct char_stdio *s)
{
    set_waiting(s, drain(s) == BP_PENDING);
    if (s->owes_writable && s->out.n < s->out.size / 2) {
        s->owes_writable = false;
        s->link->notify(s->host, BP_LINK_WRITABLE);
    }
}

static void flush_later(void *dev, uint64_t arg)
{
    struct char_stdio *s = dev;
    (void)arg;
    s->will_flush = false;
    output_flush(s);
}

/* Consoles write byte by byte: they are gathered until the loop's thread comes by. */
uint32_t output_write(struct char_stdio *s, const uint8_t *from, uint32_t size)
{
    if (s->output == OUTPUT_GONE)
        return size;
    uint32_t n = ring_put(&s->out, from, size);
    if (n < size) {
        output_flush(s);
        n += ring_put(&s->out, from + n, size - n);
    }
    if (s->output == OUTPUT_GONE)
        return size;
    s->owes_writable = s->owes_writable || n < size;
    if (!s->will_flush && !s->is_waiting) {
        s->will_flush = s->host->defer(s->host, flush_later, 0) == BP_OK;
        if (!s->will_flush)
            output_flush(s);
    }
    return n;
}

void output_close(struct char_stdio *s)
{
    for (int waited_ms = 0; waited_ms < CLOSE_WAIT_MS && drain(s) == BP_PENDING;) {
        struct pollfd ready = {.fd = s->out_fd, .events = POLLOUT};
        waited_ms += poll(&ready, 1, 50) == 0 ? 50 : 1;
    }
    end_watch(s);
    if (s->out_fd > STDERR_FILENO)
        (void)close(s->out_fd);
    s->output = OUTPUT_GONE;
}
