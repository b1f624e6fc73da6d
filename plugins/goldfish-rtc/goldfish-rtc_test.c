/* The Goldfish clock on the bench. Offsets are the document's, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define TIME_LOW        0x00
#define TIME_HIGH       0x04
#define ALARM_LOW       0x08
#define ALARM_HIGH      0x0c
#define IRQ_ENABLED     0x10
#define CLEAR_ALARM     0x14
#define ALARM_STATUS    0x18
#define CLEAR_INTERRUPT 0x1c

#define SECOND UINT64_C(1000000000)

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

static uint32_t rd(struct bench *b, uint64_t offset)
{
    return bench_read32(b, "regs", offset);
}

static void wr(struct bench *b, uint64_t offset, uint32_t value)
{
    bench_write32(b, "regs", offset, value);
}

static uint64_t time_ns(struct bench *b)
{
    uint64_t low = rd(b, TIME_LOW);

    return (uint64_t)rd(b, TIME_HIGH) << 32 | low;
}

static void set_alarm(struct bench *b, uint64_t at_ns)
{
    wr(b, ALARM_HIGH, (uint32_t)(at_ns >> 32));
    wr(b, ALARM_LOW, (uint32_t)at_ns);
}

static void it_shows_the_wall_time_in_nanoseconds(void **state)
{
    struct bench *b = *state;

    bench_wall_set(b, 0x1122334455667788);
    assert_int_equal(rd(b, TIME_LOW), 0x55667788);
    assert_int_equal(rd(b, TIME_HIGH), 0x11223344);
    bench_advance_ns(b, 5 * SECOND);
    assert_true(time_ns(b) == 0x1122334455667788 + 5 * SECOND);
}

static void reading_the_lower_half_latches_the_upper(void **state)
{
    struct bench *b = *state;

    bench_wall_set(b, 0x1ffffffff);
    assert_int_equal(rd(b, TIME_LOW), 0xffffffff);
    bench_advance_ns(b, 1);
    assert_int_equal(rd(b, TIME_HIGH), 1);
    assert_int_equal(rd(b, TIME_LOW), 0);
    assert_int_equal(rd(b, TIME_HIGH), 2);
}

static void it_can_be_set_and_goes_on_from_there(void **state)
{
    struct bench *b = *state;

    wr(b, TIME_HIGH, 0x12345678);
    wr(b, TIME_LOW, 0x9abcdef0);
    assert_true(time_ns(b) == 0x123456789abcdef0);
    bench_advance_ns(b, SECOND);
    assert_true(time_ns(b) == 0x123456789abcdef0 + SECOND);
    bench_reset(b, BP_RESET_WARM);
    assert_true(time_ns(b) == 0x123456789abcdef0 + SECOND);
}

static void the_alarm_raises_the_line_only_when_enabled(void **state)
{
    struct bench *b = *state;
    uint64_t now = time_ns(b);

    set_alarm(b, now + 2 * SECOND);
    assert_int_equal(rd(b, ALARM_STATUS), 1);
    bench_advance_ns(b, 2 * SECOND - 1);
    assert_int_equal(rd(b, ALARM_STATUS), 1);
    bench_advance_ns(b, 1);
    assert_int_equal(rd(b, ALARM_STATUS), 0);
    assert_int_equal(bench_line(b, "alarm"), 0);
    wr(b, IRQ_ENABLED, 1);
    assert_int_equal(bench_line(b, "alarm"), 1);
    wr(b, CLEAR_INTERRUPT, 1);
    assert_int_equal(bench_line(b, "alarm"), 0);
    assert_int_equal(bench_line_raises(b, "alarm"), 1);
}

static void an_alarm_in_the_past_comes_at_once(void **state)
{
    struct bench *b = *state;

    wr(b, IRQ_ENABLED, 1);
    set_alarm(b, time_ns(b) - 1);
    assert_int_equal(bench_line(b, "alarm"), 1);
    assert_int_equal(rd(b, ALARM_STATUS), 0);
}

static void a_cleared_alarm_does_not_come(void **state)
{
    struct bench *b = *state;

    wr(b, IRQ_ENABLED, 1);
    set_alarm(b, time_ns(b) + SECOND);
    wr(b, CLEAR_ALARM, 1);
    assert_int_equal(rd(b, ALARM_STATUS), 0);
    assert_int_equal(bench_timers_armed(b), 0);
    bench_advance_ns(b, 10 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
}

static void an_alarm_moved_later_comes_once(void **state)
{
    struct bench *b = *state;
    uint64_t now = time_ns(b);

    wr(b, IRQ_ENABLED, 1);
    set_alarm(b, now + SECOND);
    set_alarm(b, now + 3 * SECOND);
    bench_advance_ns(b, 2 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line_raises(b, "alarm"), 1);
}

static void setting_the_clock_forward_brings_the_alarm_and_back_delays_it(void **state)
{
    struct bench *b = *state;
    uint64_t now = time_ns(b);

    wr(b, IRQ_ENABLED, 1);
    set_alarm(b, now + SECOND);
    wr(b, TIME_HIGH, (uint32_t)((now - SECOND) >> 32));
    wr(b, TIME_LOW, (uint32_t)(now - SECOND));
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    wr(b, TIME_HIGH, (uint32_t)((now + 9 * SECOND) >> 32));
    wr(b, TIME_LOW, (uint32_t)(now + 9 * SECOND));
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void when_wall_time_falls_behind_the_alarm_still_waits_for_it(void **state)
{
    struct bench *b = *state;
    uint64_t now = time_ns(b);

    wr(b, IRQ_ENABLED, 1);
    set_alarm(b, now + SECOND);
    bench_wall_set(b, now - 4 * SECOND);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, 4 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void an_alarm_at_the_end_of_time_does_not_overflow(void **state)
{
    struct bench *b = *state;

    set_alarm(b, UINT64_MAX);
    assert_int_equal(rd(b, ALARM_STATUS), 1);
    bench_advance_ns(b, 1000 * SECOND);
    assert_int_equal(rd(b, ALARM_STATUS), 1);
}

static void only_the_lowest_bit_enables(void **state)
{
    wr(*state, IRQ_ENABLED, 0xfffffffe);
    assert_int_equal(rd(*state, IRQ_ENABLED), 0);
    wr(*state, IRQ_ENABLED, 0xffffffff);
    assert_int_equal(rd(*state, IRQ_ENABLED), 1);
}

static void state_survives_with_an_alarm_waiting_and_one_that_came(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, TIME_HIGH, 7);
    wr(b, TIME_LOW, 9);
    wr(b, IRQ_ENABLED, 1);
    set_alarm(b, time_ns(b) + SECOND);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line(b, "alarm"), 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

static void an_upper_half_for_the_next_alarm_does_not_move_this_one(void **state)
{
    struct bench *b = *state;

    wr(b, IRQ_ENABLED, 1);
    set_alarm(b, time_ns(b) + SECOND);
    wr(b, ALARM_HIGH, 0);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, SECOND - 1);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(it_shows_the_wall_time_in_nanoseconds),
        T(reading_the_lower_half_latches_the_upper),
        T(it_can_be_set_and_goes_on_from_there),
        T(the_alarm_raises_the_line_only_when_enabled),
        T(an_alarm_in_the_past_comes_at_once),
        T(a_cleared_alarm_does_not_come),
        T(an_alarm_moved_later_comes_once),
        T(setting_the_clock_forward_brings_the_alarm_and_back_delays_it),
        T(when_wall_time_falls_behind_the_alarm_still_waits_for_it),
        T(an_alarm_at_the_end_of_time_does_not_overflow),
        T(only_the_lowest_bit_enables),
        T(state_survives_with_an_alarm_waiting_and_one_that_came),
        T(an_upper_half_for_the_next_alarm_does_not_move_this_one),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
