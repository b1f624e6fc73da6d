/* What is linked into plugins: register banks, byte FIFO, log lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>
#include <backplane/lib/fifo.h>
#include <backplane/lib/log.h>
#include <backplane/lib/regs.h>

enum { PLAIN, FLAGS, HOOKED, FAR_AWAY, N_REGS };

struct device {
    struct bp_regs regs;
    const struct bp_host *host;
    uint32_t reads;
    uint32_t writes;
    uint32_t written;
    uint32_t stored; /* HOOKED as the hook found it */
};

static uint32_t hooked_read(void *dev)
{
    struct device *s = dev;

    s->reads++;
    return 0xcafe0000 | s->regs.v[HOOKED];
}

static void hooked_write(void *dev, uint32_t value)
{
    struct device *s = dev;

    s->writes++;
    s->written = value;
    s->stored = s->regs.v[HOOKED];
}

static const struct bp_reg rows[N_REGS] = {
    [PLAIN] = {.name = "PLAIN", .offset = 0x0, .reset = 0x12345678, .writable = UINT32_MAX},
    [FLAGS] = {.name = "FLAGS", .offset = 0x4, .reset = 0xff, .writable = 0xf00, .w1c = 0x0f},
    [HOOKED] = {.name = "HOOKED",
                .offset = 0x8,
                .writable = 0xff,
                .on_read = hooked_read,
                .on_write = hooked_write},
    [FAR_AWAY] = {.name = "FAR_AWAY", .offset = 0x40, .writable = UINT32_MAX},
};

static void fresh(struct device *s)
{
    memset(s, 0, sizeof(*s));
    bp_regs_init(&s->regs, rows, N_REGS);
}

static void registers_begin_with_their_reset_values_and_return_to_them(void **state)
{
    struct device s;

    (void)state;
    fresh(&s);
    assert_int_equal(bp_regs_read(&s, 0, 0x0, 4), 0x12345678);
    assert_int_equal(bp_regs_read(&s, 0, 0x4, 4), 0xff);
    bp_regs_write(&s, 0, 0x0, 4, 7);
    bp_regs_write(&s, 0, 0x4, 4, 0x30f);
    bp_regs_reset(&s, BP_RESET_WARM);
    assert_int_equal(bp_regs_read(&s, 0, 0x0, 4), 0x12345678);
    assert_int_equal(bp_regs_read(&s, 0, 0x4, 4), 0xff);
}

static void only_writable_bits_change_and_only_w1c_bits_are_cleared_by_ones(void **state)
{
    struct device s;

    (void)state;
    fresh(&s);
    bp_regs_write(&s, 0, 0x4, 4, 0xfffffff5);
    assert_int_equal(bp_regs_read(&s, 0, 0x4, 4), 0xffa); /* f00 set, 5 cleared, f0 as it was */
    bp_regs_write(&s, 0, 0x4, 4, 0);
    assert_int_equal(bp_regs_read(&s, 0, 0x4, 4), 0x0fa);
}

static void narrow_accesses_see_the_bytes_that_they_name(void **state)
{
    struct device s;

    (void)state;
    fresh(&s);
    assert_int_equal(bp_regs_read(&s, 0, 0x0, 1), 0x78);
    assert_int_equal(bp_regs_read(&s, 0, 0x1, 1), 0x56);
    assert_int_equal(bp_regs_read(&s, 0, 0x3, 1), 0x12);
    assert_int_equal(bp_regs_read(&s, 0, 0x2, 2), 0x1234);
    bp_regs_write(&s, 0, 0x1, 1, 0xaa);
    assert_int_equal(bp_regs_read(&s, 0, 0x0, 4), 0x1234aa78);
    bp_regs_write(&s, 0, 0x2, 2, 0xbbcc);
    assert_int_equal(bp_regs_read(&s, 0, 0x0, 4), 0xbbccaa78);
    bp_regs_write(&s, 0, 0x5, 1, 0x03); /* bits 8-15 of FLAGS: w1c bits are not touched */
    assert_int_equal(bp_regs_read(&s, 0, 0x4, 4), 0x3ff);
    bp_regs_write(&s, 0, 0x4, 1, 0x0f);
    assert_int_equal(bp_regs_read(&s, 0, 0x4, 4), 0x3f0);
}

static void a_64_bit_access_covers_two_registers(void **state)
{
    struct device s;

    (void)state;
    fresh(&s);
    assert_true(bp_regs_read(&s, 0, 0x0, 8) == 0x000000ff12345678);
    bp_regs_write(&s, 0, 0x0, 8, 0x0000010f00000001);
    assert_true(bp_regs_read(&s, 0, 0x0, 8) == 0x000001f000000001);
}

static void hooks_see_the_value_as_written_after_the_store(void **state)
{
    struct device s;

    (void)state;
    fresh(&s);
    bp_regs_write(&s, 0, 0x8, 4, 0x1234);
    assert_int_equal(s.writes, 1);
    assert_int_equal(s.written, 0x1234);
    assert_int_equal(s.stored, 0x34);
    assert_int_equal(bp_regs_read(&s, 0, 0x8, 4), 0xcafe0034);
    assert_int_equal(s.reads, 1);
    bp_regs_write(&s, 0, 0x9, 1, 0x56);
    assert_int_equal(s.written, 0x5600);
    assert_int_equal(s.stored, 0x34);
}

