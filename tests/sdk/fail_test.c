/* Calls of a running device that the bench makes fail: each as its header says that it may. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <backplane/if/mem.h>
#include <backplane/if/state.h>

enum { LINK_CHAR, LINK_NET, LINK_BLOCK };

/* A write to a register makes the call of that number; its status can be read afterwards. */
enum {
    MEM_READ,
    MEM_WRITE,
    CHAR_WRITE,
    NET_WRITE,
    BLOCK,
    DEFER,
    WORK,
    POP,
    READ,
    WRITE,
    SEGMENTS,
    PUSH
};

struct caller {
    const struct bp_host *host;
    const struct bp_mem *mem;
    const struct bp_char *chars;
    const struct bp_net *net;
    const struct bp_block *block;
    const struct bp_worker *worker;
    const struct bp_virtio *virtio;
    struct bp_virtio_chain chain;
    int32_t status;
    uint32_t n_deferred;
    uint32_t n_worked;
    uint32_t n_done;
    uint32_t n_events[4];
    uint32_t n_calls; /* state */
};

static void deferred(void *dev, uint64_t arg)
{
    struct caller *s = dev;

    (void)arg;
    s->n_deferred++;
}

static int32_t work(void *dev, uint64_t arg)
{
    struct caller *s = dev;

    (void)arg;
    s->n_worked++;
    return BP_OK;
}

static void block_done(void *dev, uint64_t tag, int32_t status)
{
    struct caller *s = dev;

    (void)tag;
    (void)status;
    s->n_done++;
}

static int32_t submit(struct caller *s)
{
    struct bp_segment segment = {BENCH_RAM_BASE, 512};
    struct bp_block_request r = {sizeof(r), BP_BLOCK_READ, 0, 512, &segment, 1, sizeof(segment), 0};

    return s->block->submit(s->host, LINK_BLOCK, &r, block_done);
}

static int32_t call_virtio(struct caller *s, uint64_t which)
{
    struct bp_segment segments[4];
    uint32_t n = 4;
    uint8_t byte = 1;

    s->chain.struct_size = sizeof(s->chain);
    switch (which) {
    case POP:
        return s->virtio->pop(s->host, 0, &s->chain);
    case READ:
        return s->virtio->read(s->host, s->chain.handle, 0, &byte, 1);
    case WRITE:
        return s->virtio->write(s->host, s->chain.handle, 0, &byte, 1);
    case SEGMENTS:
        return s->virtio->segments(s->host, s->chain.handle, 1, 0, 1, segments, &n);
    default:
        return s->virtio->push(s->host, s->chain.handle, 1);
    }
}

static int32_t call(struct caller *s, uint64_t which)
{
    static const uint8_t frame[60];
    uint8_t bytes[4] = {0};

    switch (which) {
    case MEM_READ:
        return s->mem->read(s->host, BENCH_RAM_BASE, bytes, 4);
    case MEM_WRITE:
        return s->mem->write(s->host, BENCH_RAM_BASE, bytes, 4);
    case CHAR_WRITE:
        return (int32_t)s->chars->write(s->host, LINK_CHAR, "abc", 3);
    case NET_WRITE:
        return s->net->write(s->host, LINK_NET, frame, sizeof(frame));
    case BLOCK:
        return submit(s);
    case DEFER:
        return s->host->defer(s->host, deferred, 0);
    case WORK:
        return s->worker->submit(s->host, work, NULL, 0);
    default:
        return call_virtio(s, which);
    }
}

static void caller_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    struct caller *s = dev;

    (void)region;
    (void)offset;
    (void)width;
    s->n_calls++;
    s->status = call(s, value);
}

static void caller_on_link(void *dev, uint32_t link, uint32_t event)
{
    struct caller *s = dev;

    (void)link;
    s->n_events[event & 3]++;
}

static void caller_reset(void *dev, uint32_t kind)
{
    struct caller *s = dev;

    (void)kind;
    s->n_calls = 0;
}

static int32_t caller_create(const struct bp_host *host, void *dev)
{
    struct caller *s = dev;

    s->host = host;
    s->mem = host->get_interface(host, BP_MEM_ID);
    s->chars = host->get_interface(host, BP_CHAR_ID);
    s->net = host->get_interface(host, BP_NET_ID);
    s->block = host->get_interface(host, BP_BLOCK_ID);
    s->worker = host->get_interface(host, BP_WORKER_ID);
    s->virtio = host->get_interface(host, BP_VIRTIO_ID);
    return BP_OK;
}

