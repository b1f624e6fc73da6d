/* The PL031 on the bench. Offsets and values are those of ARM DDI 0224, chapter 3, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define RTCDR   0x000
#define RTCMR   0x004
#define RTCLR   0x008
#define RTCCR   0x00c
#define RTCIMSC 0x010
#define RTCRIS  0x014
#define RTCMIS  0x018
#define RTCICR  0x01c

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

static void registers_after_reset_are_those_of_a_running_clock(void **state)
{
    struct bench *b = *state;

    assert_int_equal(rd(b, RTCMR), 0);
    assert_int_equal(rd(b, RTCLR), 0);
    assert_int_equal(rd(b, RTCCR), 1);
    assert_int_equal(rd(b, RTCIMSC), 0);
    assert_int_equal(rd(b, RTCRIS), 0);
    assert_int_equal(rd(b, RTCMIS), 0);
    assert_int_equal(bench_line(b, "alarm"), 0);
}

static void it_is_known_by_its_identification_registers(void **state)
{
    static const uint8_t ids[8] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    for (uint32_t i = 0; i < 8; i++) {
        wr(*state, 0xfe0 + 4 * i, 0xffffffff);
        assert_int_equal(rd(*state, 0xfe0 + 4 * i), ids[i]);
    }
}

static void it_shows_the_wall_time_in_seconds(void **state)
{
    struct bench *b = *state;

    bench_wall_set(b, 1600000000 * SECOND);
    assert_int_equal(rd(b, RTCDR), 1600000000);
    bench_advance_ns(b, SECOND - 1);
    assert_int_equal(rd(b, RTCDR), 1600000000);
    bench_advance_ns(b, 1);
    assert_int_equal(rd(b, RTCDR), 1600000001);
    wr(b, RTCDR, 5);
    assert_int_equal(rd(b, RTCDR), 1600000001);
}

static void it_can_be_set_and_goes_on_from_there(void **state)
{
    struct bench *b = *state;

    wr(b, RTCLR, 0xfffffffe);
    assert_int_equal(rd(b, RTCLR), 0xfffffffe);
    assert_int_equal(rd(b, RTCDR), 0xfffffffe);
    bench_advance_ns(b, 3 * SECOND);
    assert_int_equal(rd(b, RTCDR), 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(rd(b, RTCDR), 1);
    bench_reset(b, BP_RESET_COLD);
    assert_int_equal(rd(b, RTCDR), 1577836803); /* the outside world's */
}

static void it_cannot_be_stopped(void **state)
{
    struct bench *b = *state;
    uint32_t now = rd(b, RTCDR);

    wr(b, RTCCR, 0);
    assert_int_equal(rd(b, RTCCR), 1);
    bench_advance_ns(b, SECOND);
    assert_int_equal(rd(b, RTCDR), now + 1);
}

static void alarm_raises_the_line_only_when_unmasked(void **state)
{
    struct bench *b = *state;

    wr(b, RTCMR, rd(b, RTCDR) + 2);
    bench_advance_ns(b, 2 * SECOND - 1);
    assert_int_equal(rd(b, RTCRIS), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(rd(b, RTCRIS), 1);
    assert_int_equal(rd(b, RTCMIS), 0);
    assert_int_equal(bench_line(b, "alarm"), 0);
    wr(b, RTCIMSC, 1);
    assert_int_equal(rd(b, RTCMIS), 1);
    assert_int_equal(bench_line(b, "alarm"), 1);
    wr(b, RTCICR, 0); /* writing 0 has no effect */
    assert_int_equal(bench_line(b, "alarm"), 1);
    wr(b, RTCICR, 1);
    assert_int_equal(rd(b, RTCRIS), 0);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, 1000 * SECOND);
    assert_int_equal(bench_line_raises(b, "alarm"), 1);
}

static void a_match_with_the_present_second_comes_at_once(void **state)
{
    struct bench *b = *state;

    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, rd(b, RTCDR));
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void an_alarm_in_the_past_waits_for_the_counter_to_come_round(void **state)
{
    struct bench *b = *state;

    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, rd(b, RTCDR) - 1);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, UINT64_C(0xfffffffe) * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void it_matches_again_when_the_counter_comes_round(void **state)
{
    struct bench *b = *state;

    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, rd(b, RTCDR) + 1);
    bench_advance_ns(b, SECOND);
    wr(b, RTCICR, 1);
    bench_advance_ns(b, UINT64_C(0x100000000) * SECOND - 1);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void an_alarm_moved_later_comes_once(void **state)
{
    struct bench *b = *state;
    uint32_t now = rd(b, RTCDR);

    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, now + 1);
    wr(b, RTCMR, now + 3);
    bench_advance_ns(b, 2 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line_raises(b, "alarm"), 1);
}

