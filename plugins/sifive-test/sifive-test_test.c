/* The test finisher on the bench. */
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

static void pass_powers_off_with_code_0(void **state)
{
    bench_write32(*state, "regs", 0, 0x5555);
    assert_int_equal(bench_power(*state), BP_POWER_OFF);
    assert_int_equal(bench_power_code(*state), 0);
}

static void a_16_bit_write_does_as_well(void **state)
{
    bench_write16(*state, "regs", 0, 0x5555);
    assert_int_equal(bench_power(*state), BP_POWER_OFF);
}

static void reset_asks_for_a_reset(void **state)
{
    bench_write32(*state, "regs", 0, 0x7777);
    assert_int_equal(bench_power(*state), BP_POWER_RESET);
}

static void fail_ends_with_the_code_of_the_upper_half(void **state)
{
    static const struct {
        uint32_t written;
        uint32_t code;
    } cases[] = {{0x2a3333, 42}, {0x13333, 1}, {0xff3333, 255},
                 {0x1003333, 1}, {0x3333, 1},  {0xffff3333, 1}}; /* never looks like success */

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench_write32(*state, "regs", 0, cases[i].written);
        assert_int_equal(bench_power(*state), BP_POWER_OFF);
        assert_int_equal(bench_power_code(*state), cases[i].code);
    }
}

static void other_values_and_offsets_do_nothing_but_a_line_in_the_log(void **state)
{
    bench_write32(*state, "regs", 0, 0x1234);
    bench_write32(*state, "regs", 4, 0x5555);
    bench_write16(*state, "regs", 2, 0x5555);
    assert_int_equal(bench_power_count(*state), 0);
    assert_true(bench_log_contains(*state, "0x1234 written"));
    assert_true(bench_log_count(*state, BP_LOG_GUEST) >= 1);
}

static void it_reads_as_0(void **state)
{
    bench_write32(*state, "regs", 0, 0x1234);
    assert_int_equal(bench_read32(*state, "regs", 0), 0);
    assert_int_equal(bench_read32(*state, "regs", 0xffc), 0);
}

static void bytes_and_64_bits_are_not_for_it(void **state)
{
    bench_write8(*state, "regs", 0, 0x55);
    bench_write64(*state, "regs", 0, 0x5555);
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
        T(pass_powers_off_with_code_0),
        T(a_16_bit_write_does_as_well),
        T(reset_asks_for_a_reset),
        T(fail_ends_with_the_code_of_the_upper_half),
        T(other_values_and_offsets_do_nothing_but_a_line_in_the_log),
        T(it_reads_as_0),
        T(bytes_and_64_bits_are_not_for_it),
        T(it_has_no_state_and_survives_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
