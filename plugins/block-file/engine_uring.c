/*
 * Requests through a ring that is shared with the kernel (io_uring(7)), without a thread of ours.
 *
 * The loop's thread alone hands requests over and takes answers: the kernel ends what a thread has
 * begun when that thread ends, interrupts it with answers, and may wait a little while it takes a
 * request - none of that is for a processor's thread. The ring's own descriptor is watched, which
 * is readable while there are answers.
 *
 * A cancelled request is answered at once, while the kernel may still have its buffer. A write of
 * which that is so holds back what comes after it, so that it never overtakes a later one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <backplane/lib/log.h>

#include "uring.h"

#define ROUNDS_MAX  4u  /* at a time: others wait for the loop too */
#define STOP_WAIT_S 30u /* for the kernel to give back buffers; then it never will */

struct uring {
    struct io_uring ring;
    bp_handle watch;
    struct uring_slot slots[URING_SLOTS];
    uint32_t n_active; /* slots in use */
    uint32_t n_fences; /* abandoned writes: nothing new begins */
    struct file_job *waiting, **last_waiting;
    bool will_run; /* run_later is on its way */
};

/* --- Ends of requests ------------------------------------------------------------------------- */

static void end_job(struct block_file *s, struct file_job *job)
{
    free(job);
    s->n_busy--;
}

static void answer(struct block_file *s, const struct file_job *job, int32_t status)
{
    (void)s->backend->complete(s->host, job->ticket, status);
}

static bool changes_file(const struct file_job *job)
{
    return job->op != BP_BLOCK_READ && job->op != BP_BLOCK_FLUSH;
}

static void slot_free(struct block_file *s, struct uring_slot *slot)
{
    struct uring *u = s->uring;
    if (slot->is_abandoned && changes_file(slot->job))
        u->n_fences--;
    end_job(s, slot->job);
    file_buffer_put(s, slot->buffer);
    *slot = (struct uring_slot){0};
    u->n_active--;
}

/* --- To the kernel ---------------------------------------------------------------------------- */

/* BP_PENDING: the kernel gets it with the next push. */
static int32_t slot_prepare(struct block_file *s, struct uring_slot *slot)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&s->uring->ring);
    if (sqe == NULL)
        return BP_ERR_IO;
    uring_job_prepare(s, slot, sqe);
    io_uring_sqe_set_data(sqe, slot);
    return BP_PENDING;
}

/* Goes on with a request, or ends it. */
static void slot_continue(struct block_file *s, struct uring_slot *slot, int32_t status)
{
    if (status == BP_PENDING)
        status = slot_prepare(s, slot);
    if (status == BP_PENDING)
        return;
    answer(s, slot->job, status);
    slot_free(s, slot);
}

static struct uring_slot *slot_find_free(struct uring *u)
{
    for (uint32_t i = 0; i < URING_SLOTS; i++)
        if (u->slots[i].job == NULL)
            return &u->slots[i];
    return NULL;
}

static void start_waiting(struct block_file *s)
{
    struct uring *u = s->uring;
    struct uring_slot *slot;
    while (u->waiting != NULL && u->n_fences == 0 && (slot = slot_find_free(u)) != NULL) {
        struct file_job *job = u->waiting;
        u->waiting = job->next;
        if (u->waiting == NULL)
            u->last_waiting = &u->waiting;
        slot->job = job;
        u->n_active++;
        int32_t status = uring_job_begin(s, slot);
        slot_continue(s, slot, status == BP_OK ? BP_PENDING : status);
    }
}

static void run_soon(struct block_file *s);

static void push(struct block_file *s)
{
    struct io_uring *ring = &s->uring->ring;
    int n = 1;
    while (io_uring_sq_ready(ring) != 0 && n > 0)
        n = io_uring_submit(ring);
    if (io_uring_sq_ready(ring) != 0)
        run_soon(s); /* the kernel lacks something now */
}

