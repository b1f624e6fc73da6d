/* The firmware configuration device on the bench. Offsets, keys and bits are those of QEMU's
 * docs/specs/fw_cfg.rst, typed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <backplane/bench.h>

/* Memory-mapped: data at 0, selector at 8, DMA at 16. */
#define DATA     0
#define SELECTOR 8
#define DMA      16

#define SIGNATURE  0x0000
#define ID         0x0001
#define FILE_DIR   0x0019
#define FILE_FIRST 0x0020

#define ERROR  0x01
#define READ   0x02
#define SKIP   0x04
#define SELECT 0x08
#define WRITE  0x10

static const char *const two_strings[] = {"string=opt/org.example/a=hello,opt/org.example/b=x,,y",
                                          NULL};

static int make(void **state)
{
    *state = bench_create(BENCH_CLASS, two_strings);
    return 0;
}

static int drop(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint16_t be16(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

static uint32_t be32(uint32_t v)
{
    return __builtin_bswap32(v);
}

static uint64_t be64(uint64_t v)
{
    return __builtin_bswap64(v);
}

static void choose(struct bench *b, uint16_t key)
{
    bench_write16(b, "regs", SELECTOR, be16(key));
}

static void read_bytes(struct bench *b, void *to, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = bench_read8(b, "regs", DATA);
}

struct access {
    uint32_t control;
    uint32_t length;
    uint64_t address;
};

/* Puts a descriptor into RAM and begins; the bench has not settled then. */
static uint64_t begin_dma(struct bench *b, uint32_t control, uint32_t length, uint64_t gpa)
{
    struct access access = {be32(control), be32(length), be64(gpa)};
    uint64_t at = bench_ram_alloc(b, sizeof(access));

    bench_ram_write(b, at, &access, sizeof(access));
    bench_write64(b, "regs", DMA, be64(at));
    return at;
}

static uint32_t control_at(struct bench *b, uint64_t descriptor)
{
    uint32_t control;

    bench_ram_read(b, descriptor, &control, sizeof(control));
    return be32(control);
}

static uint32_t do_dma(struct bench *b, uint32_t control, uint32_t length, uint64_t gpa)
{
    uint64_t at = begin_dma(b, control, length, gpa);

    bench_settle(b);
    return control_at(b, at);
}

static void the_signature_and_the_id_tell_what_it_can(void **state)
{
    char text[8] = {0};
    uint8_t id[4];

    read_bytes(*state, text, 4); /* after a reset the signature is selected */
    assert_string_equal(text, "QEMU");
    choose(*state, ID);
    read_bytes(*state, id, 4);
    assert_memory_equal(id, "\x03\0\0\0", 4); /* traditional interface and DMA */
}

static void selecting_begins_at_the_items_first_byte_again(void **state)
{
    assert_int_equal(bench_read8(*state, "regs", DATA), 'Q');
    assert_int_equal(bench_read8(*state, "regs", DATA), 'E');
    choose(*state, SIGNATURE);
    assert_int_equal(bench_read8(*state, "regs", DATA), 'Q');
}

static void wide_reads_have_the_bytes_in_their_order_in_memory(void **state)
{
    uint64_t all;
    uint32_t word;
    uint16_t half;

    choose(*state, FILE_FIRST);
    half = bench_read16(*state, "regs", DATA);
    assert_memory_equal(&half, "he", 2);
    choose(*state, FILE_FIRST);
    word = bench_read32(*state, "regs", DATA + 4);
    assert_memory_equal(&word, "hell", 4);
    choose(*state, FILE_FIRST);
    all = bench_read64(*state, "regs", DATA);
    assert_memory_equal(&all, "hello\0\0\0", 8);
}

static void behind_the_end_and_without_an_item_it_reads_0(void **state)
{
    uint8_t bytes[8];

    read_bytes(*state, bytes, 8);
    assert_memory_equal(bytes, "QEMU\0\0\0\0", 8);
    choose(*state, 0x1234);
    assert_int_equal(bench_read64(*state, "regs", DATA), 0);
    choose(*state, 0x8000); /* of this architecture: there are none */
    assert_int_equal(bench_read64(*state, "regs", DATA), 0);
}

static void the_directory_lists_the_files(void **state)
{
    static const char names[2][56] = {"opt/org.example/a", "opt/org.example/b"};
    uint8_t dir[4 + 2 * 64 + 1];

    choose(*state, FILE_DIR);
    read_bytes(*state, dir, sizeof(dir));
    assert_memory_equal(dir, "\0\0\0\2", 4);
    assert_memory_equal(dir + 4, "\0\0\0\5\0\x20\0\0", 8); /* size, key, reserved */
    assert_memory_equal(dir + 12, names[0], 56);
    assert_memory_equal(dir + 68, "\0\0\0\3\0\x21\0\0", 8);
    assert_memory_equal(dir + 76, names[1], 56);
    assert_int_equal(dir[132], 0);
}

static void two_commas_are_one(void **state)
{
    char text[8] = {0};

    choose(*state, FILE_FIRST + 1);
    read_bytes(*state, text, 4);
    assert_string_equal(text, "x,y");
}

static void writing_data_changes_nothing(void **state)
{
    choose(*state, 0x4000 | FILE_FIRST); /* with the bit that once meant writing */
    bench_write8(*state, "regs", DATA, 'X');
    bench_write64(*state, "regs", DATA, UINT64_MAX);
    assert_int_equal(bench_read8(*state, "regs", DATA), 'h');
}

static void only_a_halfword_selects(void **state)
{
    choose(*state, FILE_FIRST);
    bench_write8(*state, "regs", SELECTOR, 1);
    bench_write32(*state, "regs", SELECTOR, 1);
    bench_write8(*state, "regs", SELECTOR + 1, 1);
    assert_int_equal(bench_read8(*state, "regs", DATA), 'h');
    assert_int_equal(bench_read16(*state, "regs", SELECTOR), 0);
}

static void ports_are_little_endian_but_for_dma(void **state)
{
    struct bench *b = *state;
    struct access access = {be32(READ | SELECT | FILE_FIRST << 16), be32(5), 0};
    uint64_t at = bench_ram_alloc(b, sizeof(access)), to = bench_ram_alloc(b, 16);
    char text[8] = {0};

    bench_write16(b, "ports", 0, FILE_FIRST);
    assert_int_equal(bench_read8(b, "ports", 1), 'h');
    assert_int_equal(bench_read8(b, "ports", 1), 'e');
    assert_int_equal(bench_read8(b, "ports", 0), 0);
    access.address = be64(to);
    bench_ram_write(b, at, &access, sizeof(access));
    bench_write32(b, "ports", 4, be32((uint32_t)(at >> 32)));
    bench_write32(b, "ports", 8, be32((uint32_t)at));
    bench_ram_read(b, to, text, 5);
    assert_string_equal(text, "hello");
}

static void the_dma_register_reads_as_a_signature(void **state)
{
    assert_true(bench_read64(*state, "regs", DMA) == be64(0x51454d5520434647));
    assert_int_equal(bench_read32(*state, "ports", 4), be32(0x51454d55));
    assert_int_equal(bench_read32(*state, "ports", 8), be32(0x20434647));
    assert_int_equal(bench_read8(*state, "regs", DMA + 7), 'G');
}

static void dma_selects_and_reads_at_once(void **state)
{
    uint64_t to = bench_ram_alloc(*state, 16);
    char text[16] = {0};

    bench_ram_write(*state, to, "################", 16);
    assert_int_equal(do_dma(*state, READ | SELECT | FILE_FIRST << 16, 3, to), 0);
    assert_int_equal(do_dma(*state, READ, 6, to + 3), 0); /* goes on where that ended */
    bench_ram_read(*state, to, text, 16);
    assert_memory_equal(text, "hello\0\0\0\0#######", 16);
}

static void dma_skips(void **state)
{
    assert_int_equal(do_dma(*state, SKIP | SELECT | FILE_FIRST << 16, 2, 0), 0);
    assert_int_equal(bench_read8(*state, "regs", DATA), 'l');
    assert_int_equal(do_dma(*state, SKIP, UINT32_MAX, 0), 0);
    assert_int_equal(do_dma(*state, SKIP, UINT32_MAX, 0), 0);
    assert_int_equal(bench_read8(*state, "regs", DATA), 0);
}

static void dma_that_only_selects_or_does_nothing_succeeds(void **state)
{
    assert_int_equal(do_dma(*state, SELECT | FILE_FIRST << 16, 9, 0), 0);
    assert_int_equal(bench_read8(*state, "regs", DATA), 'h');
    assert_int_equal(do_dma(*state, 0x20, 9, 0), 0);
    assert_int_equal(do_dma(*state, READ, 0, UINT64_MAX), 0);
}

static void dma_writes_are_refused(void **state)
{
    uint64_t from = bench_ram_alloc(*state, 16);

    assert_int_equal(do_dma(*state, WRITE | SELECT | FILE_FIRST << 16, 5, from), ERROR);
    assert_int_equal(bench_read8(*state, "regs", DATA), 'h');
}

static void dma_to_where_no_ram_is_ends_with_an_error(void **state)
{
    const uint32_t read = READ | SELECT | FILE_FIRST << 16;

    assert_int_equal(do_dma(*state, read, 5, 0x1000), ERROR);
    assert_int_equal(do_dma(*state, read, 5, UINT64_MAX - 3), ERROR);
    assert_int_equal(do_dma(*state, read, 5, UINT64_MAX - 4), ERROR);
    assert_int_equal(do_dma(*state, read, UINT32_MAX, BENCH_RAM_BASE), ERROR);
    assert_int_equal(do_dma(*state, READ | SELECT | 0x777 << 16, UINT32_MAX, 0x1000), ERROR);
    assert_int_equal(bench_log_count(*state, BP_LOG_GUEST), 5);
}

static void a_descriptor_where_no_ram_is_does_nothing(void **state)
{
    static const uint64_t wrong[] = {0, 0x1000, UINT64_MAX, UINT64_MAX - 15,
                                     BENCH_RAM_BASE + (1 << 20) - 15};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        bench_write64(*state, "regs", DMA, be64(wrong[i]));
    bench_settle(*state);
    assert_int_equal(bench_log_count(*state, BP_LOG_GUEST), 5);
}

static void a_transfer_may_overwrite_its_own_descriptor(void **state)
{
    uint64_t at = bench_ram_alloc(*state, 64);
    struct access access = {be32(READ | SELECT | FILE_FIRST << 16), be32(64), be64(at)};
    uint8_t bytes[64], expected[64] = {0, 0, 0, 0, 'o'};

    bench_ram_write(*state, at, &access, sizeof(access));
    bench_write64(*state, "regs", DMA, be64(at));
    bench_settle(*state);
    bench_ram_read(*state, at, bytes, 64);
    assert_memory_equal(bytes, expected, 64);
}

static void other_ways_to_write_the_dma_register_do_nothing(void **state)
{
    uint64_t at = bench_ram_alloc(*state, 16);
    struct access access = {be32(WRITE), 0, 0};

    bench_ram_write(*state, at, &access, sizeof(access));
    bench_write32(*state, "regs", DMA, be32((uint32_t)(at >> 32)));
    bench_write16(*state, "regs", DMA + 4, 0xffff);
    bench_write8(*state, "regs", DMA + 7, 0xff);
    assert_int_equal(control_at(*state, at), WRITE);
    bench_write32(*state, "regs", DMA + 4, be32((uint32_t)at));
    assert_int_equal(control_at(*state, at), ERROR);
}

/* Larger than one slice, so that there is something to see in between. */
#define LARGE (768 << 10)

static uint64_t begin_large(struct bench *b, uint64_t *to)
{
    *to = bench_ram_alloc(b, LARGE);
    return begin_dma(b, READ | SELECT | FILE_FIRST << 16, LARGE, *to);
}

static void a_long_transfer_lets_others_work_and_ends_by_itself(void **state)
{
    struct bench *b = *state;
    uint64_t to, at;
    uint8_t last = 0xff;

    to = bench_ram_alloc(b, 0);
    bench_ram_write(b, BENCH_RAM_BASE + LARGE - 1, &last, 1);
    at = begin_large(b, &to);
    assert_int_not_equal(control_at(b, at), 0);
    begin_dma(b, READ, 1, to); /* while one goes on */
    assert_true(bench_log_contains(b, "before the last one ended"));
    bench_settle(b);
    assert_int_equal(control_at(b, at), 0);
    bench_ram_read(b, to + LARGE - 1, &last, 1);
    assert_int_equal(last, 0);
}

static void a_reset_ends_a_transfer(void **state)
{
    uint64_t to, at = begin_large(*state, &to);

    bench_reset(*state, BP_RESET_WARM);
    bench_settle(*state);
    assert_int_not_equal(control_at(*state, at), 0);
    assert_int_equal(bench_read8(*state, "regs", DATA), 'Q');
    assert_int_equal(do_dma(*state, 0, 0, 0), 0);
}

static void a_transfer_goes_on_after_a_load(void **state)
{
    struct bench *b = *state;
    uint64_t to, size, at = begin_large(b, &to);
    uint8_t *bytes = bench_save(b, &size);

    assert_int_equal(bench_load(b, bytes, size), BP_OK);
    bench_settle(b);
    assert_int_equal(control_at(b, at), 0);
    free(bytes);
}

static void state_survives_within_an_item_and_within_a_transfer(void **state)
{
    uint64_t to;

    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
    choose(*state, FILE_FIRST);
    bench_read8(*state, "regs", DATA);
    bench_write32(*state, "regs", DMA, be32(7));
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
    begin_large(*state, &to);
    assert_int_equal(bench_check_state_roundtrip(*state), BP_OK);
}

static void a_state_that_was_saved_with_other_files_is_refused(void **state)
{
    uint64_t size;
    uint8_t *bytes = bench_save(*state, &size);
    struct bench *other = bench_create(BENCH_CLASS, NULL);

    assert_int_equal(bench_load(other, bytes, size), BP_ERR_FORMAT);
    assert_true(bench_log_contains(other, "not those that the machine was saved with"));
    bench_destroy(other);
    free(bytes);
}

static void a_file_of_the_host_is_there_byte_by_byte(void **state)
{
    char path[] = "/tmp/fw-cfg_test.XXXXXX", setting[80];
    const char *settings[] = {setting, "string=opt/org.example/empty=", NULL};
    uint8_t bytes[3000], got[3000];
    int fd = mkstemp(path);
    struct bench *b;

    (void)state;
    for (uint32_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    close(fd);
    snprintf(setting, sizeof(setting), "file=etc/table=%s", path);
    b = bench_create(BENCH_CLASS, settings);
    unlink(path);
    choose(b, FILE_FIRST);
    read_bytes(b, got, sizeof(got));
    assert_memory_equal(got, bytes, sizeof(got));
    assert_int_equal(bench_read8(b, "regs", DATA), 0);
    choose(b, FILE_DIR);
    read_bytes(b, got, 132);
    assert_memory_equal(got, "\0\0\0\2\0\0\x0b\xb8\0\x20\0\0etc/table", 21);
    assert_memory_equal(got + 68, "\0\0\0\0\0\x21\0\0opt/org.example/empty", 29);
    bench_destroy(b);
}

static void wrong_lists_and_files_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *setting;
        int32_t status;
        const char *text;
    } cases[] = {
        {"string=novalue", BP_ERR_INVALID, "string: \"novalue\": write NAME=TEXT"},
        {"string==x", BP_ERR_INVALID, "1-55 printable characters"},
        {"string=a b=x", BP_ERR_INVALID, "no space"},
        {"string=a=x,", BP_ERR_INVALID, "string: \"\": write NAME=TEXT"},
        {"string=a=x,a=y", BP_ERR_EXISTS, "string: a is there already"},
        {"string=0123456789012345678901234567890123456789012345678901234z=", BP_ERR_INVALID,
         "1-55"},
        {"file=a", BP_ERR_INVALID, "file: \"a\": write NAME=PATH"},
        {"file=a=", BP_ERR_INVALID, "file: a has no path"},
        {"file=a=/nonexistent", BP_ERR_IO, "file: a: /nonexistent: No such file or directory"},
        {"file=a=/tmp", BP_ERR_IO, "file: a: /tmp: no plain file; name one"},
        {"file=a=/dev/zero", BP_ERR_IO, "no plain file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *settings[] = {cases[i].setting, NULL};
        struct bench_setup setup = {.settings = settings};
        struct bench *b;

        assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), cases[i].status);
        if (!strstr(bench_error(b), cases[i].text))
            fail_msg("\"%s\" should contain \"%s\"", bench_error(b), cases[i].text);
        bench_destroy(b);
    }
}

