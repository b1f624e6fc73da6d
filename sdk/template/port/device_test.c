/* @ID@ on the bench: no machine, no guest, stepped time. Offsets are typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define INDEX 0
#define DATA  1

#define CTRL       0
#define COUNT_LOW  1
#define COUNT_HIGH 2
#define STATUS     3

#define MS UINT64_C(1000000) /* ns */

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

static uint8_t get(struct bench *b, uint8_t index)
{
    bench_write8(b, "ports", INDEX, index);
    return bench_read8(b, "ports", DATA);
}

static void set(struct bench *b, uint8_t index, uint8_t value)
{
    bench_write8(b, "ports", INDEX, index);
    bench_write8(b, "ports", DATA, value);
}

static void it_is_done_after_its_count_and_only_once(void **state)
{
    struct bench *b = *state;

    set(b, COUNT_LOW, 0x2c); /* 300 ms */
    set(b, COUNT_HIGH, 0x01);
    set(b, CTRL, 1);
    bench_advance_ns(b, 300 * MS - 1);
    assert_int_equal(get(b, STATUS), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(get(b, STATUS), 1);
    assert_int_equal(get(b, CTRL), 0);
    set(b, STATUS, 1);
    bench_advance_ns(b, 1000 * MS);
    assert_int_equal(get(b, STATUS), 0);
}

static void the_line_is_high_only_when_asked_for_and_until_it_is_cleared(void **state)
{
    struct bench *b = *state;

    set(b, CTRL, 1);
    bench_advance_ns(b, 1 * MS);
    assert_int_equal(bench_line(b, "done"), 0);
    set(b, CTRL, 2);
    assert_int_equal(bench_line(b, "done"), 1);
    set(b, STATUS, 0); /* cleared by writing 1, not 0 */
    assert_int_equal(bench_line(b, "done"), 1);
    set(b, STATUS, 1);
    assert_int_equal(bench_line(b, "done"), 0);
}

static void a_stopped_alarm_does_not_go_off(void **state)
{
    struct bench *b = *state;

    set(b, CTRL, 3);
    set(b, CTRL, 2);
    bench_advance_ns(b, 1000 * MS);
    assert_int_equal(bench_line(b, "done"), 0);
}

static void a_count_below_the_property_is_stretched_and_logged(void **state)
{
    static const char *const settings[] = {"min-count=5", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    set(b, COUNT_LOW, 1);
    set(b, CTRL, 1);
    bench_advance_ns(b, 5 * MS - 1);
    assert_int_equal(get(b, STATUS), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(get(b, STATUS), 1);
    assert_true(bench_log_contains(b, "COUNT = 1: it takes 5 ms"));
    bench_destroy(b);
}

static void registers_that_are_not_there_read_ones(void **state)
{
    struct bench *b = *state;

    set(b, 77, 1);
    assert_int_equal(get(b, 77), 0xff);
    assert_int_equal(bench_read8(b, "ports", INDEX), 77);
    assert_int_equal(bench_read(b, "ports", INDEX, 2), 0xffff); /* no such width */
}

static void a_reset_stops_it(void **state)
{
    struct bench *b = *state;

    set(b, CTRL, 3);
    bench_reset(b, BP_RESET_WARM);
    bench_advance_ns(b, 1000 * MS);
    assert_int_equal(get(b, STATUS), 0);
    assert_int_equal(bench_line(b, "done"), 0);
}

static void state_survives_while_it_runs_and_when_it_is_done(void **state)
{
    struct bench *b = *state;

    set(b, COUNT_LOW, 9);
    set(b, CTRL, 3);
    bench_advance_ns(b, 4 * MS);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, 5 * MS);
    assert_int_equal(bench_line(b, "done"), 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

static void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 1);
}

static void nothing_that_a_guest_does_upsets_it(void **state)
{
    struct bench *b = *state;
    struct bench_action a;
    uint64_t seed = 1;

    for (int i = 0; i < 2000; i++) {
        bench_action_random(b, &seed, &a);
        bench_action_play(b, &a);
    }
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(it_is_done_after_its_count_and_only_once),
        T(the_line_is_high_only_when_asked_for_and_until_it_is_cleared),
        T(a_stopped_alarm_does_not_go_off),
        T(a_count_below_the_property_is_stretched_and_logged),
        T(registers_that_are_not_there_read_ones),
        T(a_reset_stops_it),
        T(state_survives_while_it_runs_and_when_it_is_done),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
        T(nothing_that_a_guest_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