static void setting_the_clock_moves_the_alarm_with_it(void **state)
{
    struct bench *b = *state;

    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, 1000);
    wr(b, RTCLR, 990);
    bench_advance_ns(b, 9 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void an_alarm_that_was_passed_in_a_pause_comes_when_the_machine_goes_on(void **state)
{
    struct bench *b = *state;
    uint64_t size;
    uint8_t *bytes;

    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, rd(b, RTCDR) + 10);
    bytes = bench_save(b, &size);
    bench_wall_set(b, UINT64_C(1600000000) * SECOND);
    assert_int_equal(bench_load(b, bytes, size), BP_OK);
    assert_int_equal(bench_line(b, "alarm"), 1);
    free(bytes);
}

static void when_wall_time_falls_behind_the_alarm_still_waits_for_it(void **state)
{
    struct bench *b = *state;
    uint32_t now = rd(b, RTCDR);

    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, now + 1);
    bench_wall_set(b, (now - 4) * SECOND);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    bench_advance_ns(b, 4 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 1);
}

static void wall_time_that_jumps_by_centuries_breaks_nothing(void **state)
{
    struct bench *b = *state;

    bench_wall_set(b, UINT64_MAX - SECOND / 2);
    assert_int_equal(rd(b, RTCRIS), 1); /* it was 0 in between, as RTCMR is */
    wr(b, RTCICR, 1);
    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, rd(b, RTCDR) + 5);
    bench_wall_set(b, 0);
    bench_advance_ns(b, 5 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 0);
    assert_int_equal(bench_timers_armed(b), 1);
}

static void only_words_are_for_it(void **state)
{
    bench_write16(*state, "regs", RTCLR, 1);
    bench_read8(*state, "regs", RTCDR);
    assert_int_equal(bench_refused(*state), 2);
    assert_int_equal(rd(*state, RTCLR), 0);
}

static void the_device_tree_has_the_clock_of_the_bus(void **state)
{
    assert_string_equal(bench_fdt(*state), "clocks = <&clock-24000000>;\n"
                                           "clock-names = \"apb_pclk\";\n");
}

static void state_survives_with_an_alarm_waiting_and_one_that_came(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, RTCLR, 77);
    wr(b, RTCIMSC, 1);
    wr(b, RTCMR, 80);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, 3 * SECOND);
    assert_int_equal(bench_line(b, "alarm"), 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

static void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 1);
}

static void a_match_in_the_second_of_a_reset_came_before_it(void **state)
{
    struct bench *b = *state;

    wr(b, RTCLR, 0); /* RTCMR is 0 too */
    assert_int_equal(rd(b, RTCRIS), 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    assert_int_equal(rd(b, RTCRIS), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(registers_after_reset_are_those_of_a_running_clock),
        T(a_match_in_the_second_of_a_reset_came_before_it),
        T(it_is_known_by_its_identification_registers),
        T(it_shows_the_wall_time_in_seconds),
        T(it_can_be_set_and_goes_on_from_there),
        T(it_cannot_be_stopped),
        T(alarm_raises_the_line_only_when_unmasked),
        T(a_match_with_the_present_second_comes_at_once),
        T(an_alarm_in_the_past_waits_for_the_counter_to_come_round),
        T(it_matches_again_when_the_counter_comes_round),
        T(an_alarm_moved_later_comes_once),
        T(setting_the_clock_moves_the_alarm_with_it),
        T(an_alarm_that_was_passed_in_a_pause_comes_when_the_machine_goes_on),
        T(when_wall_time_falls_behind_the_alarm_still_waits_for_it),
        T(wall_time_that_jumps_by_centuries_breaks_nothing),
        T(only_words_are_for_it),
        T(the_device_tree_has_the_clock_of_the_bus),
        T(state_survives_with_an_alarm_waiting_and_one_that_came),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
