/* What the ring (engine_uring.c) and a request in it (uring_job.c) share. */
#ifndef BLOCK_FILE_URING_H
#define BLOCK_FILE_URING_H

#include <liburing.h>

#include "block-file.h"

#define URING_SLOTS   32u               /* requests that the kernel has at once */
#define URING_ENTRIES (2 * URING_SLOTS) /* each with a cancellation: the ring is never full */

/* A request that the kernel has. The buffer stays the slot's until the kernel has answered, also
 * when nobody waits for the answer any more. */
struct uring_slot {
    struct file_job *job; /* NULL: free */
    uint8_t *buffer;      /* of requests with data */
    uint32_t step;        /* bytes that pass through the buffer now */
    uint32_t step_done;   /* those of them that the kernel has moved */
    uint32_t n_retries;
    bool is_by_hand;   /* zeroes are written, as the file system cannot make them */
    bool is_abandoned; /* its ticket is answered */
};

/* The first operation of a request: takes a buffer and fills it. An error ends the request. */
int32_t uring_job_begin(struct block_file *s, struct uring_slot *slot);

/* The operation that comes next, for the kernel. */
void uring_job_prepare(const struct block_file *s, const struct uring_slot *slot,
                       struct io_uring_sqe *sqe);

/* The kernel's answer: BP_PENDING if there is a next operation, else how the request ended. */
int32_t uring_job_result(struct block_file *s, struct uring_slot *slot, int32_t result);

#endif
