/*
 * One request on a worker's thread. Data passes through a buffer of bounded size: guest RAM is
 * reached by bp.mem/1 only. Nothing here has the device's lock; the instance's fields do not change
 * while work is out, but for the buffers, which are exchanged as a whole.
 */
#include "block-file.h"

#include <backplane/lib/log.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t *buffer_take(struct block_file *s)
{
    for (uint32_t i = 0; i < FILE_BUFFERS; i++) {
        uint8_t *buffer = atomic_exchange(&s->buffers[i], NULL);
        if (buffer != NULL)
            return buffer;
    }
    return malloc(FILE_CHUNK_BYTES);
}

static void buffer_put(struct block_file *s, uint8_t *buffer)
{
    for (uint32_t i = 0; i < FILE_BUFFERS; i++) {
        uint8_t *empty = NULL;
        if (atomic_compare_exchange_strong(&s->buffers[i], &empty, buffer))
            return;
    }
    free(buffer);
}

static int32_t io_status(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return BP_ERR_NO_SPACE;
    case EOPNOTSUPP:
    case ENOSYS:
        return BP_ERR_UNSUPPORTED;
    default:
        return BP_ERR_IO;
    }
}

/* Tells the user of the first failure; the guest hears of each. */
static int32_t fail(struct block_file *s, const char *what, int error)
{
    int32_t status = io_status(error);
    if (status != BP_ERR_UNSUPPORTED && !atomic_exchange(&s->has_warned, true))
        bp_logf(s->host, BP_LOG_WARN,
                "cannot %s %s: %s; the guest gets an I/O error, and this is said once", what,
                s->path, strerror(error));
    return status;
}

static int32_t read_all(struct block_file *s, uint8_t *to, uint64_t size, uint64_t offset)
{
    while (size != 0) {
        ssize_t n = pread(s->fd, to, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(s, "read", errno);
        if (n == 0) /* someone has cut the file off */
            return fail(s, "read", EIO);
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
            return fail(s, "write", n < 0 ? errno : EIO);
        from += n;
        size -= (uint64_t)n;
        offset += (uint64_t)n;
    }
    return BP_OK;
}

/* Where a transfer is in the guest's segments. */
struct cursor {
    const struct file_job *job;
    uint32_t segment;
    uint64_t offset; /* in the segment */
};

/* Copies `size` bytes between the buffer and the next segments. */
static int32_t copy_guest(const struct block_file *s, struct cursor *c, uint8_t *buffer,
                          uint64_t size)
{
    while (size != 0) {
        const struct bp_segment *segment = &c->job->segments[c->segment];
        uint64_t step = segment->size - c->offset < size ? segment->size - c->offset : size;
        uint64_t gpa = segment->gpa + c->offset;
        int32_t status = c->job->op == BP_BLOCK_READ ? s->mem->write(s->host, gpa, buffer, step)
                                                     : s->mem->read(s->host, gpa, buffer, step);
        if (status != BP_OK)
            return status;
        buffer += step;
        size -= step;
        c->offset += step;
        if (c->offset == segment->size) {
            c->segment++;
            c->offset = 0;
        }
    }
    return BP_OK;
}

/* A request of GiB must not hold up the end of the machine. */
static int32_t check_wanted(const struct file_job *job)
{
    return atomic_load(&job->is_cancelled) ? BP_ERR_IO : BP_OK;
}

static int32_t transfer(struct block_file *s, const struct file_job *job)
{
    struct cursor cursor = {.job = job};
    uint8_t *buffer = buffer_take(s);
    int32_t status = buffer == NULL ? BP_ERR_NO_MEMORY : BP_OK;
    for (uint64_t done = 0; done < job->size && status == BP_OK;) {
        uint64_t step = job->size - done < FILE_CHUNK_BYTES ? job->size - done : FILE_CHUNK_BYTES;
        status = check_wanted(job);
        if (status != BP_OK)
            break;
        if (job->op == BP_BLOCK_READ) {
            status = read_all(s, buffer, step, job->offset + done);
            if (status == BP_OK)
                status = copy_guest(s, &cursor, buffer, step);
        } else {
            status = copy_guest(s, &cursor, buffer, step);
            if (status == BP_OK)
                status = write_all(s, buffer, step, job->offset + done);
        }
        done += step;
    }
    if (buffer != NULL)
        buffer_put(s, buffer);
    return status;
}

static int32_t flush(struct block_file *s)
{
    if (s->is_read_only)
        return BP_OK;
    while (fdatasync(s->fd) != 0)
        if (errno != EINTR)
            return fail(s, "flush", errno);
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
        return fail(s, "discard in", errno);
    return BP_OK;
}

static int32_t write_zeroes(struct block_file *s, const struct file_job *job)
{
    if (allocate(s, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, job) == 0)
        return BP_OK;
    if (io_status(errno) != BP_ERR_UNSUPPORTED)
        return fail(s, "write zeroes to", errno);
    uint8_t *buffer = buffer_take(s); /* the file system cannot: by hand */
    if (buffer == NULL)
        return BP_ERR_NO_MEMORY;
    memset(buffer, 0, FILE_CHUNK_BYTES);
    int32_t status = BP_OK;
    for (uint64_t done = 0; done < job->size && status == BP_OK; done += FILE_CHUNK_BYTES) {
        uint64_t left = job->size - done;
        status = check_wanted(job);
        if (status == BP_OK)
            status = write_all(s, buffer, left < FILE_CHUNK_BYTES ? left : FILE_CHUNK_BYTES,
                               job->offset + done);
    }
    buffer_put(s, buffer);
    return status;
}

static int32_t run_job(struct block_file *s, const struct file_job *job)
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

int32_t file_work(void *dev, uint64_t arg)
{
    struct block_file *s = dev;
    const struct file_job *job = (const struct file_job *)(uintptr_t)arg;
    int32_t status = run_job(s, job);
    /* From here and not from the loop's thread: a driver's reset waits for this answer while it may
     * keep that thread waiting. */
    (void)s->backend->complete(s->host, job->ticket, status);
    return status;
}
