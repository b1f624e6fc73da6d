/* What the backend (block-file.c), its file (file.c) and its work (work.c) share. */
#ifndef BLOCK_FILE_H
#define BLOCK_FILE_H

#include <backplane/device.h>
#include <backplane/if/block.h>
#include <backplane/if/mem.h>
#include <backplane/if/worker.h>
#include <stdatomic.h>
#include <stdbool.h>

#define FILE_SECTOR_BYTES 512u
#define FILE_CHUNK_BYTES  (128u << 10) /* between medium and guest RAM at a time */
#define FILE_BUFFERS      4u           /* kept for the next request */
#define FILE_SERIAL_BYTES 20u

struct block_file {
    /* Properties. */
    const char *path;
    const char *serial;
    uint32_t is_read_only;
    uint32_t format;

    const struct bp_host *host;
    const struct bp_mem *mem;
    const struct bp_worker *worker;
    const struct bp_block_backend *backend;
    int fd; /* -1 until it is open */
    bool is_device;
    uint64_t capacity_bytes;
    uint32_t block_bytes;
    uint32_t n_busy;       /* pieces of work that are out */
    struct file_job *jobs; /* the same, as a list */
    /* Taken and put back by workers, which have no lock. */
    _Atomic(uint8_t *) buffers[FILE_BUFFERS];
    atomic_bool has_warned; /* of the first failure of the medium */
};

/* A request while a worker has it. */
struct file_job {
    struct file_job *next;
    atomic_bool is_cancelled; /* nobody wants the rest of it */
    uint32_t op;
    uint64_t offset;
    uint64_t size;
    uint64_t ticket;
    uint32_t n_segments;
    struct bp_segment segments[];
};

/* Opens, checks and locks the file; an error has its sentence set. */
int32_t file_open(struct block_file *s);
void file_close(struct block_file *s);

/* On a worker's thread: does the job and tells the host. */
int32_t file_work(void *dev, uint64_t arg);

#endif
