/* Fake of bp.virtio/1: chains that the test has made, without rings. */
#include "bench_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct bp_virtio_device_ops *device_ops(struct bench *b)
{
    const struct bp_virtio_device_ops *ops = class_service(b->class_, BP_VIRTIO_DEVICE_ID);

    if (!ops)
        bench_die(b, "the class offers no %s", BP_VIRTIO_DEVICE_ID);
    return ops;
}

static struct bench_chain *chain_at(struct bench *b, uint32_t chain)
{
    if (chain >= b->n_chains)
        bench_die(b, "chain %u of %u", chain, b->n_chains);
    return &b->chains[chain];
}

/* A handle is the chain's number + 1; stale when it is pushed or the device was reset. */
static struct bench_chain *chain_of(struct bench *b, bp_handle handle)
{
    struct bench_chain *c = handle && handle <= b->n_chains ? &b->chains[handle - 1] : NULL;

    return c && c->handle == handle && c->popped && !c->done ? c : NULL;
}

/* --- the device's side ------------------------------------------------------------------------ */
static int32_t virtio_pop(const struct bp_host *host, uint32_t queue, struct bp_virtio_chain *out)
{
    struct bench *b = bench_of(host);

    bench_not_while_saving(b, "pop");
    if (out->struct_size < sizeof(*out))
        bench_die(b, "pop: struct_size of the chain is %u", out->struct_size);
    if (queue >= device_ops(b)->n_queues)
        bench_die(b, "pop of queue %u", queue);
    if (!b->virtio_active)
        return BP_ERR_STATE;
    if (b->broken[queue] || bench_fails_running(b, BP_VIRTIO_ID)) {
        b->broken[queue] = 0;
        b->virtio_active = 0;
        return BP_ERR_FORMAT;
    }
    for (uint32_t i = 0; i < b->n_chains; i++) {
        struct bench_chain *c = &b->chains[i];

        if (c->queue != queue || c->popped || !c->handle)
            continue;
        c->popped = 1;
        out->queue = queue;
        out->handle = c->handle;
        out->readable = c->readable;
        out->writable = c->writable;
        out->n_readable = c->n_readable;
        out->n_writable = c->n_writable;
        return BP_OK;
    }
    return BP_ERR_NOT_FOUND;
}

static int32_t find_segments(const struct bench_chain *c, uint32_t writable, uint64_t offset,
                             uint64_t size, struct bp_segment *out, uint32_t *n)
{
    const struct bp_segment *s = c->segments + (writable ? c->n_readable : 0);
    uint32_t n_segments = writable ? c->n_writable : c->n_readable;
    uint64_t whole = writable ? c->writable : c->readable;
    uint32_t used = 0;

    if (size > whole || offset > whole - size)
        return BP_ERR_RANGE;
    for (uint32_t i = 0; i < n_segments && size; i++) {
        uint64_t part = s[i].size > offset ? s[i].size - offset : 0;

        if (!part) {
            offset -= s[i].size;
            continue;
        }
        part = part < size ? part : size;
        if (used == *n)
            return BP_ERR_NO_SPACE;
        out[used++] = (struct bp_segment){s[i].gpa + offset, part};
        size -= part;
        offset = 0;
    }
    *n = used;
    return BP_OK;
}

/* Copies between `host_bytes` and a chain's part, segment by segment. */
static int32_t copy(struct bench *b, const struct bench_chain *c, uint32_t writable,
                    uint64_t offset, uint8_t *host_bytes, uint64_t size)
{
    uint32_t n = c->n_readable + c->n_writable;
    struct bp_segment *s = bench_alloc((n ? n : 1) * sizeof(*s));
    int32_t status = find_segments(c, writable, offset, size, s, &n);

    for (uint32_t i = 0; !status && i < n; i++) {
        uint8_t *ram = bench_ram_at(b, s[i].gpa, s[i].size);

        if (!ram)
            status = BP_ERR_RANGE;
        else if (writable)
            memcpy(ram, host_bytes, s[i].size);
        else
            memcpy(host_bytes, ram, s[i].size);
        host_bytes += s[i].size;
    }
    free(s);
    return status;
}

static int32_t virtio_read(const struct bp_host *host, bp_handle chain, uint64_t offset, void *to,
                           uint64_t size)
{
    struct bench *b = bench_of(host);
    const struct bench_chain *c = chain_of(b, chain);

    bench_not_while_saving(b, "a read of a chain");
    if (c && bench_fails_running(b, BP_VIRTIO_ID))
        return BP_ERR_RANGE;
    return c ? copy(b, c, 0, offset, to, size) : BP_ERR_STALE;
}

