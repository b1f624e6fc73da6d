/* The NS16550A on the bench. Offsets and bits are the data sheet's, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define RBR 0
#define THR 0
#define DLL 0
#define DLM 1
#define IER 1
#define IIR 2
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define SCR 7

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

static uint8_t rd(struct bench *b, uint64_t reg)
{
    return bench_read8(b, "regs", reg);
}

static void wr(struct bench *b, uint64_t reg, uint8_t value)
{
    bench_write8(b, "regs", reg, value);
}

static void feed(struct bench *b, const char *text)
{
    bench_char_feed(b, "char", text, (uint32_t)strlen(text));
}

static void print(struct bench *b, const char *text)
{
    for (; *text; text++)
        wr(b, THR, (uint8_t)*text);
}

static void registers_after_reset_are_those_of_the_data_sheet(void **state)
{
    struct bench *b = *state;

    assert_int_equal(rd(b, IER), 0x00);
    assert_int_equal(rd(b, IIR), 0x01);
    assert_int_equal(rd(b, LCR), 0x00);
    assert_int_equal(rd(b, MCR), 0x00);
    assert_int_equal(rd(b, LSR), 0x60);
    assert_int_equal(rd(b, MSR), 0xb0); /* DCD DSR CTS: someone is connected */
    assert_int_equal(rd(b, SCR), 0x00);
    assert_int_equal(bench_line(b, "out"), 0);
}

static void the_scratch_register_keeps_a_byte(void **state)
{
    wr(*state, SCR, 0xa5);
    assert_int_equal(rd(*state, SCR), 0xa5);
}

static void the_divisor_lies_behind_dlab(void **state)
{
    struct bench *b = *state;

    wr(b, IER, 0x05);
    wr(b, LCR, 0x83);
    wr(b, DLL, 0x34);
    wr(b, DLM, 0x12);
    assert_int_equal(rd(b, DLL), 0x34);
    assert_int_equal(rd(b, DLM), 0x12);
    wr(b, LCR, 0x03);
    assert_int_equal(rd(b, IER), 0x05);
    assert_int_equal(bench_char_size(b, "char"), 0);
}

static void only_the_four_bits_of_ier_and_five_of_mcr_are_kept(void **state)
{
    wr(*state, IER, 0xff);
    wr(*state, MCR, 0xff);
    assert_int_equal(rd(*state, IER), 0x0f);
    assert_int_equal(rd(*state, MCR), 0x1f);
}

static void the_fifos_are_reported_only_when_they_are_on(void **state)
{
    wr(*state, FCR, 0x01);
    assert_int_equal(rd(*state, IIR), 0xc1);
    wr(*state, FCR, 0x00);
    assert_int_equal(rd(*state, IIR), 0x01);
}

static void what_is_written_comes_out_in_few_calls(void **state)
{
    struct bench *b = *state;
    uint32_t calls = bench_char_calls(b, "char");

    print(b, "Hello, world");
    assert_int_equal(rd(b, LSR) & 0x60, 0x60);
    bench_settle(b);
    assert_string_equal(bench_char_text(b, "char"), "Hello, world");
    assert_int_equal(bench_char_calls(b, "char") - calls, 1);
}

static void a_long_text_is_not_cut_when_nobody_waits_between(void **state)
{
    struct bench *b = *state;
    char text[1001];

    for (int i = 0; i < 1000; i++)
        text[i] = (char)('a' + i % 26);
    text[1000] = 0;
    print(b, text);
    bench_settle(b);
    assert_string_equal(bench_char_text(b, "char"), text);
    assert_true(bench_char_calls(b, "char") < 60);
}

static void a_driver_that_waits_for_thre_loses_nothing_behind_a_slow_backend(void **state)
{
    struct bench *b = *state;
    uint32_t sent = 0;

    bench_char_room(b, "char", 10);
    for (; sent < 500 && (rd(b, LSR) & 0x20); sent++)
        wr(b, THR, (uint8_t)('A' + sent % 26));
    bench_settle(b);
    assert_int_equal(rd(b, LSR) & 0x60, 0x00);
    assert_int_equal(bench_char_size(b, "char"), 10);
    bench_char_room(b, "char", UINT32_MAX);
    assert_int_equal(rd(b, LSR) & 0x60, 0x60);
    assert_int_equal(bench_char_size(b, "char"), sent);
    for (uint32_t i = 0; i < sent; i++)
        assert_int_equal(bench_char_text(b, "char")[i], 'A' + i % 26);
}

