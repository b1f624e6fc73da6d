/* ACLINT on the bench. Offsets are those of SiFive's CLINT, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define MSIP(hart)     ((uint64_t)(hart)*4)
#define MTIMECMP(hart) (0x4000 + (uint64_t)(hart)*8)
#define MTIME          0xbff8
#define SETSSIP(hart)  ((uint64_t)(hart)*4)

static int make(void **state)
{
    static const struct bench_setup setup = {.cpus = 2}; /* the time counts at 10 MHz */

    *state = bench_create_with(BENCH_CLASS, &setup);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint32_t mti(struct bench *b, uint32_t hart)
{
    return bench_cpu_irq(b, hart, BP_CPU_IRQ_M_TIMER);
}

static void mtime_counts_with_the_virtual_clock(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_read64(b, "regs", MTIME), 0);
    bench_advance_ns(b, 1000);
    assert_int_equal(bench_read64(b, "regs", MTIME), 10);
    bench_advance_ns(b, 1000000000);
    assert_int_equal(bench_read64(b, "regs", MTIME), 10000010);
}

static void mtime_can_be_read_and_written_by_halves(void **state)
{
    struct bench *b = *state;

    bench_write64(b, "regs", MTIME, 0x1122334455667788);
    assert_int_equal(bench_read32(b, "regs", MTIME), 0x55667788);
    assert_int_equal(bench_read32(b, "regs", MTIME + 4), 0x11223344);
    bench_write32(b, "regs", MTIME + 4, 0xaabbccdd);
    assert_true(bench_read64(b, "regs", MTIME) == 0xaabbccdd55667788);
    bench_write32(b, "regs", MTIME, 5);
    assert_true(bench_read64(b, "regs", MTIME) == 0xaabbccdd00000005);
    assert_true(bench_cpu_ticks(b) == 0xaabbccdd00000005);
}

static void the_timer_interrupts_exactly_when_the_time_is_reached(void **state)
{
    struct bench *b = *state;

    bench_write64(b, "regs", MTIMECMP(0), 100); /* 10 us */
    bench_advance_ns(b, 9999);
    assert_int_equal(mti(b, 0), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(mti(b, 0), 1);
    assert_int_equal(mti(b, 1), 0);
    bench_write64(b, "regs", MTIMECMP(0), 200);
    assert_int_equal(mti(b, 0), 0);
}

static void each_hart_has_its_own_comparator(void **state)
{
    struct bench *b = *state;

    bench_write64(b, "regs", MTIMECMP(1), 50);
    bench_write64(b, "regs", MTIMECMP(0), 100);
    bench_advance_ns(b, 5000);
    assert_int_equal(mti(b, 0) << 1 | mti(b, 1), 1);
    bench_advance_ns(b, 5000);
    assert_int_equal(mti(b, 0) << 1 | mti(b, 1), 3);
    assert_int_equal(bench_cpu_irq_raises(b, 1, BP_CPU_IRQ_M_TIMER), 1);
}

static void a_comparator_in_the_past_interrupts_at_once(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, 1000000);
    bench_write64(b, "regs", MTIMECMP(0), 1);
    assert_int_equal(mti(b, 0), 1);
}

static void comparators_can_be_written_by_halves_without_a_false_interrupt(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, 1000);
    /* As the privileged specification does it: high half all-ones, low half, high half. */
    bench_write32(b, "regs", MTIMECMP(0) + 4, UINT32_MAX);
    bench_write32(b, "regs", MTIMECMP(0), 20);
    assert_int_equal(bench_cpu_irq_raises(b, 0, BP_CPU_IRQ_M_TIMER), 0);
    bench_write32(b, "regs", MTIMECMP(0) + 4, 0);
    assert_int_equal(bench_read64(b, "regs", MTIMECMP(0)), 20);
    bench_advance_ns(b, 1000);
    assert_int_equal(mti(b, 0), 1);
}

static void a_comparator_that_is_never_reached_arms_no_timer(void **state)
{
    struct bench *b = *state;

    assert_true(bench_read64(b, "regs", MTIMECMP(0)) == UINT64_MAX);
    assert_int_equal(bench_timers_armed(b), 0);
    bench_write64(b, "regs", MTIMECMP(0), 100);
    assert_int_equal(bench_timers_armed(b), 1);
    bench_write64(b, "regs", MTIMECMP(0), UINT64_MAX);
    assert_int_equal(bench_timers_armed(b), 0);
}

