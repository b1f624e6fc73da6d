/* The panic byte on the bench. Bits are those of QEMU's docs/specs/pvpanic.rst, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static void reading_tells_the_three_events_that_can_be_told(void **state)
{
    assert_int_equal(bench_read8(*state, "ports", 0), 0x07);
    assert_int_equal(bench_read8(*state, "regs", 0), 0x07);
    assert_int_equal(bench_read8(*state, "regs", 1), 0);
}

static void a_panic_ends_the_machine_as_crashed(void **state)
{
    bench_write8(*state, "ports", 0, 1 << 0);
    assert_int_equal(bench_power(*state), BP_POWER_CRASHED);
    bench_write8(*state, "regs", 0, 1 << 0);
    assert_int_equal(bench_power_count(*state), 2);
}

static void a_crash_kernel_that_takes_over_is_only_logged(void **state)
{
    bench_write8(*state, "ports", 0, 1 << 1);
    assert_int_equal(bench_power_count(*state), 0);
    assert_int_equal(bench_log_count(*state, BP_LOG_WARN), 1);
    assert_true(bench_log_contains(*state, "crash kernel"));
}

static void a_shutdown_powers_off(void **state)
{
    bench_write8(*state, "regs", 0, 1 << 2);
    assert_int_equal(bench_power(*state), BP_POWER_OFF);
    assert_int_equal(bench_power_code(*state), 0);
}

static void of_several_events_the_panic_counts(void **state)
{
    bench_write8(*state, "regs", 0, 0x05);
    assert_int_equal(bench_power(*state), BP_POWER_CRASHED);
    assert_int_equal(bench_power_count(*state), 1);
}

static void other_bits_and_offsets_do_nothing_but_a_line_in_the_log(void **state)
{
    bench_write8(*state, "regs", 0, 0xf8);
    bench_write8(*state, "regs", 1, 0x01);
    bench_write8(*state, "regs", 0, 0x00);
    assert_int_equal(bench_power_count(*state), 0);
    assert_int_equal(bench_log_count(*state, BP_LOG_GUEST), 1);
    assert_true(bench_log_contains(*state, "0xf8 written"));
}

static void only_bytes_are_for_it(void **state)
{
    bench_write16(*state, "regs", 0, 1);
    bench_write32(*state, "ports", 0, 1);
    assert_int_equal(bench_power_count(*state), 0);
    assert_int_equal(bench_refused(*state), 2);
}

static void it_has_no_state_and_survives_a_round_trip(void **state)
{
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(reading_tells_the_three_events_that_can_be_told),
        T(a_panic_ends_the_machine_as_crashed),
        T(a_crash_kernel_that_takes_over_is_only_logged),
        T(a_shutdown_powers_off),
        T(of_several_events_the_panic_counts),
        T(other_bits_and_offsets_do_nothing_but_a_line_in_the_log),
        T(only_bytes_are_for_it),
        T(it_has_no_state_and_survives_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
