/* Virtual time and its timers. Real time is only ever waited for, never slept through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "util/hosttime.h"

#define FAR_NS  (3600ull * NS_PER_SECOND)
#define N_SLOTS 64u

static struct clock *clock_;
static unsigned n_wakes;

static void on_wake(void *ctx)
{
    assert_ptr_equal(ctx, &n_wakes);
    n_wakes++;
}

static int begin(void **state)
{
    (void)state;
    n_wakes = 0;
    clock_ = clock_create(on_wake, &n_wakes);
    return clock_ == NULL;
}

static int end(void **state)
{
    (void)state;
    clock_destroy(clock_);
    return 0;
}

static void count(void *ctx)
{
    ++*(unsigned *)ctx;
}

static void time_begins_at_zero_and_stands_still_until_resumed(void **state)
{
    (void)state;
    assert_int_equal(clock_now_ns(clock_), 0);
    uint64_t until = host_monotonic_ns() + 1000000;
    while (host_monotonic_ns() < until)
        ;
    assert_int_equal(clock_now_ns(clock_), 0);
}

static void time_runs_with_the_hosts_while_resumed(void **state)
{
    (void)state;
    uint64_t before = host_monotonic_ns();
    clock_resume(clock_);
    uint64_t until = host_monotonic_ns() + 1000000;
    while (host_monotonic_ns() < until)
        ;
    uint64_t now = clock_now_ns(clock_);
    assert_true(now >= 1000000);
    assert_true(now <= host_monotonic_ns() - before);
}

static void pause_leaves_no_gap_in_virtual_time(void **state)
{
    (void)state;
    clock_resume(clock_);
    clock_pause(clock_);
    uint64_t paused_ns = clock_now_ns(clock_);
    uint64_t until = host_monotonic_ns() + 5000000;
    while (host_monotonic_ns() < until)
        ;
    assert_int_equal(clock_now_ns(clock_), paused_ns);
    uint64_t before = host_monotonic_ns();
    clock_resume(clock_);
    uint64_t now = clock_now_ns(clock_);
    assert_true(now >= paused_ns);
    assert_true(now - paused_ns <= host_monotonic_ns() - before);
}

static void pausing_or_resuming_twice_changes_nothing(void **state)
{
    (void)state;
    clock_pause(clock_);
    assert_int_equal(clock_now_ns(clock_), 0);
    clock_resume(clock_);
    uint64_t first = clock_now_ns(clock_);
    clock_resume(clock_);
    assert_true(clock_now_ns(clock_) >= first);
    clock_pause(clock_);
    uint64_t paused = clock_now_ns(clock_);
    clock_pause(clock_);
    assert_int_equal(clock_now_ns(clock_), paused);
}

static void timer_fires_once_when_it_is_due(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct timer *t = timer_create_on(clock_, count, &fired);
    clock_resume(clock_);
    timer_arm(t, 0);
    assert_true(timer_is_armed(t));
    assert_int_equal(clock_fire(clock_), UINT64_MAX);
    assert_int_equal(fired, 1);
    assert_false(timer_is_armed(t));
    assert_int_equal(clock_fire(clock_), UINT64_MAX);
    assert_int_equal(fired, 1);
    timer_destroy(t);
}

static void timer_in_the_future_tells_how_long_to_wait(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct timer *t = timer_create_on(clock_, count, &fired);
    clock_resume(clock_);
    timer_arm(t, FAR_NS);
    uint64_t wait_ns = clock_fire(clock_);
    assert_int_equal(fired, 0);
    assert_true(wait_ns <= FAR_NS && wait_ns > FAR_NS / 2);
    timer_destroy(t);
    assert_int_equal(clock_fire(clock_), UINT64_MAX);
}

static void nothing_fires_while_time_stands_still(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct timer *t = timer_create_on(clock_, count, &fired);
    timer_arm(t, 0);
    assert_int_equal(clock_fire(clock_), UINT64_MAX);
    assert_int_equal(fired, 0);
    clock_resume(clock_);
    (void)clock_fire(clock_);
    assert_int_equal(fired, 1);
    timer_destroy(t);
}

static void cancelled_timer_never_fires(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct timer *t = timer_create_on(clock_, count, &fired);
    clock_resume(clock_);
    timer_arm(t, 0);
    timer_cancel(t);
    timer_cancel(t);
    assert_false(timer_is_armed(t));
    assert_int_equal(clock_fire(clock_), UINT64_MAX);
    assert_int_equal(fired, 0);
    timer_destroy(t);
}

static void arming_again_moves_the_deadline(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct timer *t = timer_create_on(clock_, count, &fired);
    clock_resume(clock_);
    timer_arm(t, 0);
    timer_arm(t, FAR_NS);
    (void)clock_fire(clock_);
    assert_int_equal(fired, 0);
    timer_arm(t, 1);
    (void)clock_fire(clock_);
    assert_int_equal(fired, 1);
    timer_destroy(t);
}

static void destroyed_timer_never_fires(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct timer *t = timer_create_on(clock_, count, &fired);
    clock_resume(clock_);
    timer_arm(t, 0);
    timer_destroy(t);
    timer_destroy(NULL);
    (void)clock_fire(clock_);
    assert_int_equal(fired, 0);
}

/* --- In order, and from within callbacks ------------------------------------------------------ */

