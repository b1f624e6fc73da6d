/* org.example.sensor on the bench. Offsets, bits and times are typed again, from README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define ID     0x00
#define ADDR   0x04
#define REG    0x08
#define DATA   0x0c
#define CMD    0x10
#define STATUS 0x14
#define MASK   0x18

#define BUSY  1u
#define DONE  2u
#define NACK  4u
#define ALERT 8u

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static const char *const settings[] = {"temperature=300000", "swing=1000",   "step=400",
                                       "period=10",          "address=0x4a", NULL};

static int make(void **state)
{
    *state = bench_create(BENCH_CLASS, settings);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint32_t status(struct bench *b)
{
    return bench_read32(b, "regs", STATUS);
}

/* One transfer, waited for; its DONE is cleared. */
static void transfer(struct bench *b, uint32_t reg, uint32_t command)
{
    bench_write32(b, "regs", ADDR, 0x4a);
    bench_write32(b, "regs", REG, reg);
    bench_write32(b, "regs", CMD, command);
    bench_advance_ns(b, 470 * US);
    assert_int_equal(status(b) & (BUSY | DONE | NACK), DONE);
    bench_write32(b, "regs", STATUS, DONE);
}

static uint32_t get(struct bench *b, uint32_t reg)
{
    transfer(b, reg, 1);
    return bench_read32(b, "regs", DATA);
}

static void set(struct bench *b, uint32_t reg, uint32_t value)
{
    bench_write32(b, "regs", DATA, value);
    transfer(b, reg, 2);
}

static void it_says_what_it_is_and_the_sensor_sleeps(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_read32(b, "regs", ID), 0x534e5331);
    assert_int_equal(get(b, 0), 0);
    assert_int_equal(get(b, 1), 1);
    assert_int_equal(get(b, 2), 34815);
    assert_int_equal(get(b, 3), 35315);
    assert_int_equal(bench_timers_armed(b), 0);
}

static void a_transfer_takes_the_time_of_its_bits(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", ADDR, 0x4a);
    bench_write32(b, "regs", CMD, 1);
    bench_advance_ns(b, 470 * US - 1);
    assert_int_equal(status(b), BUSY);
    bench_advance_ns(b, 1);
    assert_int_equal(status(b), DONE);
    bench_write32(b, "regs", STATUS, DONE);
    bench_write32(b, "regs", CMD, 2);
    bench_advance_ns(b, 380 * US - 1);
    assert_int_equal(status(b), BUSY);
    bench_advance_ns(b, 1);
    assert_int_equal(status(b), DONE);
}

static void nobody_answers_at_another_address_or_register(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", ADDR, 0x48);
    bench_write32(b, "regs", DATA, 0x1234);
    bench_write32(b, "regs", CMD, 1);
    bench_advance_ns(b, 470 * US);
    assert_int_equal(status(b), DONE | NACK);
    assert_int_equal(bench_read32(b, "regs", DATA), 0x1234);
    bench_write32(b, "regs", STATUS, DONE | NACK);
    bench_write32(b, "regs", ADDR, 0x4a);
    bench_write32(b, "regs", REG, 4);
    bench_write32(b, "regs", CMD, 2);
    bench_advance_ns(b, 470 * US);
    assert_int_equal(status(b), DONE | NACK);
}

static void commands_of_no_sense_are_logged_and_ignored(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", CMD, 3);
    assert_int_equal(status(b), 0);
    assert_true(bench_log_contains(b, "CMD = 3: neither READ (1) nor WRITE (2)"));
    bench_write32(b, "regs", CMD, 1);
    bench_write32(b, "regs", CMD, 2);
    assert_true(bench_log_contains(b, "CMD = 2 during a transfer: ignored"));
    assert_int_equal(bench_read32(b, "regs", CMD), 1);
}

static void a_waking_sensor_measures_each_period_up_and_down_again(void **state)
{
    static const uint32_t wanted[] = {30000, 30040, 30080, 30100, 30060, 30020, 30000, 30040};
    struct bench *b = *state;

    set(b, 1, 0);
    uint64_t woke_ns = bench_now_ns(b) - 90 * US; /* a write ends 90 us before a read would */
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        uint64_t then_ns = woke_ns + (i + 1) * 10 * MS;
        bench_advance_ns(b, then_ns - bench_now_ns(b));
        assert_int_equal(get(b, 0), wanted[i]);
    }
    set(b, 1, 1);
    bench_advance_ns(b, 100 * MS);
    assert_int_equal(get(b, 0), 30040);
    assert_int_equal(bench_timers_armed(b), 0);
}

