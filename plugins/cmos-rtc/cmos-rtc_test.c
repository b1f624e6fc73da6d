/*
 * The PC's clock on the bench, which begins at 2020-01-01 00:00:00 UTC, a Wednesday. Indexes and
 * bits are those of the MC146818 data sheet, typed again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include <backplane/bench.h>

enum { SEC, SEC_AL, MIN, MIN_AL, HOUR, HOUR_AL, WDAY, MDAY, MONTH, YEAR, A, B, C, D };
#define CENTURY 0x32

#define SECOND UINT64_C(1000000000)
#define MS     UINT64_C(1000000)
#define US     UINT64_C(1000)

#define START (UINT64_C(1577836800) * SECOND)

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

static uint8_t rd(struct bench *b, uint8_t index)
{
    bench_write8(b, "ports", 0, index);
    return bench_read8(b, "ports", 1);
}

static void wr(struct bench *b, uint8_t index, uint8_t value)
{
    bench_write8(b, "ports", 0, index);
    bench_write8(b, "ports", 1, value);
}

/* CCYYMMDDhhmmss, as the registers show it. */
static void assert_time(struct bench *b, uint64_t shown)
{
    static const uint8_t order[] = {SEC, MIN, HOUR, MDAY, MONTH, YEAR, CENTURY};

    for (size_t i = 0; i < 7; i++)
        assert_int_equal(rd(b, order[i]), shown >> (8 * i) & 0xff);
}

static void write_time(struct bench *b, uint64_t shown)
{
    static const uint8_t order[] = {SEC, MIN, HOUR, MDAY, MONTH, YEAR, CENTURY};

    for (size_t i = 0; i < 7; i++)
        wr(b, order[i], (uint8_t)(shown >> (8 * i)));
}

/* As Linux sets it: the update off, the dividers in reset, and back in this order. */
static void set_time(struct bench *b, uint64_t shown)
{
    uint8_t a = rd(b, A), control = rd(b, B);

    wr(b, B, control | 0x80);
    wr(b, A, a | 0x70);
    write_time(b, shown);
    wr(b, B, control);
    wr(b, A, a);
}

static void after_power_on_it_shows_the_wall_time_in_bcd_and_24_hours(void **state)
{
    struct bench *b = *state;

    assert_int_equal(rd(b, A), 0x26);
    assert_int_equal(rd(b, B), 0x02);
    assert_int_equal(rd(b, C), 0x00);
    assert_int_equal(rd(b, D), 0x80);
    assert_time(b, 0x20200101000000);
    assert_int_equal(rd(b, WDAY), 4);
    bench_advance_ns(b, (13 * 3600 + 59 * 60 + 58) * SECOND);
    assert_time(b, 0x20200101135958);
}

static void it_knows_the_calendar(void **state)
{
    static const struct {
        uint64_t seconds;
        uint64_t shown;
        uint8_t weekday;
    } days[] = {
        {0, 0x19700101000000, 5},          {951782400, 0x20000229000000, 3},
        {951868800, 0x20000301000000, 4},  {4107542400, 0x21000301000000, 2},
        {4107456000, 0x21000228000000, 1}, {1709251199, 0x20240229235959, 5},
        {1735689599, 0x20241231235959, 3}, {5000000000, 0x21280611085320, 6},
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        bench_wall_set(b, days[i].seconds * SECOND);
        assert_time(b, days[i].shown);
        assert_int_equal(rd(b, WDAY), days[i].weekday);
    }
}

static void every_day_of_400_years_follows_the_one_before(void **state)
{
    static const uint32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct bench *b = *state;
    uint32_t day = 1, month = 1, year = 1970, weekday = 5;

    wr(b, B, 0x06);
    for (uint64_t n = 0; n < 146097; n++) {
        int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        bench_wall_set(b, n * 86400 * SECOND);
        assert_int_equal(rd(b, MDAY), day);
        assert_int_equal(rd(b, MONTH), month);
        assert_int_equal(rd(b, YEAR), year % 100);
        assert_int_equal(rd(b, CENTURY), year / 100);
        assert_int_equal(rd(b, WDAY), weekday);
        weekday = weekday % 7 + 1;
        if (day++ < lengths[month - 1] + (month == 2 && leap))
            continue;
        day = 1;
        month = month % 12 + 1;
        year += month == 1;
    }
}