static unsigned order[N_SLOTS], n_order;

struct numbered {
    struct timer *timer;
    unsigned number;
    struct timer *other; /* what its callback acts on */
};

static void note_order(void *ctx)
{
    order[n_order++] = ((struct numbered *)ctx)->number;
}

static void earlier_deadlines_fire_first(void **state)
{
    (void)state;
    static const unsigned deadlines[] = {5, 3, 9, 1, 7, 0, 8, 2, 6, 4};
    struct numbered timers[10];
    n_order = 0;
    for (unsigned i = 0; i < 10; i++) {
        timers[i].number = deadlines[i];
        timers[i].timer = timer_create_on(clock_, note_order, &timers[i]);
        timer_arm(timers[i].timer, deadlines[i]);
    }
    clock_resume(clock_);
    while (clock_now_ns(clock_) < 10)
        ;
    (void)clock_fire(clock_);
    assert_int_equal(n_order, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(order[i], i);
    for (unsigned i = 0; i < 10; i++)
        timer_destroy(timers[i].timer);
}

static void rearm_thrice(void *ctx)
{
    struct numbered *t = ctx;
    if (++t->number < 3)
        timer_arm(t->timer, 0);
}

static void callback_may_arm_its_own_timer_again(void **state)
{
    (void)state;
    struct numbered t = {.number = 0};
    t.timer = timer_create_on(clock_, rearm_thrice, &t);
    clock_resume(clock_);
    timer_arm(t.timer, 0);
    assert_int_equal(clock_fire(clock_), UINT64_MAX);
    assert_int_equal(t.number, 3);
    timer_destroy(t.timer);
}

static void rearm_for_ever(void *ctx)
{
    struct numbered *t = ctx;
    t->number++;
    timer_arm(t->timer, 0);
}

static void timer_that_is_always_due_does_not_keep_the_loop_from_its_work(void **state)
{
    (void)state;
    struct numbered t = {.number = 0};
    t.timer = timer_create_on(clock_, rearm_for_ever, &t);
    clock_resume(clock_);
    timer_arm(t.timer, 0);
    assert_int_equal(clock_fire(clock_), 0);
    assert_in_range(t.number, 1, 1000);
    timer_destroy(t.timer);
}

static void cancel_other(void *ctx)
{
    struct numbered *t = ctx;
    t->number++;
    timer_cancel(t->other);
}

static void callback_may_cancel_a_timer_that_is_due_as_well(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct numbered t = {.number = 0};
    t.timer = timer_create_on(clock_, cancel_other, &t);
    t.other = timer_create_on(clock_, count, &fired);
    timer_arm(t.timer, 0);
    timer_arm(t.other, 1);
    clock_resume(clock_);
    while (clock_now_ns(clock_) < 2)
        ;
    (void)clock_fire(clock_);
    assert_int_equal(t.number, 1);
    assert_int_equal(fired, 0);
    timer_destroy(t.timer);
    timer_destroy(t.other);
}

static void pause_clock(void *ctx)
{
    count(ctx);
    clock_pause(clock_);
}

static void pause_within_a_callback_holds_back_the_rest(void **state)
{
    (void)state;
    unsigned pauses = 0, fired = 0;
    struct timer *first = timer_create_on(clock_, pause_clock, &pauses);
    struct timer *second = timer_create_on(clock_, count, &fired);
    timer_arm(first, 0);
    timer_arm(second, 1);
    clock_resume(clock_);
    while (clock_now_ns(clock_) < 2)
        ;
    assert_int_equal(clock_fire(clock_), UINT64_MAX);
    assert_int_equal(pauses, 1);
    assert_int_equal(fired, 0);
    assert_true(timer_is_armed(second));
    timer_destroy(first);
    timer_destroy(second);
}

static void only_a_nearer_deadline_wakes_the_loop(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct timer *near = timer_create_on(clock_, count, &fired);
    struct timer *far = timer_create_on(clock_, count, &fired);
    timer_arm(near, FAR_NS);
    assert_int_equal(n_wakes, 1);
    timer_arm(far, 2 * FAR_NS);
    assert_int_equal(n_wakes, 1);
    timer_arm(far, FAR_NS / 2);
    assert_int_equal(n_wakes, 2);
    clock_resume(clock_);
    assert_int_equal(n_wakes, 3);
    timer_destroy(near);
    timer_destroy(far);
}

/* --- Ten thousand operations against a list --------------------------------------------------- */

struct model {
    struct timer *timer; /* NULL: not made */
    bool armed;
    uint64_t deadline_ns;
    unsigned fired;
};

static struct model models[N_SLOTS];
static uint64_t last_fired_ns;

/* Of all that are due the one with the earliest deadline fires. */
static void model_fired(void *ctx)
{
    struct model *m = ctx;
    assert_true(m->armed);
    assert_true(m->deadline_ns <= clock_now_ns(clock_));
    assert_true(m->deadline_ns >= last_fired_ns);
    for (unsigned i = 0; i < N_SLOTS; i++)
        assert_false(models[i].armed && models[i].deadline_ns < m->deadline_ns);
    last_fired_ns = m->deadline_ns;
    m->armed = false;
    m->fired++;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void model_step(struct model *m, uint64_t *seed)
{
    uint64_t what = next_random(seed) % 8;
    if (m->timer == NULL) {
        *m = (struct model){.timer = timer_create_on(clock_, model_fired, m)};
    } else if (what == 0) {
        timer_destroy(m->timer);
        *m = (struct model){.timer = NULL};
    } else if (what <= 2) {
        timer_cancel(m->timer);
        m->armed = false;
    } else {
        bool is_far = next_random(seed) % 2 != 0;
        m->deadline_ns = clock_now_ns(clock_) + (is_far ? FAR_NS : 0) + next_random(seed) % 2000;
        m->armed = true;
        timer_arm(m->timer, m->deadline_ns);
    }
}

/* Time stands still meanwhile, so that what is due stays so. */
static void model_fire(void)
{
    clock_resume(clock_);
    last_fired_ns = 0;
    uint64_t wait_ns = clock_fire(clock_);
    uint64_t now_ns = clock_now_ns(clock_), earliest_ns = UINT64_MAX;
    clock_pause(clock_);
    for (unsigned i = 0; i < N_SLOTS; i++)
        if (models[i].armed && models[i].deadline_ns < earliest_ns)
            earliest_ns = models[i].deadline_ns;
    if (earliest_ns == UINT64_MAX)
        assert_int_equal(wait_ns, UINT64_MAX);
    else if (wait_ns != 0)
        assert_true(wait_ns <= earliest_ns && now_ns + wait_ns >= earliest_ns);
}

static void ten_thousand_operations_agree_with_a_list(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    unsigned fired = 0;
    memset(models, 0, sizeof(models));
    for (unsigned round = 0; round < 10000; round++) {
        struct model *m = &models[next_random(&seed) % N_SLOTS];
        fired += m->fired;
        m->fired = 0;
        model_step(m, &seed);
        if (m->timer != NULL)
            assert_int_equal(timer_is_armed(m->timer), m->armed);
        if (round % 16 == 0)
            model_fire();
    }
    assert_true(fired > 1000);
    for (unsigned i = 0; i < N_SLOTS; i++)
        timer_destroy(models[i].timer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(time_begins_at_zero_and_stands_still_until_resumed),
        TEST(time_runs_with_the_hosts_while_resumed),
        TEST(pause_leaves_no_gap_in_virtual_time),
        TEST(pausing_or_resuming_twice_changes_nothing),
        TEST(timer_fires_once_when_it_is_due),
        TEST(timer_in_the_future_tells_how_long_to_wait),
        TEST(nothing_fires_while_time_stands_still),
        TEST(cancelled_timer_never_fires),
        TEST(arming_again_moves_the_deadline),
        TEST(destroyed_timer_never_fires),
        TEST(earlier_deadlines_fire_first),
        TEST(callback_may_arm_its_own_timer_again),
        TEST(timer_that_is_always_due_does_not_keep_the_loop_from_its_work),
        TEST(callback_may_cancel_a_timer_that_is_due_as_well),
        TEST(pause_within_a_callback_holds_back_the_rest),
        TEST(only_a_nearer_deadline_wakes_the_loop),
        TEST(ten_thousand_operations_agree_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