static int32_t virtio_write(const struct bp_host *host, bp_handle chain, uint64_t offset,
                            const void *from, uint64_t size)
{
    struct bench *b = bench_of(host);
    const struct bench_chain *c = chain_of(b, chain);

    bench_not_while_saving(b, "a write of a chain");
    if (c && bench_fails_running(b, BP_VIRTIO_ID))
        return BP_ERR_RANGE;
    return c ? copy(b, c, 1, offset, (uint8_t *)(uintptr_t)from, size) : BP_ERR_STALE;
}

static int32_t virtio_segments(const struct bp_host *host, bp_handle chain, uint32_t writable,
                               uint64_t offset, uint64_t size, struct bp_segment *out, uint32_t *n)
{
    struct bench *b = bench_of(host);
    const struct bench_chain *c = chain_of(b, chain);

    if (c && bench_fails_running(b, BP_VIRTIO_ID))
        return BP_ERR_RANGE;
    return c ? find_segments(c, writable, offset, size, out, n) : BP_ERR_STALE;
}

/* A push that shall fail finds a ring that the driver has spoilt. */
static int needs_reset(struct bench *b)
{
    if (!bench_fails_running(b, BP_VIRTIO_ID))
        return 0;
    b->virtio_active = 0;
    return 1;
}

static int32_t push(struct bench *b, struct bench_chain *c, uint32_t written)
{
    if (written > c->writable)
        bench_die(b, "push of %u bytes: the chain has room for %llu", written,
                  (unsigned long long)c->writable);
    c->done = 1;
    c->written = written;
    b->n_done++;
    return BP_OK;
}

static int32_t virtio_push(const struct bp_host *host, bp_handle chain, uint32_t written)
{
    struct bench *b = bench_of(host);
    struct bench_chain *c = chain_of(b, chain);

    bench_not_while_saving(b, "push");
    if (!c)
        return BP_ERR_STALE;
    if (needs_reset(b))
        return BP_ERR_STATE;
    return push(b, c, written);
}

static int32_t virtio_push_many(const struct bp_host *host, const struct bp_virtio_used *used,
                                uint32_t n)
{
    struct bench *b = bench_of(host);

    for (uint32_t i = 0; i < n; i++) {
        const struct bench_chain *c = chain_of(b, used[i].chain);

        if (!c)
            return BP_ERR_STALE;
        for (uint32_t k = 0; k < i; k++) {
            if (used[k].chain == used[i].chain)
                bench_die(b, "push_many: a chain is there twice");
        }
        if (c->queue != chain_of(b, used[0].chain)->queue)
            return BP_ERR_INVALID;
    }
    if (n && needs_reset(b))
        return BP_ERR_STATE;
    for (uint32_t i = 0; i < n; i++)
        push(b, chain_of(b, used[i].chain), used[i].written);
    return BP_OK;
}

static void virtio_config_changed(const struct bp_host *host)
{
    bench_not_while_saving(bench_of(host), "config_changed");
    bench_of(host)->config_changes++;
}

const struct bp_virtio bench_virtio_if = {
    sizeof(struct bp_virtio),
    0,
    virtio_pop,
    virtio_read,
    virtio_write,
    virtio_segments,
    virtio_push,
    virtio_config_changed,
    virtio_push_many,
};

/* --- the driver's side ------------------------------------------------------------------------ */
uint32_t bench_virtio_device_id(struct bench *b)
{
    return device_ops(b)->device_id;
}

uint64_t bench_virtio_features(struct bench *b)
{
    const struct bp_virtio_device_ops *ops = device_ops(b);
    uint64_t features = 0;

    if (!ops->features)
        return 0;
    bench_enter(b, "features");
    features = ops->features(b->dev);
    bench_leave(b);
    return features;
}

static void check_config_range(struct bench *b, uint32_t offset, uint32_t size)
{
    uint32_t all = device_ops(b)->config_size;

    if (size > all || offset > all - size)
        bench_die(b, "configuration bytes %u+%u of %u", offset, size, all);
}

void bench_virtio_config_read(struct bench *b, uint32_t offset, void *to, uint32_t size)
{
    const struct bp_virtio_device_ops *ops = device_ops(b);

    check_config_range(b, offset, size);
    memset(to, 0, size);
    if (!ops->config_read)
        return;
    bench_enter(b, "config_read");
    ops->config_read(b->dev, offset, to, size);
    bench_leave(b);
}

void bench_virtio_config_write(struct bench *b, uint32_t offset, const void *from, uint32_t size)
{
    const struct bp_virtio_device_ops *ops = device_ops(b);

    check_config_range(b, offset, size);
    if (!ops->config_write)
        return;
    bench_enter(b, "config_write");
    ops->config_write(b->dev, offset, from, size);
    bench_leave(b);
}

uint32_t bench_virtio_config_changes(const struct bench *b)
{
    return b->config_changes;
}

void bench_virtio_activate(struct bench *b, uint64_t features)
{
    const struct bp_virtio_device_ops *ops = device_ops(b);

    b->virtio_active = 1;
    if (!ops->activate)
        return;
    bench_enter(b, "activate");
    ops->activate(b->dev, features | UINT64_C(1) << 32);
    bench_leave(b);
}

