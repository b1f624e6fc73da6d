/* The bench itself: that it does as the host does, and that it finds a device's mistakes. */
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

#include <backplane/bench.h>
#include <backplane/if/fdt.h>
#include <backplane/if/state.h>

/* A device that does what the test tells it by its registers. */
struct probe {
    const struct bp_host *host;
    const struct bp_char *chars;
    bp_handle timers[2];
    uint64_t value;
    uint64_t order;  /* what ran, a digit each, the last is the lowest */
    uint32_t events; /* link events, a digit each */
    uint32_t level;
};

static void ran(struct probe *s, uint32_t digit)
{
    s->order = s->order * 10 + digit;
}

static void first_fired(void *dev)
{
    ran(dev, 1);
}

static void second_fired(void *dev)
{
    ran(dev, 2);
}

static void deferred(void *dev, uint64_t arg)
{
    ran(dev, (uint32_t)arg);
}

static void deferred_for_ever(void *dev, uint64_t arg)
{
    struct probe *s = dev;

    s->host->defer(s->host, deferred_for_ever, arg);
}

static uint64_t probe_read(void *dev, uint32_t region, uint64_t offset, uint32_t width)
{
    struct probe *s = dev;

    (void)region;
    if (offset == 0x18)
        return UINT64_MAX; /* more than 32 bits hold */
    return width == 8 ? s->value : s->value & UINT32_MAX;
}

static void probe_write(void *dev, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct probe *s = dev;
    uint8_t bytes[4];

    (void)region;
    (void)width;
    switch (offset) {
    case 0x0:
        s->value = value;
        return;
    case 0x8:
        s->host->timer_arm(s->host, s->timers[0], value);
        return;
    case 0xc:
        s->host->timer_arm(s->host, s->timers[1], value);
        return;
    case 0x10:
        s->host->defer(s->host, deferred, value);
        return;
    case 0x14:
        s->host->defer(s->host, deferred_for_ever, value);
        return;
    case 0x1c:
        s->level = (uint32_t)value;
        s->host->irq_set(s->host, 0, s->level);
        return;
    case 0x20:
        s->value = s->chars->read(s->host, 0, bytes, 4);
        return;
    case 0x24:
        s->value = s->chars->write(s->host, 0, "abcdefgh", (uint32_t)value);
        return;
    default:
        return;
    }
}

static void probe_on_link(void *dev, uint32_t link, uint32_t event)
{
    struct probe *s = dev;

    (void)link;
    s->events = s->events * 10 + event;
}

static int32_t probe_create(const struct bp_host *host, void *dev)
{
    struct probe *s = dev;

    s->host = host;
    s->chars = host->get_interface(host, BP_CHAR_ID);
    return BP_OK;
}

static int32_t probe_realize(void *dev)
{
    struct probe *s = dev;
    int32_t status = s->host->timer_create(s->host, first_fired, &s->timers[0]);

    return status ? status : s->host->timer_create(s->host, second_fired, &s->timers[1]);
}

static const char *const needs[] = {BP_CHAR_ID, NULL};
static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x40, .kind = BP_MMIO, .widths = BP_W32 | BP_W64}};
static const struct bp_line lines[] = {{"out", BP_LEVEL_HIGH, 0}};
static const struct bp_link links[] = {{"char", BP_CHAR_ID, "Bytes.", 0, 0}};
static const struct bp_field value_only[] = {BP_FIELD_U64(struct probe, value)};
static const struct bp_property properties[] = {
    BP_PROP_U64(struct probe, value, "value", "5", 0, 100, "What the register holds.")};

static const struct bp_class probe = {
    .struct_size = sizeof(struct bp_class),
    .id = "probe",
    .version = "1",
    .summary = "Does as it is told",
    .instance_size = sizeof(struct probe),
    .state_version = 1,
    .needs = needs,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .links = BP_TABLE(links),
    .properties = BP_TABLE(properties),
    .state = BP_TABLE(value_only),
    .create = probe_create,
    .realize = probe_realize,
    .read = probe_read,
    .write = probe_write,
    .on_link = probe_on_link,
};

static const struct probe *inside(struct bench *b)
{
    return bench_instance(b);
}

