/* The PL011 on the bench. Offsets and bits are those of ARM DDI 0183, chapter 3, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define DR    0x000
#define RSR   0x004
#define ECR   0x004
#define FR    0x018
#define ILPR  0x020
#define IBRD  0x024
#define FBRD  0x028
#define LCR_H 0x02c
#define CR    0x030
#define IFLS  0x034
#define IMSC  0x038
#define RIS   0x03c
#define MIS   0x040
#define ICR   0x044
#define DMACR 0x048

/* FR */
#define BUSY 0x008
#define RXFE 0x010
#define TXFF 0x020
#define RXFF 0x040
#define TXFE 0x080

/* IMSC, RIS, MIS, ICR */
#define RX 0x010
#define TX 0x020
#define RT 0x040
#define OE 0x400

#define MS UINT64_C(1000000)

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

static uint32_t rd(struct bench *b, uint64_t offset)
{
    return bench_read32(b, "regs", offset);
}

static void wr(struct bench *b, uint64_t offset, uint32_t value)
{
    bench_write32(b, "regs", offset, value);
}

static void feed(struct bench *b, const char *text)
{
    bench_char_feed(b, "char", text, (uint32_t)strlen(text));
}

static void print(struct bench *b, const char *text)
{
    for (; *text; text++)
        wr(b, DR, (uint8_t)*text);
}

/* FIFOs on, UART and receiver enabled. */
static void enable(struct bench *b)
{
    wr(b, LCR_H, 0x70);
    wr(b, CR, 0x301);
}

static void registers_after_reset_are_those_of_the_manual(void **state)
{
    static const struct {
        uint32_t offset;
        uint32_t value;
    } regs[] = {{RSR, 0},    {FR, 0x97},   {ILPR, 0}, {IBRD, 0}, {FBRD, 0}, {LCR_H, 0},
                {CR, 0x300}, {IFLS, 0x12}, {IMSC, 0}, {RIS, 0},  {MIS, 0},  {DMACR, 0}};

    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
        assert_int_equal(rd(*state, regs[i].offset), regs[i].value);
    assert_int_equal(bench_line(*state, "out"), 0);
}

static void it_is_known_as_revision_r1p5(void **state)
{
    static const uint8_t ids[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

    for (uint32_t i = 0; i < 8; i++) {
        wr(*state, 0xfe0 + 4 * i, 0xffffffff);
        assert_int_equal(rd(*state, 0xfe0 + 4 * i), ids[i]);
    }
}

static void registers_keep_the_bits_that_they_have(void **state)
{
    static const struct {
        uint32_t offset;
        uint32_t bits;
    } regs[] = {{ILPR, 0xff}, {IBRD, 0xffff}, {FBRD, 0x3f},  {LCR_H, 0xff},
                {CR, 0xff87}, {IFLS, 0x3f},   {IMSC, 0x7ff}, {DMACR, 0x7}};

    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
        wr(*state, regs[i].offset, 0xffffffff);
        assert_int_equal(rd(*state, regs[i].offset), regs[i].bits);
        wr(*state, regs[i].offset, 0);
        assert_int_equal(rd(*state, regs[i].offset), 0);
    }
}

static void what_is_written_comes_out_in_few_calls(void **state)
{
    struct bench *b = *state;
    uint32_t calls = bench_char_calls(b, "char");

    print(b, "Hello, world");
    assert_int_equal(rd(b, FR) & (TXFE | TXFF | BUSY), TXFE);
    bench_settle(b);
    assert_string_equal(bench_char_text(b, "char"), "Hello, world");
    assert_int_equal(bench_char_calls(b, "char") - calls, 1);
}

