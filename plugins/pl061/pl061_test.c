/* The PL061 on the bench. Offsets and values are those of ARM DDI 0190, chapter 3, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <backplane/if/power_button.h>

#define GPIODATA  0x000 /* to 0x3fc: bits 9:2 of the address are a mask */
#define GPIODIR   0x400
#define GPIOIS    0x404
#define GPIOIBE   0x408
#define GPIOIEV   0x40c
#define GPIOIE    0x410
#define GPIORIS   0x414
#define GPIOMIS   0x418
#define GPIOIC    0x41c
#define GPIOAFSEL 0x420

#define ALL_LINES (0xff << 2)
#define BUTTON    (1 << 3)
#define MS        UINT64_C(1000000)

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

static uint8_t rd(struct bench *b, uint64_t offset)
{
    return bench_read8(b, "regs", offset);
}

static void wr(struct bench *b, uint64_t offset, uint8_t value)
{
    bench_write8(b, "regs", offset, value);
}

static void press(struct bench *b)
{
    const struct bp_power_button_ops *button = bench_service(b, BP_POWER_BUTTON_ID);

    button->press(bench_instance(b));
}

static void all_registers_are_0_after_reset(void **state)
{
    for (uint64_t offset = GPIODIR; offset <= GPIOAFSEL; offset += 4)
        assert_int_equal(rd(*state, offset), 0);
    assert_int_equal(rd(*state, GPIODATA + ALL_LINES), 0);
    assert_int_equal(bench_line(*state, "intr"), 0);
}

static void it_is_known_by_its_identification_registers(void **state)
{
    static const uint8_t ids[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    for (uint32_t i = 0; i < 8; i++) {
        wr(*state, 0xfe0 + 4 * i, 0xff);
        assert_int_equal(rd(*state, 0xfe0 + 4 * i), ids[i]);
    }
}

static void registers_keep_eight_bits(void **state)
{
    static const uint16_t kept[] = {GPIODIR, GPIOIS, GPIOIBE, GPIOIEV, GPIOIE, GPIOAFSEL};

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        bench_write32(*state, "regs", kept[i], 0xffffffff);
        assert_int_equal(bench_read32(*state, "regs", kept[i]), 0xff);
        wr(*state, kept[i], 0xa5);
        assert_int_equal(bench_read16(*state, "regs", kept[i]), 0xa5);
    }
}

static void the_address_of_the_data_register_is_a_mask(void **state)
{
    struct bench *b = *state;

    wr(b, GPIODIR, 0xff);
    wr(b, GPIODATA + ALL_LINES, 0xff);
    wr(b, GPIODATA + 0x098, 0x00); /* the manual's example: lines 5, 2 and 1 */
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0xd9);
    assert_int_equal(rd(b, GPIODATA + 0x0c4), 0x11); /* and lines 5, 4 and 0 */
    assert_int_equal(rd(b, GPIODATA), 0x00);
    wr(b, GPIODATA, 0xff);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0xd9);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES + 1), 0);
}

static void what_is_written_to_an_input_shows_when_it_becomes_an_output(void **state)
{
    struct bench *b = *state;

    wr(b, GPIODATA + ALL_LINES, 0x0f);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0);
    wr(b, GPIODIR, 0x05);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0x05);
    wr(b, GPIODIR, 0);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0);
}

static void the_button_is_high_for_a_tenth_of_a_second(void **state)
{
    struct bench *b = *state;

    press(b);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), BUTTON);
    bench_advance_ns(b, 100 * MS - 1);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), BUTTON);
    bench_advance_ns(b, 1);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0);
    assert_int_equal(bench_line_raises(b, "intr"), 0);
}

static void pressed_again_it_is_held_longer(void **state)
{
    struct bench *b = *state;

    press(b);
    bench_advance_ns(b, 60 * MS);
    press(b);
    bench_advance_ns(b, 60 * MS);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), BUTTON);
    bench_advance_ns(b, 40 * MS);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0);
}

/* As Linux' gpio-keys asks for it. */
static void both_edges_of_the_button_interrupt(void **state)
{
    struct bench *b = *state;

    wr(b, GPIOIBE, BUTTON);
    wr(b, GPIOIC, BUTTON);
    wr(b, GPIOIE, BUTTON);
    press(b);
    assert_int_equal(bench_line(b, "intr"), 1);
    assert_int_equal(rd(b, GPIOMIS), BUTTON);
    wr(b, GPIOIC, 0xff & ~BUTTON);
    assert_int_equal(bench_line(b, "intr"), 1);
    wr(b, GPIOIC, BUTTON);
    assert_int_equal(bench_line(b, "intr"), 0);
    assert_int_equal(rd(b, GPIORIS), 0);
    bench_advance_ns(b, 100 * MS);
    assert_int_equal(bench_line(b, "intr"), 1);
    wr(b, GPIOIC, BUTTON);
    assert_int_equal(bench_line(b, "intr"), 0);
}

