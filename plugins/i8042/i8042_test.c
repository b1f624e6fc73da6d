/*
 * The keyboard controller on the bench. Commands and bits are those of IBM's PS/2 Technical
 * Reference, typed again; data is port 0x60, command port 0x64.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define OBF     0x01
#define IBF     0x02
#define SYS     0x04
#define CMD     0x08
#define UNLOCK  0x10
#define AUX     0x20
#define TIMEOUT 0x40

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

static uint8_t status(struct bench *b)
{
    return bench_read8(b, "command", 0);
}

static uint8_t data(struct bench *b)
{
    return bench_read8(b, "data", 0);
}

static void command(struct bench *b, uint8_t value)
{
    bench_write8(b, "command", 0, value);
}

static void put(struct bench *b, uint8_t value)
{
    bench_write8(b, "data", 0, value);
}

/* A byte that is there, as a driver takes it. */
static uint8_t take(struct bench *b)
{
    assert_int_equal(status(b) & OBF, OBF);
    return data(b);
}

static uint8_t ask(struct bench *b, uint8_t value)
{
    command(b, value);
    return take(b);
}

static void set_mode(struct bench *b, uint8_t mode)
{
    command(b, 0x60);
    put(b, mode);
}

/* To the keyboard, whose first answer is an acknowledge. */
static void send(struct bench *b, uint8_t value)
{
    put(b, value);
    assert_int_equal(take(b), 0xfa);
}

static void it_begins_as_firmware_leaves_it(void **state)
{
    struct bench *b = *state;

    assert_int_equal(status(b), UNLOCK | SYS);
    assert_int_equal(ask(b, 0x20), 0x65); /* interrupt, system flag, auxiliary off, translation */
    assert_int_equal(status(b), UNLOCK | SYS | CMD);
}

static void the_self_test_passes_and_so_does_the_keyboards_interface(void **state)
{
    struct bench *b = *state;

    set_mode(b, 0x00);
    assert_int_equal(status(b) & SYS, 0);
    assert_int_equal(ask(b, 0xaa), 0x55);
    assert_int_equal(status(b) & SYS, SYS);
    assert_int_equal(ask(b, 0xab), 0x00);
    assert_int_equal(ask(b, 0xa9), 0x00);
    assert_int_equal(status(b) & OBF, 0);
}

static void the_command_byte_and_the_ram_behind_it_can_be_written(void **state)
{
    struct bench *b = *state;

    set_mode(b, 0xff);
    assert_int_equal(ask(b, 0x20), 0x7f); /* bit 7 is reserved */
    command(b, 0x7f);
    put(b, 0xa5);
    assert_int_equal(ask(b, 0x3f), 0xa5);
    assert_int_equal(ask(b, 0x21), 0x00);
}

static void ports_are_disabled_and_enabled_in_the_command_byte(void **state)
{
    struct bench *b = *state;

    set_mode(b, 0x00);
    command(b, 0xad);
    assert_int_equal(ask(b, 0x20), 0x10);
    command(b, 0xa7);
    assert_int_equal(ask(b, 0x20), 0x30);
    command(b, 0xae);
    assert_int_equal(ask(b, 0x20), 0x20);
    command(b, 0xa8);
    assert_int_equal(ask(b, 0x20), 0x00);
}

static void every_even_pulse_resets_the_machine_and_no_odd_one(void **state)
{
    struct bench *b = *state;

    for (uint32_t value = 0xf0; value <= 0xff; value++) {
        uint32_t before = bench_power_count(b);

        command(b, (uint8_t)value);
        assert_int_equal(bench_power_count(b) - before, value % 2 == 0);
    }
    assert_int_equal(bench_power(b), BP_POWER_RESET);
}

static void the_output_port_has_a20_and_the_reset_line(void **state)
{
    struct bench *b = *state;

    assert_int_equal(ask(b, 0xd0), 0xc3); /* lines high, A20 on, no reset */
    command(b, 0xd1);
    put(b, 0xdd); /* A20 off, as old boot code does it */
    assert_int_equal(ask(b, 0xd0), 0xc1);
    command(b, 0xd1);
    put(b, 0xdf);
    assert_int_equal(ask(b, 0xd0), 0xc3);
    assert_int_equal(bench_power_count(b), 0);
    command(b, 0xd1);
    put(b, 0xde);
    assert_int_equal(bench_power(b), BP_POWER_RESET);
}

static void the_input_port_says_unlocked_and_there_is_no_password(void **state)
{
    assert_int_equal(ask(*state, 0xc0), 0x80);
    assert_int_equal(ask(*state, 0xa4), 0xf1);
    assert_int_equal(ask(*state, 0xe0), 0x00);
}

static void a_keyboard_that_is_reset_acknowledges_and_passes_its_test(void **state)
{
    struct bench *b = *state;

    put(b, 0xff);
    assert_int_equal(take(b), 0xfa);
    assert_int_equal(take(b), 0xaa);
    assert_int_equal(status(b) & OBF, 0);
    assert_int_equal(data(b), 0xaa); /* the buffer keeps its last byte */
}

