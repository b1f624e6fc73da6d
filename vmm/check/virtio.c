/*
 * Queues of a virtio device that a hostile driver fills: chains of any shape, anywhere in memory,
 * broken rings, resets while requests are on their way. What is no chain at all (loops, wrong
 * indexes, indirect nonsense) the host refuses before a device hears of it.
 */
#include "check/check.h"
#include "check/exercise.h"
#include "classcheck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 4200u

static const struct bp_virtio_device_ops *virtio_ops(struct check_run *run)
{
    const struct bp_virtio_device_ops *ops = class_service(run->class_, BP_VIRTIO_DEVICE_ID);

    if (!ops)
        check_skip(run, "it is no virtio device");
    return ops;
}

/* A request that may make sense, or none at all. */
static void make_request(uint8_t bytes[BYTES_MAX], uint64_t *seed)
{
    uint64_t r = exercise_random(seed);

    for (uint32_t i = 0; i < BYTES_MAX; i++)
        bytes[i] = r & 1 ? (uint8_t)exercise_random(seed) : r & 2 ? 0xff : 0;
    if (r & 4)
        memset(bytes, 0, 64);
    bytes[0] = r & 8 ? (uint8_t)(r >> 8 & 15) : bytes[0];
}

/* --- configuration and features --------------------------------------------------------------- */
#define GUARD 0x6bu

/* What lies behind the bytes that it is asked for is somebody else's. */
static void read_config(struct check_run *run, struct bench *b, uint32_t offset, uint32_t size)
{
    uint8_t bytes[64];

    memset(bytes, GUARD, sizeof(bytes));
    check_step(run, "read %u bytes of configuration at %u", size, offset);
    bench_virtio_config_read(b, offset, bytes, size);
    for (uint32_t i = size; i < sizeof(bytes); i++) {
        if (bytes[i] != GUARD)
            check_fail(run, "config_read of %u bytes at %u writes byte %u, too", size, offset, i);
    }
}

static void write_config(struct check_run *run, struct bench *b, uint32_t offset, uint32_t size,
                         uint8_t pattern)
{
    uint8_t bytes[8];

    memset(bytes, pattern, sizeof(bytes));
    check_step(run, "write %u bytes 0x%02x of configuration at %u", size, pattern, offset);
    bench_virtio_config_write(b, offset, bytes, size);
}

static void config_at_every_offset(struct check_run *run)
{
    static const uint8_t patterns[] = {0xff, 0x00, 0x55, 0xaa};
    const struct bp_virtio_device_ops *ops = virtio_ops(run);
    struct bench *b = exercise_create(run, 0);

    if (!ops->config_size)
        check_skip(run, "it has no configuration");
    for (uint32_t size = 1; size <= 8 && size <= ops->config_size; size++) {
        for (uint32_t offset = 0; offset <= ops->config_size - size; offset++) {
            for (uint32_t i = 0; i < sizeof(patterns); i++) {
                read_config(run, b, offset, size);
                write_config(run, b, offset, size, patterns[i]);
            }
        }
    }
    bench_settle(b);
    bench_destroy(b);
}

/* A chain in each queue, and word of it. */
static void use_queues(struct check_run *run, struct bench *b, uint64_t *seed)
{
    static const uint32_t sizes[][2] = {{16, 513}, {528, 1}, {64, 0}, {0, 64}, {24, 1}, {0, 1526}};
    const struct bp_virtio_device_ops *ops = virtio_ops(run);
    uint8_t bytes[BYTES_MAX];

    for (uint32_t queue = 0; queue < ops->n_queues; queue++) {
        uint64_t r = exercise_random(seed) % (sizeof(sizes) / sizeof(sizes[0]));

        make_request(bytes, seed);
        bench_virtq_add(b, queue, bytes, sizes[r][0], sizes[r][1]);
        check_step(run, "notify queue %u of a chain of %u and %u bytes", queue, sizes[r][0],
                   sizes[r][1]);
        bench_virtio_notify(b, queue);
    }
}

