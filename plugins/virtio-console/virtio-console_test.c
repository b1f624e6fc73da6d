/* virtio-console on the bench. Layouts and bits are those of virtio 1.2, section 5.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define RX 0u
#define TX 1u

#define SIZE        UINT64_C(1)
#define EMERG_WRITE (UINT64_C(1) << 2)

static const struct bench_setup plain = {.ram_bytes = 8 << 20};

static int setup(void **state)
{
    *state = bench_create_with(BENCH_CLASS, &plain);
    bench_virtio_activate(*state, 0);
    return 0;
}

static int teardown(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint32_t say(struct bench *b, const char *text)
{
    uint32_t chain = bench_virtq_add(b, TX, text, (uint32_t)strlen(text), 0);
    bench_virtio_notify(b, TX);
    return chain;
}

static uint32_t listen(struct bench *b, uint32_t room)
{
    uint32_t chain = bench_virtq_add(b, RX, NULL, 0, room);
    bench_virtio_notify(b, RX);
    return chain;
}

static void feed(struct bench *b, const char *text)
{
    bench_char_feed(b, "char", text, (uint32_t)strlen(text));
}

static void assert_heard(struct bench *b, uint32_t chain, const char *text)
{
    char bytes[200] = {0};
    assert_true(bench_virtq_done(b, chain));
    assert_int_equal(bench_virtq_written(b, chain), strlen(text));
    bench_virtq_result(b, chain, 0, bytes, (uint32_t)strlen(text));
    assert_string_equal(bytes, text);
}

static void it_is_a_console(void **state)
{
    struct bench *b = *state;
    assert_int_equal(bench_virtio_device_id(b), 3);
    assert_int_equal(bench_virtio_features(b), EMERG_WRITE);
}

static void the_size_is_told_when_it_is_known(void **state)
{
    const char *const both[] = {"cols=132", "rows=300", NULL}, *const one[] = {"cols=80", NULL};
    struct bench *b = bench_create(BENCH_CLASS, both);
    struct bench_setup bad = {.settings = one};
    uint8_t config[4];
    (void)state;
    assert_int_equal(bench_virtio_features(b), EMERG_WRITE | SIZE);
    bench_virtio_config_read(b, 0, config, 4);
    assert_memory_equal(config, "\x84\x00\x2c\x01", 4);
    bench_destroy(b);
    assert_int_equal(bench_try(BENCH_CLASS, &bad, &b), BP_ERR_INVALID);
    assert_string_equal(bench_error(b), "cols and rows: give both, or neither of them");
    bench_destroy(b);
}

static void what_the_guest_says_goes_out_however_it_is_cut(void **state)
{
    struct bench *b = *state;
    for (uint32_t split = 0; split < 4; split++) {
        bench_virtq_split(b, split);
        uint32_t chain = say(b, "hello, world\n");
        assert_true(bench_virtq_done(b, chain));
        assert_int_equal(bench_virtq_written(b, chain), 0);
    }
    assert_string_equal(bench_char_text(b, "char"),
                        "hello, world\nhello, world\nhello, world\nhello, world\n");
}

static void chains_with_nothing_to_say_are_given_back(void **state)
{
    struct bench *b = *state;
    uint32_t empty = bench_virtq_add(b, TX, NULL, 0, 0), wrong = bench_virtq_add(b, TX, NULL, 0, 9);
    uint32_t good = say(b, "x");
    assert_true(bench_virtq_done(b, empty) && bench_virtq_done(b, wrong));
    assert_int_equal(bench_virtq_written(b, wrong), 0);
    assert_true(bench_virtq_done(b, good));
    assert_string_equal(bench_char_text(b, "char"), "x");
}

static void a_slow_backend_holds_the_guest_up_and_nothing_is_lost(void **state)
{
    struct bench *b = *state;
    bench_char_room(b, "char", 3);
    uint32_t first = say(b, "abcdefgh"), second = say(b, "ijkl"), third = say(b, "mnop");
    assert_string_equal(bench_char_text(b, "char"), "abc");
    assert_true(bench_virtq_done(b, first)); /* copied */
    assert_false(bench_virtq_done(b, second));
    uint32_t calls = bench_char_calls(b, "char");
    bench_advance_ns(b, 1000000000);
    assert_int_equal(bench_char_calls(b, "char"), calls); /* it does not poll */
    bench_char_room(b, "char", 6);
    assert_string_equal(bench_char_text(b, "char"), "abcdefghi");
    assert_false(bench_virtq_done(b, third));
    bench_char_room(b, "char", UINT32_MAX);
    assert_string_equal(bench_char_text(b, "char"), "abcdefghijklmnop");
    assert_true(bench_virtq_done(b, third));
}