static void the_keyboard_tells_its_id_with_and_without_translation(void **state)
{
    struct bench *b = *state;

    set_mode(b, 0x05);
    send(b, 0xf2);
    assert_int_equal(take(b), 0xab);
    assert_int_equal(take(b), 0x83);
    set_mode(b, 0x45);
    send(b, 0xf2);
    assert_int_equal(take(b), 0xab);
    assert_int_equal(take(b), 0x41);
}

static void commands_with_a_parameter_acknowledge_both(void **state)
{
    static const uint8_t pairs[][2] = {{0xed, 0x07}, {0xf3, 0x7f}, {0xf3, 0x00}, {0xf0, 0x02}};

    for (size_t i = 0; i < 4; i++) {
        send(*state, pairs[i][0]);
        send(*state, pairs[i][1]);
        assert_int_equal(status(*state) & OBF, 0);
    }
}

static void the_scan_set_can_be_changed_and_asked_for(void **state)
{
    static const uint8_t translated[] = {0x43, 0x41, 0x3f};
    struct bench *b = *state;

    for (uint8_t set = 1; set <= 3; set++) {
        send(b, 0xf0);
        send(b, set);
        send(b, 0xf0);
        send(b, 0x00);
        assert_int_equal(take(b), translated[set - 1]);
    }
    set_mode(b, 0x05);
    send(b, 0xf0);
    send(b, 0x00);
    assert_int_equal(take(b), 3);
    send(b, 0xf0);
    put(b, 0x04);
    assert_int_equal(take(b), 0xfe);
    send(b, 0xf6); /* defaults */
    send(b, 0xf0);
    send(b, 0x00);
    assert_int_equal(take(b), 2);
}

static void a_command_in_the_place_of_a_parameter_is_a_command(void **state)
{
    struct bench *b = *state;

    send(b, 0xed);
    put(b, 0xee);
    assert_int_equal(take(b), 0xee);
    send(b, 0xf4);
}

static void echo_enable_disable_and_resend_are_known(void **state)
{
    struct bench *b = *state;

    put(b, 0xee);
    assert_int_equal(take(b), 0xee);
    send(b, 0xf5);
    send(b, 0xf4);
    put(b, 0xfe);
    assert_int_equal(take(b), 0xfa); /* the last byte again */
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 0);
}

static void what_the_keyboard_does_not_know_it_wants_sent_again(void **state)
{
    put(*state, 0xef);
    assert_int_equal(take(*state), 0xfe);
    assert_true(bench_log_contains(*state, "0xef is not known to the keyboard"));
}

static void each_byte_of_the_keyboard_is_an_interrupt_edge(void **state)
{
    struct bench *b = *state;

    put(b, 0xf2);
    assert_int_equal(bench_line(b, "kbd"), 1);
    assert_int_equal(bench_line_raises(b, "kbd"), 1);
    data(b);
    assert_int_equal(bench_line(b, "kbd"), 1);
    assert_int_equal(bench_line_raises(b, "kbd"), 2); /* it was low between */
    data(b);
    data(b);
    assert_int_equal(bench_line(b, "kbd"), 0);
    assert_int_equal(bench_line_raises(b, "kbd"), 3);
    assert_int_equal(bench_line(b, "aux"), 0);
}

static void without_the_command_bytes_permission_there_is_no_interrupt(void **state)
{
    struct bench *b = *state;

    set_mode(b, 0x44);
    put(b, 0xee);
    assert_int_equal(bench_line(b, "kbd"), 0);
    set_mode(b, 0x45);
    assert_int_equal(bench_line(b, "kbd"), 1);
}

static void a_disabled_keyboard_waits_until_someone_writes_to_it(void **state)
{
    struct bench *b = *state;

    put(b, 0xf2);
    command(b, 0xad);
    assert_int_equal(take(b), 0xfa); /* was in the buffer already */
    assert_int_equal(status(b) & OBF, 0);
    assert_int_equal(ask(b, 0xab), 0x00); /* the controller's own answers come */
    put(b, 0xee);
    assert_int_equal(take(b), 0xab);
    assert_int_equal(take(b), 0x41);
    assert_int_equal(take(b), 0xee);
    assert_int_equal(ask(b, 0x20) & 0x10, 0);
}

static void the_controllers_answer_comes_before_the_keyboards_next_byte(void **state)
{
    struct bench *b = *state;

    put(b, 0xf2);
    command(b, 0xaa);
    assert_int_equal(take(b), 0xfa);
    assert_int_equal(take(b), 0x55);
    assert_int_equal(take(b), 0xab);
}