static void it_shows_binary_and_12_hours_when_asked(void **state)
{
    static const struct {
        uint32_t hour;
        uint8_t bcd;
        uint8_t binary;
    } hours[] = {{0, 0x12, 12},         {1, 0x01, 1},         {11, 0x11, 11},
                 {12, 0x92, 0x80 | 12}, {13, 0x81, 0x80 | 1}, {23, 0x91, 0x80 | 11}};
    struct bench *b = *state;

    for (size_t i = 0; i < 6; i++) {
        bench_wall_set(b, START + (hours[i].hour * 3600 + 59 * 60) * SECOND);
        wr(b, B, 0x00);
        assert_int_equal(rd(b, HOUR), hours[i].bcd);
        assert_int_equal(rd(b, MIN), 0x59);
        wr(b, B, 0x04);
        assert_int_equal(rd(b, HOUR), hours[i].binary);
        assert_int_equal(rd(b, MIN), 59);
        wr(b, B, 0x06);
        assert_int_equal(rd(b, HOUR), hours[i].hour);
    }
}

static void it_can_be_set_and_goes_on_half_a_second_later(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, 777 * MS);
    set_time(b, 0x19991231235959);
    assert_time(b, 0x19991231235959);
    bench_advance_ns(b, 500 * MS - 1);
    assert_time(b, 0x19991231235959);
    bench_advance_ns(b, 1);
    assert_time(b, 0x20000101000000);
    bench_advance_ns(b, 86400 * SECOND);
    assert_time(b, 0x20000102000000);
}

static void it_keeps_time_with_the_outside_world_while_the_machine_is_paused(void **state)
{
    struct bench *b = *state;

    set_time(b, 0x20300615120000);
    bench_wall_set(b, START + 3600 * SECOND);
    assert_time(b, 0x20300615130000);
}

static void while_it_is_set_nothing_moves_and_what_was_written_is_read(void **state)
{
    struct bench *b = *state;

    wr(b, B, 0x82);
    bench_advance_ns(b, 5 * SECOND);
    assert_int_equal(rd(b, SEC), 0x00);
    assert_int_equal(rd(b, A) & 0x80, 0);
    wr(b, SEC, 0xee);
    assert_int_equal(rd(b, SEC), 0xee);
    wr(b, SEC, 0x30);
    wr(b, B, 0x02);
    assert_int_equal(rd(b, SEC), 0x30);
    bench_advance_ns(b, SECOND);
    assert_int_equal(rd(b, SEC), 0x31);
}

static void it_can_be_set_in_each_mode(void **state)
{
    struct bench *b = *state;

    wr(b, B, 0x84); /* binary, 12 hours */
    write_time(b, UINT64_C(0x141e0c1f8b3b3b));
    wr(b, B, 0x04);
    wr(b, B, 0x02);
    assert_time(b, 0x20301231235959);
}

static void a_register_can_be_written_while_the_clock_runs(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, 42 * SECOND);
    wr(b, YEAR, 0x24);
    wr(b, HOUR, 0x23);
    assert_time(b, 0x20240101230042);
    bench_advance_ns(b, 3600 * SECOND);
    assert_time(b, 0x20240102000042);
}

static void a_date_that_does_not_exist_becomes_one(void **state)
{
    struct bench *b = *state;

    set_time(b, 0x20230231000000); /* three days too many */
    assert_time(b, 0x20230303000000);
    set_time(b, 0xffffffffffffff);
    assert_int_equal(rd(b, SEC), 0x59);
    assert_int_equal(rd(b, HOUR), 0x23);
    set_time(b, 0x00000000000000);
    assert_time(b, 0x00000101000000);
}

static void the_weekday_is_as_it_was_set_and_counts_on(void **state)
{
    struct bench *b = *state;

    wr(b, WDAY, 7);
    assert_int_equal(rd(b, WDAY), 7);
    bench_advance_ns(b, 86400 * SECOND);
    assert_int_equal(rd(b, WDAY), 1);
    wr(b, WDAY, 0x99);
    assert_in_range(rd(b, WDAY), 1, 7);
}

