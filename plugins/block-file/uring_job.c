/*
 * One request in the ring: which operation of the kernel comes next. Data pass through the slot's
 * buffer, piece by piece; the kernel may do less of a piece than it was asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "uring.h"

#define RETRIES_MAX 100u /* in a row; more is a kernel that will never do it */

static bool has_data(const struct uring_slot *slot)
{
    return slot->job->op == BP_BLOCK_READ || slot->job->op == BP_BLOCK_WRITE || slot->is_by_hand;
}

static int32_t begin_step(struct block_file *s, struct uring_slot *slot)
{
    slot->step = file_job_step(slot->job);
    slot->step_done = 0;
    if (slot->job->op != BP_BLOCK_WRITE)
        return BP_OK;
    return file_job_copy(s, slot->job, slot->buffer, slot->step);
}

int32_t uring_job_begin(struct block_file *s, struct uring_slot *slot)
{
    if (!has_data(slot))
        return BP_OK;
    slot->buffer = file_buffer_take(s);
    if (slot->buffer == NULL)
        return BP_ERR_NO_MEMORY;
    if (slot->is_by_hand)
        memset(slot->buffer, 0, FILE_CHUNK_BYTES);
    return begin_step(s, slot);
}

static void prepare_data(const struct block_file *s, const struct uring_slot *slot,
                         struct io_uring_sqe *sqe)
{
    uint8_t *at = slot->buffer + slot->step_done;
    uint32_t size = slot->step - slot->step_done;
    uint64_t offset = slot->job->offset + slot->job->done + slot->step_done;
    if (slot->job->op == BP_BLOCK_READ)
        io_uring_prep_read(sqe, s->fd, at, size, offset);
    else
        io_uring_prep_write(sqe, s->fd, at, size, offset);
}

void uring_job_prepare(const struct block_file *s, const struct uring_slot *slot,
                       struct io_uring_sqe *sqe)
{
    const struct file_job *job = slot->job;
    int how = job->op == BP_BLOCK_DISCARD_OP ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
    if (has_data(slot))
        prepare_data(s, slot, sqe);
    else if (job->op == BP_BLOCK_FLUSH)
        io_uring_prep_fsync(sqe, s->fd, IORING_FSYNC_DATASYNC);
    else {
        /* The call's range is signed in some versions of the library and unsigned in others. */
        io_uring_prep_fallocate(sqe, s->fd, how | FALLOC_FL_KEEP_SIZE, 0, 0);
        sqe->off = job->offset;
        sqe->addr = job->size;
    }
    /* What could not be done at once gets a thread of the kernel's, which can wait. */
    if (slot->n_retries != 0)
        io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
}

static const char *what_failed(const struct uring_slot *slot)
{
    switch (slot->job->op) {
    case BP_BLOCK_READ:
        return "read";
    case BP_BLOCK_WRITE:
        return "write";
    case BP_BLOCK_FLUSH:
        return "flush";
    case BP_BLOCK_DISCARD_OP:
        return "discard in";
    default:
        return "write zeroes to";
    }
}

/* `bytes` of the step have been moved. */
static int32_t data_moved(struct block_file *s, struct uring_slot *slot, uint32_t bytes)
{
    struct file_job *job = slot->job;
    slot->step_done += bytes;
    if (slot->step_done < slot->step)
        return BP_PENDING;
    int32_t status = BP_OK;
    if (job->op == BP_BLOCK_READ)
        status = file_job_copy(s, job, slot->buffer, slot->step);
    job->done += slot->step;
    if (status != BP_OK || job->done == job->size)
        return status;
    status = begin_step(s, slot);
    return status == BP_OK ? BP_PENDING : status;
}

/* Interrupted, out of some resource, or ended with the thread that had asked for it. */
static bool is_passing(int32_t result)
{
    return result == -EINTR || result == -EAGAIN || result == -ECANCELED;
}

int32_t uring_job_result(struct block_file *s, struct uring_slot *slot, int32_t result)
{
    if (is_passing(result) && slot->n_retries < RETRIES_MAX) {
        slot->n_retries++;
        return BP_PENDING;
    }
    slot->n_retries = 0;
    if (result == 0 && has_data(slot))
        result = -EIO; /* someone has cut the file off */
    if (result >= 0)
        return has_data(slot) ? data_moved(s, slot, (uint32_t)result) : BP_OK;
    int32_t status = file_fail(s, what_failed(slot), -result);
    if (status != BP_ERR_UNSUPPORTED || slot->job->op != BP_BLOCK_WRITE_ZEROES || slot->is_by_hand)
        return status;
    slot->is_by_hand = true; /* the file system cannot */
    status = uring_job_begin(s, slot);
    return status == BP_OK ? BP_PENDING : status;
}
