/* A request of the guest: its copy, its data on their way through a buffer, and its errors. */
#include "block-file.h"

#include <backplane/lib/log.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct file_job *file_job_create(const struct bp_block_request *request)
{
    struct file_job *job =
        malloc(sizeof(*job) + (size_t)request->n_segments * sizeof(job->segments[0]));
    if (job == NULL)
        return NULL;
    *job = (struct file_job){.op = request->op,
                             .offset = request->offset,
                             .size = request->size,
                             .ticket = request->tag,
                             .n_segments = request->n_segments};
    const uint8_t *row = (const uint8_t *)request->segments;
    for (uint32_t i = 0; i < request->n_segments; i++, row += request->segment_stride)
        memcpy(&job->segments[i], row, sizeof(job->segments[i]));
    return job;
}

uint32_t file_job_step(const struct file_job *job)
{
    uint64_t left = job->size - job->done;
    return left < FILE_CHUNK_BYTES ? (uint32_t)left : FILE_CHUNK_BYTES;
}

int32_t file_job_copy(const struct block_file *s, struct file_job *job, uint8_t *buffer,
                      uint64_t size)
{
    while (size != 0) {
        const struct bp_segment *segment = &job->segments[job->segment];
        uint64_t left = segment->size - job->segment_offset;
        uint64_t step = left < size ? left : size;
        uint64_t gpa = segment->gpa + job->segment_offset;
        int32_t status = job->op == BP_BLOCK_READ ? s->mem->write(s->host, gpa, buffer, step)
                                                  : s->mem->read(s->host, gpa, buffer, step);
        if (status != BP_OK)
            return status;
        buffer += step;
        size -= step;
        job->segment_offset += step;
        if (step == left) {
            job->segment++;
            job->segment_offset = 0;
        }
    }
    return BP_OK;
}

uint8_t *file_buffer_take(struct block_file *s)
{
    for (uint32_t i = 0; i < FILE_BUFFERS; i++) {
        uint8_t *buffer = atomic_exchange(&s->buffers[i], NULL);
        if (buffer != NULL)
            return buffer;
    }
    return malloc(FILE_CHUNK_BYTES);
}

void file_buffer_put(struct block_file *s, uint8_t *buffer)
{
    for (uint32_t i = 0; i < FILE_BUFFERS && buffer != NULL; i++) {
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

int32_t file_fail(struct block_file *s, const char *what, int error)
{
    int32_t status = io_status(error);
    if (status != BP_ERR_UNSUPPORTED && !atomic_exchange(&s->has_warned, true))
        bp_logf(s->host, BP_LOG_WARN,
                "cannot %s %s: %s; the guest gets an I/O error, and this is said once", what,
                s->path, strerror(error));
    return status;
}
