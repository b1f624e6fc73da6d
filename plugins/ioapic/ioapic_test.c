/* The I/O APIC on the bench. Offsets and bits are the 82093AA datasheet's, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define LOW(pin)  (0x10u + 2 * (pin))
#define HIGH(pin) (0x11u + 2 * (pin))

#define IRR     0x4000u
#define LEVEL   0x8000u
#define MASK    0x10000u
#define LOGICAL 0x800u

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

static uint32_t rd(struct bench *b, uint32_t index)
{
    bench_write32(b, "regs", 0x00, index);
    return bench_read32(b, "regs", 0x10);
}

static void wr(struct bench *b, uint32_t index, uint32_t value)
{
    bench_write32(b, "regs", 0x00, index);
    bench_write32(b, "regs", 0x10, value);
}

static void expect_message(struct bench *b, uint32_t n, uint64_t address, uint32_t data)
{
    assert_int_equal(bench_apic_sent(b), n);
    assert_int_equal(bench_apic_message(b, n - 1).address, address);
    assert_int_equal(bench_apic_message(b, n - 1).data, data);
}

static void expect_route(struct bench *b, uint32_t pin, uint64_t address, uint32_t data,
                         uint32_t flags)
{
    struct bench_message route = bench_apic_route(b, pin);

    assert_int_equal(route.address, address);
    assert_int_equal(route.data, data);
    assert_int_equal(route.flags, flags);
}

static void after_reset_all_pins_are_masked_and_everything_else_is_0(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_read32(b, "regs", 0x00), 0);
    assert_int_equal(rd(b, 0), 0);
    assert_int_equal(rd(b, 2), 0);
    for (uint32_t pin = 0; pin < 24; pin++) {
        assert_int_equal(rd(b, LOW(pin)), MASK);
        assert_int_equal(rd(b, HIGH(pin)), 0);
        expect_route(b, pin, 0xfee00000, 0, BP_APIC_MASKED);
    }
    assert_int_equal(bench_apic_sent(b), 0);
}

static void the_version_register_tells_version_and_last_pin(void **state)
{
    static const char *const settings[] = {"pins=120", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    assert_int_equal(rd(*state, 1), 23u << 16 | 0x20);
    assert_int_equal(rd(b, 1), 119u << 16 | 0x20);
    wr(b, 1, UINT32_MAX);
    assert_int_equal(rd(b, 1), 119u << 16 | 0x20);
    bench_destroy(b);
}

static void the_id_has_4_bits_and_the_arbitration_id_follows_it(void **state)
{
    struct bench *b = *state;

    wr(b, 0, UINT32_MAX);
    assert_int_equal(rd(b, 0), 0x0f000000);
    assert_int_equal(rd(b, 2), 0x0f000000);
    wr(b, 2, 0);
    assert_int_equal(rd(b, 2), 0x0f000000);
}

static void an_entry_keeps_only_the_bits_that_a_guest_may_write(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(3), UINT32_MAX);
    wr(b, HIGH(3), UINT32_MAX);
    assert_int_equal(rd(b, LOW(3)), 0x1afff); /* not delivery status, not remote IRR */
    assert_int_equal(rd(b, HIGH(3)), 0xff000000);
}

static void registers_that_do_not_exist_read_0_and_take_nothing(void **state)
{
    struct bench *b = *state;

    for (uint32_t index = 3; index < 0x10; index++) {
        wr(b, index, UINT32_MAX);
        assert_int_equal(rd(b, index), 0);
    }
    for (uint32_t index = 0x40; index < 0x100; index++) {
        wr(b, index, UINT32_MAX);
        assert_int_equal(rd(b, index), 0);
    }
    bench_write32(b, "regs", 0x20, UINT32_MAX);
    assert_int_equal(bench_read32(b, "regs", 0x20), 0);
    assert_int_equal(bench_read32(b, "regs", 0x40), 0);
    bench_write32(b, "regs", 0x00, 0x12345678); /* 8 bits of index */
    assert_int_equal(bench_read32(b, "regs", 0x00), 0x78);
}

