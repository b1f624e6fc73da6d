/*
 * The fixed ACPI hardware on the bench. Bits are those of ACPI 6.5, 4.8.3, typed again; offsets are
 * those that the tables give to the guest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <backplane/if/power_button.h>

#define PM1_STS   0x0
#define PM1_EN    0x2
#define PM1_CNT   0x4
#define PM_TMR    0x8
#define RESET_REG 0xc

#define TMR    0x0001
#define GBL    0x0020
#define PWRBTN 0x0100
#define SLPBTN 0x0200
#define RTC    0x0400

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

static uint16_t rd(struct bench *b, uint64_t offset)
{
    return bench_read16(b, "ports", offset);
}

static void wr(struct bench *b, uint64_t offset, uint16_t value)
{
    bench_write16(b, "ports", offset, value);
}

static uint32_t timer(struct bench *b)
{
    return bench_read32(b, "ports", PM_TMR);
}

static void press(struct bench *b)
{
    const struct bp_power_button_ops *button = bench_service(b, BP_POWER_BUTTON_ID);

    button->press(bench_instance(b));
}

static void the_machine_is_in_acpi_mode_from_the_start(void **state)
{
    struct bench *b = *state;

    assert_int_equal(rd(b, PM1_CNT), 0x0001);
    wr(b, PM1_CNT, 0x0000); /* SCI_EN is not the driver's to clear */
    assert_int_equal(rd(b, PM1_CNT), 0x0001);
    assert_int_equal(rd(b, PM1_STS), 0);
    assert_int_equal(rd(b, PM1_EN), 0);
    assert_int_equal(bench_line(b, "sci"), 0);
}

static void the_timer_counts_3579545_a_second_and_never_drifts(void **state)
{
    struct bench *b = *state;

    assert_int_equal(timer(b), 0);
    bench_advance_ns(b, 279);
    assert_int_equal(timer(b), 0);
    bench_advance_ns(b, 1); /* a tick is 279.365 ns */
    assert_int_equal(timer(b), 1);
    bench_advance_ns(b, SECOND - 280);
    assert_int_equal(timer(b), 3579545);
    bench_advance_ns(b, 86400 * SECOND - SECOND);
    assert_true(timer(b) == (uint32_t)(UINT64_C(3579545) * 86400)); /* it wraps every 20 minutes */
    bench_advance_ns(b, 36500u * 86400 * SECOND);
    assert_true(timer(b) == (uint32_t)(UINT64_C(3579545) * 86400 * 36501)); /* a hundred years */
}

static void the_timer_can_be_read_in_parts_but_not_written(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, 300 * SECOND); /* 0x4001db4c */
    assert_int_equal(timer(b), 1073863500);
    assert_int_equal(rd(b, PM_TMR + 2), 1073863500 >> 16);
    assert_int_equal(bench_read8(b, "ports", PM_TMR + 3), 1073863500 >> 24);
    bench_write32(b, "ports", PM_TMR, 0);
    assert_int_equal(timer(b), 1073863500);
}

/* 2^31 ticks: 599.932 s. */
#define HALF_NS UINT64_C(599932015941)

static void a_change_of_the_timers_highest_bit_sets_its_status(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, HALF_NS - 1);
    assert_int_equal(timer(b), 0x7fffffff);
    assert_int_equal(rd(b, PM1_STS), 0);
    bench_advance_ns(b, 1);
    assert_int_equal(timer(b), 0x80000000);
    assert_int_equal(rd(b, PM1_STS), TMR);
    wr(b, PM1_STS, TMR);
    assert_int_equal(rd(b, PM1_STS), 0);
    bench_advance_ns(b, HALF_NS);
    assert_int_equal(timer(b), 0); /* down counts as well as up */
    assert_int_equal(rd(b, PM1_STS), TMR);
}

