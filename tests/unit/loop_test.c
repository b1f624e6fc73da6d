/* The event loop: descriptors, timers, tasks from other threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <backplane/abi.h>

#include "core/loop.h"
#include "util/hosttime.h"

static struct loop *loop;

static int begin(void **state)
{
    (void)state;
    return loop_create(&loop, NULL);
}

static int end(void **state)
{
    (void)state;
    loop_destroy(loop);
    loop = NULL;
    return 0;
}

/* --- Tasks ------------------------------------------------------------------------------------ */

static uint64_t seen[32];
static unsigned n_seen;

static void note(void *ctx, uint64_t arg)
{
    (void)ctx;
    seen[n_seen++] = arg;
}

static void tasks_run_in_order_of_posting(void **state)
{
    (void)state;
    n_seen = 0;
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(loop_post(loop, note, NULL, i), BP_OK);
    loop_step(loop, 0);
    assert_int_equal(n_seen, 5);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(seen[i], i);
    loop_step(loop, 0);
    assert_int_equal(n_seen, 5);
}

static void post_another(void *ctx, uint64_t arg)
{
    note(ctx, arg);
    if (arg < 3)
        assert_int_equal(loop_post(loop, post_another, ctx, arg + 1), BP_OK);
}

static void task_that_posts_a_task_lets_descriptors_have_their_turn(void **state)
{
    (void)state;
    n_seen = 0;
    assert_int_equal(loop_post(loop, post_another, NULL, 0), BP_OK);
    loop_step(loop, 0);
    assert_int_equal(n_seen, 1);
    for (unsigned i = 0; i < 3; i++)
        loop_step(loop, UINT64_MAX); /* does not wait: there is a task */
    assert_int_equal(n_seen, 4);
}

static void post_itself_again(void *ctx, uint64_t arg)
{
    struct loop_task *task = ctx;
    note(ctx, arg);
    if (n_seen < 3)
        loop_post_task(loop, task);
}

static void task_of_the_callers_memory_may_post_itself_again(void **state)
{
    (void)state;
    struct loop_task task = {.fn = post_itself_again, .arg = 9};
    task.ctx = &task;
    n_seen = 0;
    loop_post_task(loop, &task);
    for (unsigned i = 0; i < 5; i++)
        loop_step(loop, 0);
    assert_int_equal(n_seen, 3);
}

static void tasks_that_never_ran_are_dropped_with_the_loop(void **state)
{
    (void)state;
    n_seen = 0;
    struct loop *other = NULL;
    struct loop_task task = {.fn = note};
    assert_int_equal(loop_create(&other, NULL), BP_OK);
    assert_int_equal(loop_post(other, note, NULL, 1), BP_OK);
    loop_post_task(other, &task);
    loop_destroy(other);
    loop_destroy(NULL);
    assert_int_equal(n_seen, 0);
}

static void task_taken_back_does_not_run(void **state)
{
    (void)state;
    struct loop_task tasks[3] = {
        {.fn = note, .arg = 0}, {.fn = note, .arg = 1}, {.fn = note, .arg = 2}};
    n_seen = 0;
    loop_remove_task(loop, &tasks[0]);
    for (unsigned i = 0; i < 3; i++)
        loop_post_task(loop, &tasks[i]);
    loop_remove_task(loop, &tasks[2]);
    loop_remove_task(loop, &tasks[0]);
    loop_post_task(loop, &tasks[2]);
    loop_step(loop, 0);
    assert_int_equal(n_seen, 2);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 2);
}

static atomic_uint n_counted;

static void count_task(void *ctx, uint64_t arg)
{
    (void)ctx;
    (void)arg;
    atomic_fetch_add(&n_counted, 1);
}

static void *count_many(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 10000; i++)
        if (loop_post(loop, count_task, NULL, i) != BP_OK)
            abort();
    return NULL;
}

static void no_task_of_another_thread_is_lost(void **state)
{
    (void)state;
    pthread_t threads[2];
    atomic_store(&n_counted, 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    /* A lost wake-up would leave this waiting for ever: the runner ends it, and it has failed. */
    while (atomic_load(&n_counted) < 20000)
        loop_step(loop, UINT64_MAX);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&n_counted), 20000);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

struct watcher {
    struct loop_watch *watch, *other;
    int fd;
    unsigned n;
    uint32_t ready;
};

static void on_ready(void *ctx, uint32_t ready)
{
    struct watcher *w = ctx;
    w->n++;
    w->ready = ready;
}

