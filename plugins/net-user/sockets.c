/*
 * The library's descriptors. It names those that it waits for anew each time (a fill); they are
 * kept in an epoll of our own, of which only the differences are told to the kernel, and which is
 * itself the one descriptor that the loop watches.
 */
#include "net-user.h"

#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_LOOK 64

int32_t sockets_open(struct user_sockets *p)
{
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return p->epoll_fd < 0 ? BP_ERR_IO : BP_OK;
}

void sockets_close(struct user_sockets *p)
{
    if (p->epoll_fd >= 0)
        close(p->epoll_fd);
    free(p->slots);
    free(p->now);
    free(p->before);
    *p = (struct user_sockets){.epoll_fd = -1};
}

/* NULL: out of memory, or no descriptor. */
static struct user_slot *slot_of(struct user_sockets *p, int fd)
{
    if (fd < 0)
        return NULL;
    uint32_t at = (uint32_t)fd;
    if (at < p->n_slots)
        return &p->slots[at];
    uint32_t n = at < 56 ? 64 : at + at / 2;
    struct user_slot *slots = realloc(p->slots, n * sizeof(*slots));
    if (slots == NULL)
        return NULL;
    memset(slots + p->n_slots, 0, (n - p->n_slots) * sizeof(*slots));
    p->slots = slots;
    p->n_slots = n;
    return &p->slots[at];
}

static void forget(struct user_sockets *p, struct user_slot *slot, int fd)
{
    if (slot->registered != 0)
        (void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    slot->registered = 0;
}

void sockets_add(struct user_sockets *p, int fd)
{
    struct user_slot *slot = slot_of(p, fd);
    if (slot == NULL || slot->is_open)
        return;
    slot->is_open = true;
    slot->registered = 0; /* a new one of an old number */
    p->n_open++;
}

void sockets_remove(struct user_sockets *p, int fd)
{
    struct user_slot *slot = slot_of(p, fd);
    if (slot == NULL)
        return;
    forget(p, slot, fd);
    if (slot->is_open)
        p->n_open--;
    slot->is_open = false;
}

bool sockets_has(const struct user_sockets *p, int fd)
{
    return fd >= 0 && (uint32_t)fd < p->n_slots && p->slots[fd].is_open;
}

/* --- Fills ------------------------------------------------------------------------------------ */

void sockets_begin(struct user_sockets *p)
{
    struct user_poll *list = p->before;
    uint32_t room = p->before_room;
    p->before = p->now;
    p->before_room = p->now_room;
    p->n_before = p->n_now;
    p->now = list;
    p->now_room = room;
    p->n_now = 0;
    p->round++;
}

int sockets_want(struct user_sockets *p, int fd, int wanted)
{
    struct user_slot *slot = slot_of(p, fd);
    if (p->n_now == p->now_room) {
        uint32_t room = p->now_room == 0 ? 16 : 2 * p->now_room;
        struct user_poll *list = realloc(p->now, room * sizeof(*list));
        if (list == NULL)
            return -1;
        p->now = list;
        p->now_room = room;
    }
    if (slot == NULL)
        return -1;
    slot->round = p->round;
    slot->at = p->n_now;
    p->now[p->n_now] = (struct user_poll){.fd = fd, .wanted = wanted};
    return (int)p->n_now++;
}

static uint32_t to_epoll(int wanted)
{
    return ((wanted & SLIRP_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0) |
           ((wanted & SLIRP_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0) |
           ((wanted & SLIRP_POLL_PRI) != 0 ? (uint32_t)EPOLLPRI : 0) | EPOLLERR;
}

/* The kernel forgets a descriptor that was closed, whatever we believe. */
static void tell_kernel(struct user_sockets *p, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    struct user_slot *slot = &p->slots[fd];
    if (slot->registered == events)
        return;
    slot->registered = events;
    if (epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 &&
        epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        slot->registered = 0;
}

void sockets_end(struct user_sockets *p)
{
    for (uint32_t i = 0; i < p->n_before; i++) {
        int fd = p->before[i].fd;
        if (p->slots[fd].round != p->round)
            forget(p, &p->slots[fd], fd);
    }
    for (uint32_t i = 0; i < p->n_now; i++)
        tell_kernel(p, p->now[i].fd, to_epoll(p->now[i].wanted));
}

static int from_epoll(uint32_t events)
{
    return ((events & EPOLLIN) != 0 ? SLIRP_POLL_IN : 0) |
           ((events & EPOLLOUT) != 0 ? SLIRP_POLL_OUT : 0) |
           ((events & EPOLLPRI) != 0 ? SLIRP_POLL_PRI : 0) |
           ((events & EPOLLERR) != 0 ? SLIRP_POLL_ERR : 0) |
           ((events & EPOLLHUP) != 0 ? SLIRP_POLL_HUP : 0);
}

bool sockets_look(struct user_sockets *p)
{
    struct epoll_event events[EVENTS_PER_LOOK];
    int n = epoll_wait(p->epoll_fd, events, EVENTS_PER_LOOK, 0);
    for (int i = 0; i < n; i++) {
        const struct user_slot *slot = slot_of(p, events[i].data.fd);
        if (slot != NULL && slot->round == p->round && slot->at < p->n_now)
            p->now[slot->at].ready = from_epoll(events[i].events);
    }
    return n > 0;
}