static void try_features(struct check_run *run, struct bench *b, uint64_t features)
{
    uint64_t seed = run->seed ^ features;

    check_step(run, "activate with features 0x%" PRIx64, features);
    bench_virtio_activate(b, features);
    use_queues(run, b, &seed);
    check_step(run, "the driver's reset after features 0x%" PRIx64, features);
    bench_virtio_reset(b);
}

static void features_in_any_combination(struct check_run *run)
{
    struct bench *b;
    uint64_t offered;

    virtio_ops(run);
    b = exercise_create(run, 0);
    offered = bench_virtio_features(b);
    check_step(run, "notify of queues before the driver is there");
    bench_virtio_notify(b, 0);
    try_features(run, b, 0);
    try_features(run, b, offered);
    for (uint32_t bit = 0; bit < 64; bit++) {
        if (!(offered & UINT64_C(1) << bit))
            continue;
        try_features(run, b, UINT64_C(1) << bit);
        try_features(run, b, offered & ~(UINT64_C(1) << bit));
    }
    if (bench_virtio_features(b) != offered)
        check_fail(run, "it offers features 0x%" PRIx64 ", and 0x%" PRIx64 " later", offered,
                   bench_virtio_features(b));
    bench_destroy(b);
}

/* --- chains ----------------------------------------------------------------------------------- */
static void try_shapes(struct check_run *run, uint32_t queue, uint64_t seed)
{
    static const uint32_t readable[] = {0, 1, 7, 8, 12, 15, 16, 17, 24, 512, 528, 1526, 4096};
    static const uint32_t writable[] = {0, 1, 4, 15, 16, 24, 512, 513, 1526, 4097};
    static const uint32_t splits[] = {0, 1, 5, 100};
    struct bench *b = exercise_create(run, 0);
    uint8_t bytes[BYTES_MAX];

    bench_virtio_activate(b, bench_virtio_features(b));
    for (uint32_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        for (uint32_t k = 0; k < sizeof(writable) / sizeof(writable[0]); k++) {
            uint32_t split = splits[(i + k + seed) % (sizeof(splits) / sizeof(splits[0]))];

            make_request(bytes, &seed);
            bench_virtq_split(b, readable[i] + writable[k] > 1024 && split ? 100 : split);
            bench_virtq_add(b, queue, bytes, readable[i], writable[k]);
            check_step(run,
                       "notify queue %u of a chain with %u bytes to read and %u to write, in parts "
                       "of %u",
                       queue, readable[i], writable[k], split);
            bench_virtio_notify(b, queue);
        }
    }
    exercise_rest(run, b);
    bench_destroy(b);
}

