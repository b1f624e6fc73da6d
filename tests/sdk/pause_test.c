/* A machine that stands still, timers without bounds, and chains outside RAM, on the bench. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <backplane/if/mem.h>
#include <backplane/if/state.h>

enum { CALL_IN_SAVE = 1, KEEP_WORK, KEEP_REQUEST, FAST_TIMER };
enum { LINK_CHAR, LINK_BLOCK };

struct device {
    const struct bp_host *host;
    bp_handle timer;
    struct bp_virtio_chain chain;
    int32_t status; /* of a read and of a write of the chain */
    int32_t write_status;
    uint32_t mode;
    uint32_t n_fires;
    uint32_t n_bytes; /* state */
};

static int32_t work(void *dev, uint64_t arg)
{
    (void)dev;
    (void)arg;
    return BP_OK;
}

static void done(void *dev, uint64_t tag, int32_t status)
{
    (void)dev;
    (void)tag;
    (void)status;
}

static void fire(void *dev)
{
    struct device *s = dev;

    s->n_fires++;
    if (s->mode == FAST_TIMER)
        s->host->timer_arm(s->host, s->timer, s->host->clock_ns(s->host) + 10);
}

static void device_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct device *s = dev;
    const struct bp_worker *worker = s->host->get_interface(s->host, BP_WORKER_ID);
    const struct bp_block *block = s->host->get_interface(s->host, BP_BLOCK_ID);
    struct bp_block_request flush = {.struct_size = sizeof(flush), .op = BP_BLOCK_FLUSH};

    (void)region;
    (void)offset;
    (void)width;
    s->mode = (uint32_t)value;
    if (value == KEEP_WORK)
        worker->submit(s->host, work, NULL, 0);
    if (value == KEEP_REQUEST)
        block->submit(s->host, LINK_BLOCK, &flush, done);
    s->host->timer_arm(s->host, s->timer, s->host->clock_ns(s->host) + 10);
}

static void device_notify(void *dev, uint32_t queue)
{
    struct device *s = dev;
    const struct bp_virtio *virtio = s->host->get_interface(s->host, BP_VIRTIO_ID);
    uint8_t bytes[8] = {0};

    s->chain.struct_size = sizeof(s->chain);
    if (virtio->pop(s->host, queue, &s->chain) != BP_OK)
        return;
    s->status = virtio->read(s->host, s->chain.handle, 0, bytes, sizeof(bytes));
    s->write_status = virtio->write(s->host, s->chain.handle, 0, bytes, sizeof(bytes));
}

static int32_t device_save(const void *dev, const struct bp_state_writer *w)
{
    const struct device *s = dev;
    const struct bp_mem *mem = s->host->get_interface(s->host, BP_MEM_ID);
    uint8_t byte;

    if (s->mode == CALL_IN_SAVE)
        mem->read(s->host, BENCH_RAM_BASE, &byte, 1);
    return w->put(w, "nothing", "", 0);
}

static void device_load_commit(void *dev, const struct bp_state_reader *r)
{
    (void)dev;
    (void)r;
}

/* Fetches what has waited, as a serial port does when the machine goes on. */
static void device_start(void *dev)
{
    struct device *s = dev;
    const struct bp_char *chars = s->host->get_interface(s->host, BP_CHAR_ID);
    uint8_t bytes[4];

    s->n_bytes += chars->read(s->host, LINK_CHAR, bytes, sizeof(bytes));
}

static void device_reset(void *dev, uint32_t kind)
{
    struct device *s = dev;

    (void)kind;
    s->mode = s->n_bytes = 0;
}

static int32_t device_create(const struct bp_host *host, void *dev)
{
    ((struct device *)dev)->host = host;
    return BP_OK;
}

static int32_t device_realize(void *dev)
{
    struct device *s = dev;

    return s->host->timer_create(s->host, fire, &s->timer);
}

static const struct bp_virtio_device_ops virtio_ops = {.struct_size = sizeof(virtio_ops),
                                                       .device_id = 4,
                                                       .n_queues = 1,
                                                       .queue_size = 8,
                                                       .notify = device_notify};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};
static const struct bp_region regions[] = {
    {.name = "regs", .size = 4, .kind = BP_MMIO, .widths = BP_W32}};
static const struct bp_link links[] = {[LINK_CHAR] = {"char", BP_CHAR_ID, "Input.", 0, 0},
                                       [LINK_BLOCK] = {"block", BP_BLOCK_ID, "A disk.", 0, 0}};
static const struct bp_field fields[] = {BP_FIELD_U32(struct device, n_bytes)};

