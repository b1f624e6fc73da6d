/*
 * bp.block/1 and bp.block-backend/1: requests on their way from a device to a disk.
 *
 * A request is checked here, so that no backend has to, and travels as a ticket: a handle in the
 * backend's table. One lock guards all tickets. A ticket that ends is posted to the device's thread
 * in the same breath, so whoever sees it gone knows that the device's job is counted.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/vm.h"
#include "plugin/host_tables.h"
#include "util/hosttime.h"

#define SECTOR_BYTES 512u
#define GRACE_MS     500u /* for requests under way, before they are cancelled */
#define DRAIN_WAIT_S 30u  /* then the disk is taken for dead */
#define STEP_NS      50000000u

struct ticket {
    struct device *user;
    const struct device_link *link;
    uint64_t id;
    bool is_cancelled;
    uint64_t tag;
    int32_t status;
    void (*done)(void *dev, uint64_t tag, int32_t status);
};

static pthread_mutex_t tickets_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ticket_ended = PTHREAD_COND_INITIALIZER;

/* --- Information ------------------------------------------------------------------------------ */

/* With the backend's lock held. */
static int32_t ask_info(const struct device_link *l, struct bp_block_info *out)
{
    const struct bp_block_ops *ops = l->ops;
    if (!BP_HAS(struct bp_block_ops, ops, submit) || ops->info == NULL || ops->submit == NULL)
        return BP_ERR_UNSUPPORTED;
    memset(out, 0, sizeof(*out));
    out->struct_size = sizeof(*out);
    return ops->info(l->target->instance, out);
}