/* --- From the kernel -------------------------------------------------------------------------- */

/* How many answers there were. */
static uint32_t take_answers(struct block_file *s)
{
    struct io_uring *ring = &s->uring->ring;
    struct io_uring_cqe *cqe;
    uint32_t n = 0;
    for (; n < URING_ENTRIES && io_uring_peek_cqe(ring, &cqe) == 0; n++) {
        struct uring_slot *slot = io_uring_cqe_get_data(cqe);
        int32_t result = cqe->res;
        io_uring_cqe_seen(ring, cqe);
        if (slot == NULL) /* of a cancellation: what matters is what it did to the request */
            continue;
        if (slot->is_abandoned)
            slot_free(s, slot);
        else
            slot_continue(s, slot, uring_job_result(s, slot, result));
    }
    return n;
}

/* Much is answered at once, from the host's page cache. */
static void run(struct block_file *s)
{
    for (uint32_t n = 0; n < ROUNDS_MAX; n++) {
        start_waiting(s);
        push(s);
        if (take_answers(s) == 0)
            return;
    }
    start_waiting(s);
    push(s); /* answers that are there already make the ring readable */
}

static void on_answers(void *dev, uint32_t ready)
{
    (void)ready;
    run(dev);
}

static void run_later(void *dev, uint64_t arg)
{
    struct block_file *s = dev;
    (void)arg;
    s->uring->will_run = false;
    run(s);
}

static void run_soon(struct block_file *s)
{
    struct uring *u = s->uring;
    if (!u->will_run)
        u->will_run = s->host->defer(s->host, run_later, 0) == BP_OK;
}

/* --- The engine ------------------------------------------------------------------------------- */

static int32_t uring_submit(struct block_file *s, struct file_job *job)
{
    struct uring *u = s->uring;
    run_soon(s);
    if (!u->will_run)
        return BP_ERR_NO_MEMORY;
    job->next = NULL;
    *u->last_waiting = job;
    u->last_waiting = &job->next;
    s->n_busy++;
    return BP_OK;
}

/* Its buffer and its place in the file are the kernel's for some time yet. */
static void abandon(struct block_file *s, struct uring_slot *slot)
{
    struct uring *u = s->uring;
    slot->is_abandoned = true;
    if (changes_file(slot->job))
        u->n_fences++;
    answer(s, slot->job, BP_ERR_IO);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    if (sqe == NULL)
        return;
    io_uring_prep_cancel(sqe, slot, 0);
    io_uring_sqe_set_data(sqe, NULL);
    (void)io_uring_submit(&u->ring);
}

static void cancel_waiting(struct block_file *s, struct file_job **link)
{
    struct uring *u = s->uring;
    struct file_job *job = *link;
    *link = job->next;
    if (*link == NULL)
        u->last_waiting = link;
    answer(s, job, BP_ERR_IO);
    end_job(s, job);
}

static void uring_cancel(struct block_file *s, uint64_t ticket)
{
    struct uring *u = s->uring;
    for (struct file_job **link = &u->waiting; *link != NULL; link = &(*link)->next)
        if ((*link)->ticket == ticket) {
            cancel_waiting(s, link);
            return;
        }
    for (uint32_t i = 0; i < URING_SLOTS; i++) {
        struct uring_slot *slot = &u->slots[i];
        if (slot->job != NULL && !slot->is_abandoned && slot->job->ticket == ticket)
            abandon(s, slot);
    }
}

/* --- Beginning and end ------------------------------------------------------------------------ */