static void setting_the_time_moves_the_alarm(void **state)
{
    struct bench *b = *state;

    bench_write64(b, "regs", MTIMECMP(0), 1000000);
    bench_write64(b, "regs", MTIME, 999990);
    bench_advance_ns(b, 999);
    assert_int_equal(mti(b, 0), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(mti(b, 0), 1);
    bench_write64(b, "regs", MTIME, 0);
    assert_int_equal(mti(b, 0), 0);
}

static void msip_drives_the_software_interrupt_by_its_lowest_bit(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", MSIP(1), UINT32_MAX);
    assert_int_equal(bench_read32(b, "regs", MSIP(1)), 1);
    assert_int_equal(bench_cpu_irq(b, 0, BP_CPU_IRQ_M_SOFT), 0);
    assert_int_equal(bench_cpu_irq(b, 1, BP_CPU_IRQ_M_SOFT), 1);
    bench_write32(b, "regs", MSIP(1), 0xfffffffe);
    assert_int_equal(bench_cpu_irq(b, 1, BP_CPU_IRQ_M_SOFT), 0);
}

static void a_64_bit_access_covers_two_msip(void **state)
{
    struct bench *b = *state;

    bench_write64(b, "regs", MSIP(0), 0x0000000100000001);
    assert_int_equal(bench_cpu_irq(b, 0, BP_CPU_IRQ_M_SOFT), 1);
    assert_int_equal(bench_cpu_irq(b, 1, BP_CPU_IRQ_M_SOFT), 1);
    assert_true(bench_read64(b, "regs", MSIP(0)) == 0x0000000100000001);
}

static void setssip_gives_an_edge_and_reads_0(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "sswi", SETSSIP(1), 1);
    assert_int_equal(bench_cpu_irq_raises(b, 0, BP_CPU_IRQ_S_SOFT), 0);
    assert_int_equal(bench_cpu_irq_raises(b, 1, BP_CPU_IRQ_S_SOFT), 1);
    assert_int_equal(bench_cpu_irq(b, 1, BP_CPU_IRQ_S_SOFT), 0);
    assert_int_equal(bench_read32(b, "sswi", SETSSIP(1)), 0);
    bench_write32(b, "sswi", SETSSIP(1), 2);
    assert_int_equal(bench_cpu_irq_raises(b, 1, BP_CPU_IRQ_S_SOFT), 1);
}

static void harts_that_do_not_exist_read_0_and_take_nothing(void **state)
{
    struct bench *b = *state;

    for (uint64_t offset = MSIP(2); offset < 0x10000; offset += 8) {
        if (offset >= MTIMECMP(0) && offset < MTIMECMP(2))
            continue;
        if (offset == MTIME)
            continue;
        bench_write64(b, "regs", offset, UINT64_MAX);
        assert_int_equal(bench_read64(b, "regs", offset), 0);
    }
    for (uint64_t offset = SETSSIP(2); offset < 0x4000; offset += 4)
        bench_write32(b, "sswi", offset, 1);
    assert_int_equal(bench_cpu_irq_raises(b, 0, BP_CPU_IRQ_S_SOFT), 0);
}

static void the_device_tree_lists_software_and_timer_of_each_hart(void **state)
{
    assert_string_equal(bench_fdt(*state),
                        "interrupts-extended = <&cpu0 3>, <&cpu0 7>, <&cpu1 3>, <&cpu1 7>;\n");
}

static void a_reset_silences_everything(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", MSIP(0), 1);
    bench_write64(b, "regs", MTIMECMP(1), 0);
    assert_int_equal(mti(b, 1), 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(mti(b, 1), 0);
    assert_int_equal(bench_cpu_irq(b, 0, BP_CPU_IRQ_M_SOFT), 0);
    assert_int_equal(bench_timers_armed(b), 0);
}

static void state_survives_with_a_timer_armed_and_one_expired(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, 12345);
    bench_write64(b, "regs", MTIMECMP(0), 1000);
    bench_write64(b, "regs", MTIMECMP(1), 10);
    bench_write32(b, "regs", MSIP(1), 1);
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
        T(mtime_counts_with_the_virtual_clock),
        T(mtime_can_be_read_and_written_by_halves),
        T(the_timer_interrupts_exactly_when_the_time_is_reached),
        T(each_hart_has_its_own_comparator),
        T(a_comparator_in_the_past_interrupts_at_once),
        T(comparators_can_be_written_by_halves_without_a_false_interrupt),
        T(a_comparator_that_is_never_reached_arms_no_timer),
        T(setting_the_time_moves_the_alarm),
        T(msip_drives_the_software_interrupt_by_its_lowest_bit),
        T(a_64_bit_access_covers_two_msip),
        T(setssip_gives_an_edge_and_reads_0),
        T(harts_that_do_not_exist_read_0_and_take_nothing),
        T(the_device_tree_lists_software_and_timer_of_each_hart),
        T(a_reset_silences_everything),
        T(state_survives_with_a_timer_armed_and_one_expired),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