static const char *const needs[] = {BP_MEM_ID,    BP_CHAR_ID,   BP_NET_ID, BP_BLOCK_ID,
                                    BP_WORKER_ID, BP_VIRTIO_ID, NULL};
static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x10, .kind = BP_MMIO, .widths = BP_W32}};
static const struct bp_link links[] = {{"char", BP_CHAR_ID, "Bytes.", 0, 0},
                                       {"net", BP_NET_ID, "Frames.", 0, 0},
                                       {"block", BP_BLOCK_ID, "Sectors.", 0, 0}};
static const struct bp_virtio_device_ops virtio_ops = {
    .struct_size = sizeof(virtio_ops), .device_id = 63, .n_queues = 1, .queue_size = 16};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &virtio_ops}};
static const struct bp_field fields[] = {BP_FIELD_U32(struct caller, n_calls)};

static const struct bp_class caller = {
    .struct_size = sizeof(struct bp_class),
    .id = "caller",
    .version = "1",
    .summary = "Calls what it is told to",
    .instance_size = sizeof(struct caller),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .links = BP_TABLE(links),
    .services = BP_TABLE(services),
    .state = BP_TABLE(fields),
    .create = caller_create,
    .reset = caller_reset,
    .write = caller_write,
    .on_link = caller_on_link,
};

static const struct caller *inside(struct bench *b)
{
    return bench_instance(b);
}

static int32_t status_of(struct bench *b, uint32_t which)
{
    bench_write32(b, "regs", 0, which);
    return inside(b)->status;
}

/* The call fails so once, when it is the next, and not again. */
static void fails_once(struct bench *b, uint32_t which, int32_t failed, int32_t fine)
{
    bench_fail_call(b, NULL, 1);
    assert_int_equal(status_of(b, which), failed);
    assert_int_equal(bench_calls(b), 1);
    assert_int_equal(status_of(b, which), fine);
    assert_int_equal(bench_calls(b), 2);
}

