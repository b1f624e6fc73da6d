/*
 * libslirp: a small TCP/IP stack that ends the guest's connections and opens sockets of the host
 * for them. All of it runs on the loop's thread (it has variables of the whole process), with the
 * device's lock held; what a guest sends waits in a ring until then.
 */
#include "net-user.h"

#include <arpa/inet.h>
#include <backplane/lib/log.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define FRAMES_PER_RUN 64u
#define NS_PER_MS      UINT64_C(1000000)

/* The library's clock begins here: at its 0 it takes some times for "never". */
#define CLOCK_FIRST_NS UINT64_C(1000000000)

/* After so long without anything to do, and without sockets but those that listen, it has no timer
 * of its own to serve any more. */
#define CALM_NS  UINT64_C(2000000000)
#define QUIET_NS UINT64_C(300000000000)
#define CALM_MS  1000u /* it asks for no more than this when it waits for nothing */

#define BACKLOG        128 /* connections that wait at a forwarded port */
#define PACKETS_OF_ONE 64u /* packets of one connection that may wait: a window's worth */

static bool is_congested(const struct net_user *s)
{
    return s->to_guest.used > s->to_guest.size / 2;
}

/* --- Calls of the library --------------------------------------------------------------------- */

static ssize_t on_send(const void *frame, size_t size, void *opaque)
{
    struct net_user *s = opaque;
    if (size < BP_NET_FRAME_MIN || size > BP_NET_FRAME_MAX ||
        !ring_put(&s->to_guest, frame, (uint32_t)size)) {
        if (s->n_dropped++ == 0)
            s->host->log(
                s->host, BP_LOG_GUEST,
                "the guest does not fetch its frames: some are dropped, as on any network");
    }
    return (ssize_t)size;
}

static void on_guest_error(const char *message, void *opaque)
{
    const struct net_user *s = opaque;
    bp_guest_logf(s->host, "%.200s", message);
}

static int64_t on_clock(void *opaque)
{
    struct net_user *s = opaque;
    uint64_t now_ns = s->host->clock_ns(s->host) + s->clock_offset_ns;
    if (now_ns < s->last_ns) {
        s->clock_offset_ns += s->last_ns - now_ns;
        now_ns = s->last_ns;
    }
    s->last_ns = now_ns;
    return (int64_t)now_ns;
}

static void *on_timer_new(SlirpTimerCb fn, void *ctx, void *opaque)
{
    struct net_user *s = opaque;
    for (uint32_t i = 0; i < USER_TIMERS; i++) {
        if (s->timers[i].fn != NULL)
            continue;
        s->timers[i] = (struct user_timer){.fn = fn, .ctx = ctx};
        return &s->timers[i];
    }
    return NULL;
}

static void on_timer_free(void *timer, void *opaque)
{
    (void)opaque;
    if (timer != NULL)
        *(struct user_timer *)timer = (struct user_timer){0};
}

static void on_timer_mod(void *timer, int64_t deadline_ms, void *opaque)
{
    struct user_timer *t = timer;
    (void)opaque;
    if (t == NULL)
        return;
    t->deadline_ns = deadline_ms > 0 ? (uint64_t)deadline_ms * NS_PER_MS : 0;
    t->is_armed = true;
}

static void on_register(int fd, void *opaque)
{
    struct net_user *s = opaque;
    sockets_add(&s->sockets, fd);
}

static void on_unregister(int fd, void *opaque)
{
    struct net_user *s = opaque;
    sockets_remove(&s->sockets, fd);
}

static void on_notify(void *opaque)
{
    (void)opaque; /* every run ends with a fill */
}

static const SlirpCb callbacks = {
    .send_packet = on_send,
    .guest_error = on_guest_error,
    .clock_get_ns = on_clock,
    .timer_new = on_timer_new,
    .timer_free = on_timer_free,
    .timer_mod = on_timer_mod,
    .register_poll_fd = on_register,
    .unregister_poll_fd = on_unregister,
    .notify = on_notify,
};

/* --- Runs ------------------------------------------------------------------------------------- */

static int add_poll(int fd, int events, void *opaque)
{
    struct net_user *s = opaque;
    /* Those that listen for the world are not told of in on_register: no more come in, either. */
    if (s->sockets.n_open >= s->max_sockets && !sockets_has(&s->sockets, fd))
        return -1;
    return sockets_want(&s->sockets, fd, events);
}

static int get_ready(int at, void *opaque)
{
    const struct net_user *s = opaque;
    return at >= 0 && (uint32_t)at < s->sockets.n_now ? s->sockets.now[at].ready : 0;
}

/* Asks the library what it waits for, and for how many milliseconds. */
static uint32_t fill(struct net_user *s)
{
    uint32_t timeout_ms = UINT32_MAX;
    sockets_begin(&s->sockets);
    slirp_pollfds_fill(s->slirp, &timeout_ms, add_poll, s);
    sockets_end(&s->sockets);
    return timeout_ms;
}