static void a_byte_or_a_halfword_to_dr_is_a_character_too(void **state)
{
    bench_write8(*state, "regs", DR, 'a');
    bench_write16(*state, "regs", DR, 'b');
    bench_settle(*state);
    assert_string_equal(bench_char_text(*state, "char"), "ab");
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

/* As an early console: waits while TXFF. */
static void check_slow_backend(struct bench *b, uint32_t most)
{
    uint32_t sent = 0;

    bench_char_room(b, "char", 10);
    for (; sent < 500 && !(rd(b, FR) & TXFF); sent++)
        wr(b, DR, 'A' + sent % 26);
    bench_settle(b);
    assert_in_range(sent, 10 + 1, 10 + most);
    assert_int_equal(rd(b, FR) & (TXFE | TXFF | BUSY), TXFF | BUSY);
    bench_char_room(b, "char", UINT32_MAX);
    assert_int_equal(rd(b, FR) & (TXFE | TXFF | BUSY), TXFE);
    assert_int_equal(bench_char_size(b, "char"), sent);
    for (uint32_t i = 0; i < sent; i++)
        assert_int_equal(bench_char_text(b, "char")[i], 'A' + i % 26);
}

static void a_driver_that_waits_for_txff_loses_nothing_behind_a_slow_backend(void **state)
{
    check_slow_backend(*state, 33);
}

static void nor_with_fifos(void **state)
{
    enable(*state);
    check_slow_backend(*state, 64);
}

static void sending_interrupts_when_the_character_has_left_and_not_before(void **state)
{
    struct bench *b = *state;

    wr(b, IMSC, TX);
    assert_int_equal(bench_line(b, "out"), 0); /* an empty transmitter alone is no event */
    wr(b, DR, 'x');
    assert_int_equal(rd(b, RIS), TX);
    assert_int_equal(bench_line(b, "out"), 1);
    wr(b, ICR, TX);
    assert_int_equal(bench_line(b, "out"), 0);
}

static void with_fifos_the_transmitter_interrupts_at_its_level(void **state)
{
    struct bench *b = *state;

    enable(b);
    wr(b, IFLS, 0x10); /* 1/8 of 32 */
    bench_char_room(b, "char", 0);
    while (!(rd(b, FR) & BUSY)) /* what is on its way */
        wr(b, DR, 'x');
    print(b, "abc");
    assert_int_equal(rd(b, RIS) & TX, TX); /* 4 wait */
    wr(b, DR, 'd');
    assert_int_equal(rd(b, RIS) & TX, 0); /* writing beyond the level clears it */
    wr(b, IMSC, TX);
    bench_char_room(b, "char", 1);
    assert_int_equal(bench_line(b, "out"), 1);
}

static void a_received_character_interrupts_until_it_is_read(void **state)
{
    struct bench *b = *state;

    wr(b, CR, 0x301);
    wr(b, IMSC, RX);
    feed(b, "k");
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, MIS), RX);
    assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFF); /* one is all that is held without FIFOs */
    assert_int_equal(rd(b, DR), 'k');
    assert_int_equal(bench_line(b, "out"), 0);
    assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFE);
}

static void the_fifo_interrupts_at_its_level_and_before_that_by_time_out(void **state)
{
    static const struct {
        uint32_t ifls;
        uint32_t level;
    } cases[] = {{0 << 3, 4}, {1 << 3, 8}, {2 << 3, 16}, {3 << 3, 24}, {4 << 3, 28}};
    struct bench *b = *state;

    enable(b);
    wr(b, IMSC, RX | RT);
    for (size_t i = 0; i < 5; i++) {
        wr(b, IFLS, cases[i].ifls);
        for (uint32_t n = 1; n < cases[i].level; n++) {
            feed(b, "z");
            assert_int_equal(rd(b, MIS), RT);
        }
        feed(b, "z");
        assert_int_equal(rd(b, MIS), RX | RT);
        rd(b, DR);
        assert_int_equal(rd(b, MIS), RT); /* below the level, not empty */
        while (!(rd(b, FR) & RXFE))
            rd(b, DR);
        assert_int_equal(rd(b, RIS), 0);
    }
}

static void the_level_counts_when_it_is_reached_not_while_it_is(void **state)
{
    struct bench *b = *state;

    enable(b);
    wr(b, IFLS, 0);
    wr(b, IMSC, RX);
    feed(b, "abcd");
    wr(b, ICR, RX);
    assert_int_equal(bench_line(b, "out"), 0);
    feed(b, "e");
    assert_int_equal(bench_line(b, "out"), 0);
    rd(b, DR);
    rd(b, DR);
    feed(b, "f");
    assert_int_equal(bench_line(b, "out"), 1);
}