static void make_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void readable_pipe_is_reported_as_long_as_it_is_readable(void **state)
{
    (void)state;
    int fds[2];
    char byte = 'x';
    struct watcher w = {.n = 0};
    make_pipe(fds);
    assert_int_equal(loop_watch_add(loop, fds[0], LOOP_READ, on_ready, &w, &w.watch), BP_OK);
    loop_step(loop, 0);
    assert_int_equal(w.n, 0);
    assert_int_equal(write(fds[1], &byte, 1), 1);
    loop_step(loop, UINT64_MAX);
    loop_step(loop, UINT64_MAX);
    assert_int_equal(w.n, 2);
    assert_int_equal(w.ready, LOOP_READ);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    loop_step(loop, 0);
    assert_int_equal(w.n, 2);
    loop_watch_remove(w.watch);
    close(fds[0]);
    close(fds[1]);
}

static void hang_up_is_reported_unasked(void **state)
{
    (void)state;
    int fds[2];
    struct watcher w = {.n = 0};
    make_pipe(fds);
    assert_int_equal(loop_watch_add(loop, fds[0], LOOP_READ, on_ready, &w, &w.watch), BP_OK);
    close(fds[1]);
    loop_step(loop, UINT64_MAX);
    assert_int_equal(w.n, 1);
    assert_int_equal(w.ready & LOOP_HANGUP, LOOP_HANGUP);
    loop_watch_remove(w.watch);
    close(fds[0]);
}

static void resting_watch_is_silent_even_after_a_hang_up(void **state)
{
    (void)state;
    int fds[2];
    struct watcher w = {.n = 0};
    make_pipe(fds);
    assert_int_equal(loop_watch_add(loop, fds[0], LOOP_READ, on_ready, &w, &w.watch), BP_OK);
    assert_int_equal(loop_watch_change(w.watch, 0), BP_OK);
    close(fds[1]);
    loop_step(loop, 0);
    assert_int_equal(w.n, 0);
    assert_int_equal(loop_watch_change(w.watch, LOOP_READ), BP_OK);
    loop_step(loop, UINT64_MAX);
    assert_int_equal(w.n, 1);
    loop_watch_remove(w.watch);
    close(fds[0]);
}