static void there_can_be_128_files_and_no_more(void **state)
{
    char setting[2000] = "string=f0=";
    const char *settings[] = {setting, NULL};
    struct bench_setup setup = {.settings = settings};
    struct bench *b;
    uint8_t count[4];

    (void)state;
    for (int i = 1; i < 128; i++)
        snprintf(setting + strlen(setting), sizeof(setting) - strlen(setting), ",f%d=", i);
    b = bench_create(BENCH_CLASS, settings);
    choose(b, FILE_DIR);
    read_bytes(b, count, 4);
    assert_memory_equal(count, "\0\0\0\x80", 4);
    bench_destroy(b);
    strcat(setting, ",f128=");
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_NO_SPACE);
    assert_string_equal(bench_error(b), "string: more than 128 files");
    bench_destroy(b);
}

static void the_device_tree_says_that_dma_is_coherent(void **state)
{
    assert_string_equal(bench_fdt(*state), "dma-coherent;\n");
}

static void set_up_that_fails_anywhere_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(bench_check_setup_failures(BENCH_CLASS, NULL), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(the_signature_and_the_id_tell_what_it_can),
        T(selecting_begins_at_the_items_first_byte_again),
        T(wide_reads_have_the_bytes_in_their_order_in_memory),
        T(behind_the_end_and_without_an_item_it_reads_0),
        T(the_directory_lists_the_files),
        T(two_commas_are_one),
        T(writing_data_changes_nothing),
        T(only_a_halfword_selects),
        T(ports_are_little_endian_but_for_dma),
        T(the_dma_register_reads_as_a_signature),
        T(dma_selects_and_reads_at_once),
        T(dma_skips),
        T(dma_that_only_selects_or_does_nothing_succeeds),
        T(dma_writes_are_refused),
        T(dma_to_where_no_ram_is_ends_with_an_error),
        T(a_descriptor_where_no_ram_is_does_nothing),
        T(a_transfer_may_overwrite_its_own_descriptor),
        T(other_ways_to_write_the_dma_register_do_nothing),
        T(a_long_transfer_lets_others_work_and_ends_by_itself),
        T(a_reset_ends_a_transfer),
        T(a_transfer_goes_on_after_a_load),
        T(state_survives_within_an_item_and_within_a_transfer),
        T(a_state_that_was_saved_with_other_files_is_refused),
        T(a_file_of_the_host_is_there_byte_by_byte),
        T(wrong_lists_and_files_are_refused_with_a_sentence),
        T(there_can_be_128_files_and_no_more),
        T(the_device_tree_says_that_dma_is_coherent),
        T(set_up_that_fails_anywhere_says_why_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
