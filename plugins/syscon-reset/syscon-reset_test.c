/* The system-control register on the bench. */
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

static void the_two_values_power_off_and_reset(void **state)
{
    bench_write32(*state, "regs", 0, 0x5555);
    assert_int_equal(bench_power(*state), BP_POWER_OFF);
    assert_int_equal(bench_power_code(*state), 0);
    bench_write32(*state, "regs", 0, 0x7777);
    assert_int_equal(bench_power(*state), BP_POWER_RESET);
}

static void any_other_value_is_only_kept(void **state)
{
    bench_write32(*state, "regs", 0, 0xdeadbeef);
    assert_int_equal(bench_read32(*state, "regs", 0), 0xdeadbeef);
    bench_write32(*state, "regs", 4, 0x5555);
    assert_int_equal(bench_power_count(*state), 0);
    bench_reset(*state, BP_RESET_WARM);
    assert_int_equal(bench_read32(*state, "regs", 0), 0);
}

static void the_values_can_be_chosen_and_the_device_tree_tells_them(void **state)
{
    static const char *const settings[] = {"poweroff-value=1", "reboot-value=0x2", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    bench_write32(b, "regs", 0, 2);
    assert_int_equal(bench_power(b), BP_POWER_RESET);
    assert_string_equal(bench_fdt(b), "poweroff {\n"
                                      "    compatible = \"syscon-poweroff\";\n"
                                      "    regmap = <&self>;\n"
                                      "    offset = <0>;\n"
                                      "    value = <1>;\n"
                                      "};\n"
                                      "reboot {\n"
                                      "    compatible = \"syscon-reboot\";\n"
                                      "    regmap = <&self>;\n"
                                      "    offset = <0>;\n"
                                      "    value = <2>;\n"
                                      "};\n");
    bench_destroy(b);
}

static void equal_values_are_refused_with_a_sentence(void **state)
{
    static const char *const settings[] = {"poweroff-value=7", "reboot-value=7", NULL};
    struct bench_setup setup = {.settings = settings};
    struct bench *b;

    (void)state;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_INVALID);
    assert_string_equal(bench_error(b),
                        "poweroff-value and reboot-value are the same: give two values");
    bench_destroy(b);
}

static void state_survives(void **state)
{
    bench_write32(*state, "regs", 0, 0xdeadbeef);
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
    assert_int_equal(bench_read32(*state, "regs", 0), 0xdeadbeef);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(the_two_values_power_off_and_reset),
        T(any_other_value_is_only_kept),
        T(the_values_can_be_chosen_and_the_device_tree_tells_them),
        T(equal_values_are_refused_with_a_sentence),
        T(state_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