static void the_timer_interrupts_only_when_enabled_and_then_by_itself(void **state)
{
    struct bench *b = *state;

    bench_advance_ns(b, HALF_NS);
    assert_int_equal(bench_line(b, "sci"), 0);
    assert_int_equal(bench_timers_armed(b), 0);
    wr(b, PM1_EN, TMR); /* it has come already */
    assert_int_equal(bench_line(b, "sci"), 1);
    wr(b, PM1_STS, TMR);
    assert_int_equal(bench_line(b, "sci"), 0);
    assert_int_equal(bench_timers_armed(b), 1);
    bench_advance_ns(b, HALF_NS);
    assert_int_equal(bench_line(b, "sci"), 1);
    assert_int_equal(bench_line_raises(b, "sci"), 2);
}

static void the_button_sets_its_status_and_interrupts_when_enabled(void **state)
{
    struct bench *b = *state;

    wr(b, PM1_EN, PWRBTN);
    assert_int_equal(rd(b, PM1_EN), PWRBTN);
    press(b);
    assert_int_equal(rd(b, PM1_STS), PWRBTN);
    assert_int_equal(bench_line(b, "sci"), 1);
    wr(b, PM1_STS, TMR); /* another bit clears nothing */
    assert_int_equal(bench_line(b, "sci"), 1);
    wr(b, PM1_STS, PWRBTN);
    assert_int_equal(rd(b, PM1_STS), 0);
    assert_int_equal(bench_line(b, "sci"), 0);
}

static void a_guest_that_does_not_listen_to_the_button_sees_only_its_status(void **state)
{
    struct bench *b = *state;

    press(b);
    assert_int_equal(rd(b, PM1_STS), PWRBTN);
    assert_int_equal(bench_line(b, "sci"), 0);
    assert_int_equal(bench_power_count(b), 0);
    wr(b, PM1_EN, PWRBTN);
    assert_int_equal(bench_line(b, "sci"), 1);
}

static void events_that_are_not_there_keep_their_enable_bit_but_never_come(void **state)
{
    struct bench *b = *state;

    wr(b, PM1_EN, 0xffff);
    assert_int_equal(rd(b, PM1_EN), TMR | GBL | PWRBTN | RTC); /* no sleep button, no PCI wake */
    bench_advance_ns(b, HALF_NS - 1);
    assert_int_equal(rd(b, PM1_STS), 0);
}

static void s5_powers_off(void **state)
{
    struct bench *b = *state;

    wr(b, PM1_CNT, 5 << 10); /* SLP_TYP alone does nothing */
    assert_int_equal(rd(b, PM1_CNT), 5 << 10 | 1);
    assert_int_equal(bench_power_count(b), 0);
    wr(b, PM1_CNT, 5 << 10 | 1 << 13);
    assert_int_equal(bench_power(b), BP_POWER_OFF);
    assert_int_equal(bench_power_code(b), 0);
    assert_int_equal(rd(b, PM1_CNT), 5 << 10 | 1); /* SLP_EN reads as 0 */
}

static void another_sleep_state_is_only_logged(void **state)
{
    struct bench *b = *state;

    for (uint16_t typ = 0; typ < 8; typ++)
        if (typ != 5)
            wr(b, PM1_CNT, (uint16_t)(typ << 10 | 1 << 13));
    assert_int_equal(bench_power_count(b), 0);
    assert_true(bench_log_contains(b, "SLP_TYP 3"));
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 7);
}

static void the_upper_byte_of_the_control_register_is_enough_to_sleep(void **state)
{
    bench_write8(*state, "ports", PM1_CNT + 1, 5 << 2 | 1 << 5);
    assert_int_equal(bench_power(*state), BP_POWER_OFF);
}

