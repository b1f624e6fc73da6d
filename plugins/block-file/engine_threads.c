/*
 * Requests by system calls on worker threads, several at once. Nothing on a worker's thread has the
 * device's lock; the instance's fields do not change while work is out, but for the buffers, which
 * are exchanged as a whole.
 */
#include "block-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int32_t read_all(struct block_file *s, uint8_t *to, uint64_t size, uint64_t offset)
{
    while (size != 0) {
        ssize_t n = pread(s->fd, to, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* 0: someone has cut the file off */
            return file_fail(s, "read", n < 0 ? errno : EIO);
        to += n;
        size -= (uint64_t)n;
        offset += (uint64_t)n;
    }
    return BP_OK;
}

static int32_t write_all(struct block_file *s, const uint8_t *from, uint64_t size, uint64_t offset)
{
    while (size != 0) {
        ssize_t n = pwrite(s->fd, from, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return file_fail(s, "write", n < 0 ? errno : EIO);
        from += n;
        size -= (uint64_t)n;
        offset += (uint64_t)n;
    }
    return BP_OK;
}

/* A request of GiB must not hold up the end of the machine. */
static int32_t check_wanted(const struct file_job *job)
{
    return atomic_load(&job->is_cancelled) ? BP_ERR_IO : BP_OK;
}

/* One buffer of a transfer. */
static int32_t move(struct block_file *s, struct file_job *job, uint8_t *buffer)
{
    uint32_t step = file_job_step(job);
    uint64_t offset = job->offset + job->done;
    int32_t status;
    if (job->op == BP_BLOCK_READ) {
        status = read_all(s, buffer, step, offset);
        if (status == BP_OK)
            status = file_job_copy(s, job, buffer, step);
    } else {
        status = file_job_copy(s, job, buffer, step);
        if (status == BP_OK)
            status = write_all(s, buffer, step, offset);
    }
    job->done += step;
    return status;
}

static int32_t transfer(struct block_file *s, struct file_job *job)
{
    uint8_t *buffer = file_buffer_take(s);
    int32_t status = buffer == NULL ? BP_ERR_NO_MEMORY : BP_OK;
    while (job->done < job->size && status == BP_OK) {
        status = check_wanted(job);
        if (status == BP_OK)
            status = move(s, job, buffer);
    }
    file_buffer_put(s, buffer);
    return status;
}

static int32_t flush(struct block_file *s)
{
    while (fdatasync(s->fd) != 0)
        if (errno != EINTR)
            return file_fail(s, "flush", errno);
    return BP_OK;
}

static int allocate(const struct block_file *s, int mode, const struct file_job *job)
{
    int result;
    do
        result = fallocate(s->fd, mode, (off_t)job->offset, (off_t)job->size);
    while (result != 0 && errno == EINTR);
    return result;
}

static int32_t discard(struct block_file *s, const struct file_job *job)
{
    if (allocate(s, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, job) != 0)
        return file_fail(s, "discard in", errno);
    return BP_OK;
}

static int32_t write_zeroes(struct block_file *s, struct file_job *job)
{
    if (allocate(s, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, job) == 0)
        return BP_OK;
    int32_t status = file_fail(s, "write zeroes to", errno);
    if (status != BP_ERR_UNSUPPORTED)
        return status;
    uint8_t *buffer = file_buffer_take(s); /* the file system cannot: by hand */
    if (buffer == NULL)
        return BP_ERR_NO_MEMORY;
    memset(buffer, 0, FILE_CHUNK_BYTES);
    status = BP_OK;
    while (job->done < job->size && status == BP_OK) {
        uint32_t step = file_job_step(job);
        status = check_wanted(job);
        if (status == BP_OK)
            status = write_all(s, buffer, step, job->offset + job->done);
        job->done += step;
    }
    file_buffer_put(s, buffer);
    return status;
}

static int32_t run_job(struct block_file *s, struct file_job *job)
{
    switch (job->op) {
    case BP_BLOCK_READ:
    case BP_BLOCK_WRITE:
        return transfer(s, job);
    case BP_BLOCK_FLUSH:
        return flush(s);
    case BP_BLOCK_DISCARD_OP:
        return discard(s, job);
    case BP_BLOCK_WRITE_ZEROES:
        return write_zeroes(s, job);
    default:
        return BP_ERR_UNSUPPORTED;
    }
}

static int32_t work(void *dev, uint64_t arg)
{
    struct block_file *s = dev;
    struct file_job *job = (struct file_job *)(uintptr_t)arg;
    int32_t status = run_job(s, job);
    /* From here and not from the loop's thread: a driver's reset waits for this answer while it may
     * keep that thread waiting. */
    (void)s->backend->complete(s->host, job->ticket, status);
    return status;
}

static void work_done(void *dev, uint64_t arg, int32_t result)
{
    struct block_file *s = dev;
    struct file_job *job = (struct file_job *)(uintptr_t)arg;
    struct file_job **link = &s->jobs;
    (void)result; /* the worker has told the host already */
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    free(job);
    s->n_busy--;
}

static int32_t threads_submit(struct block_file *s, struct file_job *job)
{
    int32_t status = s->worker->submit(s->host, work, work_done, (uint64_t)(uintptr_t)job);
    if (status != BP_OK)
        return status;
    job->next = s->jobs; /* it cannot have ended: that takes the lock, which we have */
    s->jobs = job;
    s->n_busy++;
    return BP_OK;
}

static void threads_cancel(struct block_file *s, uint64_t ticket)
{
    for (struct file_job *job = s->jobs; job != NULL; job = job->next)
        if (job->ticket == ticket)
            atomic_store(&job->is_cancelled, true);
}

/* destroy comes only after all work is done. */
static void threads_stop(struct block_file *s)
{
    (void)s;
}

const struct file_engine file_engine_threads = {
    .submit = threads_submit, .cancel = threads_cancel, .stop = threads_stop};
