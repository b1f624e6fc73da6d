/* @ID@ on the bench: the test is the driver. Numbers are typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define UPPER (UINT64_C(1) << 0)

static int make(void **state)
{
    *state = bench_create(BENCH_CLASS, NULL);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

/* Sends `text` with so much room for the answer; the answer's size. */
static uint32_t echo(struct bench *b, const char *text, uint32_t room, char answer[16])
{
    uint32_t chain = bench_virtq_add(b, 0, text, (uint32_t)strlen(text), room);

    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done(b, chain), 1);
    memset(answer, 0, 16);
    bench_virtq_result(b, chain, 0, answer, bench_virtq_written(b, chain));
    return bench_virtq_written(b, chain);
}

static uint32_t config(struct bench *b, uint32_t offset)
{
    uint8_t bytes[4];

    bench_virtio_config_read(b, offset, bytes, 4);
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void it_sends_back_what_it_gets(void **state)
{
    char answer[16];

    assert_int_equal(bench_virtio_device_id(*state), 63);
    bench_virtio_activate(*state, 0);
    assert_int_equal(echo(*state, "Hello", 15, answer), 5);
    assert_string_equal(answer, "Hello");
}

static void with_the_feature_it_sends_capitals(void **state)
{
    char answer[16];

    assert_int_equal(bench_virtio_features(*state), UPPER);
    bench_virtio_activate(*state, UPPER);
    assert_int_equal(echo(*state, "Hello {}", 15, answer), 8);
    assert_string_equal(answer, "HELLO {}");
}

static void it_sends_no_more_than_has_room(void **state)
{
    char answer[16];

    bench_virtio_activate(*state, 0);
    bench_virtq_split(*state, 2);
    assert_int_equal(echo(*state, "Hello", 3, answer), 3);
    assert_string_equal(answer, "Hel");
    assert_int_equal(echo(*state, "Hello", 0, answer), 0);
    assert_true(bench_log_contains(*state, "nothing to send back"));
}

static void the_property_limits_an_answer(void **state)
{
    static const char *const settings[] = {"limit=4", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    char answer[16];

    (void)state;
    bench_virtio_activate(b, 0);
    assert_int_equal(config(b, 0), 4);
    assert_int_equal(echo(b, "Hello", 15, answer), 4);
    bench_destroy(b);
}

static void the_configuration_counts_answers_until_the_driver_resets_it(void **state)
{
    char answer[16];

    bench_virtio_activate(*state, 0);
    assert_int_equal(config(*state, 0), 4096);
    for (uint32_t i = 0; i < 3; i++)
        echo(*state, "x", 1, answer);
    assert_int_equal(config(*state, 4), 3);
    bench_virtio_reset(*state);
    assert_int_equal(config(*state, 4), 0);
}

static void many_requests_are_all_answered(void **state)
{
    bench_virtio_activate(*state, 0);
    for (uint32_t i = 0; i < 100; i++)
        bench_virtq_add(*state, 0, "x", 1, 1);
    bench_virtio_notify(*state, 0);
    assert_int_equal(bench_virtq_done_count(*state), 100);
}

static void a_scenario(struct bench *b)
{
    bench_virtio_activate(b, 0);
    for (uint32_t i = 0; i < 20; i++)
        bench_virtq_add(b, 0, "abc", 3, 3);
    bench_virtio_notify(b, 0);
}

static void it_survives_each_call_that_fails(void **state)
{
    (void)state;
    assert_true(bench_check_call_failures(BENCH_CLASS, NULL, a_scenario) > 60);
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 0);
}

static void state_survives(void **state)
{
    char answer[16];

    bench_virtio_activate(*state, UPPER);
    echo(*state, "x", 1, answer);
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
}

static void nothing_that_a_guest_does_upsets_it(void **state)
{
    struct bench_action a;
    uint64_t seed = 1;

    for (int i = 0; i < 2000; i++) {
        bench_action_random(*state, &seed, &a);
        bench_action_play(*state, &a);
    }
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(it_sends_back_what_it_gets),
        T(with_the_feature_it_sends_capitals),
        T(it_sends_no_more_than_has_room),
        T(the_property_limits_an_answer),
        T(the_configuration_counts_answers_until_the_driver_resets_it),
        T(many_requests_are_all_answered),
        T(it_survives_each_call_that_fails),
        T(state_survives),
        T(nothing_that_a_guest_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