static void thre_interrupts_when_enabled_and_again_after_each_character(void **state)
{
    struct bench *b = *state;

    wr(b, IER, 0x02);
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, IIR), 0x02); /* reading it ends it */
    assert_int_equal(bench_line(b, "out"), 0);
    assert_int_equal(rd(b, IIR), 0x01);
    wr(b, THR, 'x');
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, IIR), 0x02);
    wr(b, IER, 0x00); /* off and on: it comes again while the register is empty */
    wr(b, IER, 0x02);
    assert_int_equal(rd(b, IIR), 0x02);
}

static void thre_interrupts_when_a_blocked_backend_takes_bytes_again(void **state)
{
    struct bench *b = *state;

    bench_char_room(b, "char", 0);
    while (rd(b, LSR) & 0x20)
        wr(b, THR, 'x');
    wr(b, IER, 0x02);
    assert_int_equal(bench_line(b, "out"), 0);
    bench_char_room(b, "char", UINT32_MAX);
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, IIR), 0x02);
}

static void a_received_byte_interrupts_until_it_is_read(void **state)
{
    struct bench *b = *state;

    wr(b, IER, 0x01);
    feed(b, "k");
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, IIR), 0x04);
    assert_int_equal(rd(b, LSR), 0x61);
    assert_int_equal(rd(b, RBR), 'k');
    assert_int_equal(bench_line(b, "out"), 0);
    assert_int_equal(rd(b, LSR), 0x60);
    assert_int_equal(rd(b, RBR), 0);
}

/* Reads LSR until there is a character, as a polling guest does, but not for ever. */
static int poll_byte(struct bench *b)
{
    for (int i = 0; i < 100; i++) {
        if (rd(b, LSR) & 1)
            return rd(b, RBR);
    }
    return -1;
}

static void a_guest_that_polls_gets_every_byte(void **state)
{
    struct bench *b = *state;

    feed(b, "hello");
    for (const char *c = "hello"; *c; c++)
        assert_int_equal(poll_byte(b), *c);
    assert_int_equal(poll_byte(b), -1);
    feed(b, "!");
    assert_int_equal(rd(b, LSR) & 1, 1); /* it waits already: no further look is needed */
    assert_int_equal(rd(b, RBR), '!');
}

static void a_driver_that_starts_does_not_lose_what_was_typed_before(void **state)
{
    struct bench *b = *state;

    feed(b, "typed before anyone listened");
    wr(b, IER, 0x00); /* as Linux' 8250 driver looks for a chip */
    wr(b, IER, 0x0f);
    assert_int_equal(rd(b, IER), 0x0f);
    wr(b, IER, 0x00);
    for (int opened = 0; opened < 3; opened++) { /* as it starts one */
        wr(b, FCR, 0x01);
        wr(b, FCR, 0x07);
        wr(b, FCR, 0x00);
        rd(b, LSR);
        rd(b, RBR);
        rd(b, IIR);
        rd(b, MSR);
        wr(b, LCR, 0x03);
        wr(b, MCR, 0x0b);
        wr(b, IER, 0x02);
        rd(b, LSR);
        rd(b, IIR);
        wr(b, IER, 0x00);
        rd(b, LSR);
        rd(b, RBR);
        rd(b, IIR);
        rd(b, MSR);
        if (opened < 2) /* closed again */
            continue;
        wr(b, IER, 0x05);
        wr(b, FCR, 0x01);
        wr(b, FCR, 0x81);
    }
    assert_int_equal(rd(b, LSR) & 1, 0);
    bench_advance_ns(b, 1000000); /* it means it */
    assert_int_equal(bench_line(b, "out"), 1);
    for (const char *c = "typed before anyone listened"; *c; c++) {
        assert_int_equal(rd(b, LSR) & 1, 1);
        assert_int_equal(rd(b, RBR), *c);
    }
    assert_int_equal(rd(b, LSR) & 1, 0);
}