/* Longer than what is kept here. */
static uint8_t *long_text(uint32_t size)
{
    uint8_t *bytes = malloc(size);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)('a' + i % 26);
    return bytes;
}

static void a_chain_of_any_length_goes_out_whole(void **state)
{
    struct bench *b = *state;
    uint32_t size = 300000;
    uint8_t *bytes = long_text(size);
    bench_char_room(b, "char", 100000);
    uint32_t chain = bench_virtq_add(b, TX, bytes, size, 0);
    bench_virtio_notify(b, TX);
    assert_false(bench_virtq_done(b, chain));
    bench_char_room(b, "char", UINT32_MAX);
    assert_true(bench_virtq_done(b, chain));
    assert_int_equal(bench_char_size(b, "char"), size);
    assert_memory_equal(bench_char_text(b, "char"), bytes, size);
    free(bytes);
}

static void input_fills_the_guests_buffers_in_turn(void **state)
{
    struct bench *b = *state;
    uint32_t first = listen(b, 4), second = listen(b, 100);
    feed(b, "typed");
    assert_heard(b, first, "type");
    assert_heard(b, second, "d");
    uint32_t third = listen(b, 100);
    assert_false(bench_virtq_done(b, third));
    feed(b, "more");
    assert_heard(b, third, "more");
}

static void input_waits_until_there_are_buffers(void **state)
{
    struct bench *b = *state;
    feed(b, "early");
    uint32_t none = listen(b, 0); /* a buffer without room */
    assert_true(bench_virtq_done(b, none));
    assert_int_equal(bench_virtq_written(b, none), 0);
    feed(b, "late");
    assert_int_equal(bench_char_waiting(b, "char"), 4);
    uint32_t first = listen(b, 100), second = listen(b, 100);
    assert_heard(b, first, "early");
    assert_heard(b, second, "late");
}

static void input_before_the_driver_is_for_the_driver(void **state)
{
    struct bench *b = bench_create(BENCH_CLASS, NULL);
    (void)state;
    feed(b, "early");
    assert_int_equal(bench_char_waiting(b, "char"), 5);
    bench_virtio_activate(b, 0);
    uint32_t chain = listen(b, 3);
    assert_heard(b, chain, "ear");
    bench_virtio_reset(b); /* the boot loader's driver goes, the kernel's comes */
    bench_virtio_activate(b, 0);
    chain = listen(b, 100);
    assert_heard(b, chain, "ly");
    bench_destroy(b);
}

static void what_was_sent_goes_out_after_the_driver_has_gone(void **state)
{
    struct bench *b = *state;
    bench_char_room(b, "char", 2);
    say(b, "goodbye");
    bench_virtio_reset(b);
    bench_char_room(b, "char", UINT32_MAX);
    assert_string_equal(bench_char_text(b, "char"), "goodbye");
}

static void a_reset_of_the_machine_forgets_input_and_sends_output(void **state)
{
    struct bench *b = *state;
    bench_char_room(b, "char", 2);
    say(b, "goodbye");
    feed(b, "old");
    bench_virtio_notify(b, RX);
    bench_reset(b, BP_RESET_WARM);
    assert_string_equal(bench_char_text(b, "char"), "go");
    bench_char_room(b, "char", UINT32_MAX);
    bench_virtio_activate(b, 0);
    uint32_t chain = listen(b, 100);
    feed(b, "new");
    assert_heard(b, chain, "new");
}

static void an_emergency_character_needs_no_driver(void **state)
{
    struct bench *b = bench_create(BENCH_CLASS, NULL);
    (void)state;
    for (const char *at = "panic"; *at != '\0'; at++)
        bench_virtio_config_write(b, 8, (const uint8_t[4]){(uint8_t)*at}, 4);
    assert_string_equal(bench_char_text(b, "char"), "panic");
    bench_virtio_config_write(b, 0, "\1\2", 2);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 1);
    bench_destroy(b);
}

static void emergency_characters_without_end_are_dropped_at_last(void **state)
{
    struct bench *b = *state;
    bench_char_room(b, "char", 0);
    for (uint32_t i = 0; i < 70000; i++)
        bench_virtio_config_write(b, 8, "x\0\0\0", 4);
    bench_char_room(b, "char", UINT32_MAX);
    assert_int_equal(bench_char_size(b, "char"), 65536);
}