/* When the library wants to be called, by its clock; UINT64_MAX: not until something happens. */
static uint64_t next_deadline_ns(const struct net_user *s, uint32_t timeout_ms)
{
    uint64_t calm_ns = s->last_ns - s->active_ns, deadline_ns = UINT64_MAX;
    bool is_calm = s->sockets.n_open == 0 &&
                   (calm_ns >= QUIET_NS || (calm_ns >= CALM_NS && timeout_ms >= CALM_MS));
    if (!is_calm)
        deadline_ns = s->last_ns + timeout_ms * NS_PER_MS;
    for (uint32_t i = 0; i < USER_TIMERS; i++)
        if (s->timers[i].is_armed && s->timers[i].deadline_ns < deadline_ns)
            deadline_ns = s->timers[i].deadline_ns;
    return deadline_ns;
}

static void arm_timer(struct net_user *s, uint32_t timeout_ms)
{
    uint64_t deadline_ns = next_deadline_ns(s, timeout_ms);
    if (deadline_ns == UINT64_MAX)
        (void)s->host->timer_cancel(s->host, s->timer);
    else
        (void)s->host->timer_arm(s->host, s->timer,
                                 deadline_ns > s->clock_offset_ns ? deadline_ns - s->clock_offset_ns
                                                                  : 0);
}

static void watch_sockets(struct net_user *s, bool wanted)
{
    if (s->is_watching != wanted &&
        s->loop->change(s->host, s->watch, wanted ? BP_LOOP_READ : 0) == BP_OK)
        s->is_watching = wanted;
}

/* After everything that the library has done: asks what it waits for now, and tells the guest. A
 * guest that does not keep up is given nothing more from outside, where it waits and is not lost.
 */
static void settle(struct net_user *s)
{
    arm_timer(s, fill(s));
    watch_sockets(s, !is_congested(s));
    if (s->is_hungry && s->to_guest.used != 0) {
        s->is_hungry = false;
        s->link->notify(s->host, BP_LINK_READABLE);
    }
    if (s->owes_writable && s->to_world.used <= s->to_world.size / 2) {
        s->owes_writable = false;
        s->link->notify(s->host, BP_LINK_WRITABLE);
    }
}

/* The library's own timers, and with `look` its sockets. */
static void poll_library(struct net_user *s, bool look)
{
    slirp_pollfds_poll(s->slirp, !look, get_ready, s);
    for (uint32_t i = 0; i < USER_TIMERS; i++) {
        struct user_timer *t = &s->timers[i];
        if (!t->is_armed || t->deadline_ns > s->last_ns)
            continue;
        t->is_armed = false;
        t->fn(t->ctx);
    }
}

static void feed(struct net_user *s, uint8_t *frame, uint32_t size)
{
    enum frame_verdict verdict = frame_check(&s->limits, frame, size);
    if (verdict == FRAME_PART) {
        frame = fragments_add(s->fragments, s->last_ns, frame, &size);
        verdict = frame == NULL ? FRAME_IGNORED : frame_check(&s->limits, frame, size);
    }
    if (verdict == FRAME_GOOD) {
        frame_clear_urgent(frame);
        slirp_input(s->slirp, frame, (int)size);
    } else if (verdict == FRAME_BROKEN) {
        bp_guest_logf(s->host, "a frame of %u bytes has lengths that cannot be; dropped", size);
    } else if (verdict == FRAME_REFUSED) {
        bp_guest_logf(s->host, "it has %u connections already: one more is refused",
                      s->max_sockets);
    }
}

/* True: there are more. */
static bool feed_some(struct net_user *s, uint32_t limit)
{
    for (uint32_t n = 0; n < limit; n++) {
        uint32_t size = ring_get(&s->to_world, s->scratch);
        if (size == 0)
            return false;
        s->limits.is_full = s->sockets.n_open >= s->max_sockets;
        feed(s, s->scratch, size);
    }
    return s->to_world.used != 0;
}

void stack_run(struct net_user *s)
{
    if (s->is_parked)
        return;
    poll_library(s, false); /* the library's clock */
    s->active_ns = s->last_ns;
    if (feed_some(s, FRAMES_PER_RUN))
        stack_plan_run(s);
    poll_library(s, false); /* what has waited for an address may go now */
    settle(s);
}

static void run_later(void *dev, uint64_t arg)
{
    struct net_user *s = dev;
    (void)arg;
    s->will_run = false;
    stack_run(s);
}

void stack_plan_run(struct net_user *s)
{
    if (!s->will_run && !s->is_parked)
        s->will_run = s->host->defer(s->host, run_later, 0) == BP_OK;
}

static void on_ready(void *dev, uint32_t ready)
{
    struct net_user *s = dev;
    (void)ready;
    if (s->is_parked)
        return;
    if (sockets_look(&s->sockets))
        s->active_ns = s->last_ns;
    poll_library(s, true);
    settle(s);
}