static void an_edge_sends_vector_mode_and_destination_once(void **state)
{
    struct bench *b = *state;

    wr(b, HIGH(4), 0x03000000);
    wr(b, LOW(4), 0x31);
    bench_irqchip_set(b, 4, 1);
    expect_message(b, 1, 0xfee03000, 0x31);
    bench_irqchip_set(b, 4, 1);
    bench_irqchip_set(b, 4, 0);
    assert_int_equal(bench_apic_sent(b), 1);
    assert_int_equal(rd(b, LOW(4)), 0x31);
    bench_irqchip_set(b, 4, 1);
    expect_message(b, 2, 0xfee03000, 0x31);
}

static void logical_destination_and_lowest_priority_are_in_the_message(void **state)
{
    struct bench *b = *state;

    wr(b, HIGH(5), 0xff000000);
    wr(b, LOW(5), LOGICAL | 1u << 8 | 0x40);
    bench_irqchip_set(b, 5, 1);
    expect_message(b, 1, 0xfeeff00c, 0x140);
}

static void an_edge_on_a_masked_pin_is_lost(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(4), MASK | 0x31);
    bench_irqchip_set(b, 4, 1);
    wr(b, LOW(4), 0x31);
    assert_int_equal(bench_apic_sent(b), 0);
    bench_irqchip_set(b, 4, 0);
    bench_irqchip_set(b, 4, 1);
    assert_int_equal(bench_apic_sent(b), 1);
}

static void a_level_sends_once_and_again_after_its_end_while_it_stays_active(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    expect_message(b, 1, 0xfee00000, 0xc052);
    assert_int_equal(rd(b, LOW(9)), IRR | LEVEL | 0x52);
    bench_irqchip_set(b, 9, 0);
    bench_irqchip_set(b, 9, 1);
    assert_int_equal(bench_apic_sent(b), 1);
    bench_apic_eoi(b, 0x52);
    assert_int_equal(bench_apic_sent(b), 2);
    bench_irqchip_set(b, 9, 0);
    assert_int_equal(rd(b, LOW(9)), IRR | LEVEL | 0x52);
    bench_apic_eoi(b, 0x52);
    assert_int_equal(bench_apic_sent(b), 2);
    assert_int_equal(rd(b, LOW(9)), LEVEL | 0x52);
}

static void the_end_of_another_vector_changes_nothing(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    bench_apic_eoi(b, 0x53);
    bench_apic_eoi(b, UINT32_MAX);
    assert_int_equal(rd(b, LOW(9)), IRR | LEVEL | 0x52);
    assert_int_equal(bench_apic_sent(b), 1);
}

static void the_eoi_register_ends_an_interrupt_too(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    bench_write32(b, "regs", 0x40, 0x52);
    assert_int_equal(bench_apic_sent(b), 2);
    bench_irqchip_set(b, 9, 0);
    bench_write32(b, "regs", 0x40, 0x52);
    assert_int_equal(rd(b, LOW(9)), LEVEL | 0x52);
}

static void pins_that_share_a_vector_end_together(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), LEVEL | 0x52);
    wr(b, LOW(10), LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    bench_irqchip_set(b, 10, 1);
    bench_irqchip_set(b, 9, 0);
    bench_apic_eoi(b, 0x52);
    assert_int_equal(rd(b, LOW(9)), LEVEL | 0x52);
    assert_int_equal(rd(b, LOW(10)), IRR | LEVEL | 0x52);
    assert_int_equal(bench_apic_sent(b), 3);
}

static void a_level_on_a_masked_pin_is_sent_when_the_mask_goes(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), MASK | LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    assert_int_equal(bench_apic_sent(b), 0);
    wr(b, LOW(9), LEVEL | 0x52);
    assert_int_equal(bench_apic_sent(b), 1);
    bench_irqchip_set(b, 11, 1);
    bench_irqchip_set(b, 11, 0);
    wr(b, LOW(11), LEVEL | 0x53); /* gone meanwhile */
    assert_int_equal(bench_apic_sent(b), 1);
}

static void a_pin_masked_in_service_is_watched_until_its_end(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    wr(b, LOW(9), MASK | LEVEL | 0x52);
    assert_int_equal(rd(b, LOW(9)), MASK | IRR | LEVEL | 0x52);
    expect_route(b, 9, 0xfee00000, 0xc052, BP_APIC_LEVEL);
    bench_apic_eoi(b, 0x52);
    assert_int_equal(bench_apic_sent(b), 1);
    expect_route(b, 9, 0xfee00000, 0xc052, BP_APIC_LEVEL | BP_APIC_MASKED);
    wr(b, LOW(9), LEVEL | 0x52);
    assert_int_equal(bench_apic_sent(b), 2);
}