static void an_offset_without_a_row_reads_0_and_takes_nothing(void **state)
{
    struct device s;

    (void)state;
    fresh(&s);
    bp_regs_write(&s, 0, 0x40, 4, 9);
    assert_int_equal(bp_regs_read(&s, 0, 0x40, 4), 9);
    for (uint64_t offset = 0xc; offset < 0x100; offset += 4) {
        if (offset == 0x40)
            continue;
        bp_regs_write(&s, 0, offset, 4, UINT32_MAX);
        assert_int_equal(bp_regs_read(&s, 0, offset, 4), 0);
    }
    assert_int_equal(bp_regs_read(&s, 0, 0x40, 4), 9);
}

/* --- fifo ------------------------------------------------------------------------------------- */
static void a_fifo_gives_bytes_in_the_order_they_came(void **state)
{
    struct bp_fifo f = {0};

    (void)state;
    for (uint8_t i = 0; i < 16; i++) {
        assert_int_equal(bp_fifo_room(&f, 16), 16 - i);
        bp_fifo_push(&f, (uint8_t)(100 + i));
    }
    assert_int_equal(bp_fifo_room(&f, 16), 0);
    assert_int_equal(bp_fifo_room(&f, 1), 0);
    for (uint8_t i = 0; i < 16; i++)
        assert_int_equal(bp_fifo_pop(&f), 100 + i);
    assert_int_equal(bp_fifo_pop(&f), 0);
    assert_int_equal(f.n, 0);
}

static void a_fifo_drops_what_does_not_fit_and_what_it_is_told_to(void **state)
{
    struct bp_fifo f = {0}, empty = {0};

    (void)state;
    for (int i = 0; i < BP_FIFO_MAX + 10; i++)
        bp_fifo_push(&f, (uint8_t)i);
    assert_int_equal(f.n, BP_FIFO_MAX);
    bp_fifo_drop(&f, 60);
    assert_int_equal(f.n, 4);
    assert_int_equal(bp_fifo_pop(&f), 60);
    bp_fifo_drop(&f, 1000);
    assert_memory_equal(&f, &empty, sizeof(f)); /* nothing of the past is left in a snapshot */
    bp_fifo_push(&f, 1);
    bp_fifo_clear(&f);
    assert_memory_equal(&f, &empty, sizeof(f));
}

/* --- log -------------------------------------------------------------------------------------- */
static int32_t create_with_error(const struct bp_host *host, void *dev)
{
    (void)dev;
    return bp_errorf(host, BP_ERR_RANGE, "level %d: at most %s", 7, "six");
}

static const struct bp_class failing = {
    .struct_size = sizeof(struct bp_class),
    .id = "failing",
    .version = "1",
    .summary = "Fails",
    .create = create_with_error,
};

static void a_formatted_error_becomes_the_sentence_of_the_set_up(void **state)
{
    struct bench *b;

    (void)state;
    assert_int_equal(bench_try(&failing, NULL, &b), BP_ERR_RANGE);
    assert_string_equal(bench_error(b), "level 7: at most six");
    bench_destroy(b);
}

static int32_t create_with_log(const struct bp_host *host, void *dev)
{
    char text[600];

    (void)dev;
    bp_logf(host, BP_LOG_WARN, "%s = %u", "count", 3u);
    bp_guest_logf(host, "offset 0x%x", 16u);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    bp_logf(host, BP_LOG_INFO, "%s", text);
    return BP_OK;
}

static const struct bp_class talking = {
    .struct_size = sizeof(struct bp_class),
    .id = "talking",
    .version = "1",
    .summary = "Talks",
    .create = create_with_log,
};

static void lines_of_the_log_are_formatted_and_cut(void **state)
{
    struct bench *b = bench_create(&talking, NULL);

    (void)state;
    assert_true(bench_log_contains(b, "count = 3\n"));
    assert_true(bench_log_contains(b, "offset 0x10\n"));
    assert_int_equal(bench_log_count(b, BP_LOG_WARN), 1);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 1);
    assert_int_equal(strlen(bench_log_text(b)), 10 + 12 + 256);
    bench_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_begin_with_their_reset_values_and_return_to_them),
        cmocka_unit_test(only_writable_bits_change_and_only_w1c_bits_are_cleared_by_ones),
        cmocka_unit_test(narrow_accesses_see_the_bytes_that_they_name),
        cmocka_unit_test(a_64_bit_access_covers_two_registers),
        cmocka_unit_test(hooks_see_the_value_as_written_after_the_store),
        cmocka_unit_test(an_offset_without_a_row_reads_0_and_takes_nothing),
        cmocka_unit_test(a_fifo_gives_bytes_in_the_order_they_came),
        cmocka_unit_test(a_fifo_drops_what_does_not_fit_and_what_it_is_told_to),
        cmocka_unit_test(a_formatted_error_becomes_the_sentence_of_the_set_up),
        cmocka_unit_test(lines_of_the_log_are_formatted_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
