/* Hostile actions on the bench, and the fuzz target that is made of them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <backplane/bench_fuzz.h>
#include <backplane/if/state.h>

/* --- a device with a few registers that are kept, one of them with a limit ----------------------
 */
struct store {
    uint64_t value;
    uint32_t small; /* up to 9 */
    uint32_t n_commits;
};

static int32_t store_create(const struct bp_host *host, void *dev)
{
    (void)host;
    (void)dev;
    return BP_OK;
}

static uint64_t store_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    const struct store *s = dev;

    (void)region;
    return offset ? 0 : width == 8 ? s->value : s->value & UINT32_MAX;
}

static void store_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct store *s = dev;

    (void)region;
    (void)width;
    if (!offset)
        s->value = value;
    if (offset == 8)
        s->small = (uint32_t)(value % 10);
}

static void store_reset(void *dev, uint32_t kind)
{
    struct store *s = dev;

    (void)kind;
    s->value = 0;
    s->small = 0;
}

static void store_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct store *s = dev;

    (void)r;
    s->n_commits++;
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x1000, .kind = BP_MMIO, .widths = BP_W32 | BP_W64}};
static const struct bp_field fields[] = {BP_FIELD_U64(struct store, value),
                                         BP_FIELD_U32_MAX(struct store, small, 9)};

static const struct bp_class store = {
    .struct_size = sizeof(struct bp_class),
    .id = "store",
    .version = "1",
    .summary = "Keeps what it is given",
    .instance_size = sizeof(struct store),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .state = BP_TABLE(fields),
    .create = store_create,
    .reset = store_reset,
    .load_commit = store_load_commit,
    .read = store_read,
    .write = store_write,
};

/* A class that has nothing at all. */
static const struct bp_class nothing = {
    .struct_size = sizeof(struct bp_class),
    .id = "nothing",
    .version = "1",
    .summary = "Has nothing",
    .create = store_create,
};

static const struct store *inside(struct bench *b)
{
    return bench_instance(b);
}

static void play(struct bench *b, struct bench_action a)
{
    bench_action_play(b, &a);
}

static const char *print(struct bench *b, struct bench_action a)
{
    static char text[BENCH_ACTION_TEXT];

    uint32_t size = bench_action_print(b, &a, text, sizeof(text));

    assert_int_equal(size, strlen(text));
    return text;
}

/* Runs `fn` in a child: it must abort, with this on its standard error. */
static void dies(void (*fn)(void), const char *wanted)
{
    char said[2000] = "";
    int ends[2];
    int status = 0;
    size_t used = 0;
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        signal(SIGABRT, SIG_DFL);
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(1);
        fn();
        _exit(0);
    }
    close(ends[1]);
    while ((n = read(ends[0], said + used, sizeof(said) - 1 - used)) > 0)
        used += (size_t)n;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (!strstr(said, wanted))
        fail_msg("%s: \"%s\" is missing", said, wanted);
}

/* --- what an action does and how it reads -------------------------------------------------------
 */
static void a_write_does_what_its_line_of_c_says(void **state)
{
    struct bench_action a = {.kind = BENCH_ACT_WRITE, .width = 2, .value = 0x1122334455};
    struct bench *b = bench_create(&store, NULL);

    (void)state;
    assert_string_equal(print(b, a), "bench_write32(b, \"regs\", 0x0, 0x22334455);");
    assert_int_equal(inside(b)->value, 0); /* printing plays nothing */
    play(b, a);
    assert_int_equal(inside(b)->value, 0x22334455);
    a = (struct bench_action){.kind = BENCH_ACT_WRITE_GPA, .width = 3, .value = 0x100010};
    assert_string_equal(print(b, a), "bench_write64(b, \"regs\", 0x0, 0x80000010);"); /* 1 MiB */
    play(b, a);
    assert_int_equal(inside(b)->value, BENCH_RAM_BASE + 0x10);
    bench_destroy(b);
}

static void offsets_are_folded_into_the_region(void **state)
{
    struct bench *b = bench_create(&store, NULL);
    struct bench_action a = {.kind = BENCH_ACT_READ, .width = 2, .offset = 0x1237};

    (void)state;
    assert_string_equal(print(b, a), "bench_read32(b, \"regs\", 0x34);");
    a.width = 2 | 4; /* misaligned */
    assert_string_equal(print(b, a), "bench_read32(b, \"regs\", 0x37);");
    a.width = 2 | 8; /* anywhere, up to 16 bytes beyond the end */
    assert_string_equal(print(b, a), "bench_read32(b, \"regs\", 0x224);");
    a.offset = 0x100f;
    a.width = 0 | 8;
    assert_string_equal(print(b, a), "bench_read8(b, \"regs\", 0x100f);");
    play(b, a);
    assert_int_equal(bench_refused(b), 1);
    bench_destroy(b);
}