static void printing_does_not_count_as_listening(void **state)
{
    struct bench *b = *state;

    feed(b, "x");
    for (int i = 0; i < 100; i++) {
        wr(b, THR, '.');
        while (!(rd(b, LSR) & 0x20))
            ;
    }
    assert_int_equal(bench_char_waiting(b, "char"), 1);
}

static void waiting_for_a_slow_backend_does_not_count_as_listening(void **state)
{
    struct bench *b = *state;

    feed(b, "x");
    bench_char_room(b, "char", 0);
    while (rd(b, LSR) & 0x20)
        wr(b, THR, '.');
    for (int i = 0; i < 100; i++)
        rd(b, LSR);
    assert_int_equal(bench_char_waiting(b, "char"), 1);
    bench_char_room(b, "char", UINT32_MAX);
    assert_int_equal(poll_byte(b), 'x');
}

static void the_trigger_level_tells_data_from_time_out(void **state)
{
    static const struct {
        uint8_t fcr;
        uint32_t level;
    } cases[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
    struct bench *b = *state;

    wr(b, IER, 0x01);
    for (size_t i = 0; i < 4; i++) {
        wr(b, FCR, (uint8_t)(cases[i].fcr | 0x06));
        for (uint32_t n = 1; n < cases[i].level; n++) {
            feed(b, "z");
            assert_int_equal(rd(b, IIR), 0xcc); /* character time-out */
        }
        feed(b, "z");
        assert_int_equal(rd(b, IIR), 0xc4);
        while (rd(b, LSR) & 1)
            rd(b, RBR);
    }
}

static void bytes_stay_at_the_backend_until_there_is_room(void **state)
{
    struct bench *b = *state;
    char text[101];

    for (int i = 0; i < 100; i++)
        text[i] = (char)(' ' + i % 64);
    text[100] = 0;
    wr(b, FCR, 0x01);
    wr(b, IER, 0x01);
    feed(b, text);
    assert_int_equal(bench_char_waiting(b, "char"), 84);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rd(b, LSR) & 0x03, 0x01); /* data, no overrun */
        assert_int_equal(rd(b, RBR), text[i]);
    }
    assert_int_equal(rd(b, LSR) & 0x01, 0);
}

/* A driver's interrupt handler reads until the receiver is empty. */
static uint32_t read_all(struct bench *b, uint32_t limit)
{
    uint32_t n = 0;

    while (n < limit && rd(b, LSR) & 0x01) {
        assert_int_equal(rd(b, RBR), '0' + n % 10);
        n++;
    }
    return n;
}

static void input_without_end_lets_a_driver_come_to_an_end(void **state)
{
    struct bench *b = *state;
    char text[11] = "0123456789";

    wr(b, FCR, 0x01);
    wr(b, IER, 0x01);
    for (int i = 0; i < 1000; i++)
        feed(b, text);
    assert_in_range(read_all(b, 10000), 1024, 5000);
    assert_int_equal(bench_line(b, "out"), 0);
    bench_advance_ns(b, 1000000000);
    assert_int_equal(bench_line(b, "out"), 1); /* it goes on by itself */
}

static void nothing_of_a_long_input_is_lost_or_comes_twice(void **state)
{
    struct bench *b = *state;
    uint32_t n = 0;

    wr(b, FCR, 0x01);
    wr(b, IER, 0x01);
    for (int i = 0; i < 1000; i++)
        feed(b, "0123456789");
    for (int ms = 0; ms < 1000; ms++) {
        while (rd(b, LSR) & 0x01) {
            assert_int_equal(rd(b, RBR), '0' + n % 10);
            n++;
        }
        bench_advance_ns(b, 1000000);
    }
    assert_int_equal(n, 10000);
}

static void polling_an_idle_line_does_not_call_the_backend(void **state)
{
    struct bench *b = *state;
    uint32_t calls;

    assert_int_equal(poll_byte(b), -1);
    calls = bench_char_calls(b, "char");
    for (int i = 0; i < 1000; i++)
        rd(b, LSR);
    assert_int_equal(bench_char_calls(b, "char"), calls);
    feed(b, "!");
    assert_int_equal(poll_byte(b), '!');
}

