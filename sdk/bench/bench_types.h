/* The bench's machine with its one device, and the state of its fakes. */
#ifndef SDK_BENCH_TYPES_H
#define SDK_BENCH_TYPES_H

#include <backplane/bench.h>

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

struct bench_doorbell {
    uint32_t region;
    uint32_t width;
    uint64_t offset;
    uint64_t value;
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
    /* bp.net/1: frames in `in` and `out` with their sizes before them; `room` counts frames */
    uint32_t n_in;
    uint32_t n_out;
    struct bp_net_info net;
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

struct bench_room { /* see bench_instance.c */
    uint8_t *pages; /* NULL: none */
    size_t size;    /* the instance's */
};

struct bench {
    struct bp_host host; /* first: the device's host pointer is the bench */
    const struct bp_class *class_;
    struct bench_setup setup;
    void *dev;
    struct bench_room room; /* where it lies */
    enum bench_phase phase;
    uint32_t created;           /* create was called: destroy is owed */
    uint32_t depth;             /* callbacks of the device that are on the stack: at most 1 */
    uint32_t calls;             /* that could fail, during set-up */
    uint32_t run_calls;         /* that could fail, since bench_fail_call */
    uint32_t fail_call;         /* the one of them that does; 0: none */
    const char *fail_interface; /* NULL: calls of all interfaces count */
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
    uint64_t n_fires; /* of timers */
    struct handle_table timers;
    struct bench_deferred *deferred;
    uint32_t n_deferred;
    struct bench_doorbell *doorbells;
    uint32_t n_doorbells;

    struct bench_job *jobs;
    uint32_t n_jobs;
    uint32_t hold_jobs;
    struct handle_table watches;
    struct handle_table tickets;

    uint8_t *ram;
    uint64_t ram_used;

    uint32_t cpu_irqs[MAX_CPUS][8];
    uint32_t cpu_raises[MAX_CPUS][8];
    uint64_t tick_offset;    /* modulo 2^64 */
    struct bench_apic *apic; /* NULL until it is used */
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
    struct bench_transport_state transport;

    struct bytes fdt;
    struct bytes acpi;
};

#endif
