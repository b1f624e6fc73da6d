/* A disk in memory behind a bp.block/1 link, and calls of a block backend's service. */
#include "bench_internal.h"

#include <stdlib.h>
#include <string.h>

static int is_transfer(uint32_t op)
{
    return op == BP_BLOCK_READ || op == BP_BLOCK_WRITE;
}

/* What the host checks before a backend sees a request. */
static int32_t check_request(const struct bp_block_request *r, uint64_t capacity, uint32_t flags)
{
    uint64_t sum = 0;

    if (r->op < BP_BLOCK_READ || r->op > BP_BLOCK_WRITE_ZEROES)
        return BP_ERR_INVALID;
    if (r->op == BP_BLOCK_FLUSH)
        return BP_OK;
    if (r->op != BP_BLOCK_READ && (flags & BP_BLOCK_READ_ONLY))
        return BP_ERR_PERMISSION;
    if (!is_transfer(r->op) && !(flags & BP_BLOCK_DISCARD))
        return BP_ERR_UNSUPPORTED;
    if (r->offset % 512 || r->size % 512)
        return BP_ERR_INVALID;
    if (r->size > capacity || r->offset > capacity - r->size)
        return BP_ERR_RANGE;
    for (uint32_t i = 0; i < r->n_segments; i++) {
        if (r->segments[i].size > r->size - sum)
            return BP_ERR_INVALID;
        sum += r->segments[i].size;
    }
    return is_transfer(r->op) && sum != r->size ? BP_ERR_INVALID : BP_OK;
}

/* --- the fake disk ---------------------------------------------------------------------------- */
static int32_t transfer(struct bench *b, struct bench_link *link, const struct bench_request *q)
{
    uint64_t at = q->request.offset;

    for (uint32_t i = 0; i < q->request.n_segments; i++) {
        const struct bp_segment *s = &q->segments[i];
        uint8_t *ram = bench_ram_at(b, s->gpa, s->size);

        if (!ram)
            return BP_ERR_RANGE;
        if (q->request.op == BP_BLOCK_READ)
            memcpy(ram, link->disk + at, s->size);
        else
            memcpy(link->disk + at, ram, s->size);
        at += s->size;
    }
    return BP_OK;
}

static int32_t perform(struct bench *b, struct bench_link *link, const struct bench_request *q)
{
    if (link->fail)
        return link->fail;
    if (is_transfer(q->request.op))
        return transfer(b, link, q);
    if (q->request.op != BP_BLOCK_FLUSH)
        memset(link->disk + q->request.offset, 0, q->request.size);
    return BP_OK;
}

static void finish(struct bench *b, struct bench_link *link, uint32_t i)
{
    struct bench_request q = link->requests[i];
    int32_t status = perform(b, link, &q);

    link->n_requests--;
    memmove(&link->requests[i], &link->requests[i + 1], (link->n_requests - i) * sizeof(q));
    free(q.segments);
    bench_enter(b, "done of a request");
    q.done(b->dev, q.request.tag, status);
    bench_leave(b);
}

int bench_step_disks(struct bench *b)
{
    for (uint32_t i = 0; i < b->class_->links.n_rows; i++) {
        struct bench_link *link = &b->links[i];

        if (!link->n_requests || link->hold)
            continue;
        finish(b, link, 0);
        return 1;
    }
    return 0;
}

void bench_drain_disks(struct bench *b)
{
    for (uint32_t i = 0; i < b->class_->links.n_rows; i++) {
        while (b->links[i].n_requests)
            finish(b, &b->links[i], 0);
    }
}

static int32_t block_info(const struct bp_host *host, uint32_t at, struct bp_block_info *out)
{
    struct bench *b = bench_of(host);
    struct bench_link *link = bench_link_at(b, at, BP_BLOCK_ID);

    if (bench_fails_ever(b, BP_BLOCK_ID, "block info"))
        return BP_ERR_IO;
    if (!link->connected)
        return bench_set_error(b, BP_ERR_NOT_FOUND, "link %s is not connected", link->name);
    out->flags = b->setup.disk_flags;
    out->capacity_bytes = link->disk_size;
    out->block_bytes = 512;
    memset(out->serial, 0, sizeof(out->serial));
    memcpy(out->serial, "bench-disk", 10);
    return BP_OK;
}

static int32_t block_submit(const struct bp_host *host, uint32_t at,
                            const struct bp_block_request *request,
                            void (*done)(void *dev, uint64_t tag, int32_t status))
{
    struct bench *b = bench_of(host);
    struct bench_link *link = bench_link_at(b, at, BP_BLOCK_ID);
    size_t size = request->n_segments * sizeof(struct bp_segment);
    int32_t status = check_request(request, link->disk_size, b->setup.disk_flags);
    struct bench_request *q;

    bench_not_while_saving(b, "submit");
    if (!link->connected)
        return BP_ERR_NOT_FOUND;
    if (status)
        return status;
    if (bench_fails_running(b, BP_BLOCK_ID))
        return BP_ERR_IO;
    link->requests = realloc(link->requests, (link->n_requests + 1) * sizeof(*q));
    if (!link->requests)
        bench_die(b, "out of memory");
    q = &link->requests[link->n_requests++];
    *q = (struct bench_request){*request, bench_alloc(size), done};
    if (size)
        memcpy(q->segments, request->segments, size);
    link->counts[request->op]++;
    return BP_OK;
}

