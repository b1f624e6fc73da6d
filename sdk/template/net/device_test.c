/* @ID@ on the bench: the test is the network card. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

/* Destination, source, type, payload. */
static const uint8_t frame[] = "\x02\x00\x00\x00\x00\x01"
                               "\x02\x00\x00\x00\x00\x02"
                               "\x88\xb5"
                               "hello";
#define SIZE ((uint32_t)sizeof(frame) - 1)

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

static void a_frame_comes_back_with_its_addresses_exchanged(void **state)
{
    static uint8_t back[BP_NET_FRAME_MAX];

    assert_int_equal(bench_net_read(*state, back), 0);
    assert_int_equal(bench_net_write(*state, frame, SIZE), BP_OK);
    assert_int_equal(bench_net_read(*state, back), SIZE);
    assert_memory_equal(back, frame + 6, 6);
    assert_memory_equal(back + 6, frame, 6);
    assert_memory_equal(back + 12, frame + 12, SIZE - 12);
    assert_int_equal(bench_net_read(*state, back), 0);
}

static void word_comes_when_there_is_a_frame_or_room_again(void **state)
{
    bench_net_write(*state, frame, SIZE);
    assert_int_equal(bench_notices(*state, BP_LINK_READABLE), 1);
    for (int i = 1; i < 16; i++)
        assert_int_equal(bench_net_write(*state, frame, SIZE), BP_OK);
    assert_int_equal(bench_notices(*state, BP_LINK_READABLE), 1);
    assert_int_equal(bench_net_write(*state, frame, SIZE), BP_ERR_BUSY);
    assert_int_equal(bench_notices(*state, BP_LINK_WRITABLE), 0);
    bench_net_read(*state, NULL);
    assert_int_equal(bench_notices(*state, BP_LINK_WRITABLE), 1);
    assert_int_equal(bench_net_write(*state, frame, SIZE), BP_OK);
}

static void frames_that_are_too_long_are_lost(void **state)
{
    static const char *const settings[] = {"mtu=100", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    static const uint8_t big[115];
    struct bp_net_info info;

    (void)state;
    assert_int_equal(bench_net_info(b, &info), BP_OK);
    assert_int_equal(info.mtu, 100);
    assert_int_equal(bench_net_write(b, big, 115), BP_OK);
    assert_int_equal(bench_net_read(b, NULL), 0);
    assert_true(bench_log_contains(b, "a frame of 115 bytes is lost: 114 are possible"));
    assert_int_equal(bench_net_write(b, big, 114), BP_OK);
    assert_int_equal(bench_net_read(b, NULL), 114);
    bench_destroy(b);
}

static void nothing_comes_through_a_cable_that_is_out(void **state)
{
    static const char *const settings[] = {"down=yes", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    struct bp_net_info info;

    (void)state;
    assert_int_equal(bench_net_info(b, &info), BP_OK);
    assert_int_equal(info.flags, 0);
    assert_int_equal(bench_net_write(b, frame, SIZE), BP_OK);
    assert_int_equal(bench_net_read(b, NULL), 0);
    bench_destroy(b);
}

static void a_reset_empties_it(void **state)
{
    bench_net_write(*state, frame, SIZE);
    bench_reset(*state, BP_RESET_WARM);
    assert_int_equal(bench_net_read(*state, NULL), 0);
}

static void a_snapshot_is_taken_with_frames_waiting(void **state)
{
    bench_net_write(*state, frame, SIZE);
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
    assert_int_equal(bench_net_read(*state, NULL), SIZE);
}

static void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 0);
}

static void nothing_that_a_device_does_upsets_it(void **state)
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
        T(a_frame_comes_back_with_its_addresses_exchanged),
        T(word_comes_when_there_is_a_frame_or_room_again),
        T(frames_that_are_too_long_are_lost),
        T(nothing_comes_through_a_cable_that_is_out),
        T(a_reset_empties_it),
        T(a_snapshot_is_taken_with_frames_waiting),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
        T(nothing_that_a_device_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