static const struct bp_class device = {.struct_size = sizeof(struct bp_class),
                                       .id = "org.example.pause",
                                       .version = "1.0",
                                       .summary = "for tests of the bench",
                                       .instance_size = sizeof(struct device),
                                       .state_version = 1,
                                       .regions = BP_TABLE(regions),
                                       .links = BP_TABLE(links),
                                       .services = BP_TABLE(services),
                                       .state = BP_TABLE(fields),
                                       .create = device_create,
                                       .realize = device_realize,
                                       .reset = device_reset,
                                       .start = device_start,
                                       .save = device_save,
                                       .load_commit = device_load_commit,
                                       .write = device_write};

static int make(void **state)
{
    *state = bench_create(&device, NULL);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

/* --- tests ------------------------------------------------------------------------------------ */
static void expect_abort(struct bench *b, void (*fn)(struct bench *b))
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        (void)freopen("/dev/null", "w", stderr);
        fn(b);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void nothing_happens_between_quiesce_and_resume(void **state)
{
    struct bench *b = *state;
    const struct device *s = bench_instance(b);
    uint64_t first_size, second_size;
    uint8_t *first, *second;

    bench_write32(b, "regs", 0, 0);
    bench_quiesce(b);
    first = bench_save(b, &first_size);
    bench_advance_ns(b, 1000);
    second = bench_save(b, &second_size);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    free(first);
    free(second);
    assert_int_equal(s->n_fires, 0);
    bench_resume(b);
    bench_advance_ns(b, 10);
    assert_int_equal(s->n_fires, 1);
    assert_int_equal(bench_timer_fires(b), 1);
}

static void quiesce(struct bench *b)
{
    uint64_t size;

    bench_quiesce(b);
    free(bench_save(b, &size));
}

static void a_call_of_a_paused_device_aborts(void **state)
{
    struct bench *b = *state;

    quiesce(b); /* without the call */
    bench_resume(b);
    bench_write32(b, "regs", 0, CALL_IN_SAVE);
    expect_abort(b, quiesce);
}

static void work_on_its_way_when_all_is_said_to_rest_aborts(void **state)
{
    struct bench *b = *state;

    bench_worker_hold(b, 1);
    bench_write32(b, "regs", 0, KEEP_WORK);
    expect_abort(b, quiesce);
    bench_worker_step(b, 0);
    bench_disk_hold(b, "block", 1);
    bench_write32(b, "regs", 0, KEEP_REQUEST);
    expect_abort(b, quiesce);
    bench_disk_finish(b, "block", 0);
    quiesce(b);
}

static void advance(struct bench *b)
{
    bench_advance_ns(b, 1000000000);
}

static void a_timer_that_fires_without_bounds_aborts(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", 0, FAST_TIMER);
    bench_advance_ns(b, 1000);
    assert_int_equal(bench_timer_fires(b), 100);
    expect_abort(b, advance);
}

static void input_that_waits_is_there_for_both_of_a_round_trip(void **state)
{
    struct bench *b = *state;

    bench_char_feed(b, "char", "abcdef", 6);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    assert_true(bench_char_waiting(b, "char") < 6);
}

static void chains_outside_ram_cannot_be_read_or_written(void **state)
{
    struct bench *b = *state;
    const struct device *s = bench_instance(b);
    const struct bp_segment outside[] = {{0, 16}, {BENCH_RAM_BASE + (1u << 20) - 4, 16}};
    const struct bp_segment inside[] = {{BENCH_RAM_BASE, 16}, {BENCH_RAM_BASE, 16}};

    bench_virtio_activate(b, 0);
    bench_virtq_add_segments(b, 0, outside, 1, 1);
    bench_virtio_notify(b, 0);
    assert_int_equal(s->chain.readable, 16);
    assert_int_equal(s->chain.writable, 16);
    assert_int_equal(s->status, BP_ERR_RANGE);
    assert_int_equal(s->write_status, BP_ERR_RANGE);
    bench_virtq_add_segments(b, 0, inside, 1, 1);
    bench_virtio_notify(b, 0);
    assert_int_equal(s->status, BP_OK);
    assert_int_equal(s->write_status, BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(nothing_happens_between_quiesce_and_resume),
        T(a_call_of_a_paused_device_aborts),
        T(work_on_its_way_when_all_is_said_to_rest_aborts),
        T(a_timer_that_fires_without_bounds_aborts),
        T(input_that_waits_is_there_for_both_of_a_round_trip),
        T(chains_outside_ram_cannot_be_read_or_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
