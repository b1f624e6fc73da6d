/* The device's links, bp.link/1, and the fake at the other end of a bp.char/1 link. */
#include "bench_internal.h"

#include <stdlib.h>
#include <string.h>

static int is_listed(const char *const *list, const char *name)
{
    for (; list && *list; list++) {
        if (strcmp(*list, name) == 0)
            return 1;
    }
    return 0;
}

void bench_links_init(struct bench *b)
{
    for (uint32_t i = 0; i < b->class_->links.n_rows; i++) {
        const struct bp_link *row = class_link(b->class_, i);
        struct bench_link *link = &b->links[i];

        link->name = row->name;
        link->interface = row->interface;
        link->connected = !is_listed(b->setup.unconnected, row->name);
        link->room = UINT32_MAX;
        link->hungry = 1;
        link->net.flags = BP_NET_LINK_UP;
        if (b->setup.net)
            link->net = *b->setup.net;
        if (strcmp(row->interface, BP_BLOCK_ID) == 0) {
            link->disk_size = b->setup.disk_bytes;
            link->disk = bench_alloc(link->disk_size);
        }
    }
}

void bench_links_fini(struct bench *b)
{
    for (uint32_t i = 0; i < MAX_LINKS; i++) {
        struct bench_link *link = &b->links[i];

        for (uint32_t k = 0; k < link->n_requests; k++)
            free(link->requests[k].segments);
        free(link->requests);
        free(link->disk);
        bytes_free(&link->in);
        bytes_free(&link->out);
    }
}

struct bench_link *bench_link_named(struct bench *b, const char *name, const char *interface)
{
    for (uint32_t i = 0; i < b->class_->links.n_rows; i++) {
        struct bench_link *link = &b->links[i];

        if (strcmp(link->name, name) == 0 &&
            (!interface || strcmp(link->interface, interface) == 0))
            return link;
    }
    bench_die(b, "the class has no link \"%s\" of %s", name, interface ? interface : "any kind");
}

struct bench_link *bench_link_at(struct bench *b, uint32_t link, const char *interface)
{
    if (link >= b->class_->links.n_rows || strcmp(b->links[link].interface, interface) != 0)
        bench_die(b, "the device uses link %u as a %s: the class has no such link", link,
                  interface);
    return &b->links[link];
}

static void tell(struct bench *b, uint32_t link, uint32_t event)
{
    if (!b->class_->on_link)
        return;
    bench_enter(b, "on_link");
    b->class_->on_link(b->dev, link, event);
    bench_leave(b);
}

void bench_link_event(struct bench *b, const char *link, uint32_t event)
{
    tell(b, (uint32_t)(bench_link_named(b, link, NULL) - b->links), event);
}

int bench_step_links(struct bench *b)
{
    for (uint32_t i = 0; i < b->class_->links.n_rows; i++) {
        for (uint32_t event = 1; event < 8; event++) {
            if (!(b->links[i].events & 1u << event))
                continue;
            b->links[i].events &= ~(1u << event);
            tell(b, i, event);
            return 1;
        }
    }
    return 0;
}

/* --- bp.link/1 -------------------------------------------------------------------------------- */
static uint32_t link_is_connected(const struct bp_host *host, uint32_t link)
{
    struct bench *b = bench_of(host);

    return link < b->class_->links.n_rows && b->links[link].connected;
}

static void link_notify(const struct bp_host *host, uint32_t event)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "notify");
    if (!event || event >= 8)
        bench_die(b, "notify of event %u: BP_LINK_* are wanted", event);
    b->notices[event]++;
}

const struct bp_link_if bench_link_if = {sizeof(struct bp_link_if), 0, link_is_connected,
                                         link_notify};

uint32_t bench_notices(const struct bench *b, uint32_t event)
{
    return event < 8 ? b->notices[event] : 0;
}