static void one_edge_interrupts_as_iev_says_and_only_when_unmasked(void **state)
{
    struct bench *b = *state;

    press(b); /* falling edges are what is detected after reset */
    assert_int_equal(rd(b, GPIORIS), 0);
    bench_advance_ns(b, 100 * MS);
    assert_int_equal(rd(b, GPIORIS), BUTTON);
    assert_int_equal(rd(b, GPIOMIS), 0);
    wr(b, GPIOIC, BUTTON);
    wr(b, GPIOIEV, BUTTON);
    press(b);
    assert_int_equal(rd(b, GPIORIS), BUTTON);
    assert_int_equal(bench_line(b, "intr"), 0);
    wr(b, GPIOIE, BUTTON);
    assert_int_equal(bench_line(b, "intr"), 1);
    wr(b, GPIOIC, BUTTON);
    bench_advance_ns(b, 100 * MS);
    assert_int_equal(rd(b, GPIORIS), 0);
}

static void a_level_interrupts_while_it_lasts(void **state)
{
    struct bench *b = *state;

    wr(b, GPIOIS, BUTTON);
    wr(b, GPIOIEV, BUTTON);
    wr(b, GPIOIE, BUTTON);
    assert_int_equal(bench_line(b, "intr"), 0);
    press(b);
    assert_int_equal(bench_line(b, "intr"), 1);
    wr(b, GPIOIC, BUTTON); /* has no effect on levels */
    assert_int_equal(bench_line(b, "intr"), 1);
    bench_advance_ns(b, 100 * MS);
    assert_int_equal(bench_line(b, "intr"), 0);
    wr(b, GPIOIEV, 0); /* low levels */
    assert_int_equal(bench_line(b, "intr"), 1);
    assert_int_equal(rd(b, GPIORIS), BUTTON);
}

static void what_it_drives_it_sees(void **state)
{
    struct bench *b = *state;

    wr(b, GPIODIR, 0x10);
    wr(b, GPIOIEV, 0x10);
    wr(b, GPIODATA + ALL_LINES, 0x10);
    assert_int_equal(rd(b, GPIORIS), 0x10);
}

static void the_button_can_be_on_another_pin(void **state)
{
    static const char *const settings[] = {"button-pin=7", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    press(b);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0x80);
    assert_non_null(strstr(bench_fdt(b), "gpios = <&self 7 0>;"));
    bench_destroy(b);
}

static void a_chip_without_button_has_none(void **state)
{
    static const char *const settings[] = {"button=no", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    press(b);
    assert_int_equal(rd(b, GPIODATA + ALL_LINES), 0);
    assert_int_equal(bench_timers_armed(b), 0);
    assert_string_equal(bench_fdt(b), "gpio-controller;\n"
                                      "#gpio-cells = <2>;\n"
                                      "interrupt-controller;\n"
                                      "#interrupt-cells = <2>;\n"
                                      "#address-cells = <0>;\n"
                                      "clocks = <&clock-24000000>;\n"
                                      "clock-names = \"apb_pclk\";\n");
    bench_destroy(b);
}

static void the_device_tree_has_the_button_as_a_key_beside_it(void **state)
{
    assert_string_equal(bench_fdt(*state), "gpio-controller;\n"
                                           "#gpio-cells = <2>;\n"
                                           "interrupt-controller;\n"
                                           "#interrupt-cells = <2>;\n"
                                           "#address-cells = <0>;\n"
                                           "clocks = <&clock-24000000>;\n"
                                           "clock-names = \"apb_pclk\";\n"
                                           "/gpio-keys {\n"
                                           "    compatible = \"gpio-keys\";\n"
                                           "    label = \"Power Button\";\n"
                                           "    power-button {\n"
                                           "        label = \"Power Button\";\n"
                                           "        linux,code = <116>;\n"
                                           "        gpios = <&self 3 0>;\n"
                                           "    };\n"
                                           "};\n");
}

static void a_reset_lets_the_button_go(void **state)
{
    struct bench *b = *state;

    wr(b, GPIOIBE, BUTTON);
    wr(b, GPIOIE, BUTTON);
    press(b);
    bench_reset(b, BP_RESET_WARM);
    all_registers_are_0_after_reset(state);
    bench_advance_ns(b, 200 * MS);
    assert_int_equal(rd(b, GPIORIS), 0);
}

static void state_survives_with_the_button_pressed(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, GPIODIR, 0xf0);
    wr(b, GPIODATA + ALL_LINES, 0x5a);
    wr(b, GPIOIBE, BUTTON);
    wr(b, GPIOIE, BUTTON);
    wr(b, GPIOAFSEL, 0x81);
    press(b);
    assert_int_equal(bench_line(b, "intr"), 1);
    bench_advance_ns(b, 30 * MS);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, 70 * MS);
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
        T(all_registers_are_0_after_reset),
        T(it_is_known_by_its_identification_registers),
        T(registers_keep_eight_bits),
        T(the_address_of_the_data_register_is_a_mask),
        T(what_is_written_to_an_input_shows_when_it_becomes_an_output),
        T(the_button_is_high_for_a_tenth_of_a_second),
        T(pressed_again_it_is_held_longer),
        T(both_edges_of_the_button_interrupt),
        T(one_edge_interrupts_as_iev_says_and_only_when_unmasked),
        T(a_level_interrupts_while_it_lasts),
        T(what_it_drives_it_sees),
        T(the_button_can_be_on_another_pin),
        T(a_chip_without_button_has_none),
        T(the_device_tree_has_the_button_as_a_key_beside_it),
        T(a_reset_lets_the_button_go),
        T(state_survives_with_the_button_pressed),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