static void watch_can_change_to_the_other_direction(void **state)
{
    (void)state;
    int fds[2];
    struct watcher w = {.n = 0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(loop_watch_add(loop, fds[0], LOOP_READ, on_ready, &w, &w.watch), BP_OK);
    loop_step(loop, 0);
    assert_int_equal(w.n, 0);
    assert_int_equal(loop_watch_change(w.watch, LOOP_WRITE), BP_OK);
    loop_step(loop, UINT64_MAX);
    assert_int_equal(w.ready, LOOP_WRITE);
    loop_watch_remove(w.watch);
    close(fds[0]);
    close(fds[1]);
}

static void regular_file_cannot_be_watched(void **state)
{
    (void)state;
    struct watcher w = {.n = 0};
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(loop_watch_add(loop, fileno(file), LOOP_READ, on_ready, &w, &w.watch),
                     BP_ERR_UNSUPPORTED);
    fclose(file);
    assert_int_equal(loop_watch_add(loop, -1, LOOP_READ, on_ready, &w, &w.watch), BP_ERR_INVALID);
}

static void descriptor_has_one_watch(void **state)
{
    (void)state;
    int fds[2];
    struct watcher w = {.n = 0};
    make_pipe(fds);
    assert_int_equal(loop_watch_add(loop, fds[0], LOOP_READ, on_ready, &w, &w.watch), BP_OK);
    assert_int_equal(loop_watch_add(loop, fds[0], LOOP_READ, on_ready, &w, &w.other),
                     BP_ERR_EXISTS);
    loop_watch_remove(w.watch);
    assert_int_equal(loop_watch_add(loop, fds[0], LOOP_READ, on_ready, &w, &w.watch), BP_OK);
    loop_watch_remove(w.watch);
    close(fds[0]);
    close(fds[1]);
}

static void remove_both(void *ctx, uint32_t ready)
{
    struct watcher *w = ctx;
    on_ready(ctx, ready);
    loop_watch_remove(w->watch);
    loop_watch_remove(w->other);
}

/* Both are ready in one round; whichever comes first removes both. */
static void watch_removed_within_a_callback_is_never_called(void **state)
{
    (void)state;
    int a[2], b[2];
    char byte = 'x';
    struct watcher first = {.n = 0}, second = {.n = 0};
    make_pipe(a);
    make_pipe(b);
    assert_int_equal(loop_watch_add(loop, a[0], LOOP_READ, remove_both, &first, &first.watch),
                     BP_OK);
    assert_int_equal(loop_watch_add(loop, b[0], LOOP_READ, remove_both, &second, &second.watch),
                     BP_OK);
    first.other = second.watch;
    second.other = first.watch;
    assert_int_equal(write(a[1], &byte, 1), 1);
    assert_int_equal(write(b[1], &byte, 1), 1);
    for (unsigned i = 0; i < 3; i++)
        loop_step(loop, 0);
    assert_int_equal(first.n + second.n, 1);
    loop_watch_remove(NULL);
    close(a[0]);
    close(a[1]);
    close(b[0]);
    close(b[1]);
}

static void hundred_ready_descriptors_all_get_their_turn(void **state)
{
    (void)state;
    struct watcher w[100];
    int fds[100][2];
    char byte = 'x';
    for (unsigned i = 0; i < 100; i++) {
        w[i] = (struct watcher){.n = 0};
        make_pipe(fds[i]);
        assert_int_equal(write(fds[i][1], &byte, 1), 1);
        assert_int_equal(loop_watch_add(loop, fds[i][0], LOOP_READ, on_ready, &w[i], &w[i].watch),
                         BP_OK);
    }
    for (unsigned i = 0; i < 8; i++)
        loop_step(loop, 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(w[i].n > 0);
        loop_watch_remove(w[i].watch);
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

/* --- Timers, and the loop's end --------------------------------------------------------------- */

static void stop_from_timer(void *ctx)
{
    ++*(unsigned *)ctx;
    loop_stop(loop);
}

static void loop_waits_for_a_timer_no_longer_than_it_takes(void **state)
{
    (void)state;
    unsigned fired = 0;
    struct clock *clock = loop_clock(loop);
    struct timer *timer = timer_create_on(clock, stop_from_timer, &fired);
    uint64_t start_ns = host_monotonic_ns();
    timer_arm(timer, 3000000);
    clock_resume(clock);
    loop_run(loop);
    assert_int_equal(fired, 1);
    assert_true(host_monotonic_ns() - start_ns >= 3000000);
    timer_destroy(timer);
}

static void *arm_near_timer(void *arg)
{
    timer_arm(arg, 0);
    return NULL;
}

static void timer_armed_by_another_thread_wakes_the_loop(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        unsigned fired = 0;
        pthread_t thread;
        struct clock *clock = loop_clock(loop);
        struct timer *timer = timer_create_on(clock, stop_from_timer, &fired);
        clock_resume(clock);
        assert_int_equal(pthread_create(&thread, NULL, arm_near_timer, timer), 0);
        loop_run(loop);
        assert_int_equal(fired, 1);
        pthread_join(thread, NULL);
        timer_destroy(timer);
    }
}

static void *stop_loop(void *arg)
{
    (void)arg;
    loop_stop(loop);
    return NULL;
}

static void stop_from_another_thread_ends_the_loop(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stop_loop, NULL), 0);
        loop_run(loop);
        pthread_join(thread, NULL);
    }
}

static void stop_before_the_run_is_not_lost(void **state)
{
    (void)state;
    loop_stop(loop);
    loop_run(loop);
    /* And it is over: the next run waits for a stop of its own. */
    n_seen = 0;
    assert_int_equal(loop_post(loop, note, NULL, 1), BP_OK);
    loop_step(loop, 0);
    assert_int_equal(n_seen, 1);
}

static void step_waits_no_longer_than_it_was_told(void **state)
{
    (void)state;
    uint64_t start_ns = host_monotonic_ns();
    loop_step(loop, 0); /* takes what woke it earlier */
    loop_step(loop, 2000000);
    assert_true(host_monotonic_ns() - start_ns >= 2000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tasks_run_in_order_of_posting),
        TEST(task_that_posts_a_task_lets_descriptors_have_their_turn),
        TEST(task_of_the_callers_memory_may_post_itself_again),
        TEST(tasks_that_never_ran_are_dropped_with_the_loop),
        TEST(task_taken_back_does_not_run),
        TEST(no_task_of_another_thread_is_lost),
        TEST(readable_pipe_is_reported_as_long_as_it_is_readable),
        TEST(hang_up_is_reported_unasked),
        TEST(resting_watch_is_silent_even_after_a_hang_up),
        TEST(watch_can_change_to_the_other_direction),
        TEST(regular_file_cannot_be_watched),
        TEST(descriptor_has_one_watch),
        TEST(watch_removed_within_a_callback_is_never_called),
        TEST(hundred_ready_descriptors_all_get_their_turn),
        TEST(loop_waits_for_a_timer_no_longer_than_it_takes),
        TEST(timer_armed_by_another_thread_wakes_the_loop),
        TEST(stop_from_another_thread_ends_the_loop),
        TEST(stop_before_the_run_is_not_lost),
        TEST(step_waits_no_longer_than_it_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