/* Reads FR until there is a character, as a polling guest does, but not for ever. */
static int poll_byte(struct bench *b)
{
    for (int i = 0; i < 100; i++) {
        if (!(rd(b, FR) & RXFE))
            return (int)rd(b, DR);
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
    assert_int_equal(rd(b, FR) & RXFE, 0); /* it waits already: no further look is needed */
    assert_int_equal(rd(b, DR), '!');
}

/* The order of Linux' amba-pl011.c, pl011_hwinit to pl011_enable_interrupts. */
static void start_as_linux_does(struct bench *b, uint64_t pause_ns)
{
    wr(b, ICR, 0x7d0); /* errors, RT and RX */
    wr(b, IMSC, RT | RX);
    bench_advance_ns(b, pause_ns); /* the interrupt is asked for */
    wr(b, IFLS, 0x12);
    wr(b, LCR_H, 0x70);
    wr(b, CR, 0x301);
    wr(b, ICR, RT | RX);
    for (int i = 0; i < 64 && !(rd(b, FR) & RXFE); i++)
        rd(b, DR);
    wr(b, IMSC, RT | RX);
}

static void a_driver_that_starts_does_not_lose_what_was_typed_before(void **state)
{
    struct bench *b = *state;

    feed(b, "typed before anyone listened");
    start_as_linux_does(b, 50 * MS);
    assert_int_equal(rd(b, FR) & RXFE, RXFE);
    bench_advance_ns(b, MS);
    assert_int_equal(bench_line(b, "out"), 1);
    for (const char *c = "typed before anyone listened"; *c; c++) {
        assert_int_equal(rd(b, FR) & RXFE, 0);
        assert_int_equal(rd(b, DR), *c);
    }
    assert_int_equal(bench_line(b, "out"), 0);
}

static void a_driver_that_never_enables_it_gets_what_was_typed_a_moment_later(void **state)
{
    struct bench *b = *state;

    feed(b, "x");
    wr(b, IMSC, RT | RX);
    bench_advance_ns(b, 50 * MS);
    assert_int_equal(bench_line(b, "out"), 0);
    bench_advance_ns(b, 50 * MS);
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, DR), 'x');
    feed(b, "y");
    assert_int_equal(bench_line(b, "out"), 1);
}

static void printing_does_not_count_as_listening(void **state)
{
    struct bench *b = *state;

    feed(b, "x");
    for (int i = 0; i < 100; i++) {
        while (rd(b, FR) & TXFF)
            ;
        wr(b, DR, '.');
        while (rd(b, FR) & BUSY)
            ;
    }
    assert_int_equal(bench_char_waiting(b, "char"), 1);
}

static void waiting_for_a_slow_backend_does_not_count_as_listening(void **state)
{
    struct bench *b = *state;

    feed(b, "x");
    bench_char_room(b, "char", 0);
    while (!(rd(b, FR) & TXFF))
        wr(b, DR, '.');
    for (int i = 0; i < 100; i++)
        rd(b, FR);
    assert_int_equal(bench_char_waiting(b, "char"), 1);
    bench_char_room(b, "char", UINT32_MAX);
    assert_int_equal(poll_byte(b), 'x');
}

static void bytes_stay_at_the_backend_until_there_is_room(void **state)
{
    struct bench *b = *state;
    char text[101];

    for (int i = 0; i < 100; i++)
        text[i] = (char)(' ' + i % 64);
    text[100] = 0;
    enable(b);
    wr(b, IMSC, RX | RT);
    feed(b, text);
    assert_int_equal(bench_char_waiting(b, "char"), 68);
    assert_int_equal(rd(b, FR) & (RXFE | RXFF), RXFF);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rd(b, FR) & RXFE, 0);
        assert_int_equal(rd(b, DR), text[i]); /* and no error bits */
    }
    assert_int_equal(rd(b, FR) & RXFE, RXFE);
    assert_int_equal(rd(b, RSR), 0);
}

/* A driver's interrupt handler reads until the receiver is empty. */
static uint32_t read_all(struct bench *b, uint32_t from, uint32_t limit)
{
    uint32_t n = 0;

    while (n < limit && !(rd(b, FR) & RXFE)) {
        assert_int_equal(rd(b, DR), '0' + (from + n) % 10);
        n++;
    }
    return n;
}