/* Runs `fn` in a child: it must abort. */
static void dies(void (*fn)(void))
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (!child) {
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* --- as the host ------------------------------------------------------------------------------ */
static void settings_are_checked_and_stored_before_create(void **state)
{
    static const char *const good[] = {"value=0x10", NULL}, *const wrong[] = {"value=101", NULL},
                             *const unknown[] = {"valeu=1", NULL};
    struct bench_setup setup = {.settings = wrong};
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    assert_int_equal(inside(b)->value, 5);
    bench_destroy(b);
    b = bench_create(&probe, good);
    assert_int_equal(inside(b)->value, 16);
    bench_destroy(b);
    assert_int_equal(bench_try(&probe, &setup, &b), BP_ERR_RANGE);
    assert_string_equal(bench_error(b), "value = 101: 0-100 are allowed");
    bench_destroy(b);
    setup.settings = unknown;
    assert_int_equal(bench_try(&probe, &setup, &b), BP_ERR_NOT_FOUND);
    bench_destroy(b);
}

static void accesses_that_the_tables_forbid_never_reach_the_device(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    assert_int_equal(bench_read8(b, "regs", 0), 0xff);
    assert_int_equal(bench_read16(b, "regs", 0), 0xffff);
    assert_int_equal(bench_read32(b, "regs", 2), 0xffffffff);
    assert_int_equal(bench_read32(b, "regs", 0x40), 0xffffffff);
    assert_true(bench_read64(b, "regs", 0x3c) == UINT64_MAX);
    assert_true(bench_read(b, "regs", UINT64_MAX - 3, 4) == 0xffffffff);
    bench_write8(b, "regs", 0, 1);
    bench_write64(b, "regs", 4, 1);
    assert_int_equal(bench_refused(b), 8);
    assert_int_equal(inside(b)->value, 5);
    bench_destroy(b);
}

static void what_is_needed_and_missing_is_said_before_create(void **state)
{
    static const char *const missing[] = {BP_CHAR_ID, NULL};
    struct bench_setup setup = {.missing = missing};
    struct bench *b;

    (void)state;
    assert_int_equal(bench_try(&probe, &setup, &b), BP_ERR_UNSUPPORTED);
    assert_string_equal(bench_error(b), "needs bp.char/1, which this host has not");
    bench_destroy(b);
}

static void timers_fire_in_the_order_of_deadlines_and_of_arming(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    bench_write32(b, "regs", 0x8, 200);
    bench_write32(b, "regs", 0xc, 100);
    bench_advance_ns(b, 300);
    assert_int_equal(inside(b)->order, 21);
    bench_write32(b, "regs", 0xc, 500);
    bench_write32(b, "regs", 0x8, 500);
    bench_advance_ns(b, 199);
    assert_int_equal(inside(b)->order, 21);
    bench_advance_ns(b, 1);
    assert_int_equal(inside(b)->order, 2121);
    bench_destroy(b);
}

static void deferred_functions_run_in_order_and_before_timers(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    bench_write32(b, "regs", 0x8, 0); /* in the past: at once, but not within the write */
    bench_write32(b, "regs", 0x10, 7);
    bench_write32(b, "regs", 0x10, 8);
    assert_int_equal(inside(b)->order, 0);
    bench_settle(b);
    assert_int_equal(inside(b)->order, 781);
    bench_destroy(b);
}

static void word_of_new_bytes_comes_only_after_a_short_read(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    bench_char_feed(b, "char", "123456", 6);
    assert_int_equal(inside(b)->events, BP_LINK_READABLE);
    bench_char_feed(b, "char", "78", 2);
    assert_int_equal(inside(b)->events, BP_LINK_READABLE); /* it has not looked yet */
    bench_write32(b, "regs", 0x20, 0);
    assert_int_equal(inside(b)->value, 4);
    bench_write32(b, "regs", 0x20, 0);
    bench_write32(b, "regs", 0x20, 0);
    assert_int_equal(inside(b)->value, 0);
    bench_char_feed(b, "char", "9", 1);
    assert_int_equal(inside(b)->events, 11);
    bench_destroy(b);
}

static void word_of_room_comes_only_after_a_short_write(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    bench_char_room(b, "char", 5);
    bench_write32(b, "regs", 0x24, 3);
    assert_int_equal(inside(b)->value, 3);
    bench_char_room(b, "char", 1);
    assert_int_equal(inside(b)->events, 0);
    bench_write32(b, "regs", 0x24, 3);
    assert_int_equal(inside(b)->value, 1);
    bench_char_room(b, "char", 10);
    assert_int_equal(inside(b)->events, BP_LINK_WRITABLE);
    assert_string_equal(bench_char_text(b, "char"), "abca");
    bench_destroy(b);
}

static void a_reset_lowers_lines_and_cancels_timers(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    bench_write32(b, "regs", 0x1c, 1);
    bench_write32(b, "regs", 0x8, 100);
    assert_int_equal(bench_line(b, "out"), 1);
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_line(b, "out"), 0);
    bench_advance_ns(b, 1000);
    assert_int_equal(inside(b)->order, 0);
    bench_destroy(b);
}