static void chains_of_any_shape(struct check_run *run)
{
    const struct bp_virtio_device_ops *ops = virtio_ops(run);

    for (uint32_t queue = 0; queue < ops->n_queues; queue++) {
        for (uint64_t seed = run->seed; seed < run->seed + exercise_rounds(8); seed++)
            try_shapes(run, queue, seed);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */
static void try_segments(struct check_run *run, struct bench *b, const struct bp_segment *segments,
                         uint32_t n_readable, uint32_t n_writable, const char *what)
{
    const struct bp_virtio_device_ops *ops = virtio_ops(run);

    bench_virtio_activate(b, bench_virtio_features(b));
    for (uint32_t queue = 0; queue < ops->n_queues; queue++) {
        bench_virtq_add_segments(b, queue, segments, n_readable, n_writable);
        check_step(run, "notify queue %u of %s (%u segments to read, %u to write)", queue, what,
                   n_readable, n_writable);
        bench_virtio_notify(b, queue);
    }
    exercise_rest(run, b);
    check_step(run, "the driver's reset after %s", what);
    bench_virtio_reset(b);
}

/* All of RAM again and again: what a device sets aside for such a chain, nobody has. */
static void try_huge(struct check_run *run, struct bench *b, uint64_t ram_bytes)
{
    struct bp_segment segments[500];

    for (uint32_t i = 0; i < 500; i++)
        segments[i] = (struct bp_segment){BENCH_RAM_BASE, ram_bytes};
    for (uint32_t i = 0; i < run->class_->links.n_rows; i++) {
        if (strcmp(class_link(run->class_, i)->interface, BP_CHAR_ID) == 0)
            bench_char_room(b, class_link(run->class_, i)->name, 1u << 16);
    }
    try_segments(run, b, segments, 0, 500, "4 GB to write");
    try_segments(run, b, segments, 500, 0, "4 GB to read");
    segments[0].size = 16;
    try_segments(run, b, segments, 1, 499, "a request with room for 4 GB");
}

static void memory_of_any_place(struct check_run *run)
{
    uint64_t ram_bytes = run->setup[0].ram_bytes;
    const uint64_t places[] = {0,
                               BENCH_RAM_BASE - 8,
                               BENCH_RAM_BASE + ram_bytes - 8,
                               BENCH_RAM_BASE + ram_bytes,
                               UINT64_MAX - 15,
                               BENCH_RAM_BASE};
    struct bench *b;

    virtio_ops(run);
    b = exercise_create(run, 0);
    for (uint32_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const struct bp_segment s[] = {
            {places[i], 16}, {places[i], 512}, {places[i], 1}, {places[i], 4096}, {places[i], 1}};

        try_segments(run, b, s, 1, 2, "a request outside RAM");
        try_segments(run, b, s, 2, 1, "a request outside RAM");
        try_segments(run, b, s, 1, 4, "segments that overlap");
        try_segments(run, b, s, 5, 0, "segments that overlap");
        try_segments(run, b, s, 0, 5, "segments that overlap");
        try_segments(run, b, s, 4, 1, "segments that overlap");
    }
    try_huge(run, b, ram_bytes);
    bench_destroy(b);
}

/* --- resets ----------------------------------------------------------------------------------- */
/* Nothing that the device asks for ends. */
static void hold_all(struct check_run *run, struct bench *b)
{
    bench_worker_hold(b, 1);
    for (uint32_t i = 0; i < run->class_->links.n_rows; i++) {
        const struct bp_link *link = class_link(run->class_, i);

        if (strcmp(link->interface, BP_BLOCK_ID) == 0)
            bench_disk_hold(b, link->name, 1);
        else if (strcmp(link->interface, BP_CHAR_ID) == 0)
            bench_char_room(b, link->name, 0);
        else if (strcmp(link->interface, BP_NET_ID) == 0)
            bench_net_room(b, link->name, 0);
    }
}

static void make_room(struct check_run *run, struct bench *b)
{
    for (uint32_t i = 0; i < run->class_->links.n_rows; i++) {
        const struct bp_link *link = class_link(run->class_, i);

        if (strcmp(link->interface, BP_CHAR_ID) == 0)
            bench_char_room(b, link->name, UINT32_MAX);
        else if (strcmp(link->interface, BP_NET_ID) == 0)
            bench_net_room(b, link->name, UINT32_MAX);
    }
}

/* Ends one of the requests that wait, in any order; false: there are none. */
static bool finish_one(struct check_run *run, struct bench *b, uint64_t *seed)
{
    uint32_t n = bench_worker_waiting(b);

    for (uint32_t i = 0; i < run->class_->links.n_rows; i++) {
        const struct bp_link *link = class_link(run->class_, i);
        uint32_t waiting =
            strcmp(link->interface, BP_BLOCK_ID) == 0 ? bench_disk_waiting(b, link->name) : 0;

        if (!waiting)
            continue;
        bench_disk_finish(b, link->name, (uint32_t)(exercise_random(seed) % waiting));
        return true;
    }
    if (n)
        bench_worker_step(b, (uint32_t)(exercise_random(seed) % n));
    return n != 0;
}

#define FINISHED_MAX 10000u

/* A device that asks again for each answer has no end. */
static void finish_all(struct check_run *run, struct bench *b, uint64_t *seed)
{
    for (uint32_t i = 0; finish_one(run, b, seed); i++) {
        if (i == FINISHED_MAX)
            check_fail(run, "it makes a new request for each that ends, %u so far", i);
    }
}

static void reset_after(struct check_run *run, uint32_t n_rounds, uint32_t n_finished,
                        bool is_machine)
{
    struct bench *b = exercise_create(run, 0);
    uint64_t seed = run->seed + n_rounds;

    bench_virtio_activate(b, bench_virtio_features(b));
    hold_all(run, b);
    for (uint32_t i = 0; i < n_rounds; i++)
        use_queues(run, b, &seed);
    for (uint32_t i = 0; i < n_finished && finish_one(run, b, &seed); i++)
        ;
    check_step(run, "%s reset with requests on their way, %u of them done",
               is_machine ? "the machine's" : "the driver's", n_finished);
    if (is_machine)
        bench_reset(b, BP_RESET_WARM);
    else
        bench_virtio_reset(b);
    finish_all(run, b, &seed); /* late answers */
    make_room(run, b);
    exercise_rest(run, b);
    bench_virtio_activate(b, bench_virtio_features(b));
    use_queues(run, b, &seed);
    exercise_rest(run, b);
    check_step(run, "save and load after a reset");
    if (bench_check_state_roundtrip(b))
        check_fail(run, "after a reset with requests on their way: %s", bench_error(b));
    bench_destroy(b);
}

static void reset_at_every_moment(struct check_run *run)
{
    virtio_ops(run);
    run->setup[0].ram_bytes = 1u << 20; /* there will be many */
    for (uint32_t n = 1; n <= 8; n += n < 3 ? 1 : 5) {
        for (uint32_t n_finished = 0; n_finished <= n; n_finished++) {
            reset_after(run, n, n_finished, false);
            reset_after(run, n, n_finished, true);
        }
    }
}

static void broken_rings(struct check_run *run)
{
    const struct bp_virtio_device_ops *ops = virtio_ops(run);

    for (uint32_t queue = 0; queue < ops->n_queues; queue++) {
        struct bench *b = exercise_create(run, 0);
        uint64_t seed = run->seed;

        bench_virtio_activate(b, bench_virtio_features(b));
        hold_all(run, b);
        use_queues(run, b, &seed);
        bench_virtq_break(b, queue);
        use_queues(run, b, &seed);
        check_step(run, "answers after the ring of queue %u broke", queue);
        finish_all(run, b, &seed);
        make_room(run, b);
        exercise_rest(run, b);
        check_step(run, "the driver's reset after the ring of queue %u broke", queue);
        bench_virtio_reset(b);
        bench_virtio_activate(b, bench_virtio_features(b));
        use_queues(run, b, &seed);
        exercise_rest(run, b);
        bench_destroy(b);
    }
}

static const struct check_test tests[] = {
    {"virtio.config", "takes reads and writes of its configuration", CHECK_API, 0, false,
     config_at_every_offset},
    {"virtio.features", "works with any of its features", CHECK_API, 0, false,
     features_in_any_combination},
    {"virtio.chains", "takes chains of any shape", CHECK_API, 20, false, chains_of_any_shape},
    {"virtio.memory", "takes chains of any place and length", CHECK_API, 30, false,
     memory_of_any_place},
    {"virtio.reset", "can be reset with requests on their way", CHECK_API, 20, false,
     reset_at_every_moment},
    {"virtio.broken", "survives a broken ring", CHECK_API, 0, false, broken_rings},
};

const struct check_table check_virtio_tests = CHECK_TABLE(tests);
