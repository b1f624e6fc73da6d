/* The state of the bench's fakes: what a device has armed, deferred, watched and asked for, and
 * what is at the other end of its links. */
#ifndef SDK_BENCH_FAKES_H
#define SDK_BENCH_FAKES_H

#include <backplane/bench.h>

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

#endif
