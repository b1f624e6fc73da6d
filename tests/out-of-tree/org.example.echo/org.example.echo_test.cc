/* org.example.echo on the bench: the test is the driver. Numbers are typed again, from README.md.
 */
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
extern "C" {
#include <cmocka.h>
}

#include <backplane/bench.h>

namespace
{

constexpr uint32_t SEND = 0;
constexpr uint32_t RECEIVE = 1;
constexpr uint64_t REVERSE = 1;

int make(void **state)
{
    static const char *const settings[] = {"max-bytes=16", "backlog=3", nullptr};
    bench *b = bench_create(BENCH_CLASS, settings);
    bench_virtio_activate(b, 0);
    *state = b;
    return 0;
}

int drop(void **state)
{
    bench_destroy(static_cast<bench *>(*state));
    return 0;
}

bench *bench_of(void **state)
{
    return static_cast<bench *>(*state);
}

uint32_t send(bench *b, const char *text)
{
    uint32_t chain = bench_virtq_add(b, SEND, text, static_cast<uint32_t>(std::strlen(text)), 0);
    bench_virtio_notify(b, SEND);
    return chain;
}

uint32_t receive(bench *b, uint32_t room)
{
    uint32_t chain = bench_virtq_add(b, RECEIVE, nullptr, 0, room);
    bench_virtio_notify(b, RECEIVE);
    return chain;
}

void expect_text(bench *b, uint32_t chain, const char *text)
{
    char got[64] = "";
    uint32_t size = static_cast<uint32_t>(std::strlen(text));
    assert_int_equal(bench_virtq_done(b, chain), 1);
    assert_int_equal(bench_virtq_written(b, chain), size);
    bench_virtq_result(b, chain, 0, got, size);
    assert_string_equal(got, text);
}

uint32_t config32(bench *b, uint32_t offset)
{
    uint8_t bytes[4];
    bench_virtio_config_read(b, offset, bytes, 4);
    return bytes[0] | uint32_t(bytes[1]) << 8 | uint32_t(bytes[2]) << 16 | uint32_t(bytes[3]) << 24;
}

void it_says_what_it_is(void **state)
{
    bench *b = bench_of(state);
    assert_int_equal(bench_virtio_device_id(b), 4091);
    assert_int_equal(bench_virtio_features(b), REVERSE);
    assert_int_equal(config32(b, 0), 16);
    assert_int_equal(config32(b, 4), 0);
    assert_int_equal(config32(b, 8), 0);
}

void what_is_sent_comes_back(void **state)
{
    bench *b = bench_of(state);
    uint32_t buffer = receive(b, 16);
    uint32_t message = send(b, "hello");
    assert_int_equal(bench_virtq_done(b, message), 1);
    assert_int_equal(bench_virtq_written(b, message), 0);
    expect_text(b, buffer, "hello");
    assert_int_equal(config32(b, 4), 1);
}

void messages_wait_for_buffers_in_order(void **state)
{
    bench *b = bench_of(state);
    send(b, "one");
    send(b, "two");
    expect_text(b, receive(b, 16), "one");
    expect_text(b, receive(b, 16), "two");
    assert_int_equal(bench_virtq_done(b, receive(b, 16)), 0);
}

void a_full_backlog_leaves_messages_in_the_queue(void **state)
{
    bench *b = bench_of(state);
    const char *const texts[] = {"1", "2", "3", "4", "5"};
    uint32_t chains[5];
    for (int i = 0; i < 5; i++)
        chains[i] = send(b, texts[i]);
    assert_int_equal(bench_virtq_done(b, chains[2]), 1);
    assert_int_equal(bench_virtq_done(b, chains[3]), 0);
    assert_int_equal(bench_virtq_waiting(b, SEND), 2);
    for (int i = 0; i < 5; i++)
        expect_text(b, receive(b, 1), texts[i]);
    assert_int_equal(bench_virtq_done(b, chains[4]), 1);
}

void the_feature_turns_messages_round(void **state)
{
    bench *b = bench_of(state);
    bench_virtio_reset(b);
    bench_virtio_activate(b, REVERSE);
    send(b, "stressed");
    expect_text(b, receive(b, 16), "desserts");
}

void the_key_is_xored_onto_every_byte(void **state)
{
    bench *b = bench_of(state);
    uint8_t key = 0x20;
    bench_virtio_config_write(b, 8, &key, 1);
    assert_int_equal(config32(b, 8), 0x20);
    send(b, "Hello");
    expect_text(b, receive(b, 16), "hELLO");
}

void of_the_configuration_only_the_key_can_be_written(void **state)
{
    bench *b = bench_of(state);
    const uint8_t ones[12] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    bench_virtio_config_write(b, 0, ones, 8);
    assert_int_equal(config32(b, 8), 0);
    bench_virtio_config_write(b, 0, ones, 12);
    bench_virtio_config_write(b, 9, ones, 3);
    assert_int_equal(config32(b, 0), 16);
    assert_int_equal(config32(b, 4), 0);
    assert_int_equal(config32(b, 8), 255);
}

void messages_over_several_segments_are_whole(void **state)
{
    bench *b = bench_of(state);
    bench_virtq_split(b, 3);
    send(b, "in many pieces");
    expect_text(b, receive(b, 16), "in many pieces");
}

void messages_too_long_or_empty_are_dropped_and_logged(void **state)
{
    bench *b = bench_of(state);
    assert_int_equal(bench_virtq_done(b, send(b, "seventeen letters")), 1);
    assert_int_equal(bench_virtq_done(b, send(b, "")), 1);
    assert_true(bench_log_contains(b, "a message of 17 bytes was dropped: 1 to 16 are allowed"));
    assert_true(bench_log_contains(b, "a message of 0 bytes was dropped"));
    assert_int_equal(bench_virtq_done(b, receive(b, 16)), 0);
}

void a_buffer_too_small_cuts_and_one_without_room_comes_back_empty(void **state)
{
    bench *b = bench_of(state);
    send(b, "abcdef");
    uint32_t none = bench_virtq_add(b, RECEIVE, "x", 1, 0);
    bench_virtio_notify(b, RECEIVE);
    assert_int_equal(bench_virtq_done(b, none), 1);
    assert_int_equal(bench_virtq_written(b, none), 0);
    expect_text(b, receive(b, 2), "ab");
}

void a_reset_of_the_driver_forgets_everything(void **state)
{
    bench *b = bench_of(state);
    uint8_t key = 1;
    bench_virtio_config_write(b, 8, &key, 1);
    send(b, "old");
    bench_virtio_reset(b);
    assert_int_equal(config32(b, 8), 0);
    bench_virtio_activate(b, 0);
    assert_int_equal(bench_virtq_done(b, receive(b, 16)), 0);
    send(b, "new");
    assert_int_equal(config32(b, 4), 1);
}

void a_broken_ring_is_no_catastrophe(void **state)
{
    bench *b = bench_of(state);
    bench_virtq_break(b, SEND);
    send(b, "lost");
    bench_virtio_reset(b);
    bench_virtio_activate(b, 0);
    send(b, "found");
    expect_text(b, receive(b, 16), "found");
}

void state_carries_what_waits(void **state)
{
    bench *b = bench_of(state);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    uint8_t key = 0x20;
    bench_virtio_config_write(b, 8, &key, 1);
    send(b, "ONE");
    send(b, "TWO");
    send(b, "THREE");
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    expect_text(b, receive(b, 16), "one");
}

void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **)
{
    /* It has no call that can fail: bp.virtio/1 is in `needs`. */
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, nullptr), 0);
}

void nothing_that_a_guest_does_upsets_it(void **state)
{
    bench *b = bench_of(state);
    bench_action a;
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        bench_action_random(b, &seed, &a);
        bench_action_play(b, &a);
    }
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
}

} // namespace

int main()
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const CMUnitTest tests[] = {
        T(it_says_what_it_is),
        T(what_is_sent_comes_back),
        T(messages_wait_for_buffers_in_order),
        T(a_full_backlog_leaves_messages_in_the_queue),
        T(the_feature_turns_messages_round),
        T(the_key_is_xored_onto_every_byte),
        T(of_the_configuration_only_the_key_can_be_written),
        T(messages_over_several_segments_are_whole),
        T(messages_too_long_or_empty_are_dropped_and_logged),
        T(a_buffer_too_small_cuts_and_one_without_room_comes_back_empty),
        T(a_reset_of_the_driver_forgets_everything),
        T(a_broken_ring_is_no_catastrophe),
        T(state_carries_what_waits),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
        T(nothing_that_a_guest_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