static void an_update_is_announced_before_the_second_ends(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, SECOND - 2228 * US - 1);
    assert_int_equal(rd(b, A), 0x26);
    bench_advance_ns(b, 1); /* 244 us, and 1984 us for the update */
    assert_int_equal(rd(b, A), 0xa6);
    bench_advance_ns(b, 2228 * US - 1);
    assert_int_equal(rd(b, A), 0xa6);
    assert_int_equal(rd(b, SEC), 0x00);
    bench_advance_ns(b, 1);
    assert_int_equal(rd(b, A), 0x26);
    assert_int_equal(rd(b, SEC), 0x01);
}

static void the_end_of_an_update_sets_its_flag_and_interrupts_when_enabled(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, SECOND);
    assert_int_equal(rd(b, C) & 0x90, 0x10);
    assert_int_equal(rd(b, C), 0x00); /* reading has cleared it */
    assert_int_equal(bench_timers_armed(b), 0);
    wr(b, B, 0x12);
    bench_advance_ns(b, SECOND - 1);
    assert_int_equal(bench_line(b, "irq"), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(bench_line(b, "irq"), 1);
    bench_advance_ns(b, 10 * SECOND);
    assert_int_equal(bench_line_raises(b, "irq"), 1);
    assert_int_equal(rd(b, C) & 0x90, 0x90);
    assert_int_equal(bench_line(b, "irq"), 0);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line_raises(b, "irq"), 2);
}

static void setting_the_time_takes_the_updates_interrupt_back(void **state)
{
    struct bench *b = *state;

    wr(b, B, 0x92);
    assert_int_equal(rd(b, B), 0x82);
    wr(b, B, 0x12);
    assert_int_equal(rd(b, B), 0x12);
}

static void the_periodic_rate_is_that_of_the_data_sheet(void **state)
{
    static const uint32_t hz[16] = {0,   256, 128, 8192, 4096, 2048, 1024, 512,
                                    256, 128, 64,  32,   16,   8,    4,    2};
    struct bench *b = *state;

    for (uint8_t rate = 1; rate < 16; rate++) {
        uint32_t n = 0;

        wr(b, A, 0x20 | rate);
        wr(b, B, 0x02);
        rd(b, C);
        wr(b, B, 0x42);
        for (uint64_t us = 0; us < 1000000; us += 50) {
            bench_advance_ns(b, 50 * US);
            if (!bench_line(b, "irq"))
                continue;
            assert_int_equal(rd(b, C) & 0xc0, 0xc0);
            n++;
        }
        assert_in_range(n, hz[rate] - 1, hz[rate] + 1);
    }
    wr(b, A, 0x20);
    rd(b, C);
    bench_advance_ns(b, SECOND);
    assert_int_equal(rd(b, C) & 0x40, 0);
    assert_int_equal(bench_timers_armed(b), 0);
}