static void bytes_begin_with_the_value_and_go_on_with_the_seed(void **state)
{
    struct bench_action a = {.kind = BENCH_ACT_RAM, .width = 3, .offset = 5, .value = 0x04030201};
    struct bench *b = bench_create(&store, NULL);
    uint8_t bytes[12];

    (void)state;
    assert_string_equal(
        print(b, a), "bench_ram_write(b, BENCH_RAM_BASE + 0x5, (const uint8_t[4]){1,2,3,4}, 4);");
    play(b, a);
    bench_ram_read(b, BENCH_RAM_BASE + 5, bytes, 4);
    assert_memory_equal(bytes, "\1\2\3\4", 4);
    a.width = 11;
    play(b, a);
    bench_ram_read(b, BENCH_RAM_BASE + 5, bytes, 12);
    assert_int_equal(bytes[8] | bytes[9] | bytes[10] | bytes[11], 0);
    a.seed = 7;
    play(b, a);
    bench_ram_read(b, BENCH_RAM_BASE + 5, bytes, 12);
    assert_true(bytes[8] | bytes[9] | bytes[10] | bytes[11]);
    bench_destroy(b);
}

static void time_passes_for_a_second_at_most(void **state)
{
    struct bench_action a = {.kind = BENCH_ACT_TIME, .width = 30, .value = UINT64_MAX};
    struct bench *b = bench_create(&store, NULL);

    (void)state;
    play(b, a);
    assert_int_equal(bench_now_ns(b), (1u << 30) - 1);
    assert_string_equal(print(b, a), "bench_advance_ns(b, 1073741823);");
    bench_destroy(b);
}

static void any_action_fits_a_class_that_has_nothing(void **state)
{
    struct bench *b = bench_create(&nothing, NULL);
    uint64_t seed = 1;

    (void)state;
    for (uint32_t kind = 0; kind < 255; kind++) {
        struct bench_action most = {kind,       UINT32_MAX, UINT32_MAX,
                                    UINT32_MAX, UINT64_MAX, UINT64_MAX};
        struct bench_action least = {.kind = kind};

        play(b, most);
        play(b, least);
    }
    for (int i = 0; i < 2000; i++) {
        struct bench_action a;

        bench_action_random(b, &seed, &a);
        assert_true(print(b, a)[0] || a.kind == BENCH_ACT_WORKER);
        play(b, a);
    }
    assert_string_equal(print(b, (struct bench_action){.kind = BENCH_ACT_LINK}), "");
    bench_destroy(b);
}

static void one_seed_gives_the_same_actions_each_time_and_two_do_not(void **state)
{
    struct bench *b = bench_create(&store, NULL);
    uint64_t first = 5, again = 5, other = 6;
    int same = 0;

    (void)state;
    for (int i = 0; i < 500; i++) {
        struct bench_action a, c, d;

        bench_action_random(b, &first, &a);
        bench_action_random(b, &again, &c);
        bench_action_random(b, &other, &d);
        assert_memory_equal(&a, &c, sizeof(a));
        same += memcmp(&a, &d, sizeof(a)) == 0;
    }
    assert_true(same < 10);
    bench_destroy(b);
}

/* --- as bytes -----------------------------------------------------------------------------------
 */
static void what_is_formatted_is_parsed_to_the_same(void **state)
{
    struct bench *b = bench_create(&store, NULL);
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 500; i++) {
        uint8_t bytes[BENCH_ACTION_BYTES];
        const uint8_t *at = bytes;
        size_t size = sizeof(bytes);
        struct bench_action a, c;

        bench_action_random(b, &seed, &a);
        bench_action_format(&a, bytes);
        assert_int_equal(bench_action_parse(&at, &size, &c), 1);
        assert_int_equal(size, 0);
        assert_memory_equal(&a, &c, sizeof(a));
    }
    bench_destroy(b);
}

static void the_last_action_may_be_cut_and_then_comes_no_other(void **state)
{
    static const uint8_t bytes[] = {BENCH_ACT_RESET + BENCH_ACTS, 3, 0x34, 0x12};
    const uint8_t *at = bytes;
    size_t size = sizeof(bytes);
    struct bench_action a;

    (void)state;
    assert_int_equal(bench_action_parse(&at, &size, &a), 1);
    assert_int_equal(a.kind, BENCH_ACT_RESET);
    assert_int_equal(a.index, 3);
    assert_int_equal(a.width, 0x1234);
    assert_int_equal(a.value, 0);
    assert_int_equal(bench_action_parse(&at, &size, &a), 0);
}