/* --- finds mistakes --------------------------------------------------------------------------- */
static void a_line_that_a_load_does_not_bring_back_is_found(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_write32(b, "regs", 0x1c, 1);
    assert_int_equal(bench_check_state_roundtrip(b), BP_ERR_STATE);
    assert_string_equal(bench_error(b), "line out is 1 before and 0 after");
    bench_destroy(b);
}

static void a_timer_that_a_load_does_not_arm_is_found(void **state)
{
    struct bench *b = bench_create(&probe, NULL);

    (void)state;
    bench_write32(b, "regs", 0x8, 1000);
    assert_int_equal(bench_check_state_roundtrip(b), BP_ERR_STATE);
    assert_string_equal(bench_error(b), "1 timers are armed before and 0 after");
    bench_destroy(b);
}

static int32_t save_count(const void *dev, const struct bp_state_writer *w)
{
    static uint8_t count;

    (void)dev;
    count++;
    return w->put(w, "count", &count, 1);
}

static void load_nothing(void *dev, const struct bp_state_reader *r)
{
    (void)dev;
    (void)r;
}

static void a_state_that_differs_the_second_time_is_found(void **state)
{
    struct bp_class c = probe;
    struct bench *b;

    (void)state;
    c.save = save_count;
    c.load_commit = load_nothing;
    b = bench_create(&c, NULL);
    assert_int_equal(bench_check_state_roundtrip(b), BP_ERR_STATE);
    assert_string_equal(bench_error(b), "the second save gives other bytes");
    bench_destroy(b);
}

static void every_call_of_set_up_can_be_made_to_fail(void **state)
{
    struct bench_setup setup = {.fail_call = 2};
    struct bench *b;

    (void)state;
    assert_int_equal(bench_check_setup_failures(&probe, NULL), 2);
    assert_int_equal(bench_try(&probe, &setup, &b), BP_ERR_NO_MEMORY);
    assert_string_equal(bench_error(b), "timer_create: made to fail, as call 2 of set-up");
    bench_destroy(b);
}

static void read_too_wide(void)
{
    bench_read32(bench_create(&probe, NULL), "regs", 0x18);
}

static void defer_for_ever(void)
{
    struct bench *b = bench_create(&probe, NULL);

    bench_write32(b, "regs", 0x14, 0);
    bench_settle(b);
}

static int32_t fail_silently(void *dev)
{
    (void)dev;
    return BP_ERR_IO;
}

static void realize_without_a_sentence(void)
{
    struct bp_class c = probe;
    struct bench *b;

    c.realize = fail_silently;
    bench_try(&c, NULL, &b);
}

static void describe_differently(const void *dev, const struct bp_fdt_writer *w)
{
    static uint32_t calls;

    (void)dev;
    w->prop_u32(w, "calls", ++calls);
}

static void describe_twice(void)
{
    struct bp_class c = probe;

    c.describe_fdt = describe_differently;
    bench_fdt(bench_create(&c, NULL));
}

static void high_after_reset(void *dev, uint32_t kind)
{
    struct probe *s = dev;

    (void)kind;
    s->host->irq_set(s->host, 0, 1);
}

static void reset_with_a_high_line(void)
{
    struct bp_class c = probe;

    c.reset = high_after_reset;
    bench_create(&c, NULL);
}

static void name_a_region_that_is_not(void)
{
    bench_read32(bench_create(&probe, NULL), "registers", 0);
}

static void what_no_status_can_tell_ends_the_test(void **state)
{
    (void)state;
    dies(read_too_wide);
    dies(defer_for_ever);
    dies(realize_without_a_sentence);
    dies(describe_twice);
    dies(reset_with_a_high_line);
    dies(name_a_region_that_is_not);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_checked_and_stored_before_create),
        cmocka_unit_test(accesses_that_the_tables_forbid_never_reach_the_device),
        cmocka_unit_test(what_is_needed_and_missing_is_said_before_create),
        cmocka_unit_test(timers_fire_in_the_order_of_deadlines_and_of_arming),
        cmocka_unit_test(deferred_functions_run_in_order_and_before_timers),
        cmocka_unit_test(word_of_new_bytes_comes_only_after_a_short_read),
        cmocka_unit_test(word_of_room_comes_only_after_a_short_write),
        cmocka_unit_test(a_reset_lowers_lines_and_cancels_timers),
        cmocka_unit_test(a_line_that_a_load_does_not_bring_back_is_found),
        cmocka_unit_test(a_timer_that_a_load_does_not_arm_is_found),
        cmocka_unit_test(a_state_that_differs_the_second_time_is_found),
        cmocka_unit_test(every_call_of_set_up_can_be_made_to_fail),
        cmocka_unit_test(what_no_status_can_tell_ends_the_test),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
