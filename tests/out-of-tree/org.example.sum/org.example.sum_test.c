/* The summing device on the bench. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define ADDR_LOW  0x00
#define ADDR_HIGH 0x04
#define SIZE      0x08
#define COMMAND   0x0c
#define RESULT    0x10
#define STATUS    0x14

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

static void start(struct bench *b, uint64_t gpa, uint32_t size)
{
    bench_write32(b, "regs", ADDR_LOW, (uint32_t)gpa);
    bench_write32(b, "regs", ADDR_HIGH, (uint32_t)(gpa >> 32));
    bench_write32(b, "regs", SIZE, size);
    bench_write32(b, "regs", COMMAND, 1);
}

static void the_sum_is_there_when_status_says_so(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[1000];

    for (int i = 0; i < 1000; i++)
        bytes[i] = (uint8_t)(i % 10);
    bench_ram_write(b, BENCH_RAM_BASE + 3, bytes, sizeof(bytes));
    start(b, BENCH_RAM_BASE + 3, 1000);
    assert_int_equal(bench_read32(b, "regs", STATUS), 0);
    bench_settle(b);
    assert_int_equal(bench_read32(b, "regs", STATUS), 1);
    assert_int_equal(bench_read32(b, "regs", RESULT), 4500);
    assert_int_equal(bench_line(b, "done"), 1);
    bench_write32(b, "regs", STATUS, 1);
    assert_int_equal(bench_line(b, "done"), 0);
}

static void what_is_not_ram_or_too_much_is_an_error(void **state)
{
    static const struct {
        uint64_t gpa;
        uint32_t size;
    } cases[] = {{0, 1},
                 {BENCH_RAM_BASE + (1 << 20) - 1, 2},
                 {UINT64_MAX, 1},
                 {UINT64_MAX - 600, 700},
                 {BENCH_RAM_BASE, 65537},
                 {BENCH_RAM_BASE, UINT32_MAX}};
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(b, cases[i].gpa, cases[i].size);
        bench_settle(b);
        assert_int_equal(bench_read32(b, "regs", STATUS), 2);
        bench_write32(b, "regs", STATUS, 2);
    }
    assert_true(bench_log_contains(b, "bytes at 0xffffffffffffffff cannot be added up"));
}

static void a_reset_forgets_a_command_that_has_begun(void **state)
{
    struct bench *b = *state;

    start(b, BENCH_RAM_BASE, 16);
    bench_reset(b, BP_RESET_WARM);
    bench_settle(b);
    assert_int_equal(bench_read32(b, "regs", STATUS), 0);
    assert_int_equal(bench_line(b, "done"), 0);
}

static void state_survives_also_with_a_command_on_its_way(void **state)
{
    struct bench *b = *state;

    start(b, BENCH_RAM_BASE, 16);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    assert_int_equal(bench_read32(b, "regs", STATUS), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(the_sum_is_there_when_status_says_so),
        T(what_is_not_ram_or_too_much_is_an_error),
        T(a_reset_forgets_a_command_that_has_begun),
        T(state_survives_also_with_a_command_on_its_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
