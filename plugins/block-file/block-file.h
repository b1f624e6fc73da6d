/*
 * What the parts share: the backend (block-file.c), its file (file.c), a request and its data
 * (job.c), and the two ways to do requests (engine_threads.c, engine_uring.c and uring_job.c).
 */
#ifndef BLOCK_FILE_H
#define BLOCK_FILE_H

#include <backplane/device.h>
#include <backplane/if/block.h>
#include <backplane/if/loop.h>
#include <backplane/if/mem.h>
#include <backplane/if/worker.h>
#include <stdatomic.h>
#include <stdbool.h>

#define FILE_SECTOR_BYTES 512u
#define FILE_CHUNK_BYTES  (128u << 10) /* between medium and guest RAM at a time */
#define FILE_BUFFERS      16u          /* kept for the next request */
#define FILE_SERIAL_BYTES 20u

struct block_file;
struct file_job;
struct uring;

/* A way to do requests. All [dev]. */
struct file_engine {
    /* BP_OK: the job is the engine's, and its ticket will be answered. */
    int32_t (*submit)(struct block_file *s, struct file_job *job);
    void (*cancel)(struct block_file *s, uint64_t ticket);
    /* Answers what is left; afterwards no one uses the instance's memory. */
    void (*stop)(struct block_file *s);
};

struct block_file {
    /* Properties. */
    const char *path;
    const char *serial;
    uint32_t is_read_only;
    uint32_t format;
    uint32_t io; /* FILE_IO_* */

    const struct bp_host *host;
    const struct bp_mem *mem;
    const struct bp_worker *worker;
    const struct bp_loop *loop;
    const struct bp_block_backend *backend;
    const struct file_engine *engine; /* NULL until there is one */
    struct uring *uring;              /* of engine_uring */
    int fd;                           /* -1 until it is open */
    bool is_device;
    uint64_t capacity_bytes;
    uint32_t block_bytes;
    uint32_t n_busy;       /* jobs that the engine has */
    struct file_job *jobs; /* of engine_threads: the same, as a list */
    /* Taken and put back also by workers, which have no lock. */
    _Atomic(uint8_t *) buffers[FILE_BUFFERS];
    atomic_bool has_warned; /* of the first failure of the medium */
};

/* Positions in the choices of the property "io". */
#define FILE_IO_AUTO    0u
#define FILE_IO_URING   1u
#define FILE_IO_THREADS 2u

/* A request while an engine has it. */
struct file_job {
    struct file_job *next;
    atomic_bool is_cancelled; /* nobody wants the rest of it */
    uint32_t op;
    uint64_t offset;
    uint64_t size;
    uint64_t ticket;
    uint64_t done; /* bytes of `size` that are behind us */
    /* Where the transfer is in the guest's segments. */
    uint32_t segment;
    uint64_t segment_offset;
    uint32_t n_segments;
    struct bp_segment segments[];
};

/* --- job.c ------------------------------------------------------------------------------------ */

/* A copy of the request, to be freed; NULL: out of memory. */
struct file_job *file_job_create(const struct bp_block_request *request);

/* The size of the next piece of a transfer: what is left, and at most a buffer. */
uint32_t file_job_step(const struct file_job *job);

/* Copies between the buffer and the next `size` bytes of the guest's segments. BP_ERR_RANGE. */
int32_t file_job_copy(const struct block_file *s, struct file_job *job, uint8_t *buffer,
                      uint64_t size);

/* FILE_CHUNK_BYTES; NULL: out of memory. */
uint8_t *file_buffer_take(struct block_file *s);
void file_buffer_put(struct block_file *s, uint8_t *buffer); /* takes NULL */

/* The request's status for an errno. The user is told of the first failure, the guest of each. */
int32_t file_fail(struct block_file *s, const char *what, int error);

/* --- file.c ----------------------------------------------------------------------------------- */

/* Opens, checks and locks the file; an error has its sentence set. */
int32_t file_open(struct block_file *s);
void file_close(struct block_file *s);

/* --- The engines ------------------------------------------------------------------------------ */

extern const struct file_engine file_engine_threads;
extern const struct file_engine file_engine_uring;

/* [setup] Makes the ring, for file_engine_uring; an error leaves a sentence in `why`. */
int32_t uring_open(struct block_file *s, char *why, size_t why_bytes);

#endif
