/* @ID@ on the bench: no machine, no guest, stepped time. Offsets are typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define CTRL   0x00
#define PERIOD 0x04
#define COUNT  0x08
#define STATUS 0x0c
#define MASK   0x10

#define US UINT64_C(1000) /* ns */

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

static void it_does_not_tick_before_run_is_set(void **state)
{
    bench_advance_ns(*state, 1000000 * US);
    assert_int_equal(bench_read32(*state, "regs", COUNT), 0);
}

static void it_ticks_each_period(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", PERIOD, 250);
    bench_write32(b, "regs", CTRL, 1);
    bench_advance_ns(b, 250 * US - 1);
    assert_int_equal(bench_read32(b, "regs", COUNT), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(bench_read32(b, "regs", COUNT), 1);
    bench_advance_ns(b, 1000 * US);
    assert_int_equal(bench_read32(b, "regs", COUNT), 5);
    bench_write32(b, "regs", CTRL, 0);
    bench_advance_ns(b, 1000 * US);
    assert_int_equal(bench_read32(b, "regs", COUNT), 5);
}

static void a_tick_raises_the_line_only_when_unmasked_and_until_it_is_cleared(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", CTRL, 1);
    bench_advance_ns(b, 1000 * US); /* PERIOD after reset */
    assert_int_equal(bench_read32(b, "regs", STATUS), 1);
    assert_int_equal(bench_line(b, "tick"), 0);
    bench_write32(b, "regs", MASK, 1);
    assert_int_equal(bench_line(b, "tick"), 1);
    bench_write32(b, "regs", STATUS, 0); /* cleared by writing 1, not 0 */
    assert_int_equal(bench_line(b, "tick"), 1);
    bench_write32(b, "regs", STATUS, 1);
    assert_int_equal(bench_line(b, "tick"), 0);
}

static void a_period_below_the_property_is_stretched_and_logged(void **state)
{
    static const char *const settings[] = {"min-period=500", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    bench_write32(b, "regs", PERIOD, 1);
    bench_write32(b, "regs", CTRL, 1);
    bench_advance_ns(b, 1000 * US);
    assert_int_equal(bench_read32(b, "regs", COUNT), 2);
    assert_true(bench_log_contains(b, "PERIOD = 1: ticks come each 500 us"));
    bench_destroy(b);
}

static void registers_keep_only_what_is_writable(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", CTRL, UINT32_MAX);
    bench_write32(b, "regs", COUNT, 77);
    bench_write32(b, "regs", MASK, UINT32_MAX);
    assert_int_equal(bench_read32(b, "regs", CTRL), 1);
    assert_int_equal(bench_read32(b, "regs", COUNT), 0);
    assert_int_equal(bench_read32(b, "regs", MASK), 1);
    assert_int_equal(bench_read32(b, "regs", 0x14), 0);
}

static void a_reset_stops_it(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", MASK, 1);
    bench_write32(b, "regs", CTRL, 1);
    bench_advance_ns(b, 3000 * US);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_line(b, "tick"), 0);
    bench_advance_ns(b, 3000 * US);
    assert_int_equal(bench_read32(b, "regs", COUNT), 0);
}

static void the_device_tree_tells_the_shortest_period(void **state)
{
    assert_string_equal(bench_fdt(*state), "example,min-period-us = <100>;\n");
}

static void state_survives_in_the_middle_of_a_period(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_write32(b, "regs", MASK, 1);
    bench_write32(b, "regs", CTRL, 1);
    bench_advance_ns(b, 1500 * US);
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
        T(it_does_not_tick_before_run_is_set),
        T(it_ticks_each_period),
        T(a_tick_raises_the_line_only_when_unmasked_and_until_it_is_cleared),
        T(a_period_below_the_property_is_stretched_and_logged),
        T(registers_keep_only_what_is_writable),
        T(a_reset_stops_it),
        T(the_device_tree_tells_the_shortest_period),
        T(state_survives_in_the_middle_of_a_period),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
        T(nothing_that_a_guest_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
