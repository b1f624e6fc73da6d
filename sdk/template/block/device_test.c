/* @ID@ on the bench: the test is the disk device, with guest memory of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define GPA BENCH_RAM_BASE

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

static void what_is_written_is_read_again(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[1024];

    memset(bytes, 0x5a, sizeof(bytes));
    bench_ram_write(b, GPA, bytes, sizeof(bytes));
    assert_int_equal(bench_block_do(b, BP_BLOCK_WRITE, 512, 1024, GPA), BP_OK);
    assert_int_equal(bench_block_do(b, BP_BLOCK_READ, 0, 2048, GPA + 0x1000), BP_OK);
    bench_ram_read(b, GPA + 0x1000, bytes, 1024);
    assert_int_equal(bytes[511], 0);
    assert_int_equal(bytes[512], 0x5a);
    assert_int_equal(bench_block_do(b, BP_BLOCK_FLUSH, 0, 0, 0), BP_OK);
}

static void several_segments_are_one_request(void **state)
{
    static const struct bp_segment parts[] = {{GPA + 100, 12}, {GPA + 900, 500}};
    struct bench *b = *state;
    uint64_t ticket;
    uint8_t bytes[2];

    bench_ram_write(b, GPA + 111, "a", 1);
    bench_ram_write(b, GPA + 900, "b", 1);
    assert_int_equal(bench_block_submit(b, BP_BLOCK_WRITE, 0, 512, parts, 2, &ticket), BP_OK);
    assert_int_equal(bench_block_result(b, ticket), BP_OK);
    assert_int_equal(bench_block_do(b, BP_BLOCK_READ, 0, 512, GPA), BP_OK);
    bench_ram_read(b, GPA + 11, bytes, 2);
    assert_memory_equal(bytes, "ab", 2);
}

static void discarded_bytes_are_zero(void **state)
{
    struct bench *b = *state;
    uint8_t byte = 0x5a;

    bench_ram_write(b, GPA, &byte, 1);
    assert_int_equal(bench_block_do(b, BP_BLOCK_WRITE, 0, 512, GPA), BP_OK);
    assert_int_equal(bench_block_do(b, BP_BLOCK_DISCARD_OP, 0, 512, 0), BP_OK);
    assert_int_equal(bench_block_do(b, BP_BLOCK_READ, 0, 512, GPA), BP_OK);
    bench_ram_read(b, GPA, &byte, 1);
    assert_int_equal(byte, 0);
}

static void properties_give_size_and_protection(void **state)
{
    static const char *const settings[] = {"size=4K", "readonly=yes", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    struct bp_block_info info;

    (void)state;
    assert_int_equal(bench_block_info(b, &info), BP_OK);
    assert_int_equal(info.capacity_bytes, 4096);
    assert_int_equal(info.flags, BP_BLOCK_READ_ONLY | BP_BLOCK_DISCARD);
    assert_int_equal(bench_block_do(b, BP_BLOCK_READ, 3584, 512, GPA), BP_OK);
    assert_int_equal(bench_block_do(b, BP_BLOCK_WRITE, 0, 512, GPA), BP_ERR_PERMISSION);
    bench_destroy(b);
}

static void a_size_that_no_disk_has_is_refused(void **state)
{
    static const char *const settings[] = {"size=1000", NULL};
    struct bench_setup setup = {.settings = settings};
    struct bench *b;

    (void)state;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_INVALID);
    assert_string_equal(bench_error(b), "size: a multiple of 512 is wanted");
    bench_destroy(b);
}

static void memory_that_is_not_there_ends_a_request_with_an_error(void **state)
{
    assert_int_equal(bench_block_do(*state, BP_BLOCK_READ, 0, 512, 0x1000), BP_ERR_RANGE);
}

static void its_bytes_survive_a_warm_reset_and_a_snapshot(void **state)
{
    struct bench *b = *state;
    uint8_t byte = 0x5a;

    bench_ram_write(b, GPA, &byte, 1);
    assert_int_equal(bench_block_do(b, BP_BLOCK_WRITE, 0, 512, GPA), BP_OK);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_ram_write(b, GPA, "", 1);
    assert_int_equal(bench_block_do(b, BP_BLOCK_READ, 0, 512, GPA), BP_OK);
    bench_ram_read(b, GPA, &byte, 1);
    assert_int_equal(byte, 0x5a);
    bench_reset(b, BP_RESET_COLD);
    assert_int_equal(bench_block_do(b, BP_BLOCK_READ, 0, 512, GPA), BP_OK);
    bench_ram_read(b, GPA, &byte, 1);
    assert_int_equal(byte, 0);
}

static void a_scenario(struct bench *b)
{
    bench_block_do(b, BP_BLOCK_WRITE, 0, 512, GPA);
    bench_block_do(b, BP_BLOCK_READ, 0, 512, GPA);
}

static void it_survives_each_call_that_fails(void **state)
{
    (void)state;
    assert_int_equal(bench_check_call_failures(BENCH_CLASS, NULL, a_scenario), 2);
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 0);
}

static void nothing_that_a_device_does_upsets_it(void **state)
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
        T(what_is_written_is_read_again),
        T(several_segments_are_one_request),
        T(discarded_bytes_are_zero),
        T(properties_give_size_and_protection),
        T(a_size_that_no_disk_has_is_refused),
        T(memory_that_is_not_there_ends_a_request_with_an_error),
        T(its_bytes_survive_a_warm_reset_and_a_snapshot),
        T(it_survives_each_call_that_fails),
        T(nothing_that_a_device_does_upsets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