static void without_fifos_one_byte_is_held(void **state)
{
    struct bench *b = *state;

    wr(b, IER, 0x01);
    feed(b, "ab");
    assert_int_equal(bench_char_waiting(b, "char"), 1);
    assert_int_equal(rd(b, RBR), 'a');
    assert_int_equal(rd(b, RBR), 'b');
}

static void clearing_the_receiver_drops_what_a_loop_put_there(void **state)
{
    struct bench *b = *state;

    wr(b, FCR, 0x01);
    wr(b, MCR, 0x10);
    print(b, "abc");
    wr(b, FCR, 0x03);
    assert_int_equal(rd(b, LSR), 0x60);
    print(b, "d");
    assert_int_equal(rd(b, RBR), 'd');
}

static void clearing_the_receiver_keeps_what_came_from_outside(void **state)
{
    struct bench *b = *state;

    wr(b, FCR, 0x01);
    wr(b, IER, 0x01);
    feed(b, "abc");
    wr(b, FCR, 0x03);
    wr(b, FCR, 0x00);
    assert_int_equal(rd(b, RBR), 'a');
    assert_int_equal(rd(b, RBR), 'b');
    assert_int_equal(rd(b, RBR), 'c');
}

static void clearing_the_transmitter_does_not_lose_what_was_sent(void **state)
{
    struct bench *b = *state;

    wr(b, FCR, 0x01);
    print(b, "early");
    wr(b, FCR, 0x07);
    bench_settle(b);
    assert_string_equal(bench_char_text(b, "char"), "early");
}

static void what_was_sent_goes_out_when_the_machine_ends(void **state)
{
    struct bench *b = *state;

    print(b, "reboot: Power down\r\n");
    assert_int_equal(bench_char_size(b, "char"), 0);
    BENCH_CLASS->destroy(bench_instance(b));
    assert_string_equal(bench_char_text(b, "char"), "reboot: Power down\r\n");
}

static void in_a_loop_bytes_come_back_and_nothing_leaves(void **state)
{
    struct bench *b = *state;

    wr(b, FCR, 0x01);
    wr(b, MCR, 0x10);
    feed(b, "from outside");
    print(b, "ping");
    bench_settle(b);
    assert_int_equal(bench_char_size(b, "char"), 0);
    assert_int_equal(rd(b, RBR), 'p');
    assert_int_equal(rd(b, RBR), 'i');
    assert_int_equal(rd(b, RBR), 'n');
    assert_int_equal(rd(b, RBR), 'g');
    assert_int_equal(rd(b, LSR) & 1, 0);
    wr(b, MCR, 0x00);
    assert_int_equal(poll_byte(b), 'f');
}

static void a_loop_overruns_and_says_so_once(void **state)
{
    struct bench *b = *state;

    wr(b, IER, 0x05);
    wr(b, MCR, 0x10);
    wr(b, THR, '1');
    wr(b, THR, '2');
    assert_int_equal(rd(b, IIR), 0x06); /* line status before data */
    assert_int_equal(rd(b, LSR), 0x63);
    assert_int_equal(rd(b, LSR), 0x61);
    assert_int_equal(rd(b, IIR), 0x04);
    assert_int_equal(rd(b, RBR), '1');
}

static void a_loop_shows_the_modem_outputs_as_inputs_with_deltas(void **state)
{
    static const struct {
        uint8_t mcr;
        uint8_t msr;
    } cases[] = {{0x11, 0x20}, {0x12, 0x10}, {0x14, 0x40}, {0x18, 0x80}, {0x1f, 0xf0}};
    struct bench *b = *state;

    for (size_t i = 0; i < 5; i++) {
        wr(b, MCR, cases[i].mcr);
        assert_int_equal(rd(b, MSR) & 0xf0, cases[i].msr);
    }
    wr(b, MCR, 0x10);
    assert_int_equal(rd(b, MSR), 0x0f); /* all changed, the ring has ended */
    assert_int_equal(rd(b, MSR), 0x00);
    wr(b, MCR, 0x14);
    assert_int_equal(rd(b, MSR), 0x40); /* a beginning ring is no delta */
}