static void on_timer(void *dev)
{
    struct net_user *s = dev;
    if (s->is_parked)
        return;
    poll_library(s, false);
    settle(s);
}

void stack_park(struct net_user *s)
{
    poll_library(s, false);
    while (feed_some(s, FRAMES_PER_RUN))
        ;
    poll_library(s, false);
    settle(s);
    watch_sockets(s, false);
    s->is_parked = true;
}

/* --- Opening and closing ---------------------------------------------------------------------- */

static int32_t refuse_forward(const struct net_user *s, const struct user_forward *f, int error)
{
    char address[INET_ADDRSTRLEN] = "?";
    const char *kind = f->is_udp ? "UDP" : "TCP";
    (void)inet_ntop(AF_INET, &f->host, address, sizeof(address));
    if (error == EADDRINUSE)
        return bp_errorf(s->host, BP_ERR_EXISTS,
                         "hostfwd: %s port %u of %s is in use on this host: choose another, or end "
                         "the program that has it",
                         kind, f->host_port, address);
    if (error == EACCES || error == EPERM)
        return bp_errorf(s->host, BP_ERR_PERMISSION,
                         "hostfwd: %s port %u is for privileged programs on this host: choose one "
                         "from 1024",
                         kind, f->host_port);
    if (error == EADDRNOTAVAIL)
        return bp_errorf(s->host, BP_ERR_NOT_FOUND,
                         "hostfwd: %s is no address of this host: leave it out for all of them, or "
                         "use 127.0.0.1",
                         address);
    return bp_errorf(s->host, BP_ERR_IO, "hostfwd: %s port %u of %s cannot be opened: %s", kind,
                     f->host_port, address, strerror(error));
}

static int32_t open_forwards(struct net_user *s)
{
    for (uint32_t i = 0; i < s->settings.n_forwards; i++) {
        const struct user_forward *f = &s->settings.forwards[i];
        errno = 0;
        if (slirp_add_hostfwd(s->slirp, f->is_udp, f->host, f->host_port, f->guest,
                              f->guest_port) != 0)
            return refuse_forward(s, f, errno);
    }
    /* It lets one connection wait, and the others try again after a second. (Those for datagrams
     * are among these, and do not listen.) */
    (void)fill(s);
    for (uint32_t i = 0; i < s->sockets.n_now; i++)
        (void)listen(s->sockets.now[i].fd, BACKLOG);
    return BP_OK;
}

/* Other parts of the program need descriptors, too. */
static void bound_sockets(struct net_user *s)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && s->max_sockets > limit.rlim_cur / 2)
        s->max_sockets = (uint32_t)(limit.rlim_cur / 2);
}

static int32_t open_library(struct net_user *s)
{
    SlirpConfig config = {
        .version = 1,
        .restricted = s->is_restricted != 0,
        .in_enabled = true,
        .vnetwork = s->settings.network,
        .vnetmask = s->settings.mask,
        .vhost = s->settings.host,
        .in6_enabled = s->has_ipv6 != 0,
        .vprefix_len = 64,
        .vhostname = s->hostname,
        .vdhcp_start = s->settings.dhcp_start,
        .vnameserver = s->settings.dns,
        .if_mtu = s->mtu,
        .if_mru = s->mtu,
        .disable_host_loopback = s->has_host_loopback == 0,
    };
    (void)inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    (void)inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    (void)inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    s->limits.has_ipv6 = s->has_ipv6 != 0;
    s->slirp = slirp_new(&config, &callbacks, s);
    if (s->slirp == NULL)
        return s->host->set_error(s->host, BP_ERR_INVALID, "libslirp refuses these settings");
    return open_forwards(s);
}

int32_t stack_open(struct net_user *s)
{
    s->last_ns = s->clock_offset_ns = CLOCK_FIRST_NS;
    bound_sockets(s);
    int32_t status = sockets_open(&s->sockets);
    if (status != BP_OK)
        return bp_errorf(s->host, status, "its sockets cannot be watched: %s", strerror(errno));
    status = s->host->timer_create(s->host, on_timer, &s->timer);
    if (status != BP_OK)
        return s->host->set_error(s->host, status, "out of memory");
    status = s->loop->watch(s->host, s->sockets.epoll_fd, BP_LOOP_READ, on_ready, &s->watch);
    if (status != BP_OK)
        return s->host->set_error(s->host, status, "its sockets cannot be watched");
    s->is_watching = true;
    messages_catch(s);
    return open_library(s);
}

void stack_close(struct net_user *s)
{
    s->is_parked = true;
    if (s->watch != BP_NO_HANDLE)
        (void)s->loop->unwatch(s->host, s->watch);
    if (s->slirp != NULL) {
        /* It does not free packets that wait for the guest's address: let their time pass. */
        for (uint32_t n = 0; n < PACKETS_OF_ONE; n++, s->clock_offset_ns += CALM_NS)
            poll_library(s, false);
        slirp_cleanup(s->slirp);
    }
    messages_release(s);
    sockets_close(&s->sockets);
}