static int32_t refuse(int error, char *why, size_t why_bytes)
{
    const char *text = strerror(error);
    if (error == ENOSYS)
        text = "this kernel has no io_uring";
    else if (error == EPERM || error == EACCES)
        text = "the system does not permit it (see the sysctl kernel.io_uring_disabled, or the "
               "sandbox that this runs in)";
    else if (error == ENOMEM)
        text = "not enough memory may be locked (see \"ulimit -l\")";
    else if (error == EOPNOTSUPP)
        text = "this kernel's is too old: Linux 5.6 is needed";
    (void)snprintf(why, why_bytes, "%s", text);
    return error == ENOSYS || error == EOPNOTSUPP ? BP_ERR_UNSUPPORTED
           : error == EPERM || error == EACCES    ? BP_ERR_PERMISSION
           : error == ENOMEM                      ? BP_ERR_NO_MEMORY
                                                  : BP_ERR_IO;
}

/* 0, or an errno. */
static int check_operations(struct io_uring *ring)
{
    static const int needed[] = {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC,
                                 IORING_OP_FALLOCATE, IORING_OP_ASYNC_CANCEL};
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool has_all = probe != NULL;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && has_all; i++)
        has_all = io_uring_opcode_supported(probe, needed[i]) != 0;
    io_uring_free_probe(probe);
    return has_all ? 0 : EOPNOTSUPP;
}

static int32_t ring_open(struct block_file *s, struct uring *u, char *why, size_t why_bytes)
{
    int error = -io_uring_queue_init(URING_ENTRIES, &u->ring, 0);
    if (error != 0)
        return refuse(error, why, why_bytes);
    error = check_operations(&u->ring);
    int32_t status = error == 0 ? BP_OK : refuse(error, why, why_bytes);
    if (status == BP_OK) {
        status = s->loop->watch(s->host, u->ring.ring_fd, BP_LOOP_READ, on_answers, &u->watch);
        (void)snprintf(why, why_bytes, "its descriptor cannot be watched");
    }
    if (status != BP_OK)
        io_uring_queue_exit(&u->ring);
    return status;
}

int32_t uring_open(struct block_file *s, char *why, size_t why_bytes)
{
    struct uring *u = calloc(1, sizeof(*u));
    if (u == NULL)
        return refuse(ENOMEM, why, why_bytes);
    u->last_waiting = &u->waiting;
    int32_t status = ring_open(s, u, why, why_bytes);
    if (status != BP_OK) {
        free(u);
        return status;
    }
    s->uring = u;
    return BP_OK;
}

static bool has_passed(const struct timespec *limit)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > limit->tv_sec ||
           (now.tv_sec == limit->tv_sec && now.tv_nsec >= limit->tv_nsec);
}

/* Waits until the kernel has given back all buffers. */
static void drain(struct block_file *s)
{
    struct uring *u = s->uring;
    struct __kernel_timespec step = {.tv_nsec = 100000000};
    struct timespec limit;
    struct io_uring_cqe *cqe;
    (void)clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += STOP_WAIT_S;
    while (u->n_active != 0 && !has_passed(&limit)) {
        (void)io_uring_submit(&u->ring);
        (void)io_uring_wait_cqe_timeout(&u->ring, &cqe, &step);
        (void)take_answers(s);
    }
    if (u->n_active != 0)
        bp_logf(s->host, BP_LOG_ERROR, "%s has not answered for %u s; its buffers are left to it",
                s->path, STOP_WAIT_S);
}

static void uring_stop(struct block_file *s)
{
    struct uring *u = s->uring;
    while (u->waiting != NULL)
        cancel_waiting(s, &u->waiting);
    for (uint32_t i = 0; i < URING_SLOTS; i++)
        if (u->slots[i].job != NULL && !u->slots[i].is_abandoned)
            abandon(s, &u->slots[i]);
    drain(s);
    (void)s->loop->unwatch(s->host, u->watch);
    io_uring_queue_exit(&u->ring);
    for (uint32_t i = 0; i < URING_SLOTS; i++)
        free(u->slots[i].job);
    free(u);
    s->uring = NULL;
}

const struct file_engine file_engine_uring = {
    .submit = uring_submit, .cancel = uring_cancel, .stop = uring_stop};
