/* @ID@ on the bench: the test is the serial port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

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

static void what_is_written_comes_back_in_order(void **state)
{
    uint8_t bytes[8];

    assert_int_equal(bench_backend_read(*state, bytes, 8), 0);
    assert_int_equal(bench_backend_write(*state, "hello", 5), 5);
    assert_int_equal(bench_backend_read(*state, bytes, 2), 2);
    assert_memory_equal(bytes, "he", 2);
    assert_int_equal(bench_backend_read(*state, bytes, 8), 3);
    assert_memory_equal(bytes, "llo", 3);
}

static void it_says_once_that_there_is_something_to_read(void **state)
{
    uint8_t bytes[8];

    bench_backend_write(*state, "a", 1); /* nobody has asked: somebody may wait */
    assert_int_equal(bench_notices(*state, BP_LINK_READABLE), 1);
    bench_backend_write(*state, "b", 1);
    assert_int_equal(bench_notices(*state, BP_LINK_READABLE), 1);
    bench_backend_read(*state, bytes, 8);
    bench_backend_write(*state, "c", 1);
    assert_int_equal(bench_notices(*state, BP_LINK_READABLE), 2);
}

static void what_has_no_room_is_refused_and_word_comes_when_there_is(void **state)
{
    static const char *const settings[] = {"depth=4", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    uint8_t bytes[8];

    (void)state;
    assert_int_equal(bench_backend_write(b, "hello", 5), 4);
    assert_int_equal(bench_backend_write(b, "o", 1), 0);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 0);
    assert_int_equal(bench_backend_read(b, bytes, 1), 1);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 1);
    assert_int_equal(bench_backend_write(b, "o", 1), 1);
    bench_destroy(b);
}

static void capitals_come_back_if_wanted(void **state)
{
    static const char *const settings[] = {"upper=yes", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    uint8_t bytes[4];

    (void)state;
    bench_backend_write(b, "aZ{`", 4);
    assert_int_equal(bench_backend_read(b, bytes, 4), 4);
    assert_memory_equal(bytes, "AZ{`", 4);
    bench_destroy(b);
}

static void a_reset_empties_it(void **state)
{
    uint8_t bytes[4];

    bench_backend_write(*state, "abc", 3);
    bench_reset(*state, BP_RESET_WARM);
    assert_int_equal(bench_backend_read(*state, bytes, 4), 0);
}

static void state_survives_with_bytes_waiting(void **state)
{
    bench_backend_write(*state, "abc", 3);
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
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
        T(what_is_written_comes_back_in_order),
        T(it_says_once_that_there_is_something_to_read),
        T(what_has_no_room_is_refused_and_word_comes_when_there_is),
        T(capitals_come_back_if_wanted),
        T(a_reset_empties_it),
        T(state_survives_with_bytes_waiting),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
        T(nothing_that_a_device_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
