/* virtio-rng on the bench: virtio 1.2, section 5.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

static int setup(void **state)
{
    struct bench *b = bench_create(BENCH_CLASS, NULL);
    bench_virtio_activate(b, 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bench_destroy(*state);
    return 0;
}

static void a_request_is_filled_with_bytes_that_differ_each_time(void **state)
{
    struct bench *b = *state;
    uint8_t first[64], second[64], none[64] = {0};
    assert_int_equal(bench_virtio_device_id(b), 4);
    uint32_t one = bench_virtq_add(b, 0, NULL, 0, 64);
    uint32_t two = bench_virtq_add(b, 0, NULL, 0, 64);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_written(b, one), 64);
    assert_int_equal(bench_virtq_written(b, two), 64);
    bench_virtq_result(b, one, 0, first, 64);
    bench_virtq_result(b, two, 0, second, 64);
    assert_memory_not_equal(first, none, 64);
    assert_memory_not_equal(first, second, 64);
}

static void bytes_cross_segments(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[40], none[40] = {0};
    bench_virtq_split(b, 7);
    uint32_t chain = bench_virtq_add(b, 0, NULL, 0, 40);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_written(b, chain), 40);
    bench_virtq_result(b, chain, 0, bytes, 40);
    assert_memory_not_equal(bytes, none, 40);
    assert_memory_not_equal(bytes + 32, none, 8); /* fails once in 2^64 runs */
}

static void a_request_gets_4096_bytes_at_most(void **state)
{
    struct bench *b = *state;
    uint8_t rest[8], none[8] = {0};
    uint32_t chain = bench_virtq_add(b, 0, NULL, 0, 65536);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_written(b, chain), 4096);
    bench_virtq_result(b, chain, 4096, rest, 8);
    assert_memory_equal(rest, none, 8);
}

static void a_request_without_room_ends_with_nothing(void **state)
{
    struct bench *b = *state;
    uint32_t chain = bench_virtq_add(b, 0, "x", 1, 0);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done(b, chain), 1);
    assert_int_equal(bench_virtq_written(b, chain), 0);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 1);
}

static void many_requests_are_all_served_in_the_end(void **state)
{
    struct bench *b = *state;
    for (uint32_t i = 0; i < 200; i++)
        (void)bench_virtq_add(b, 0, NULL, 0, 16);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done_count(b), 200);
}

static void a_broken_ring_is_left_alone(void **state)
{
    struct bench *b = *state;
    (void)bench_virtq_add(b, 0, NULL, 0, 16);
    bench_virtq_break(b, 0);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done_count(b), 0);
}

static void after_a_reset_it_serves_the_new_driver(void **state)
{
    struct bench *b = *state;
    (void)bench_virtq_add(b, 0, NULL, 0, 16);
    bench_virtio_reset(b);
    bench_virtio_activate(b, 0);
    uint32_t chain = bench_virtq_add(b, 0, NULL, 0, 16);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done_count(b), 1);
    assert_int_equal(bench_virtq_written(b, chain), 16);
}

static void its_state_is_saved_and_loaded_byte_for_byte(void **state)
{
    if (bench_check_state_roundtrip(*state) != BP_OK)
        fail_msg("%s", bench_error(*state));
}

static void every_failure_of_set_up_has_a_sentence(void **state)
{
    (void)state;
    (void)bench_check_setup_failures(BENCH_CLASS, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_filled_with_bytes_that_differ_each_time),
        T(bytes_cross_segments),
        T(a_request_gets_4096_bytes_at_most),
        T(a_request_without_room_ends_with_nothing),
        T(many_requests_are_all_served_in_the_end),
        T(a_broken_ring_is_left_alone),
        T(after_a_reset_it_serves_the_new_driver),
        T(its_state_is_saved_and_loaded_byte_for_byte),
        cmocka_unit_test(every_failure_of_set_up_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