static int32_t block_info(const struct bp_host *host, uint32_t link, struct bp_block_info *out)
{
    const struct device_link *l = device_link_at(device_of(host), link);
    if (!BP_HAS(struct bp_block_info, out, serial))
        return BP_ERR_INVALID;
    if (l == NULL)
        return BP_ERR_NOT_FOUND;
    if (!device_enter(l->target, "info of its disk"))
        return BP_ERR_STATE;
    struct bp_block_info info;
    int32_t status = ask_info(l, &info);
    device_leave(l->target);
    if (status != BP_OK)
        return status;
    uint32_t size = out->struct_size < sizeof(info) ? out->struct_size : (uint32_t)sizeof(info);
    memcpy(out, &info, size);
    out->struct_size = size;
    return BP_OK;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* Do the segments hold exactly `size` bytes? */
static bool segments_fit(const struct bp_block_request *r)
{
    if (r->segments == NULL || r->n_segments == 0 || r->segment_stride < sizeof(struct bp_segment))
        return false;
    uint64_t left = r->size;
    const uint8_t *row = (const uint8_t *)r->segments;
    for (uint32_t i = 0; i < r->n_segments; i++, row += r->segment_stride) {
        const struct bp_segment *segment = (const void *)row;
        if (segment->size > left)
            return false;
        left -= segment->size;
    }
    return left == 0;
}

static int32_t check_request(const struct bp_block_request *r, const struct bp_block_info *info)
{
    bool writes = false;
    switch (r->op) {
    case BP_BLOCK_FLUSH:
        return BP_OK;
    case BP_BLOCK_READ:
        break;
    case BP_BLOCK_WRITE:
    case BP_BLOCK_DISCARD_OP:
    case BP_BLOCK_WRITE_ZEROES:
        writes = true;
        break;
    default:
        return BP_ERR_UNSUPPORTED;
    }
    if (r->size == 0 || r->offset % SECTOR_BYTES != 0 || r->size % SECTOR_BYTES != 0)
        return BP_ERR_INVALID;
    if (r->offset > info->capacity_bytes || r->size > info->capacity_bytes - r->offset)
        return BP_ERR_RANGE;
    if (writes && (info->flags & BP_BLOCK_READ_ONLY) != 0)
        return BP_ERR_PERMISSION;
    if ((r->op == BP_BLOCK_READ || r->op == BP_BLOCK_WRITE) && !segments_fit(r))
        return BP_ERR_INVALID;
    if ((r->op == BP_BLOCK_DISCARD_OP || r->op == BP_BLOCK_WRITE_ZEROES) &&
        (info->flags & BP_BLOCK_DISCARD) == 0)
        return BP_ERR_UNSUPPORTED;
    return BP_OK;
}

/* With the backend's lock held. */
static int32_t pass_on(const struct device_link *l, const struct bp_block_request *request,
                       struct ticket *ticket)
{
    const struct bp_block_ops *ops = l->ops;
    struct device *backend = l->target;
    struct bp_block_request copy = {.struct_size = sizeof(copy)};
    uint32_t known = request->struct_size < sizeof(copy) ? request->struct_size : sizeof(copy);
    memcpy(&copy, request, known);
    copy.struct_size = known;
    pthread_mutex_lock(&tickets_lock);
    copy.tag = ticket->id = handle_add(&backend->tickets, ticket);
    pthread_mutex_unlock(&tickets_lock);
    if (copy.tag == BP_NO_HANDLE)
        return BP_ERR_NO_MEMORY;
    int32_t status = ops->submit(backend->instance, &copy);
    if (status >= BP_OK)
        return BP_OK;
    /* Refused: the ticket is void, unless the backend has completed it as well. */
    pthread_mutex_lock(&tickets_lock);
    bool is_void = handle_remove(&backend->tickets, copy.tag) != NULL;
    pthread_mutex_unlock(&tickets_lock);
    return is_void ? status : BP_OK;
}

static int32_t block_submit(const struct bp_host *host, uint32_t link,
                            const struct bp_block_request *request,
                            void (*done)(void *dev, uint64_t tag, int32_t status))
{
    struct device *user = device_of(host);
    const struct device_link *l = device_link_at(user, link);
    if (done == NULL || !BP_HAS(struct bp_block_request, request, tag))
        return BP_ERR_INVALID;
    if (l == NULL)
        return BP_ERR_NOT_FOUND;
    struct ticket *ticket = malloc(sizeof(*ticket));
    if (ticket == NULL)
        return BP_ERR_NO_MEMORY;
    *ticket = (struct ticket){.user = user, .link = l, .tag = request->tag, .done = done};
    int32_t status = BP_ERR_STATE;
    if (device_enter(l->target, "submit of its disk")) {
        struct bp_block_info info;
        status = ask_info(l, &info);
        if (status == BP_OK)
            status = check_request(request, &info);
        if (status == BP_OK)
            status = pass_on(l, request, ticket);
        device_leave(l->target);
    }
    if (status != BP_OK)
        free(ticket);
    return status;
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void deliver(void *instance, uint64_t arg)
{
    struct ticket *ticket = (struct ticket *)(uintptr_t)arg;
    ticket->done(instance, ticket->tag, ticket->status);
    free(ticket);
}

static int32_t block_complete(const struct bp_host *host, uint64_t id, int32_t status)
{
    struct device *backend = device_of(host);
    pthread_mutex_lock(&tickets_lock);
    struct ticket *ticket = handle_remove(&backend->tickets, id);
    if (ticket != NULL) {
        ticket->status = status;
        /* Refused only when the device is on its way out: then nobody waits for the answer. */
        if (ticket->user == NULL ||
            device_post(ticket->user, deliver, (uint64_t)(uintptr_t)ticket) != BP_OK)
            free(ticket);
        pthread_cond_broadcast(&ticket_ended);
    }
    pthread_mutex_unlock(&tickets_lock);
    return ticket == NULL ? BP_ERR_STALE : BP_OK;
}

/* With the lock held: a ticket of this user at one of the backends it links to. */
static struct ticket *find_ticket(const struct device *user)
{
    for (uint32_t i = 0; i < user->class_->links.n_rows; i++) {
        const struct device *backend = user->links[i].target;
        uint32_t cursor = 0;
        struct ticket *ticket = NULL;
        while (backend != NULL && (ticket = handle_next(&backend->tickets, &cursor)) != NULL)
            if (ticket->user == user)
                return ticket;
    }
    return NULL;
}

/* With the lock held: the next ticket of this user that has not been cancelled yet. */
static struct ticket *find_uncancelled(const struct device *user)
{
    for (uint32_t i = 0; i < user->class_->links.n_rows; i++) {
        const struct device *backend = user->links[i].target;
        uint32_t cursor = 0;
        struct ticket *ticket = NULL;
        while (backend != NULL && (ticket = handle_next(&backend->tickets, &cursor)) != NULL)
            if (ticket->user == user && !ticket->is_cancelled)
                return ticket;
    }
    return NULL;
}

/* Asks the backends to hurry. A ticket may end at any moment: its number is then nobody's. */
static void cancel_all(const struct device *user)
{
    for (;;) {
        pthread_mutex_lock(&tickets_lock);
        struct ticket *ticket = find_uncancelled(user);
        if (ticket == NULL) {
            pthread_mutex_unlock(&tickets_lock);
            return;
        }
        ticket->is_cancelled = true;
        const struct device_link *link = ticket->link;
        uint64_t id = ticket->id;
        pthread_mutex_unlock(&tickets_lock);
        const struct bp_block_ops *ops = link->ops;
        if (!BP_HAS(struct bp_block_ops, ops, cancel) || ops->cancel == NULL ||
            !device_enter(link->target, "cancel of its disk"))
            continue;
        ops->cancel(link->target->instance, id);
        device_leave(link->target);
    }
}

static void complain(const struct device *user)
{
    log_format(LOG_LEVEL_ERROR, user->name,
               "its disk has not answered for %u s; it goes on without the answer", DRAIN_WAIT_S);
}

/* False: there are still some when the time has passed. */
static bool await_tickets(const struct device *user, uint64_t wait_ns)
{
    uint64_t until_ns = host_monotonic_ns() + wait_ns;
    struct timespec limit = {.tv_sec = (time_t)(until_ns / NS_PER_SECOND),
                             .tv_nsec = (long)(until_ns % NS_PER_SECOND)};
    pthread_mutex_lock(&tickets_lock);
    int failed = 0;
    while (failed == 0 && find_ticket(user) != NULL)
        failed = pthread_cond_clockwait(&ticket_ended, &tickets_lock, CLOCK_MONOTONIC, &limit);
    pthread_mutex_unlock(&tickets_lock);
    return failed == 0;
}

void host_block_drain(struct device *user)
{
    if (await_tickets(user, GRACE_MS * UINT64_C(1000000)))
        return;
    cancel_all(user);
    if (!await_tickets(user, DRAIN_WAIT_S * UINT64_C(1000000000)))
        complain(user);
}

static bool is_busy(const struct device *user)
{
    pthread_mutex_lock(&tickets_lock);
    bool found = find_ticket(user) != NULL;
    pthread_mutex_unlock(&tickets_lock);
    return found;
}

void host_block_drain_on_loop(struct device *user)
{
    uint64_t begin_ns = host_monotonic_ns();
    bool has_cancelled = false;
    while (user->vm != NULL && is_busy(user)) {
        uint64_t waited_ns = host_monotonic_ns() - begin_ns;
        if (waited_ns > DRAIN_WAIT_S * UINT64_C(1000000000)) {
            complain(user);
            return;
        }
        if (waited_ns > GRACE_MS * UINT64_C(1000000) && !has_cancelled) {
            has_cancelled = true;
            cancel_all(user);
        }
        loop_step(vm_loop(user->vm), STEP_NS);
    }
}

void host_block_fini(struct device *dev)
{
    host_block_drain_on_loop(dev);
    pthread_mutex_lock(&tickets_lock);
    for (struct ticket *ticket; (ticket = find_ticket(dev)) != NULL;)
        ticket->user = NULL; /* the disk is dead: a late answer goes nowhere */
    uint32_t cursor = 0;
    for (struct ticket *ticket; (ticket = handle_next(&dev->tickets, &cursor)) != NULL;)
        free(ticket);
    handle_table_fini(&dev->tickets);
    handle_table_init(&dev->tickets);
    pthread_mutex_unlock(&tickets_lock);
}

const struct bp_block host_block = {
    .struct_size = sizeof(struct bp_block), .info = block_info, .submit = block_submit};
const struct bp_block_backend host_block_backend = {.struct_size = sizeof(struct bp_block_backend),
                                                    .complete = block_complete};