static void the_mouse_that_is_not_there_times_out(void **state)
{
    struct bench *b = *state;

    set_mode(b, 0x67);
    command(b, 0xd4);
    put(b, 0xff);
    assert_int_equal(bench_line(b, "aux"), 1);
    assert_int_equal(bench_line(b, "kbd"), 0);
    assert_int_equal(status(b), UNLOCK | SYS | OBF | AUX | TIMEOUT);
    assert_int_equal(ask(b, 0xd0), 0xfe);
    assert_int_equal(take(b), 0xe3); /* the output port showed the auxiliary interrupt */
    assert_int_equal(bench_line(b, "aux"), 0);
    assert_int_equal(ask(b, 0x20), 0x47); /* sending has enabled the port */
}

static void bytes_can_be_written_into_both_output_buffers(void **state)
{
    struct bench *b = *state;

    command(b, 0xd2);
    put(b, 0x83);
    assert_int_equal(status(b) & (OBF | AUX), OBF);
    assert_int_equal(take(b), 0x83); /* as it is, not translated */
    command(b, 0xd3);
    put(b, 0x5a);
    assert_int_equal(status(b) & (OBF | AUX | TIMEOUT), OBF | AUX);
    assert_int_equal(take(b), 0x5a);
}

static void a_new_command_forgets_the_parameter_of_the_last(void **state)
{
    struct bench *b = *state;

    command(b, 0x60);
    command(b, 0xae);
    put(b, 0xee); /* for the keyboard */
    assert_int_equal(take(b), 0xee);
    assert_int_equal(ask(b, 0x20), 0x65);
}

static void unknown_commands_do_nothing_but_a_line_in_the_log(void **state)
{
    struct bench *b = *state;

    command(b, 0xb0);
    command(b, 0x00);
    assert_int_equal(status(b) & OBF, 0);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 2);
    assert_true(bench_log_contains(b, "command 0xb0 is not known"));
}

static void a_guest_that_never_reads_loses_only_answers(void **state)
{
    struct bench *b = *state;
    uint32_t n = 0;

    for (int i = 0; i < 1000; i++)
        put(b, 0xf2);
    while (status(b) & OBF) {
        data(b);
        n++;
    }
    assert_int_equal(n, 17); /* the buffer, and 16 in the keyboard */
    put(b, 0xee);
    assert_int_equal(take(b), 0xee);
}

static void acpi_knows_the_controller_and_no_mouse(void **state)
{
    assert_string_equal(bench_acpi(*state), "Features (i8042)\n");
}

static void only_bytes_are_for_it(void **state)
{
    bench_write16(*state, "command", 0, 0xfe);
    bench_write32(*state, "data", 0, 0xff);
    assert_int_equal(bench_refused(*state), 2);
    assert_int_equal(bench_power_count(*state), 0);
}

static void a_reset_brings_everything_back(void **state)
{
    struct bench *b = *state;

    set_mode(b, 0x03);
    put(b, 0xf2);
    command(b, 0xd1);
    bench_reset(b, BP_RESET_WARM);
    it_begins_as_firmware_leaves_it(state);
    assert_int_equal(ask(b, 0xd0), 0xc3);
}

static void state_survives_with_bytes_on_their_way(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    set_mode(b, 0x47);
    send(b, 0xf0);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    put(b, 0x01);
    put(b, 0xf2);
    command(b, 0x20);
    command(b, 0xd1);
    assert_int_equal(bench_line(b, "kbd"), 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(it_begins_as_firmware_leaves_it),
        T(the_self_test_passes_and_so_does_the_keyboards_interface),
        T(the_command_byte_and_the_ram_behind_it_can_be_written),
        T(ports_are_disabled_and_enabled_in_the_command_byte),
        T(every_even_pulse_resets_the_machine_and_no_odd_one),
        T(the_output_port_has_a20_and_the_reset_line),
        T(the_input_port_says_unlocked_and_there_is_no_password),
        T(a_keyboard_that_is_reset_acknowledges_and_passes_its_test),
        T(the_keyboard_tells_its_id_with_and_without_translation),
        T(commands_with_a_parameter_acknowledge_both),
        T(the_scan_set_can_be_changed_and_asked_for),
        T(a_command_in_the_place_of_a_parameter_is_a_command),
        T(echo_enable_disable_and_resend_are_known),
        T(what_the_keyboard_does_not_know_it_wants_sent_again),
        T(each_byte_of_the_keyboard_is_an_interrupt_edge),
        T(without_the_command_bytes_permission_there_is_no_interrupt),
        T(a_disabled_keyboard_waits_until_someone_writes_to_it),
        T(the_controllers_answer_comes_before_the_keyboards_next_byte),
        T(the_mouse_that_is_not_there_times_out),
        T(bytes_can_be_written_into_both_output_buffers),
        T(a_new_command_forgets_the_parameter_of_the_last),
        T(unknown_commands_do_nothing_but_a_line_in_the_log),
        T(a_guest_that_never_reads_loses_only_answers),
        T(only_bytes_are_for_it),
        T(acpi_knows_the_controller_and_no_mouse),
        T(a_reset_brings_everything_back),
        T(state_survives_with_bytes_on_their_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
