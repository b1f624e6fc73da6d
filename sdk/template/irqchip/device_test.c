/* @ID@ on the bench: the test is the other devices and the guest. Offsets are typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define LEVEL   0x00
#define PENDING 0x04
#define ENABLE  0x08

static const struct bench_setup two_cpus = {.cpus = 2};

static int make(void **state)
{
    *state = bench_create_with(BENCH_CLASS, &two_cpus);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint32_t is_interrupted(struct bench *b)
{
    uint32_t first = bench_cpu_irq(b, 0, BP_CPU_IRQ_S_EXTERNAL);

    assert_int_equal(bench_cpu_irq(b, 1, BP_CPU_IRQ_S_EXTERNAL), first);
    return first;
}

static void a_pin_interrupts_the_processors_only_when_it_is_enabled(void **state)
{
    struct bench *b = *state;

    bench_irqchip_set(b, 3, 1);
    assert_int_equal(bench_read32(b, "regs", LEVEL), 1u << 3);
    assert_int_equal(bench_read32(b, "regs", PENDING), 1u << 3);
    assert_int_equal(is_interrupted(b), 0);
    bench_write32(b, "regs", ENABLE, 1u << 3);
    assert_int_equal(is_interrupted(b), 1);
    bench_write32(b, "regs", ENABLE, 0);
    assert_int_equal(is_interrupted(b), 0);
}

static void a_short_pulse_is_remembered_until_it_is_cleared(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", ENABLE, 1u << 31);
    bench_irqchip_set(b, 31, 1);
    bench_irqchip_set(b, 31, 0);
    assert_int_equal(is_interrupted(b), 1);
    bench_write32(b, "regs", PENDING, 1u << 31);
    assert_int_equal(is_interrupted(b), 0);
}

static void a_pin_that_is_still_up_comes_back(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", ENABLE, 2);
    bench_irqchip_set(b, 1, 1);
    bench_write32(b, "regs", PENDING, 2);
    assert_int_equal(is_interrupted(b), 1);
    bench_irqchip_set(b, 1, 0);
    bench_write32(b, "regs", PENDING, 2);
    assert_int_equal(is_interrupted(b), 0);
}

static void pins_that_are_not_there_do_nothing(void **state)
{
    static const char *const settings[] = {"pins=4", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    bench_irqchip_set(b, 0, 1);
    bench_irqchip_set(b, 5, 1);
    bench_irqchip_set(b, UINT32_MAX, 1);
    bench_write32(b, "regs", ENABLE, UINT32_MAX);
    assert_int_equal(bench_read32(b, "regs", LEVEL), 0);
    assert_int_equal(bench_read32(b, "regs", ENABLE), 0x1e);
    bench_destroy(b);
}

static void the_machine_mode_can_be_interrupted_instead(void **state)
{
    static const char *const settings[] = {"mode=machine", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    bench_write32(b, "regs", ENABLE, 2);
    bench_irqchip_set(b, 1, 1);
    assert_int_equal(bench_cpu_irq(b, 0, BP_CPU_IRQ_M_EXTERNAL), 1);
    assert_int_equal(bench_cpu_irq(b, 0, BP_CPU_IRQ_S_EXTERNAL), 0);
    bench_destroy(b);
}

static void a_reset_lowers_the_processors_inputs(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", ENABLE, 2);
    bench_irqchip_set(b, 1, 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(is_interrupted(b), 0);
}

static void the_device_tree_names_the_processors_inputs(void **state)
{
    assert_string_equal(bench_fdt(*state), "interrupt-controller;\n"
                                           "#interrupt-cells = <1>;\n"
                                           "#address-cells = <0>;\n"
                                           "interrupts-extended = <&cpu0 9>, <&cpu1 9>;\n");
}

static void state_survives_with_an_interrupt_pending(void **state)
{
    struct bench *b = *state;

    bench_write32(b, "regs", ENABLE, 2);
    bench_irqchip_set(b, 1, 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

static void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 0);
}

static void nothing_that_a_guest_does_upsets_it(void **state)
{
    struct bench_action a;
    uint64_t seed = 1;

    for (int i = 0; i < 2000; i++) {
        bench_action_random(*state, &seed, &a);
        bench_action_play(*state, &a);
    }
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(a_pin_interrupts_the_processors_only_when_it_is_enabled),
        T(a_short_pulse_is_remembered_until_it_is_cleared),
        T(a_pin_that_is_still_up_comes_back),
        T(pins_that_are_not_there_do_nothing),
        T(the_machine_mode_can_be_interrupted_instead),
        T(a_reset_lowers_the_processors_inputs),
        T(the_device_tree_names_the_processors_inputs),
        T(state_survives_with_an_interrupt_pending),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
        T(nothing_that_a_guest_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