/* --- states -------------------------------------------------------------------------------------
 */
static void a_reload_gives_the_device_its_own_state(void **state)
{
    struct bench *b = bench_create(&store, NULL);

    (void)state;
    bench_write64(b, "regs", 0, 77);
    assert_int_equal(bench_reload(b), BP_OK);
    assert_int_equal(inside(b)->value, 77);
    assert_int_equal(inside(b)->n_commits, 1);
    bench_destroy(b);
}

/* Each byte of the fields in turn: a value is taken as it is, a limit is kept, a name or a length
 * that is none is refused. */
static void a_damaged_state_passes_the_checksum_and_not_the_limits(void **state)
{
    struct bench *b = bench_create(&store, NULL);
    int loaded = 0, refused = 0;

    (void)state;
    for (uint64_t at = 0; at < 80; at++) {
        int32_t status;

        bench_write64(b, "regs", 0, 1);
        status = bench_load_damaged(b, at, 0x80);
        loaded += status == BP_OK && inside(b)->value != 1;
        refused += status != BP_OK;
        assert_true(status == BP_OK || status == BP_ERR_FORMAT || status == BP_ERR_NOT_FOUND ||
                    status == BP_ERR_RANGE);
        assert_null(strstr(bench_error(b), "checksum"));
        assert_true(inside(b)->small <= 9);
    }
    assert_true(loaded >= 8 && refused >= 20);
    bench_destroy(b);
}

static int32_t refuse(const void *dev, const struct bp_state_reader *r)
{
    (void)dev;
    (void)r;
    return BP_ERR_FORMAT;
}

static void load_into_what_refuses(void)
{
    struct bp_class c = store;
    struct bench *b;

    c.load_check = refuse;
    b = bench_create(&c, NULL);
    play(b, (struct bench_action){.kind = BENCH_ACT_SAVE_LOAD});
}

static void a_device_that_refuses_its_own_state_is_found(void **state)
{
    (void)state;
    dies(load_into_what_refuses, "bench: store: it refuses its own state");
}

/* --- the fuzz target ----------------------------------------------------------------------------
 */
BENCH_FUZZ(&store)

static void any_input_runs_to_its_end(void **state)
{
    uint8_t bytes[600];
    uint64_t seed = 9;
    struct bench *b = bench_create(&store, NULL);

    (void)state;
    assert_int_equal(LLVMFuzzerTestOneInput(NULL, 0), 0);
    for (size_t size = 1; size < sizeof(bytes); size += 7) {
        for (size_t i = 0; i < size; i++) {
            struct bench_action a;

            bench_action_random(b, &seed, &a);
            bytes[i] = (uint8_t)a.value;
        }
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
    }
    bench_destroy(b);
}

static void break_on_two(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    (void)dev;
    (void)region;
    (void)width;
    if (offset == 8 && value == 2)
        abort();
}

static void find_a_bug(void)
{
    static const uint8_t bytes[] = {0, BENCH_ACT_WRITE, 0, 2, 0, 8, 0, 0, 0, 2};
    struct bp_class c = store;

    c.write = break_on_two;
    setenv("BENCH_FUZZ_PRINT", "1", 1);
    bench_fuzz_one(&c, NULL, bytes, sizeof(bytes));
}

static void an_input_is_shown_as_the_lines_of_a_test(void **state)
{
    (void)state;
    dies(find_a_bug, "    bench_write32(b, \"regs\", 0x8, 0x2);\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_does_what_its_line_of_c_says),
        cmocka_unit_test(offsets_are_folded_into_the_region),
        cmocka_unit_test(bytes_begin_with_the_value_and_go_on_with_the_seed),
        cmocka_unit_test(time_passes_for_a_second_at_most),
        cmocka_unit_test(any_action_fits_a_class_that_has_nothing),
        cmocka_unit_test(one_seed_gives_the_same_actions_each_time_and_two_do_not),
        cmocka_unit_test(what_is_formatted_is_parsed_to_the_same),
        cmocka_unit_test(the_last_action_may_be_cut_and_then_comes_no_other),
        cmocka_unit_test(a_reload_gives_the_device_its_own_state),
        cmocka_unit_test(a_damaged_state_passes_the_checksum_and_not_the_limits),
        cmocka_unit_test(a_device_that_refuses_its_own_state_is_found),
        cmocka_unit_test(any_input_runs_to_its_end),
        cmocka_unit_test(an_input_is_shown_as_the_lines_of_a_test),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