static void input_without_end_lets_a_driver_come_to_an_end_and_nothing_is_lost(void **state)
{
    struct bench *b = *state;
    uint32_t n;

    enable(b);
    wr(b, IMSC, RX | RT);
    for (int i = 0; i < 1000; i++)
        feed(b, "0123456789");
    n = read_all(b, 0, 10000);
    assert_in_range(n, 1024, 5000);
    assert_int_equal(bench_line(b, "out"), 0);
    for (int ms = 0; ms < 1000; ms++) {
        n += read_all(b, n, 10000);
        bench_advance_ns(b, MS);
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
        rd(b, FR);
    assert_int_equal(bench_char_calls(b, "char"), calls);
    feed(b, "!");
    assert_int_equal(poll_byte(b), '!');
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

    wr(b, LCR_H, 0x70);
    wr(b, CR, 0x381);
    wr(b, ICR, 0x7ff);
    feed(b, "from outside");
    print(b, "ping");
    bench_settle(b);
    assert_int_equal(bench_char_size(b, "char"), 0);
    assert_int_equal(rd(b, RIS), TX | RT);
    assert_int_equal(rd(b, DR), 'p');
    assert_int_equal(rd(b, DR), 'i');
    assert_int_equal(rd(b, DR), 'n');
    assert_int_equal(rd(b, DR), 'g');
    assert_int_equal(rd(b, FR) & RXFE, RXFE);
    wr(b, CR, 0x301);
    assert_int_equal(poll_byte(b), 'f');
}

static void a_loop_overruns_and_says_so(void **state)
{
    struct bench *b = *state;

    wr(b, CR, 0x381);
    wr(b, IMSC, OE);
    print(b, "1");
    assert_int_equal(bench_line(b, "out"), 0);
    print(b, "2");
    assert_int_equal(bench_line(b, "out"), 1);
    assert_int_equal(rd(b, RSR), 0x8);
    assert_int_equal(rd(b, DR), 0x800 | '1');
    print(b, "3");
    assert_int_equal(rd(b, DR), '3');
    assert_int_equal(rd(b, RSR), 0x8); /* until ECR is written, with whatever */
    wr(b, ECR, 0);
    assert_int_equal(rd(b, RSR), 0);
    assert_int_equal(rd(b, RIS) & OE, OE);
    wr(b, ICR, OE);
    assert_int_equal(bench_line(b, "out"), 0);
}

static void a_loop_shows_the_modem_outputs_as_inputs_with_interrupts(void **state)
{
    static const struct {
        uint32_t cr; /* DTR, RTS, Out1, Out2 */
        uint32_t fr; /* DSR, CTS, DCD, RI */
        uint32_t ris;
    } cases[] = {
        {1 << 10, 0x002, 0x8}, {1 << 11, 0x001, 0x2}, {1 << 12, 0x004, 0x4}, {1 << 13, 0x100, 0x1}};
    struct bench *b = *state;

    wr(b, CR, 0x80);
    assert_int_equal(rd(b, FR) & 0x107, 0);
    assert_int_equal(rd(b, RIS), 0xe); /* the backend's side has gone */
    for (size_t i = 0; i < 4; i++) {
        wr(b, ICR, 0xf);
        wr(b, CR, 0x80 | cases[i].cr);
        assert_int_equal(rd(b, FR) & 0x107, cases[i].fr);
        assert_int_equal(rd(b, RIS), cases[i].ris);
        wr(b, IMSC, cases[i].ris);
        assert_int_equal(bench_line(b, "out"), 1);
        wr(b, ICR, cases[i].ris);
        assert_int_equal(bench_line(b, "out"), 0);
        wr(b, CR, 0x80);
        assert_int_equal(bench_line(b, "out"), 1); /* both edges */
    }
}

static void an_unconnected_port_is_silent(void **state)
{
    static const char *const none[] = {"char", NULL};
    struct bench_setup setup = {.unconnected = none};
    struct bench *b = bench_create_with(BENCH_CLASS, &setup);

    (void)state;
    for (int i = 0; i < 1000; i++)
        wr(b, DR, 'x');
    bench_settle(b);
    assert_int_equal(rd(b, FR), RXFE | TXFE);
    bench_destroy(b);
}

static void offsets_between_the_registers_read_0(void **state)
{
    struct bench *b = *state;

    for (uint64_t offset = 0x4c; offset < 0xfe0; offset += 4) {
        wr(b, offset, 0xffffffff);
        assert_int_equal(rd(b, offset), 0);
    }
    assert_int_equal(bench_refused(b), 0);
}

static void a_reset_keeps_no_character_and_no_interrupt(void **state)
{
    struct bench *b = *state;

    enable(b);
    wr(b, IMSC, 0x7ff);
    feed(b, "abc");
    print(b, "bye");
    bench_reset(b, BP_RESET_WARM);
    assert_string_equal(bench_char_text(b, "char"), "bye");
    registers_after_reset_are_those_of_the_manual(state);
    assert_int_equal(rd(b, DR), 0);
}

static void the_device_tree_has_both_clocks(void **state)
{
    static const char *const settings[] = {"clock-frequency=3686400", "current-speed=115200", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);

    assert_string_equal(bench_fdt(*state), "clocks = <&clock-24000000>, <&clock-24000000>;\n"
                                           "clock-names = \"uartclk\", \"apb_pclk\";\n");
    assert_string_equal(bench_fdt(b), "clocks = <&clock-3686400>, <&clock-3686400>;\n"
                                      "clock-names = \"uartclk\", \"apb_pclk\";\n");
    assert_string_equal(bench_acpi(b),
                        "Serial (regs, out, subtype 3, stride 4, 3686400 Hz, 115200 bit/s)\n");
    bench_destroy(b);
}

static void acpi_has_the_console(void **state)
{
    assert_string_equal(bench_acpi(*state),
                        "Serial (regs, out, subtype 3, stride 4, 24000000 Hz, 0 bit/s)\n");
}

static void state_survives_with_bytes_in_both_directions(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    enable(b);
    wr(b, IBRD, 13);
    wr(b, FBRD, 1);
    wr(b, IMSC, 0x7ff);
    bench_char_room(b, "char", 0);
    print(b, "stuck");
    feed(b, "typed");
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    wr(b, CR, 0x381);
    for (int i = 0; i < 40; i++)
        wr(b, DR, 'o');
    assert_int_equal(rd(b, RSR), 0x8);
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
        T(registers_after_reset_are_those_of_the_manual),
        T(it_is_known_as_revision_r1p5),
        T(registers_keep_the_bits_that_they_have),
        T(what_is_written_comes_out_in_few_calls),
        T(a_byte_or_a_halfword_to_dr_is_a_character_too),
        T(a_long_text_is_not_cut_when_nobody_waits_between),
        T(a_driver_that_waits_for_txff_loses_nothing_behind_a_slow_backend),
        T(nor_with_fifos),
        T(sending_interrupts_when_the_character_has_left_and_not_before),
        T(with_fifos_the_transmitter_interrupts_at_its_level),
        T(a_received_character_interrupts_until_it_is_read),
        T(the_fifo_interrupts_at_its_level_and_before_that_by_time_out),
        T(the_level_counts_when_it_is_reached_not_while_it_is),
        T(a_guest_that_polls_gets_every_byte),
        T(a_driver_that_starts_does_not_lose_what_was_typed_before),
        T(a_driver_that_never_enables_it_gets_what_was_typed_a_moment_later),
        T(printing_does_not_count_as_listening),
        T(waiting_for_a_slow_backend_does_not_count_as_listening),
        T(bytes_stay_at_the_backend_until_there_is_room),
        T(input_without_end_lets_a_driver_come_to_an_end_and_nothing_is_lost),
        T(polling_an_idle_line_does_not_call_the_backend),
        T(what_was_sent_goes_out_when_the_machine_ends),
        T(in_a_loop_bytes_come_back_and_nothing_leaves),
        T(a_loop_overruns_and_says_so),
        T(a_loop_shows_the_modem_outputs_as_inputs_with_interrupts),
        T(an_unconnected_port_is_silent),
        T(offsets_between_the_registers_read_0),
        T(a_reset_keeps_no_character_and_no_interrupt),
        T(the_device_tree_has_both_clocks),
        T(acpi_has_the_console),
        T(state_survives_with_bytes_in_both_directions),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