static void the_alarm_comes_at_its_time_and_not_before(void **state)
{
    struct bench *b = *state;

    wr(b, HOUR_AL, 0x06);
    wr(b, MIN_AL, 0x30);
    wr(b, SEC_AL, 0x15);
    wr(b, B, 0x22);
    bench_advance_ns(b, (6 * 3600 + 30 * 60 + 15) * SECOND - 1);
    assert_int_equal(bench_line(b, "irq"), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(bench_line(b, "irq"), 1);
    assert_int_equal(rd(b, C) & 0xa0, 0xa0);
    bench_advance_ns(b, 86400 * SECOND - 1);
    assert_int_equal(bench_line(b, "irq"), 0);
    bench_advance_ns(b, 1); /* every day */
    assert_int_equal(bench_line(b, "irq"), 1);
}

static void an_alarm_register_of_0xc0_and_above_matches_everything(void **state)
{
    static const struct {
        uint8_t hour, minute, second;
        uint64_t period_s;
    } cases[] = {{0xff, 0xff, 0xff, 1}, {0xc0, 0xff, 0x00, 60}, {0xff, 0x00, 0x00, 3600}};
    struct bench *b = *state;

    for (size_t i = 0; i < 3; i++) {
        bench_wall_set(b, START);
        wr(b, HOUR_AL, cases[i].hour);
        wr(b, MIN_AL, cases[i].minute);
        wr(b, SEC_AL, cases[i].second);
        wr(b, B, 0x22);
        rd(b, C);
        for (int n = 0; n < 3; n++) {
            bench_advance_ns(b, cases[i].period_s * SECOND - 1);
            assert_int_equal(bench_line(b, "irq"), 0);
            bench_advance_ns(b, 1);
            assert_int_equal(bench_line(b, "irq"), 1);
            rd(b, C);
        }
        wr(b, B, 0x02);
    }
}

static void the_alarm_is_compared_in_the_mode_that_is_set(void **state)
{
    struct bench *b = *state;

    wr(b, B, 0x24); /* binary, 12 hours */
    wr(b, HOUR_AL, 0x80 | 11);
    wr(b, MIN_AL, 59);
    wr(b, SEC_AL, 59);
    bench_advance_ns(b, 86398 * SECOND);
    assert_int_equal(bench_line(b, "irq"), 0);
    bench_advance_ns(b, SECOND);
    assert_int_equal(bench_line(b, "irq"), 1);
}

static void an_alarm_at_no_time_never_comes(void **state)
{
    struct bench *b = *state;

    wr(b, MIN_AL, 0x7f);
    wr(b, B, 0x22);
    assert_int_equal(bench_timers_armed(b), 0);
    bench_advance_ns(b, 3 * 86400 * SECOND);
    assert_int_equal(rd(b, C) & 0x20, 0);
}

static void an_alarm_that_nobody_wanted_shows_in_its_flag(void **state)
{
    struct bench *b = *state;

    wr(b, MIN_AL, 0x01);
    bench_advance_ns(b, 61 * SECOND);
    assert_int_equal(bench_line(b, "irq"), 0);
    wr(b, B, 0x22);
    assert_int_equal(bench_line(b, "irq"), 1);
}

static void when_wall_time_falls_behind_the_alarm_still_waits_for_it(void **state)
{
    struct bench *b = *state;

    wr(b, MIN_AL, 0x01);
    wr(b, B, 0x22);
    bench_wall_set(b, START - 10 * SECOND);
    bench_advance_ns(b, 60 * SECOND);
    assert_int_equal(bench_line(b, "irq"), 0);
    bench_advance_ns(b, 10 * SECOND);
    assert_int_equal(bench_line(b, "irq"), 1);
}

static void an_alarm_during_a_pause_comes_when_the_machine_goes_on(void **state)
{
    struct bench *b = *state;
    uint64_t size;
    uint8_t *bytes;

    wr(b, MIN_AL, 0x01);
    wr(b, B, 0x22);
    bytes = bench_save(b, &size);
    bench_wall_set(b, START + 3000 * SECOND);
    assert_int_equal(bench_load(b, bytes, size), BP_OK);
    assert_int_equal(bench_line(b, "irq"), 1);
    free(bytes);
}

static void the_ram_keeps_bytes_through_a_warm_reset(void **state)
{
    struct bench *b = *state;

    set_time(b, 0x20300101000000);
    for (uint8_t i = 0x0e; i < 0x80; i++)
        if (i != CENTURY)
            wr(b, i, (uint8_t)(i ^ 0x5a));
    wr(b, B, 0x72);
    bench_reset(b, BP_RESET_WARM);
    for (uint8_t i = 0x0e; i < 0x80; i++)
        if (i != CENTURY)
            assert_int_equal(rd(b, i), i ^ 0x5a);
    assert_int_equal(rd(b, B), 0x02);
    assert_time(b, 0x20300101000000);
}

static void a_warm_reset_in_the_middle_of_setting_starts_the_clock(void **state)
{
    struct bench *b = *state;

    wr(b, B, 0x06); /* binary */
    wr(b, B, 0x86);
    wr(b, A, 0x76);
    wr(b, MIN, 59);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(rd(b, A), 0x26);
    assert_time(b, 0x20200101005900);
    bench_advance_ns(b, 500 * MS);
    assert_int_equal(rd(b, SEC), 0x01);
}

static void the_ram_tells_old_systems_what_the_machine_has(void **state)
{
    static const char *const settings[] = {"memory=256M", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    uint32_t sum = 0;

    (void)state;
    assert_int_equal(rd(b, 0x14), 0x02);
    assert_int_equal(rd(b, 0x15) | rd(b, 0x16) << 8, 640);
    assert_int_equal(rd(b, 0x17) | rd(b, 0x18) << 8, 65535); /* KiB above 1 MiB: no more fits */
    assert_int_equal(rd(b, 0x30) | rd(b, 0x31) << 8, 65535);
    assert_int_equal(rd(b, 0x34) | rd(b, 0x35) << 8, 240 * 16); /* 64 KiB above 16 MiB */
    for (uint8_t i = 0x10; i <= 0x2d; i++)
        sum += rd(b, i);
    assert_int_equal(rd(b, 0x2e) << 8 | rd(b, 0x2f), sum);
    bench_destroy(b);
}

static void localtime_is_that_of_the_environment(void **state)
{
    static const char *const settings[] = {"base=localtime", NULL};
    struct bench *b;

    (void)state;
    setenv("TZ", "TST-5:30", 1); /* five and a half hours east */
    tzset();
    b = bench_create(BENCH_CLASS, settings);
    assert_time(b, 0x20200101053000);
    bench_destroy(b);
    setenv("TZ", "UTC", 1);
    tzset();
}

static void the_index_cannot_be_read_and_its_highest_bit_does_not_count(void **state)
{
    struct bench *b = *state;

    wr(b, 0x80 | 0x40, 0x77);
    assert_int_equal(rd(b, 0x40), 0x77);
    assert_int_equal(bench_read8(b, "ports", 0), 0xff);
}

static void a_word_is_index_and_data(void **state)
{
    struct bench *b = *state;

    bench_write16(b, "ports", 0, 0x5541);
    assert_int_equal(rd(b, 0x41), 0x55);
    assert_int_equal(bench_read16(b, "ports", 0), 0x55ff);
    bench_write32(b, "ports", 0, 0x41);
    assert_int_equal(bench_refused(b), 1);
}

static void acpi_knows_the_clock_and_where_the_century_is(void **state)
{
    assert_string_equal(bench_acpi(*state), "Features (CMOS RTC)\n"
                                            "RTC (day 0, month 0, century 50)\n");
}

static void the_flags_and_the_battery_cannot_be_written(void **state)
{
    wr(*state, C, 0xff);
    wr(*state, D, 0x00);
    assert_int_equal(rd(*state, C), 0x00);
    assert_int_equal(rd(*state, D), 0x80);
}

static void state_survives_running_set_up_and_with_interrupts(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    set_time(b, 0x19991231235959);
    wr(b, WDAY, 2);
    wr(b, HOUR_AL, 0xff);
    wr(b, B, 0x72);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, 1234567890);
    assert_int_equal(bench_line(b, "irq"), 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, B, 0xc6);
    wr(b, YEAR, 0x12);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
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
        T(after_power_on_it_shows_the_wall_time_in_bcd_and_24_hours),
        T(it_knows_the_calendar),
        T(every_day_of_400_years_follows_the_one_before),
        T(it_shows_binary_and_12_hours_when_asked),
        T(it_can_be_set_and_goes_on_half_a_second_later),
        T(it_keeps_time_with_the_outside_world_while_the_machine_is_paused),
        T(while_it_is_set_nothing_moves_and_what_was_written_is_read),
        T(it_can_be_set_in_each_mode),
        T(a_register_can_be_written_while_the_clock_runs),
        T(a_date_that_does_not_exist_becomes_one),
        T(the_weekday_is_as_it_was_set_and_counts_on),
        T(an_update_is_announced_before_the_second_ends),
        T(the_end_of_an_update_sets_its_flag_and_interrupts_when_enabled),
        T(setting_the_time_takes_the_updates_interrupt_back),
        T(the_periodic_rate_is_that_of_the_data_sheet),
        T(the_alarm_comes_at_its_time_and_not_before),
        T(an_alarm_register_of_0xc0_and_above_matches_everything),
        T(the_alarm_is_compared_in_the_mode_that_is_set),
        T(an_alarm_at_no_time_never_comes),
        T(an_alarm_that_nobody_wanted_shows_in_its_flag),
        T(when_wall_time_falls_behind_the_alarm_still_waits_for_it),
        T(an_alarm_during_a_pause_comes_when_the_machine_goes_on),
        T(the_ram_keeps_bytes_through_a_warm_reset),
        T(a_warm_reset_in_the_middle_of_setting_starts_the_clock),
        T(the_ram_tells_old_systems_what_the_machine_has),
        T(localtime_is_that_of_the_environment),
        T(the_index_cannot_be_read_and_its_highest_bit_does_not_count),
        T(a_word_is_index_and_data),
        T(the_flags_and_the_battery_cannot_be_written),
        T(acpi_knows_the_clock_and_where_the_century_is),
        T(state_survives_running_set_up_and_with_interrupts),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