void bench_virtio_reset(struct bench *b)
{
    const struct bp_virtio_device_ops *ops = device_ops(b);

    b->virtio_active = 0;
    for (uint32_t i = 0; i < b->n_chains; i++)
        b->chains[i].handle = 0;
    if (!ops->device_reset)
        return;
    bench_enter(b, "device_reset");
    ops->device_reset(b->dev);
    bench_leave(b);
}

/* `size` bytes of guest RAM as segments of at most `split`; returns how many. */
static uint32_t make_segments(struct bench *b, struct bp_segment *out, uint32_t size)
{
    uint32_t part = b->split ? b->split : size;
    uint32_t n = 0;

    while (size) {
        uint32_t now = part < size ? part : size;

        out[n].gpa = bench_ram_alloc(b, now + 16); /* never next to one another */
        out[n++].size = now;
        size -= now;
    }
    return n;
}

uint32_t bench_virtq_add(struct bench *b, uint32_t queue, const void *readable,
                         uint32_t readable_size, uint32_t writable_size)
{
    uint32_t n_max = b->split ? (readable_size + writable_size) / b->split + 2 : 2;
    const uint8_t *from = readable;
    struct bench_chain *c;

    if (queue >= device_ops(b)->n_queues)
        bench_die(b, "the device has no queue %u", queue);
    b->chains = realloc(b->chains, (b->n_chains + 1) * sizeof(*b->chains));
    if (!b->chains)
        bench_die(b, "out of memory");
    c = &b->chains[b->n_chains++];
    *c = (struct bench_chain){.queue = queue, .handle = b->n_chains};
    c->segments = bench_alloc(n_max * sizeof(*c->segments));
    c->readable = readable_size;
    c->writable = writable_size;
    c->n_readable = make_segments(b, c->segments, readable_size);
    c->n_writable = make_segments(b, c->segments + c->n_readable, writable_size);
    for (uint32_t i = 0; i < c->n_readable; i++) {
        bench_ram_write(b, c->segments[i].gpa, from, c->segments[i].size);
        from += c->segments[i].size;
    }
    return b->n_chains - 1;
}

uint32_t bench_virtq_add_segments(struct bench *b, uint32_t queue,
                                  const struct bp_segment *segments, uint32_t n_readable,
                                  uint32_t n_writable)
{
    uint32_t chain = bench_virtq_add(b, queue, NULL, 0, 0);
    struct bench_chain *c = chain_at(b, chain);

    free(c->segments);
    c->segments = bench_alloc((n_readable + n_writable) * sizeof(*segments));
    for (uint32_t i = 0; i < n_readable + n_writable; i++) {
        c->segments[i] = segments[i];
        *(i < n_readable ? &c->readable : &c->writable) += segments[i].size;
    }
    c->n_readable = n_readable;
    c->n_writable = n_writable;
    return chain;
}

void bench_virtq_split(struct bench *b, uint32_t bytes)
{
    b->split = bytes;
}

void bench_virtq_break(struct bench *b, uint32_t queue)
{
    if (queue >= MAX_QUEUES)
        bench_die(b, "queue %u", queue);
    b->broken[queue] = 1;
}

void bench_virtio_notify(struct bench *b, uint32_t queue)
{
    const struct bp_virtio_device_ops *ops = device_ops(b);

    if (ops->notify) {
        bench_enter(b, "notify");
        ops->notify(b->dev, queue);
        bench_leave(b);
    }
    bench_settle(b);
}

uint32_t bench_virtq_done(struct bench *b, uint32_t chain)
{
    return chain_at(b, chain)->done;
}

uint32_t bench_virtq_written(struct bench *b, uint32_t chain)
{
    return chain_at(b, chain)->written;
}

uint32_t bench_virtq_done_count(const struct bench *b)
{
    return b->n_done;
}

uint32_t bench_virtq_waiting(struct bench *b, uint32_t queue)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->n_chains; i++)
        n += b->chains[i].queue == queue && b->chains[i].handle && !b->chains[i].popped;
    return n;
}

void bench_virtq_result(struct bench *b, uint32_t chain, uint32_t offset, void *to, uint32_t size)
{
    const struct bench_chain *c = chain_at(b, chain);
    uint32_t n = c->n_writable;
    struct bp_segment *s = bench_alloc((n + 1) * sizeof(*s));
    uint8_t *at = to;

    if (find_segments(c, 1, offset, size, s, &n))
        bench_die(b, "bytes %u+%u of a chain with room for %llu", offset, size,
                  (unsigned long long)c->writable);
    for (uint32_t i = 0; i < n; i++) {
        bench_ram_read(b, s[i].gpa, at, s[i].size);
        at += s[i].size;
    }
    free(s);
}