static int make(void **state)
{
    *state = bench_create(&caller, NULL);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

static void memory_is_not_there(void **state)
{
    fails_once(*state, MEM_READ, BP_ERR_RANGE, BP_OK);
    fails_once(*state, MEM_WRITE, BP_ERR_RANGE, BP_OK);
}

static void a_console_is_full_and_word_comes(void **state)
{
    fails_once(*state, CHAR_WRITE, 0, 3);
    assert_string_equal(bench_char_text(*state, "char"), "abc");
    bench_settle(*state);
    assert_int_equal(inside(*state)->n_events[BP_LINK_WRITABLE], 1);
}

static void a_network_is_full_and_word_comes(void **state)
{
    fails_once(*state, NET_WRITE, BP_ERR_BUSY, BP_OK);
    assert_int_equal(bench_net_sent(*state, "net"), 1);
    bench_settle(*state);
    assert_int_equal(inside(*state)->n_events[BP_LINK_WRITABLE], 1);
}

static void a_disk_refuses_and_never_answers(void **state)
{
    fails_once(*state, BLOCK, BP_ERR_IO, BP_OK);
    bench_settle(*state);
    assert_int_equal(inside(*state)->n_done, 1);
}

static void there_is_no_memory_for_what_is_to_be_done_later(void **state)
{
    fails_once(*state, DEFER, BP_ERR_NO_MEMORY, BP_OK);
    fails_once(*state, WORK, BP_ERR_NO_MEMORY, BP_OK);
    bench_settle(*state);
    assert_int_equal(inside(*state)->n_deferred, 1);
    assert_int_equal(inside(*state)->n_worked, 1);
}

static void a_ring_is_broken_until_the_driver_resets_it(void **state)
{
    bench_virtio_activate(*state, 0);
    bench_virtq_add(*state, 0, "x", 1, 1);
    bench_fail_call(*state, BP_VIRTIO_ID, 1);
    assert_int_equal(status_of(*state, POP), BP_ERR_FORMAT);
    assert_int_equal(status_of(*state, POP), BP_ERR_STATE);
    bench_virtio_reset(*state);
    bench_virtio_activate(*state, 0);
    bench_virtq_add(*state, 0, "x", 1, 1);
    assert_int_equal(status_of(*state, POP), BP_OK);
}

static void a_chain_lies_outside_ram_and_goes_on(void **state)
{
    bench_virtio_activate(*state, 0);
    bench_virtq_add(*state, 0, "x", 1, 1);
    assert_int_equal(status_of(*state, POP), BP_OK);
    fails_once(*state, READ, BP_ERR_RANGE, BP_OK);
    fails_once(*state, WRITE, BP_ERR_RANGE, BP_OK);
    fails_once(*state, SEGMENTS, BP_ERR_RANGE, BP_OK);
    bench_fail_call(*state, NULL, 1);
    assert_int_equal(status_of(*state, PUSH), BP_ERR_STATE);
    assert_int_equal(bench_virtq_done_count(*state), 0);
    assert_int_equal(status_of(*state, POP), BP_ERR_STATE); /* needs a reset */
}

static void the_nth_call_of_one_interface_can_be_picked(void **state)
{
    bench_fail_call(*state, BP_MEM_ID, 2);
    assert_int_equal(status_of(*state, DEFER), BP_OK);
    assert_int_equal(status_of(*state, MEM_READ), BP_OK);
    assert_int_equal(status_of(*state, CHAR_WRITE), 3);
    assert_int_equal(status_of(*state, MEM_WRITE), BP_ERR_RANGE);
    assert_int_equal(bench_calls(*state), 2);
    bench_fail_call(*state, "host", 1);
    assert_int_equal(status_of(*state, DEFER), BP_ERR_NO_MEMORY);
}

static void the_tests_own_look_at_memory_never_fails(void **state)
{
    uint8_t byte;

    bench_fail_call(*state, NULL, 1);
    bench_ram_write(*state, BENCH_RAM_BASE, "x", 1);
    bench_ram_read(*state, BENCH_RAM_BASE, &byte, 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(bench_calls(*state), 0);
}

/* --- all of them in turn ------------------------------------------------------------------------
 */
static uint32_t n_failed; /* calls of the scenario that failed, over all its runs */

static void scenario(struct bench *b)
{
    n_failed += status_of(b, MEM_READ) != BP_OK;
    n_failed += status_of(b, MEM_WRITE) != BP_OK;
    n_failed += status_of(b, BLOCK) != BP_OK;
    n_failed += status_of(b, CHAR_WRITE) != 3;
}

static void each_call_of_a_scenario_fails_once(void **state)
{
    (void)state;
    n_failed = 0;
    assert_int_equal(bench_check_call_failures(&caller, NULL, scenario), 4);
    assert_int_equal(n_failed, 4);
}

/* Its state is spoilt by a failure: after a load it counts one more. */
static void forgetful_commit(void *dev, const struct bp_state_reader *r)
{
    struct caller *s = dev;

    (void)r;
    s->n_calls += s->n_calls == 3;
}

static void touch_until_it_fails(struct bench *b)
{
    for (int i = 0; i < 4; i++) {
        if (status_of(b, MEM_READ) != BP_OK)
            return;
    }
}

static void check_the_forgetful(void)
{
    struct bp_class c = caller;

    c.load_commit = forgetful_commit;
    bench_check_call_failures(&c, NULL, touch_until_it_fails);
}

static void a_device_that_a_failure_has_spoilt_is_found(void **state)
{
    pid_t child = fork();
    int status = 0;

    (void)state;
    assert_true(child >= 0);
    if (!child) {
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        check_the_forgetful();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(memory_is_not_there),
        T(a_console_is_full_and_word_comes),
        T(a_network_is_full_and_word_comes),
        T(a_disk_refuses_and_never_answers),
        T(there_is_no_memory_for_what_is_to_be_done_later),
        T(a_ring_is_broken_until_the_driver_resets_it),
        T(a_chain_lies_outside_ram_and_goes_on),
        T(the_nth_call_of_one_interface_can_be_picked),
        T(the_tests_own_look_at_memory_never_fails),
        cmocka_unit_test(each_call_of_a_scenario_fails_once),
        cmocka_unit_test(a_device_that_a_failure_has_spoilt_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