static void a_guest_and_a_backend_without_end_do_not_keep_a_thread(void **state)
{
    struct bench *b = *state;
    uint8_t *bytes = long_text(100000);
    for (uint32_t i = 0; i < 2000; i++) {
        bench_virtq_add(b, TX, "0123456789", 10, 0);
        bench_virtq_add(b, RX, NULL, 0, 50);
    }
    bench_char_feed(b, "char", bytes, 100000);
    bench_virtio_notify(b, TX);
    assert_int_equal(bench_char_size(b, "char"), 20000);
    assert_int_equal(bench_virtq_waiting(b, TX) + bench_virtq_waiting(b, RX), 0);
    free(bytes);
}

static void a_broken_ring_stops_its_direction_only(void **state)
{
    struct bench *b = *state;
    bench_virtq_break(b, RX);
    feed(b, "x");
    bench_virtio_notify(b, RX);
    bench_virtio_reset(b);
    bench_virtio_activate(b, 0);
    assert_true(bench_virtq_done(b, say(b, "y")));
    assert_heard(b, listen(b, 5), "x");
}

static void without_a_backend_it_is_silent(void **state)
{
    const char *const names[] = {"char", NULL};
    struct bench_setup alone = plain;
    alone.unconnected = names;
    struct bench *b = bench_create_with(BENCH_CLASS, &alone);
    (void)state;
    bench_virtio_activate(b, 0);
    assert_true(bench_virtq_done(b, say(b, "nobody hears")));
    bench_destroy(b);
}

static void state_survives_with_bytes_on_their_way(void **state)
{
    struct bench *b = *state;
    uint64_t size;
    bench_char_room(b, "char", 4);
    say(b, "first");
    feed(b, "typed");
    listen(b, 2);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    uint8_t *bytes = bench_save(b, &size);
    struct bench *other = bench_create(BENCH_CLASS, NULL);
    assert_int_equal(bench_load(other, bytes, size), BP_OK);
    free(bytes);
    assert_string_equal(bench_char_text(other, "char"), "t");
    bench_virtio_activate(other, 0);
    assert_heard(other, listen(other, 100), "ped");
    bench_destroy(other);
}

static void a_long_chain_is_written_before_the_state_is_saved(void **state)
{
    struct bench *b = *state;
    uint8_t *bytes = long_text(200000);
    uint64_t size;
    uint32_t chain = bench_virtq_add(b, TX, bytes, 200000, 0);
    bench_char_room(b, "char", 10);
    bench_virtio_notify(b, TX);
    assert_false(bench_virtq_done(b, chain));
    bench_link_event(b, "char", BP_LINK_READABLE);
    bench_char_room(b, "char", UINT32_MAX);
    free(bench_save(b, &size));
    assert_true(bench_virtq_done(b, chain));
    assert_int_equal(bench_char_size(b, "char"), 200000);
    free(bytes);
}

static void set_up_can_fail_anywhere(void **state)
{
    (void)state;
    bench_check_setup_failures(BENCH_CLASS, &plain);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_a_console),
        cmocka_unit_test(the_size_is_told_when_it_is_known),
        TEST(what_the_guest_says_goes_out_however_it_is_cut),
        TEST(chains_with_nothing_to_say_are_given_back),
        TEST(a_slow_backend_holds_the_guest_up_and_nothing_is_lost),
        TEST(a_chain_of_any_length_goes_out_whole),
        TEST(input_fills_the_guests_buffers_in_turn),
        TEST(input_waits_until_there_are_buffers),
        cmocka_unit_test(input_before_the_driver_is_for_the_driver),
        TEST(what_was_sent_goes_out_after_the_driver_has_gone),
        TEST(a_reset_of_the_machine_forgets_input_and_sends_output),
        cmocka_unit_test(an_emergency_character_needs_no_driver),
        TEST(emergency_characters_without_end_are_dropped_at_last),
        TEST(a_guest_and_a_backend_without_end_do_not_keep_a_thread),
        TEST(a_broken_ring_stops_its_direction_only),
        cmocka_unit_test(without_a_backend_it_is_silent),
        TEST(state_survives_with_bytes_on_their_way),
        TEST(a_long_chain_is_written_before_the_state_is_saved),
        cmocka_unit_test(set_up_can_fail_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