const struct bp_block bench_block_if = {sizeof(struct bp_block), 0, block_info, block_submit};

uint8_t *bench_disk(struct bench *b, const char *name, uint64_t *size)
{
    struct bench_link *link = bench_link_named(b, name, BP_BLOCK_ID);

    if (size)
        *size = link->disk_size;
    return link->disk;
}

void bench_disk_fail(struct bench *b, const char *name, int32_t status)
{
    bench_link_named(b, name, BP_BLOCK_ID)->fail = status;
}

void bench_disk_hold(struct bench *b, const char *name, uint32_t hold)
{
    bench_link_named(b, name, BP_BLOCK_ID)->hold = hold;
}

uint32_t bench_disk_waiting(struct bench *b, const char *name)
{
    return bench_link_named(b, name, BP_BLOCK_ID)->n_requests;
}

void bench_disk_finish(struct bench *b, const char *name, uint32_t i)
{
    struct bench_link *link = bench_link_named(b, name, BP_BLOCK_ID);

    if (i >= link->n_requests)
        bench_die(b, "request %u of %u", i, link->n_requests);
    finish(b, link, i);
}

uint32_t bench_disk_count(struct bench *b, const char *name, uint32_t op)
{
    return bench_link_named(b, name, BP_BLOCK_ID)->counts[op & 7];
}

/* --- a backend -------------------------------------------------------------------------------- */
static const struct bp_block_ops *block_ops(struct bench *b)
{
    const struct bp_block_ops *ops = class_service(b->class_, BP_BLOCK_ID);

    if (!ops)
        bench_die(b, "the class offers no %s", BP_BLOCK_ID);
    return ops;
}

static int32_t backend_complete(const struct bp_host *host, uint64_t ticket, int32_t status)
{
    struct bench_ticket *t = handle_find(&bench_of(host)->tickets, ticket);

    bench_not_while_saving(bench_of(host), "complete");
    if (!t || t->status != BP_PENDING)
        return BP_ERR_STALE;
    if (status > 0)
        bench_die(bench_of(host), "complete with %d: BP_OK or an error is wanted", status);
    t->status = status;
    return BP_OK;
}

const struct bp_block_backend bench_block_backend_if = {sizeof(struct bp_block_backend), 0,
                                                        backend_complete};

int32_t bench_block_info(struct bench *b, struct bp_block_info *info)
{
    const struct bp_block_ops *ops = block_ops(b);
    int32_t status;

    memset(info, 0, sizeof(*info));
    info->struct_size = sizeof(*info);
    bench_enter(b, "info of " BP_BLOCK_ID);
    status = ops->info(b->dev, info);
    bench_leave(b);
    return status;
}

int32_t bench_block_submit(struct bench *b, uint32_t op, uint64_t offset, uint64_t size,
                           const struct bp_segment *segments, uint32_t n_segments, uint64_t *ticket)
{
    const struct bp_block_ops *ops = block_ops(b);
    struct bp_block_request r = {sizeof(r),         op, offset, size, segments, n_segments,
                                 sizeof(*segments), 0};
    struct bench_ticket *t;
    struct bp_block_info info;
    int32_t status = bench_block_info(b, &info);

    if (!status)
        status = check_request(&r, info.capacity_bytes, info.flags);
    if (status)
        return status;
    t = bench_alloc(sizeof(*t));
    t->status = BP_PENDING;
    r.tag = *ticket = handle_add(&b->tickets, t);
    bench_enter(b, "submit of " BP_BLOCK_ID);
    status = ops->submit(b->dev, &r);
    bench_leave(b);
    if (status)
        free(handle_remove(&b->tickets, *ticket));
    return status;
}

int32_t bench_block_result(struct bench *b, uint64_t ticket)
{
    const struct bench_ticket *t = handle_find(&b->tickets, ticket);

    if (!t)
        bench_die(b, "no request has the ticket 0x%llx", (unsigned long long)ticket);
    return t->status;
}

void bench_block_cancel(struct bench *b, uint64_t ticket)
{
    const struct bp_block_ops *ops = block_ops(b);

    if (!BP_HAS(struct bp_block_ops, ops, cancel) || !ops->cancel)
        bench_die(b, "the class has no cancel in %s", BP_BLOCK_ID);
    bench_enter(b, "cancel of " BP_BLOCK_ID);
    ops->cancel(b->dev, ticket);
    bench_leave(b);
}

int32_t bench_block_do(struct bench *b, uint32_t op, uint64_t offset, uint64_t size, uint64_t gpa)
{
    struct bp_segment segment = {gpa, size};
    uint64_t ticket;
    int32_t status =
        bench_block_submit(b, op, offset, size, &segment, is_transfer(op) ? 1 : 0, &ticket);

    if (status)
        return status;
    bench_settle(b);
    return bench_block_result(b, ticket);
}
