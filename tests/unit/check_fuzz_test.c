/* Lists of actions that break a device: how they end, how they are made short, how they look. */
#include "check/fuzz.h"
#include "util/hosttime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND_NS UINT64_C(1000000000)

/* After 1 was written to the first byte, 2 to the first byte crashes it, 3 hangs it, 4 exits; 5 is
 * forgotten when it is saved. */
struct fragile {
    uint8_t state;
    uint8_t hidden;
    uint8_t loaded;
};

static void fragile_write(void *dev, uint32_t region, uint64_t offset, uint32_t width,
                          uint64_t value)
{
    struct fragile *s = dev;

    (void)region;
    (void)width;
    if (offset)
        return;
    if (value == 1) {
        s->state = 1;
        return;
    }
    if (!s->state)
        return;
    if (value == 2)
        abort();
    for (volatile uint32_t forever = value == 3; forever;)
        ;
    if (value == 4)
        exit(7);
    s->hidden = value == 5;
}

static int32_t fragile_save(const void *dev, const struct bp_state_writer *w)
{
    const struct fragile *s = dev;
    uint8_t hidden = s->loaded ? 0 : s->hidden;

    return w->put(w, "hidden", &hidden, 1);
}

static void fragile_load_commit(void *dev, const struct bp_state_reader *r)
{
    struct fragile *s = dev;

    s->loaded = 1;
    (void)r->get(r, "hidden", &s->hidden, 1);
}

static void fragile_reset(void *dev, uint32_t kind)
{
    (void)kind;
    memset(dev, 0, sizeof(struct fragile));
}

static const struct bp_region regions[] = {
    {.name = "regs", .size = 16, .kind = BP_MMIO, .widths = BP_W8}};
static const struct bp_field fields[] = {BP_FIELD_U8(struct fragile, state)};
static const struct bp_class fragile = {.struct_size = sizeof(struct bp_class),
                                        .id = "org.example.fragile",
                                        .version = "1.0",
                                        .summary = "breaks when it is asked to",
                                        .instance_size = sizeof(struct fragile),
                                        .state_version = 1,
                                        .regions = BP_TABLE(regions),
                                        .state = BP_TABLE(fields),
                                        .reset = fragile_reset,
                                        .save = fragile_save,
                                        .load_commit = fragile_load_commit,
                                        .write = fragile_write};

struct world {
    struct check_run run;
    struct fuzz_list list;
    char step[CHECK_STEP_MAX];
};

static void put(struct world *w, uint32_t kind, uint64_t offset, uint64_t value)
{
    w->list.actions = realloc(w->list.actions, (w->list.n + 1) * sizeof(*w->list.actions));
    assert_non_null(w->list.actions);
    w->list.actions[w->list.n++] =
        (struct bench_action){.kind = kind, .offset = offset, .value = value};
}

/* What does nothing, in between. */
static void put_noise(struct world *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        put(w, i % 3 ? BENCH_ACT_READ : BENCH_ACT_WRITE, 1 + i % 15, i);
}

static int make(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    if (!w)
        return -1;
    w->run = (struct check_run){.class_ = &fragile, .step = w->step};
    w->list = (struct fuzz_list){.run = &w->run};
    *state = w;
    return 0;
}

static int drop(void **state)
{
    struct world *w = *state;

    free(w->list.actions);
    free(w);
    return 0;
}

static void put_all(struct world *w, uint64_t last)
{
    put_noise(w, 100);
    put(w, BENCH_ACT_WRITE, 0, 1);
    put_noise(w, 57);
    put(w, BENCH_ACT_WRITE, 0, last);
    put_noise(w, 31);
}

static void expect_short(struct world *w, struct fuzz_verdict *v, uint64_t last)
{
    fuzz_shrink(&w->list, v, host_monotonic_ns() + 60 * SECOND_NS);
    assert_int_equal(w->list.n, 2);
    assert_int_equal(w->list.actions[0].value, 1);
    assert_int_equal(w->list.actions[1].value, last);
}

static void a_list_that_breaks_nothing_is_played_to_its_end(void **state)
{
    struct world *w = *state;
    struct fuzz_verdict v;

    put_noise(w, 50);
    v = fuzz_play(&w->list, FUZZ_LIMIT_MS);
    assert_int_equal(v.end, FUZZ_PLAYED);
    assert_int_equal(v.at, 50);
}

static void a_crash_is_made_two_lines(void **state)
{
    struct world *w = *state;
    struct fuzz_verdict v;
    char text[2000];

    put_all(w, 2);
    v = fuzz_play(&w->list, FUZZ_LIMIT_MS);
    assert_int_equal(v.end, FUZZ_KILLED);
    assert_int_equal(v.at, 158);
    expect_short(w, &v, 2);
    fuzz_print(&w->list, text, sizeof(text));
    assert_non_null(strstr(text, "    bench_write8(b, \"regs\", 0x0, 0x1);\n"
                                 "    bench_write8(b, \"regs\", 0x0, 0x2);\n"));
    fuzz_describe(&v, text, sizeof(text));
    /* An emulator of processes has a sentence of its own for it. */
    assert_true(strcmp(text, "crashed with SIGABRT") == 0 || strstr(text, "(Aborted)") != NULL);
}

static void a_hang_is_made_two_lines(void **state)
{
    struct world *w = *state;
    struct fuzz_verdict v;
    char text[200];

    put_noise(w, 3);
    put(w, BENCH_ACT_WRITE, 0, 1);
    put_noise(w, 3);
    put(w, BENCH_ACT_WRITE, 0, 3);
    v = fuzz_play(&w->list, 100);
    assert_int_equal(v.end, FUZZ_LATE);
    expect_short(w, &v, 3);
    fuzz_describe(&v, text, sizeof(text));
    assert_string_equal(text, "did not come back");
}

static void an_exit_is_told_with_its_status(void **state)
{
    struct world *w = *state;
    struct fuzz_verdict v;
    char text[200];

    put_all(w, 4);
    v = fuzz_play(&w->list, FUZZ_LIMIT_MS);
    fuzz_describe(&v, text, sizeof(text));
    assert_string_equal(text, "ended the process with status 7");
}

static void what_a_check_finds_afterwards_is_a_verdict_too(void **state)
{
    struct world *w = *state;
    struct fuzz_verdict v;

    put_all(w, 5);
    v = fuzz_play(&w->list, FUZZ_LIMIT_MS);
    assert_int_equal(v.end, FUZZ_SAID);
    assert_int_equal(v.at, w->list.n);
    assert_non_null(strstr(v.text, "the second save gives other bytes"));
    expect_short(w, &v, 5);
}

static void a_list_that_does_not_fit_keeps_its_end(void **state)
{
    struct world *w = *state;
    char text[700];

    put_noise(w, 300);
    put(w, BENCH_ACT_WRITE, 0, 2);
    fuzz_print(&w->list, text, sizeof(text));
    assert_non_null(strstr(text, " lines before */\n"));
    assert_string_equal(strstr(text, "bench_write8(b, \"regs\", 0x0, 0x2);"),
                        "bench_write8(b, \"regs\", 0x0, 0x2);\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(a_list_that_breaks_nothing_is_played_to_its_end),
        T(a_crash_is_made_two_lines),
        T(a_hang_is_made_two_lines),
        T(an_exit_is_told_with_its_status),
        T(what_a_check_finds_afterwards_is_a_verdict_too),
        T(a_list_that_does_not_fit_keeps_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
