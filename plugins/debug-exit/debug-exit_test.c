/* The exit port on the bench. */
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

struct written {
    uint32_t value;
    uint32_t code;
};

static void check_codes(struct bench *b, const struct written *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bench_write32(b, "ports", 0, cases[i].value);
        assert_int_equal(bench_power(b), BP_POWER_OFF);
        assert_int_equal(bench_power_code(b), cases[i].code);
        assert_int_equal(bench_power_count(b), i + 1);
    }
}

static void the_value_becomes_the_exit_status(void **state)
{
    static const struct written cases[] = {{0, 0}, {1, 1}, {42, 42}, {255, 255}, {0x12a, 42}};

    check_codes(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void a_value_beyond_8_bits_never_looks_like_success(void **state)
{
    static const struct written cases[] = {{0x100, 1}, {0xffffff00, 1}};

    check_codes(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void as_qemu_does_it_the_status_is_odd(void **state)
{
    static const char *const settings[] = {"code=qemu", NULL};
    static const struct written cases[] = {{0, 1}, {1, 3}, {0x10, 33}, {0x7f, 255}, {0x80, 1}};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    check_codes(b, cases, sizeof(cases) / sizeof(cases[0]));
    bench_destroy(b);
}

static void every_width_of_a_port_will_do(void **state)
{
    struct bench *b = *state;

    bench_write8(b, "ports", 0, 7);
    assert_int_equal(bench_power_code(b), 7);
    bench_write16(b, "ports", 0, 8);
    assert_int_equal(bench_power_code(b), 8);
    assert_int_equal(bench_refused(b), 0);
}

static void the_other_ports_do_nothing_but_a_line_in_the_log(void **state)
{
    struct bench *b = *state;

    for (uint64_t offset = 1; offset < 4; offset++)
        bench_write8(b, "ports", offset, 0x55);
    bench_write16(b, "ports", 2, 0x55);
    assert_int_equal(bench_power_count(b), 0);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 4);
    assert_true(bench_log_contains(b, "0x55 written to port 2"));
}

static void it_reads_as_0(void **state)
{
    assert_int_equal(bench_read32(*state, "ports", 0), 0);
    assert_int_equal(bench_read8(*state, "ports", 3), 0);
}

static void it_has_no_state_and_survives_a_round_trip(void **state)
{
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(the_value_becomes_the_exit_status),
        T(a_value_beyond_8_bits_never_looks_like_success),
        T(as_qemu_does_it_the_status_is_odd),
        T(every_width_of_a_port_will_do),
        T(the_other_ports_do_nothing_but_a_line_in_the_log),
        T(it_reads_as_0),
        T(it_has_no_state_and_survives_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
