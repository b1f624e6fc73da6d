/* What the files of the bench share: the machine with its one device, and the fakes' state. */
#ifndef SDK_BENCH_INTERNAL_H
#define SDK_BENCH_INTERNAL_H

#include <backplane/bench.h>

#include "classcheck.h"
#include "handle.h"

#define MAX_LINES   32u
#define MAX_REGIONS 32u
#define MAX_LINKS   16u
#define MAX_CPUS    64u
#define MAX_QUEUES  16u

enum bench_phase { PHASE_CREATE, PHASE_PLAN, PHASE_REALIZE, PHASE_RUN, PHASE_SAVE, PHASE_DEAD };

struct bytes { /* a buffer that grows; NUL-ended beyond its size */
    char *at;
    size_t size;
    size_t room;
};

struct bench_timer {
    void (*fn)(void *dev);
    uint64_t deadline_ns;
    uint64_t order; /* of arming */
    uint32_t armed;
};

struct bench_deferred {
    void (*fn)(void *dev, uint64_t arg);
    uint64_t arg;
};

struct bench_job {
    int32_t (*work)(void *dev, uint64_t arg);
    void (*done)(void *dev, uint64_t arg, int32_t result);
    uint64_t arg;
};

struct bench_watch {
    void (*fn)(void *dev, uint32_t ready);
    int32_t fd;
    uint32_t events;
};

struct bench_request { /* of a device to its fake disk */
    struct bp_block_request request;
    struct bp_segment *segments; /* owned */
    void (*done)(void *dev, uint64_t tag, int32_t status);
};

struct bench_ticket { /* of the test to a block backend */
    int32_t status;
};

struct bench_link { /* one link and the fake at its other end */
    const char *name;
    const char *interface;
    uint32_t connected;
    uint32_t events; /* 1 << BP_LINK_*: to be told */
    /* bp.char/1 */
    struct bytes in;
    struct bytes out;
    uint32_t room;
    uint32_t hungry;  /* a read came up short since the last READABLE */
    uint32_t blocked; /* a write came up short */
    uint32_t calls;
    /* bp.block/1 */
    uint8_t *disk;
    uint64_t disk_size;
    int32_t fail;
    uint32_t hold;
    uint32_t n_requests;
    uint32_t counts[8];
    struct bench_request *requests;
};

struct bench_chain {
    uint32_t queue;
    uint32_t popped;
    uint32_t done;
    uint32_t written;
    bp_handle handle;
    struct bp_segment *segments; /* readable ones first */
    uint32_t n_readable;
    uint32_t n_writable;
    uint64_t readable;
    uint64_t writable;
};

struct bench {
    struct bp_host host; /* first: the device's host pointer is the bench */
    const struct bp_class *class_;
    struct bench_setup setup;
    void *dev;
    enum bench_phase phase;
    uint32_t created; /* create was called: destroy is owed */
    uint32_t depth;   /* callbacks of the device that are on the stack: at most 1 */
    uint32_t calls;   /* that could fail, during set-up */
    int32_t status;
    char error[512];
    struct bytes log;
    uint32_t log_counts[8];
    uint32_t refused;
    uint32_t lines[MAX_LINES];
    uint32_t raises[MAX_LINES];
    uint64_t region_sizes[MAX_REGIONS];
    struct bench_link links[MAX_LINKS];
    uint32_t notices[8];

    uint64_t now_ns;
    uint64_t wall_ns;
    uint64_t orders;
    struct handle_table timers;
    struct bench_deferred *deferred;
    uint32_t n_deferred;

    struct bench_job *jobs;
    uint32_t n_jobs;
    uint32_t hold_jobs;
    struct handle_table watches;
    struct handle_table tickets;

    uint8_t *ram;
    uint64_t ram_used;

    uint32_t cpu_irqs[MAX_CPUS][8];
    uint32_t cpu_raises[MAX_CPUS][8];
    uint64_t tick_offset; /* modulo 2^64 */
    uint32_t power;
    uint32_t power_code;
    uint32_t power_count;

    struct bench_chain *chains;
    uint32_t n_chains;
    uint32_t n_done;
    uint32_t split;
    uint32_t virtio_active;
    uint32_t broken[MAX_QUEUES];
    uint32_t config_changes;
    struct bench_transport transport;

    struct bytes fdt;
};

/* Prints the sentence and aborts: the test or the device is wrong beyond a status. */
void bench_die(const struct bench *b, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

struct bench *bench_of(const struct bp_host *host);

/* Around every call of the device. */
void bench_enter(struct bench *b, const char *what);
void bench_leave(struct bench *b);

/* start: the device runs. */
void bench_start(struct bench *b);

/* 1 when this call of set-up is the one that shall fail; the error sentence is then set. */
int bench_fails(struct bench *b, const char *what);

/* Aborts when the device is just saving its state: then no host call is allowed. */
void bench_not_while_saving(struct bench *b, const char *what);

int32_t bench_set_error(struct bench *b, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void *bench_alloc(size_t size); /* zeroed; never NULL */
void bytes_add(struct bytes *b, const void *from, size_t size);
void bytes_drop(struct bytes *b, size_t n); /* the oldest */
void bytes_free(struct bytes *b);

struct bench_link *bench_link_named(struct bench *b, const char *name, const char *interface);
struct bench_link *bench_link_at(struct bench *b, uint32_t link, const char *interface);

/* The step functions of settle: 1 if something was done. */
int bench_step_deferred(struct bench *b);
int bench_step_timers(struct bench *b);
int bench_step_links(struct bench *b);
int bench_step_jobs(struct bench *b);
int bench_step_disks(struct bench *b);

/* NULL: outside RAM. */
uint8_t *bench_ram_at(struct bench *b, uint64_t gpa, uint64_t size);

/* One file of fakes each; the tables that get_interface hands out. */
extern const struct bp_region_if bench_region_if;
extern const struct bp_config bench_config_if;
extern const struct bp_link_if bench_link_if;
extern const struct bp_mem bench_mem_if;
extern const struct bp_char bench_char_if;
extern const struct bp_block bench_block_if;
extern const struct bp_block_backend bench_block_backend_if;
extern const struct bp_worker bench_worker_if;
extern const struct bp_loop bench_loop_if;
extern const struct bp_cpu bench_cpu_if;
extern const struct bp_power bench_power_if;
extern const struct bp_virtio bench_virtio_if;
extern const struct bp_virtio_transport bench_transport_if;

/* The host table, without the name. */
extern const struct bp_host bench_host_template;

/* The interface with this id, NULL when the bench or this set-up does not have it. */
const void *bench_find_interface(const struct bench *b, const char *id);

void bench_links_init(struct bench *b);
void bench_links_fini(struct bench *b);
void bench_transport_init(struct bench *b);

#endif
