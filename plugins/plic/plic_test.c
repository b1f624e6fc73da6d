/* The PLIC on the bench. Offsets are the specification's memory map, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define PRIORITY(source)      ((uint64_t)(source)*4)
#define PENDING(word)         (0x1000 + (uint64_t)(word)*4)
#define ENABLE(context, word) (0x2000 + (uint64_t)(context)*0x80 + (uint64_t)(word)*4)
#define THRESHOLD(context)    (0x200000 + (uint64_t)(context)*0x1000)
#define CLAIM(context)        (0x200004 + (uint64_t)(context)*0x1000)

#define M0 0 /* contexts of two harts */
#define S0 1
#define M1 2
#define S1 3

static int make(void **state)
{
    static const struct bench_setup setup = {.cpus = 2};

    *state = bench_create_with(BENCH_CLASS, &setup);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint32_t rd(struct bench *b, uint64_t offset)
{
    return bench_read32(b, "regs", offset);
}

static void wr(struct bench *b, uint64_t offset, uint32_t value)
{
    bench_write32(b, "regs", offset, value);
}

/* Priority for a source, and enabled for one context. */
static void arm(struct bench *b, uint32_t source, uint32_t priority, uint32_t context)
{
    uint64_t enable = ENABLE(context, source / 32);

    wr(b, PRIORITY(source), priority);
    wr(b, enable, rd(b, enable) | 1u << source % 32);
}

static uint32_t sei(struct bench *b, uint32_t hart)
{
    return bench_cpu_irq(b, hart, BP_CPU_IRQ_S_EXTERNAL);
}

static uint32_t mei(struct bench *b, uint32_t hart)
{
    return bench_cpu_irq(b, hart, BP_CPU_IRQ_M_EXTERNAL);
}

static void everything_is_0_after_reset_and_nothing_interrupts(void **state)
{
    struct bench *b = *state;

    for (uint32_t source = 0; source < 1024; source++)
        assert_int_equal(rd(b, PRIORITY(source)), 0);
    for (uint32_t context = 0; context < 4; context++) {
        assert_int_equal(rd(b, THRESHOLD(context)), 0);
        assert_int_equal(rd(b, CLAIM(context)), 0);
        assert_int_equal(rd(b, ENABLE(context, 0)), 0);
    }
    assert_int_equal(sei(b, 0) | sei(b, 1) | mei(b, 0) | mei(b, 1), 0);
}

static void an_enabled_source_interrupts_is_claimed_and_completed(void **state)
{
    struct bench *b = *state;

    arm(b, 10, 1, S0);
    bench_irqchip_set(b, 10, 1);
    assert_int_equal(sei(b, 0), 1);
    assert_int_equal(rd(b, PENDING(0)), 1u << 10);
    assert_int_equal(rd(b, CLAIM(S0)), 10);
    assert_int_equal(rd(b, PENDING(0)), 0);
    assert_int_equal(sei(b, 0), 0);
    bench_irqchip_set(b, 10, 0);
    wr(b, CLAIM(S0), 10);
    assert_int_equal(sei(b, 0), 0);
    assert_int_equal(rd(b, CLAIM(S0)), 0);
}

static void each_context_drives_its_own_hart_and_mode(void **state)
{
    struct bench *b = *state;

    arm(b, 1, 1, M0);
    arm(b, 2, 1, S0);
    arm(b, 3, 1, M1);
    arm(b, 4, 1, S1);
    bench_irqchip_set(b, 1, 1);
    assert_int_equal(mei(b, 0) << 3 | sei(b, 0) << 2 | mei(b, 1) << 1 | sei(b, 1), 8);
    bench_irqchip_set(b, 2, 1);
    assert_int_equal(mei(b, 0) << 3 | sei(b, 0) << 2 | mei(b, 1) << 1 | sei(b, 1), 12);
    bench_irqchip_set(b, 3, 1);
    assert_int_equal(mei(b, 0) << 3 | sei(b, 0) << 2 | mei(b, 1) << 1 | sei(b, 1), 14);
    bench_irqchip_set(b, 4, 1);
    assert_int_equal(mei(b, 0) << 3 | sei(b, 0) << 2 | mei(b, 1) << 1 | sei(b, 1), 15);
}

static void the_highest_priority_is_claimed_first_and_of_equals_the_lowest_number(void **state)
{
    struct bench *b = *state;

    arm(b, 5, 2, S0);
    arm(b, 40, 7, S0);
    arm(b, 33, 2, S0);
    bench_irqchip_set(b, 33, 1);
    bench_irqchip_set(b, 5, 1);
    bench_irqchip_set(b, 40, 1);
    assert_int_equal(rd(b, CLAIM(S0)), 40);
    assert_int_equal(rd(b, CLAIM(S0)), 5);
    assert_int_equal(rd(b, CLAIM(S0)), 33);
    assert_int_equal(rd(b, CLAIM(S0)), 0);
}

static void the_threshold_masks_the_interrupt_but_not_the_claim(void **state)
{
    struct bench *b = *state;

    arm(b, 7, 3, S0);
    wr(b, THRESHOLD(S0), 3);
    bench_irqchip_set(b, 7, 1);
    assert_int_equal(sei(b, 0), 0);
    wr(b, THRESHOLD(S0), 2);
    assert_int_equal(sei(b, 0), 1);
    wr(b, THRESHOLD(S0), 7);
    assert_int_equal(sei(b, 0), 0);
    assert_int_equal(rd(b, CLAIM(S0)), 7);
}

static void priority_0_never_interrupts_and_is_never_claimed(void **state)
{
    struct bench *b = *state;

    arm(b, 7, 0, S0);
    bench_irqchip_set(b, 7, 1);
    assert_int_equal(sei(b, 0), 0);
    assert_int_equal(rd(b, CLAIM(S0)), 0);
    wr(b, PRIORITY(7), 1);
    assert_int_equal(sei(b, 0), 1);
}

static void a_level_that_stays_high_interrupts_again_after_completion(void **state)
{
    struct bench *b = *state;

    arm(b, 9, 1, S0);
    bench_irqchip_set(b, 9, 1);
    assert_int_equal(rd(b, CLAIM(S0)), 9);
    assert_int_equal(rd(b, CLAIM(S0)), 0); /* not while in service */
    wr(b, CLAIM(S0), 9);
    assert_int_equal(sei(b, 0), 1);
    assert_int_equal(rd(b, CLAIM(S0)), 9);
}

static void a_pulse_is_remembered_until_it_is_claimed(void **state)
{
    struct bench *b = *state;

    arm(b, 9, 1, S0);
    bench_irqchip_set(b, 9, 1);
    bench_irqchip_set(b, 9, 0);
    assert_int_equal(sei(b, 0), 1);
    assert_int_equal(rd(b, CLAIM(S0)), 9);
}

static void an_edge_that_comes_in_service_is_not_lost(void **state)
{
    struct bench *b = *state;

    arm(b, 9, 1, S0);
    bench_irqchip_set(b, 9, 1);
    bench_irqchip_set(b, 9, 0);
    assert_int_equal(rd(b, CLAIM(S0)), 9);
    bench_irqchip_set(b, 9, 1);
    bench_irqchip_set(b, 9, 0);
    assert_int_equal(sei(b, 0), 0);
    wr(b, CLAIM(S0), 9);
    assert_int_equal(sei(b, 0), 1);
    assert_int_equal(rd(b, CLAIM(S0)), 9);
    wr(b, CLAIM(S0), 9);
    assert_int_equal(sei(b, 0), 0);
}

static void a_completion_by_a_context_that_has_not_enabled_the_source_is_ignored(void **state)
{
    struct bench *b = *state;

    arm(b, 9, 1, S0);
    bench_irqchip_set(b, 9, 1);
    assert_int_equal(rd(b, CLAIM(S0)), 9);
    wr(b, CLAIM(S1), 9);
    wr(b, CLAIM(S0), 0);
    wr(b, CLAIM(S0), 128);
    wr(b, CLAIM(S0), UINT32_MAX);
    assert_int_equal(sei(b, 0), 0);
    wr(b, CLAIM(S0), 9);
    assert_int_equal(sei(b, 0), 1);
}

static void a_source_enabled_for_two_harts_is_claimed_by_one(void **state)
{
    struct bench *b = *state;

    arm(b, 9, 1, S0);
    arm(b, 9, 1, S1);
    bench_irqchip_set(b, 9, 1);
    assert_int_equal(sei(b, 0) & sei(b, 1), 1);
    assert_int_equal(rd(b, CLAIM(S1)), 9);
    assert_int_equal(sei(b, 0) | sei(b, 1), 0);
    assert_int_equal(rd(b, CLAIM(S0)), 0);
}

static void registers_keep_only_the_bits_that_exist(void **state)
{
    struct bench *b = *state;

    wr(b, PRIORITY(0), 7);
    wr(b, PRIORITY(1), UINT32_MAX);
    wr(b, PRIORITY(128), 7); /* 127 sources */
    wr(b, THRESHOLD(S0), UINT32_MAX);
    for (uint32_t word = 0; word < 32; word++)
        wr(b, ENABLE(S0, word), UINT32_MAX);
    wr(b, PENDING(0), UINT32_MAX);
    assert_int_equal(rd(b, PRIORITY(0)), 0);
    assert_int_equal(rd(b, PRIORITY(1)), 7);
    assert_int_equal(rd(b, PRIORITY(128)), 0);
    assert_int_equal(rd(b, THRESHOLD(S0)), 7);
    assert_int_equal(rd(b, ENABLE(S0, 0)), 0xfffffffe);
    assert_int_equal(rd(b, ENABLE(S0, 1)), UINT32_MAX);
    assert_int_equal(rd(b, ENABLE(S0, 3)), UINT32_MAX);
    assert_int_equal(rd(b, ENABLE(S0, 4)), 0);
    assert_int_equal(rd(b, PENDING(0)), 0);
}

static void the_last_of_1023_sources_works(void **state)
{
    static const char *const settings[] = {"sources=1023", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    arm(b, 1023, 7, S0);
    bench_irqchip_set(b, 1023, 1);
    assert_int_equal(rd(b, PENDING(31)), 1u << 31);
    assert_int_equal(rd(b, CLAIM(S0)), 1023);
    bench_irqchip_set(b, 1024, 1); /* nothing */
    bench_irqchip_set(b, 0, 1);
    bench_irqchip_set(b, UINT32_MAX, 1);
    bench_destroy(b);
}

static void the_region_holds_all_contexts(void **state)
{
    static const struct bench_setup one = {.cpus = 1}, many = {.cpus = 64};
    struct bench *a = bench_create_with(BENCH_CLASS, &one);
    struct bench *b = bench_create_with(BENCH_CLASS, &many);

    (void)state;
    assert_int_equal(bench_region_size(a, "regs"), 0x202000);
    assert_int_equal(bench_region_size(b, "regs"), 0x280000);
    arm(b, 3, 1, 127);
    bench_irqchip_set(b, 3, 1);
    assert_int_equal(sei(b, 63), 1);
    bench_destroy(a);
    bench_destroy(b);
}

static void the_device_tree_lists_the_contexts_in_order(void **state)
{
    assert_string_equal(bench_fdt(*state),
                        "interrupt-controller;\n"
                        "#interrupt-cells = <1>;\n"
                        "#address-cells = <0>;\n"
                        "riscv,ndev = <127>;\n"
                        "interrupts-extended = <&cpu0 11>, <&cpu0 9>, <&cpu1 11>, <&cpu1 9>;\n");
}

static void the_service_tells_range_and_specifier(void **state)
{
    struct bench *b = *state;
    const struct bp_irqchip_ops *ops = bench_service(b, BP_IRQCHIP_ID);
    uint32_t first, count, cells[4];

    ops->range(bench_instance(b), &first, &count);
    assert_int_equal(first, 1);
    assert_int_equal(count, 127);
    assert_int_equal(ops->specifier(bench_instance(b), 33, BP_LEVEL_HIGH, cells), 1);
    assert_int_equal(cells[0], 33);
}

static void a_reset_takes_every_interrupt_back(void **state)
{
    struct bench *b = *state;

    arm(b, 9, 1, S0);
    arm(b, 8, 1, M1);
    bench_irqchip_set(b, 9, 1);
    bench_irqchip_set(b, 8, 1);
    rd(b, CLAIM(S0));
    bench_reset(b, BP_RESET_WARM);
    everything_is_0_after_reset_and_nothing_interrupts(state);
}

static void state_survives_with_interrupts_pending_and_in_service(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    arm(b, 9, 1, S0);
    arm(b, 10, 5, S0);
    arm(b, 100, 7, M1);
    wr(b, THRESHOLD(M1), 2);
    bench_irqchip_set(b, 9, 1);
    bench_irqchip_set(b, 10, 1);
    bench_irqchip_set(b, 100, 1);
    rd(b, CLAIM(S0));
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(everything_is_0_after_reset_and_nothing_interrupts),
        T(an_enabled_source_interrupts_is_claimed_and_completed),
        T(each_context_drives_its_own_hart_and_mode),
        T(the_highest_priority_is_claimed_first_and_of_equals_the_lowest_number),
        T(the_threshold_masks_the_interrupt_but_not_the_claim),
        T(priority_0_never_interrupts_and_is_never_claimed),
        T(a_level_that_stays_high_interrupts_again_after_completion),
        T(a_pulse_is_remembered_until_it_is_claimed),
        T(an_edge_that_comes_in_service_is_not_lost),
        T(a_completion_by_a_context_that_has_not_enabled_the_source_is_ignored),
        T(a_source_enabled_for_two_harts_is_claimed_by_one),
        T(registers_keep_only_the_bits_that_exist),
        T(the_last_of_1023_sources_works),
        T(the_region_holds_all_contexts),
        T(the_device_tree_lists_the_contexts_in_order),
        T(the_service_tells_range_and_specifier),
        T(a_reset_takes_every_interrupt_back),
        T(state_survives_with_interrupts_pending_and_in_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