static void a_modem_delta_interrupts_until_msr_is_read(void **state)
{
    struct bench *b = *state;

    wr(b, MCR, 0x10);
    rd(b, MSR);
    wr(b, IER, 0x08);
    assert_int_equal(bench_line(b, "out"), 0);
    wr(b, MCR, 0x12);
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, IIR), 0x00);
    assert_int_equal(rd(b, MSR), 0x11);
    assert_int_equal(bench_line(b, "out"), 0);
}

static void an_unconnected_port_is_silent(void **state)
{
    static const char *const none[] = {"char", NULL};
    struct bench_setup setup = {.unconnected = none};
    struct bench *b = bench_create_with(BENCH_CLASS, &setup);

    (void)state;
    assert_int_equal(rd(b, MSR), 0x00);
    for (int i = 0; i < 1000; i++)
        wr(b, THR, 'x');
    bench_settle(b);
    assert_int_equal(rd(b, LSR), 0x60);
    bench_destroy(b);
}

static void registers_spread_with_reg_shift_and_take_wide_accesses(void **state)
{
    static const char *const settings[] = {"reg-shift=2", "reg-io-width=4", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    bench_write32(b, "regs", 0x1c, 0x5a); /* SCR */
    assert_int_equal(bench_read32(b, "regs", 0x1c), 0x5a);
    assert_int_equal(bench_read32(b, "regs", 0x14), 0x60); /* LSR */
    assert_int_equal(bench_read8(b, "regs", 0x15), 0);
    assert_string_equal(bench_fdt(b), "clock-frequency = <3686400>;\n"
                                      "reg-shift = <2>;\n"
                                      "reg-io-width = <4>;\n");
    bench_destroy(b);
}

static void the_device_tree_has_clock_and_speed(void **state)
{
    static const char *const settings[] = {"clock-frequency=1843200", "current-speed=115200", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    assert_string_equal(bench_fdt(*state), "clock-frequency = <3686400>;\n");
    assert_string_equal(bench_fdt(b), "clock-frequency = <1843200>;\n"
                                      "current-speed = <115200>;\n");
    bench_destroy(b);
}

static void acpi_has_clock_and_layout_and_the_console_at_both_places(void **state)
{
    static const char *const settings[] = {"clock-frequency=1843200", "current-speed=115200",
                                           "reg-shift=2", "reg-io-width=4", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    assert_string_equal(bench_acpi(*state),
                        "Property (\"clock-frequency\", 3686400)\n"
                        "Serial (regs, out, subtype 0, stride 1, 3686400 Hz, 0 bit/s)\n"
                        "Serial (ports, out, subtype 0, stride 1, 3686400 Hz, 0 bit/s)\n");
    assert_string_equal(bench_acpi(b),
                        "Property (\"clock-frequency\", 1843200)\n"
                        "Property (\"reg-shift\", 2)\n"
                        "Property (\"reg-io-width\", 4)\n"
                        "Serial (regs, out, subtype 0, stride 4, 1843200 Hz, 115200 bit/s)\n"
                        "Serial (ports, out, subtype 0, stride 1, 1843200 Hz, 115200 bit/s)\n");
    bench_destroy(b);
}

static void a_stride_that_the_console_table_cannot_say_is_left_out(void **state)
{
    static const char *const settings[] = {"reg-shift=4", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    (void)state;
    assert_string_equal(bench_acpi(b),
                        "Property (\"clock-frequency\", 3686400)\n"
                        "Property (\"reg-shift\", 4)\n"
                        "Serial (ports, out, subtype 0, stride 1, 3686400 Hz, 0 bit/s)\n");
    bench_destroy(b);
}

static void ports_are_the_same_registers(void **state)
{
    struct bench *b = *state;

    bench_write8(b, "ports", 7, 0x77);
    assert_int_equal(rd(b, SCR), 0x77);
    assert_int_equal(bench_read8(b, "ports", 5), 0x60);
}

static void offsets_beyond_the_registers_read_0(void **state)
{
    struct bench *b = *state;

    for (uint64_t offset = 8; offset < 0x100; offset++) {
        wr(b, offset, 0xff);
        assert_int_equal(rd(b, offset), 0);
    }
    assert_int_equal(bench_refused(b), 0);
}

static void a_reset_keeps_no_character_and_no_interrupt(void **state)
{
    struct bench *b = *state;

    wr(b, FCR, 0xc1);
    wr(b, IER, 0x0f);
    wr(b, LCR, 0x1b);
    feed(b, "abc");
    print(b, "bye");
    bench_reset(b, BP_RESET_WARM);
    assert_string_equal(bench_char_text(b, "char"), "bye");
    registers_after_reset_are_those_of_the_data_sheet(state);
    assert_int_equal(rd(b, RBR), 0);
}

static void a_wrong_width_property_is_refused_with_a_sentence(void **state)
{
    static const char *const settings[] = {"reg-io-width=3", NULL};
    struct bench_setup setup = {.settings = settings};
    struct bench *b;

    (void)state;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_INVALID);
    assert_string_equal(bench_error(b), "reg-io-width = 3: 1, 2 and 4 are allowed");
    bench_destroy(b);
}

static void state_survives_with_bytes_in_both_directions(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, FCR, 0x81);
    wr(b, IER, 0x0f);
    wr(b, LCR, 0x80);
    wr(b, DLL, 2);
    wr(b, LCR, 0x03);
    wr(b, MCR, 0x0b);
    wr(b, SCR, 0x42);
    bench_char_room(b, "char", 0);
    print(b, "stuck");
    feed(b, "typed");
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(registers_after_reset_are_those_of_the_data_sheet),
        T(the_scratch_register_keeps_a_byte),
        T(the_divisor_lies_behind_dlab),
        T(only_the_four_bits_of_ier_and_five_of_mcr_are_kept),
        T(the_fifos_are_reported_only_when_they_are_on),
        T(what_is_written_comes_out_in_few_calls),
        T(a_long_text_is_not_cut_when_nobody_waits_between),
        T(a_driver_that_waits_for_thre_loses_nothing_behind_a_slow_backend),
        T(thre_interrupts_when_enabled_and_again_after_each_character),
        T(thre_interrupts_when_a_blocked_backend_takes_bytes_again),
        T(a_received_byte_interrupts_until_it_is_read),
        T(a_guest_that_polls_gets_every_byte),
        T(a_driver_that_starts_does_not_lose_what_was_typed_before),
        T(printing_does_not_count_as_listening),
        T(waiting_for_a_slow_backend_does_not_count_as_listening),
        T(the_trigger_level_tells_data_from_time_out),
        T(bytes_stay_at_the_backend_until_there_is_room),
        T(input_without_end_lets_a_driver_come_to_an_end),
        T(nothing_of_a_long_input_is_lost_or_comes_twice),
        T(polling_an_idle_line_does_not_call_the_backend),
        T(without_fifos_one_byte_is_held),
        T(clearing_the_receiver_drops_what_a_loop_put_there),
        T(clearing_the_receiver_keeps_what_came_from_outside),
        T(clearing_the_transmitter_does_not_lose_what_was_sent),
        T(what_was_sent_goes_out_when_the_machine_ends),
        T(in_a_loop_bytes_come_back_and_nothing_leaves),
        T(a_loop_overruns_and_says_so_once),
        T(a_loop_shows_the_modem_outputs_as_inputs_with_deltas),
        T(a_modem_delta_interrupts_until_msr_is_read),
        T(an_unconnected_port_is_silent),
        T(registers_spread_with_reg_shift_and_take_wide_accesses),
        T(the_device_tree_has_clock_and_speed),
        T(acpi_has_clock_and_layout_and_the_console_at_both_places),
        T(a_stride_that_the_console_table_cannot_say_is_left_out),
        T(ports_are_the_same_registers),
        T(offsets_beyond_the_registers_read_0),
        T(a_reset_keeps_no_character_and_no_interrupt),
        T(a_wrong_width_property_is_refused_with_a_sentence),
        T(state_survives_with_bytes_in_both_directions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