static void a_change_to_edge_and_back_ends_the_interrupt(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    wr(b, LOW(9), MASK | 0x52);
    assert_int_equal(rd(b, LOW(9)), MASK | 0x52);
    wr(b, LOW(9), LEVEL | 0x52);
    assert_int_equal(bench_apic_sent(b), 2);
}

static void polarity_is_kept_and_does_not_turn_a_line_round(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), 0x2000 | LEVEL | 0x52);
    assert_int_equal(bench_apic_sent(b), 0);
    bench_irqchip_set(b, 9, 1);
    expect_message(b, 1, 0xfee00000, 0xc052);
    assert_int_equal(rd(b, LOW(9)), 0x2000 | IRR | LEVEL | 0x52);
}

static void nmi_and_init_are_edges_even_with_the_level_bit(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(6), LEVEL | 4u << 8);
    bench_irqchip_set(b, 6, 1);
    expect_message(b, 1, 0xfee00000, 0x400);
    assert_int_equal(rd(b, LOW(6)), LEVEL | 4u << 8);
    wr(b, LOW(7), LEVEL | 5u << 8);
    bench_irqchip_set(b, 7, 1);
    expect_message(b, 2, 0xfee00000, 0x500);
}

static void reserved_delivery_modes_send_nothing_and_are_logged(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(6), 3u << 8 | 0x40);
    wr(b, LOW(7), LEVEL | 6u << 8 | 0x40);
    bench_irqchip_set(b, 6, 1);
    bench_irqchip_set(b, 7, 1);
    assert_int_equal(bench_apic_sent(b), 0);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 2);
}

static void a_message_that_nobody_takes_leaves_a_level_waiting(void **state)
{
    struct bench *b = *state;

    wr(b, LOW(9), LEVEL | 0x52);
    bench_apic_refuse(b, BP_ERR_NOT_FOUND);
    bench_irqchip_set(b, 9, 1);
    assert_int_equal(rd(b, LOW(9)), LEVEL | 0x52);
    bench_apic_refuse(b, BP_OK);
    wr(b, HIGH(9), 0x01000000);
    expect_message(b, 1, 0xfee01000, 0xc052);
}

static void the_host_is_told_each_change_of_a_route_and_only_those(void **state)
{
    struct bench *b = *state;
    uint32_t before = bench_apic_routed(b);

    wr(b, HIGH(20), 0x02000000);
    expect_route(b, 20, 0xfee02000, 0, BP_APIC_MASKED);
    wr(b, LOW(20), LEVEL | LOGICAL | 0x99);
    expect_route(b, 20, 0xfee02004, 0xc099, BP_APIC_LEVEL);
    assert_int_equal(bench_apic_routed(b), before + 2);
    wr(b, LOW(20), LEVEL | LOGICAL | 0x99);
    wr(b, LOW(20), LEVEL | LOGICAL | 0x2000 | 0x99); /* polarity is no part of it */
    bench_irqchip_set(b, 20, 1);
    bench_apic_eoi(b, 0x99);
    assert_int_equal(bench_apic_routed(b), before + 2);
}

static void the_last_of_120_pins_works_and_lines_beyond_are_nothing(void **state)
{
    static const char *const settings[] = {"pins=120", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    wr(b, LOW(119), 0xfe);
    bench_irqchip_set(b, 119, 1);
    expect_message(b, 1, 0xfee00000, 0xfe);
    bench_irqchip_set(b, 120, 1);
    bench_irqchip_set(b, UINT32_MAX, 1);
    assert_int_equal(bench_apic_sent(b), 1);
    bench_destroy(b);
}

static void the_service_tells_range_and_specifier(void **state)
{
    struct bench *b = *state;
    const struct bp_irqchip_ops *ops = bench_service(b, BP_IRQCHIP_ID);
    uint32_t first, count, cells[4];

    ops->range(bench_instance(b), &first, &count);
    assert_int_equal(first, 1);
    assert_int_equal(count, 23);
    assert_int_equal(ops->specifier(bench_instance(b), 9, BP_LEVEL_HIGH, cells), 2);
    assert_int_equal(cells[0], 9);
    assert_int_equal(cells[1], 4);
}

static void only_whole_words_are_registers(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_region_size(b, "regs"), 0x1000);
    bench_write8(b, "regs", 0x00, 1);
    bench_write16(b, "regs", 0x00, 1);
    bench_write64(b, "regs", 0x10, 1);
    assert_int_equal(bench_refused(b), 3);
    assert_int_equal(bench_read32(b, "regs", 0x00), 0);
}