/* --- bp.char/1 for a device ------------------------------------------------------------------- */
static uint32_t char_read(const struct bp_host *host, uint32_t at, void *to, uint32_t size)
{
    struct bench_link *link = bench_link_at(bench_of(host), at, BP_CHAR_ID);
    uint32_t n = link->in.size < size ? (uint32_t)link->in.size : size;

    bench_not_while_saving(bench_of(host), "char read");
    link->calls++;
    if (!link->connected || !size)
        return 0;
    link->hungry = n < size;
    if (n) {
        memcpy(to, link->in.at, n);
        bytes_drop(&link->in, n);
    }
    return n;
}

static uint32_t char_write(const struct bp_host *host, uint32_t at, const void *from, uint32_t size)
{
    struct bench_link *link = bench_link_at(bench_of(host), at, BP_CHAR_ID);
    uint32_t n = size < link->room ? size : link->room;

    if (link->connected && bench_fails_running(bench_of(host), BP_CHAR_ID)) {
        link->events |= 1u << BP_LINK_WRITABLE;
        return 0;
    }
    bench_not_while_saving(bench_of(host), "char write");
    link->calls++;
    if (!link->connected)
        return size; /* vanishes */
    if (n)
        bytes_add(&link->out, from, n);
    if (link->room != UINT32_MAX)
        link->room -= n;
    link->blocked = n < size;
    return n;
}

const struct bp_char bench_char_if = {sizeof(struct bp_char), 0, char_read, char_write};

void bench_char_feed(struct bench *b, const char *name, const void *bytes, uint32_t size)
{
    struct bench_link *link = bench_link_named(b, name, BP_CHAR_ID);

    if (!size)
        return;
    /* As a terse backend: word comes only to a device that has found nothing before. */
    if (link->hungry)
        link->events |= 1u << BP_LINK_READABLE;
    link->hungry = 0;
    bytes_add(&link->in, bytes, size);
    bench_settle(b);
}

uint32_t bench_char_waiting(struct bench *b, const char *name)
{
    return (uint32_t)bench_link_named(b, name, BP_CHAR_ID)->in.size;
}

const char *bench_char_text(struct bench *b, const char *name)
{
    const struct bench_link *link = bench_link_named(b, name, BP_CHAR_ID);

    return link->out.at ? link->out.at : "";
}

uint32_t bench_char_size(struct bench *b, const char *name)
{
    return (uint32_t)bench_link_named(b, name, BP_CHAR_ID)->out.size;
}

void bench_char_clear(struct bench *b, const char *name)
{
    bytes_free(&bench_link_named(b, name, BP_CHAR_ID)->out);
}

void bench_char_room(struct bench *b, const char *name, uint32_t bytes)
{
    struct bench_link *link = bench_link_named(b, name, BP_CHAR_ID);

    link->room = bytes;
    if (bytes && link->blocked) {
        link->blocked = 0;
        link->events |= 1u << BP_LINK_WRITABLE;
    }
    bench_settle(b);
}

uint32_t bench_char_calls(struct bench *b, const char *name)
{
    return bench_link_named(b, name, BP_CHAR_ID)->calls;
}

/* --- a backend's own bp.char/1 ---------------------------------------------------------------- */
static const struct bp_char_ops *char_ops(struct bench *b)
{
    const struct bp_char_ops *ops = class_service(b->class_, BP_CHAR_ID);

    if (!ops)
        bench_die(b, "the class offers no %s", BP_CHAR_ID);
    return ops;
}

uint32_t bench_backend_read(struct bench *b, void *to, uint32_t size)
{
    const struct bp_char_ops *ops = char_ops(b);
    uint32_t n;

    bench_enter(b, "read of " BP_CHAR_ID);
    n = ops->read(b->dev, to, size);
    bench_leave(b);
    if (n > size)
        bench_die(b, "read of %u bytes gave %u", size, n);
    return n;
}

uint32_t bench_backend_write(struct bench *b, const void *from, uint32_t size)
{
    const struct bp_char_ops *ops = char_ops(b);
    uint32_t n;

    bench_enter(b, "write of " BP_CHAR_ID);
    n = ops->write(b->dev, from, size);
    bench_leave(b);
    if (n > size)
        bench_die(b, "write of %u bytes took %u", size, n);
    return n;
}