static void the_alert_pin_rises_at_high_and_falls_below_low(void **state)
{
    struct bench *b = *state;

    set(b, 2, 30050);
    set(b, 3, 30080);
    set(b, 1, 0);
    bench_advance_ns(b, 25 * MS); /* 30000, 30040 */
    assert_int_equal(status(b) & ALERT, 0);
    bench_advance_ns(b, 10 * MS); /* 30080 */
    assert_int_equal(status(b) & ALERT, ALERT);
    bench_advance_ns(b, 20 * MS); /* 30100, 30060 */
    assert_int_equal(status(b) & ALERT, ALERT);
    bench_advance_ns(b, 10 * MS); /* 30020 */
    assert_int_equal(status(b) & ALERT, 0);
}

static void a_threshold_that_is_passed_already_alerts_at_once(void **state)
{
    struct bench *b = *state;

    set(b, 1, 0);
    bench_advance_ns(b, 15 * MS);
    set(b, 2, 100);
    set(b, 3, 200);
    assert_int_equal(status(b) & ALERT, ALERT);
}

static void the_line_is_status_and_mask(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", ADDR, 0x4a);
    bench_write32(b, "regs", CMD, 1);
    bench_advance_ns(b, 1 * MS);
    assert_int_equal(bench_line(b, "alert"), 0);
    bench_write32(b, "regs", MASK, DONE);
    assert_int_equal(bench_line(b, "alert"), 1);
    bench_write32(b, "regs", STATUS, DONE);
    assert_int_equal(bench_line(b, "alert"), 0);
    bench_write32(b, "regs", MASK, ALERT);
    set(b, 2, 0);
    set(b, 3, 0);
    assert_int_equal(bench_line(b, "alert"), 1);
    bench_write32(b, "regs", STATUS, ALERT); /* the sensor's, not ours to clear */
    assert_int_equal(bench_line(b, "alert"), 1);
}

static void temp_keeps_what_was_measured(void **state)
{
    struct bench *b = *state;

    set(b, 0, 77);
    assert_int_equal(get(b, 0), 0);
}

static void a_reset_ends_transfers_and_sampling(void **state)
{
    struct bench *b = *state;

    set(b, 1, 0);
    bench_write32(b, "regs", MASK, DONE | ALERT);
    bench_write32(b, "regs", CMD, 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_timers_armed(b), 0);
    bench_advance_ns(b, 100 * MS);
    assert_int_equal(status(b), 0);
    assert_int_equal(bench_line(b, "alert"), 0);
    assert_int_equal(get(b, 1), 1);
}

static void a_flat_world_stays_flat(void **state)
{
    static const char *const flat[] = {"temperature=280000", "swing=0", "period=1", NULL};
    struct bench *b = bench_create(BENCH_CLASS, flat);

    (void)state;
    bench_write32(b, "regs", ADDR, 0x48); /* the default */
    bench_write32(b, "regs", REG, 1);
    bench_write32(b, "regs", CMD, 2);
    bench_advance_ns(b, 20 * MS);
    bench_write32(b, "regs", REG, 0);
    bench_write32(b, "regs", CMD, 1);
    bench_advance_ns(b, 1 * MS);
    assert_int_equal(bench_read32(b, "regs", DATA), 28000);
    bench_destroy(b);
}

static void the_device_tree_has_the_address(void **state)
{
    assert_string_equal(bench_fdt(*state), "example,bus-address = <74>;\n");
}

static void state_survives_at_every_moment(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    set(b, 2, 30050);
    set(b, 3, 30080);
    set(b, 1, 0);
    bench_write32(b, "regs", MASK, DONE | NACK | ALERT);
    for (int i = 0; i < 40; i++) {
        bench_write32(b, "regs", CMD, 1);
        bench_advance_ns(b, 1700 * US);
        assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
        bench_write32(b, "regs", STATUS, DONE);
        bench_write32(b, "regs", CMD, 1);
        assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
        bench_advance_ns(b, 500 * US);
    }
}

static void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 2);
}

static void nothing_that_a_guest_does_upsets_it(void **state)
{
    struct bench *b = *state;
    struct bench_action a;
    uint64_t seed = 1;

    for (int i = 0; i < 5000; i++) {
        bench_action_random(b, &seed, &a);
        bench_action_play(b, &a);
    }
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(it_says_what_it_is_and_the_sensor_sleeps),
        T(a_transfer_takes_the_time_of_its_bits),
        T(nobody_answers_at_another_address_or_register),
        T(commands_of_no_sense_are_logged_and_ignored),
        T(a_waking_sensor_measures_each_period_up_and_down_again),
        T(the_alert_pin_rises_at_high_and_falls_below_low),
        T(a_threshold_that_is_passed_already_alerts_at_once),
        T(the_line_is_status_and_mask),
        T(temp_keeps_what_was_measured),
        T(a_reset_ends_transfers_and_sampling),
        T(a_flat_world_stays_flat),
        T(the_device_tree_has_the_address),
        T(state_survives_at_every_moment),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
        T(nothing_that_a_guest_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