static void the_reset_register_resets_with_its_value_only(void **state)
{
    struct bench *b = *state;

    bench_write8(b, "ports", RESET_REG, 0x01);
    bench_write8(b, "ports", RESET_REG + 1, 0x06);
    assert_int_equal(bench_power_count(b), 0);
    assert_true(bench_log_contains(b, "0x1 written to the reset register"));
    bench_write8(b, "ports", RESET_REG, 0x06);
    assert_int_equal(bench_power(b), BP_POWER_RESET);
    assert_int_equal(bench_read8(b, "ports", RESET_REG), 0);
}

static void status_and_enable_can_be_accessed_as_one_register_or_by_bytes(void **state)
{
    struct bench *b = *state;

    press(b);
    bench_write32(b, "ports", PM1_STS, (uint32_t)PWRBTN << 16);
    assert_int_equal(bench_read32(b, "ports", PM1_STS), (uint32_t)PWRBTN << 16 | PWRBTN);
    assert_int_equal(bench_read8(b, "ports", PM1_STS + 1), 0x01);
    bench_write8(b, "ports", PM1_EN + 1, 0x00);
    assert_int_equal(bench_line(b, "sci"), 0);
    bench_write8(b, "ports", PM1_STS + 1, 0x01);
    assert_int_equal(bench_read32(b, "ports", PM1_STS), 0);
    assert_int_equal(bench_refused(b), 0);
}

static void reserved_ports_read_0(void **state)
{
    static const uint64_t reserved[] = {0x6, 0x7, 0xd, 0xe, 0xf};

    for (size_t i = 0; i < 5; i++) {
        bench_write8(*state, "ports", reserved[i], 0xff);
        assert_int_equal(bench_read8(*state, "ports", reserved[i]), 0);
    }
    assert_int_equal(bench_power_count(*state), 0);
}

static void the_tables_get_all_its_registers(void **state)
{
    assert_string_equal(bench_acpi(*state), "Fixed (PM1a event, ports, 0, 4)\n"
                                            "Fixed (PM1a control, ports, 4, 2)\n"
                                            "Fixed (PM timer, ports, 8, 4)\n"
                                            "Features (power button, 32-bit timer)\n"
                                            "SCI (sci)\n"
                                            "Reset (ports, 12, 6)\n"
                                            "Sleep (S5, 5)\n");
}

static void a_reset_forgets_the_button_and_what_was_enabled(void **state)
{
    struct bench *b = *state;

    wr(b, PM1_EN, PWRBTN | TMR);
    wr(b, PM1_CNT, 5 << 10);
    bench_advance_ns(b, HALF_NS);
    press(b);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_read32(b, "ports", PM1_STS), 0);
    assert_int_equal(rd(b, PM1_CNT), 1);
}

static void state_survives_with_events_waiting_and_come(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, PM1_EN, PWRBTN | TMR);
    wr(b, PM1_CNT, 3 << 10 | 2);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    press(b);
    bench_advance_ns(b, HALF_NS);
    assert_int_equal(bench_line(b, "sci"), 1);
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
        T(the_machine_is_in_acpi_mode_from_the_start),
        T(the_timer_counts_3579545_a_second_and_never_drifts),
        T(the_timer_can_be_read_in_parts_but_not_written),
        T(a_change_of_the_timers_highest_bit_sets_its_status),
        T(the_timer_interrupts_only_when_enabled_and_then_by_itself),
        T(the_button_sets_its_status_and_interrupts_when_enabled),
        T(a_guest_that_does_not_listen_to_the_button_sees_only_its_status),
        T(events_that_are_not_there_keep_their_enable_bit_but_never_come),
        T(s5_powers_off),
        T(another_sleep_state_is_only_logged),
        T(the_upper_byte_of_the_control_register_is_enough_to_sleep),
        T(the_reset_register_resets_with_its_value_only),
        T(status_and_enable_can_be_accessed_as_one_register_or_by_bytes),
        T(reserved_ports_read_0),
        T(the_tables_get_all_its_registers),
        T(a_reset_forgets_the_button_and_what_was_enabled),
        T(state_survives_with_events_waiting_and_come),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