static void too_many_pins_for_the_host_is_an_error_with_a_remedy(void **state)
{
    static const char *const settings[] = {"pins=64", NULL};
    struct bench_setup setup = {.settings = settings, .apic_pins = 24};
    struct bench *b;

    (void)state;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_RANGE);
    assert_string_equal(bench_error(b), "pins = 64: the accelerator watches fewer pins of an I/O "
                                        "APIC; 24 are always possible");
    bench_destroy(b);
    bench_check_setup_failures(BENCH_CLASS, NULL);
}

static void pins_outside_24_to_120_are_refused(void **state)
{
    static const char *const few[] = {"pins=23", NULL}, *const many[] = {"pins=121", NULL};
    struct bench_setup setup = {.settings = few};
    struct bench *b;

    (void)state;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_RANGE);
    bench_destroy(b);
    setup.settings = many;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_RANGE);
    bench_destroy(b);
}

static void a_reset_masks_every_pin_and_forgets_what_is_in_service(void **state)
{
    struct bench *b = *state;

    wr(b, 0, 0x05000000);
    wr(b, HIGH(9), 0x01000000);
    wr(b, LOW(9), LEVEL | 0x52);
    bench_irqchip_set(b, 9, 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_apic_sent(b), 1);
    bench_apic_eoi(b, 0x52);
    assert_int_equal(bench_apic_sent(b), 1);
    assert_int_equal(rd(b, LOW(9)), MASK);
    assert_int_equal(rd(b, HIGH(9)), 0);
    assert_int_equal(rd(b, 0), 0);
    expect_route(b, 9, 0xfee00000, 0, BP_APIC_MASKED);
}

static void state_survives_with_an_interrupt_in_service(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, 0, 0x05000000);
    wr(b, HIGH(9), 0x01000000);
    wr(b, LOW(9), LEVEL | 0x52);
    wr(b, LOW(4), 0x31);
    bench_irqchip_set(b, 9, 1);
    bench_irqchip_set(b, 4, 1);
    wr(b, LOW(9), MASK | LEVEL | 0x52);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(after_reset_all_pins_are_masked_and_everything_else_is_0),
        T(the_version_register_tells_version_and_last_pin),
        T(the_id_has_4_bits_and_the_arbitration_id_follows_it),
        T(an_entry_keeps_only_the_bits_that_a_guest_may_write),
        T(registers_that_do_not_exist_read_0_and_take_nothing),
        T(an_edge_sends_vector_mode_and_destination_once),
        T(logical_destination_and_lowest_priority_are_in_the_message),
        T(an_edge_on_a_masked_pin_is_lost),
        T(a_level_sends_once_and_again_after_its_end_while_it_stays_active),
        T(the_end_of_another_vector_changes_nothing),
        T(the_eoi_register_ends_an_interrupt_too),
        T(pins_that_share_a_vector_end_together),
        T(a_level_on_a_masked_pin_is_sent_when_the_mask_goes),
        T(a_pin_masked_in_service_is_watched_until_its_end),
        T(a_change_to_edge_and_back_ends_the_interrupt),
        T(polarity_is_kept_and_does_not_turn_a_line_round),
        T(nmi_and_init_are_edges_even_with_the_level_bit),
        T(reserved_delivery_modes_send_nothing_and_are_logged),
        T(a_message_that_nobody_takes_leaves_a_level_waiting),
        T(the_host_is_told_each_change_of_a_route_and_only_those),
        T(the_last_of_120_pins_works_and_lines_beyond_are_nothing),
        T(the_service_tells_range_and_specifier),
        T(only_whole_words_are_registers),
        T(too_many_pins_for_the_host_is_an_error_with_a_remedy),
        T(pins_outside_24_to_120_are_refused),
        T(a_reset_masks_every_pin_and_forgets_what_is_in_service),
        T(state_survives_with_an_interrupt_in_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
