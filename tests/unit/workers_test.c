/* Work that blocks, away from the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <backplane/abi.h>

#include "core/workers.h"

static struct loop *loop;
static struct workers *workers;

static int begin(void **state)
{
    (void)state;
    return loop_create(&loop, NULL) != BP_OK || workers_create(loop, &workers, NULL) != BP_OK;
}

static int end(void **state)
{
    (void)state;
    workers_destroy(workers);
    loop_destroy(loop);
    return 0;
}

struct ledger {
    pthread_t loop_thread;
    atomic_uint n_worked;
    unsigned n_done;
    uint8_t done[4096];
};

static int32_t work(void *ctx, uint64_t arg)
{
    struct ledger *l = ctx;
    /* On another thread than the loop's. */
    if (pthread_equal(pthread_self(), l->loop_thread))
        return -1;
    atomic_fetch_add(&l->n_worked, 1);
    return (int32_t)arg * 2;
}

static void done(void *ctx, uint64_t arg, int32_t result)
{
    struct ledger *l = ctx;
    assert_true(pthread_equal(pthread_self(), l->loop_thread));
    assert_int_equal(result, arg * 2);
    l->done[arg]++;
    l->n_done++;
}

static void every_piece_is_worked_on_and_told_of_once(void **state)
{
    (void)state;
    static struct ledger l;
    memset(&l, 0, sizeof(l));
    l.loop_thread = pthread_self();
    for (uint64_t i = 0; i < 4096; i++)
        assert_int_equal(workers_submit(workers, work, done, &l, i), BP_OK);
    while (l.n_done < 4096)
        loop_step(loop, UINT64_MAX);
    assert_int_equal(atomic_load(&l.n_worked), 4096);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(l.done[i], 1);
}

static void submit_again(void *ctx, uint64_t arg, int32_t result)
{
    done(ctx, arg, result);
    if (arg < 99)
        assert_int_equal(workers_submit(workers, work, submit_again, ctx, arg + 1), BP_OK);
}

static void piece_may_be_submitted_when_one_has_ended(void **state)
{
    (void)state;
    static struct ledger l;
    memset(&l, 0, sizeof(l));
    l.loop_thread = pthread_self();
    assert_int_equal(workers_submit(workers, work, submit_again, &l, 0), BP_OK);
    while (l.n_done < 100)
        loop_step(loop, UINT64_MAX);
    assert_int_equal(atomic_load(&l.n_worked), 100);
}

/* Pieces that wait for each other end only if they run at once. */
static pthread_barrier_t all_there;

static int32_t meet(void *ctx, uint64_t arg)
{
    (void)ctx;
    (void)pthread_barrier_wait(&all_there);
    return (int32_t)arg * 2;
}

static void pieces_run_at_once(void **state)
{
    (void)state;
    static struct ledger l;
    memset(&l, 0, sizeof(l));
    l.loop_thread = pthread_self();
    assert_int_equal(pthread_barrier_init(&all_there, NULL, WORKERS_MAX), 0);
    for (uint64_t i = 0; i < WORKERS_MAX; i++)
        assert_int_equal(workers_submit(workers, meet, done, &l, i), BP_OK);
    while (l.n_done < WORKERS_MAX)
        loop_step(loop, UINT64_MAX);
    pthread_barrier_destroy(&all_there);
}

static atomic_uint n_running, most_running;

static int32_t measure(void *ctx, uint64_t arg)
{
    (void)ctx;
    unsigned now = atomic_fetch_add(&n_running, 1) + 1, most = atomic_load(&most_running);
    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        ;
    sched_yield();
    atomic_fetch_sub(&n_running, 1);
    return (int32_t)arg * 2;
}

static void there_are_never_more_threads_than_allowed(void **state)
{
    (void)state;
    static struct ledger l;
    memset(&l, 0, sizeof(l));
    l.loop_thread = pthread_self();
    atomic_store(&most_running, 0);
    for (uint64_t i = 0; i < 2000; i++)
        assert_int_equal(workers_submit(workers, measure, done, &l, i), BP_OK);
    while (l.n_done < 2000)
        loop_step(loop, UINT64_MAX);
    assert_in_range(atomic_load(&most_running), 1, WORKERS_MAX);
}

static void *submit_from_thread(void *arg)
{
    for (uint64_t i = 0; i < 1000; i++)
        if (workers_submit(workers, work, done, arg, i) != BP_OK)
            return arg;
    return NULL;
}

static void other_threads_may_submit(void **state)
{
    (void)state;
    static struct ledger l;
    pthread_t threads[2];
    memset(&l, 0, sizeof(l));
    l.loop_thread = pthread_self();
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit_from_thread, &l), 0);
    while (l.n_done < 2000)
        loop_step(loop, UINT64_MAX);
    for (unsigned i = 0; i < 2; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(l.done[i], 2);
}

static void no_done(void *ctx, uint64_t arg, int32_t result)
{
    (void)ctx;
    (void)arg;
    (void)result;
    fail();
}

static void destroying_waits_for_what_has_begun_and_drops_the_rest(void **state)
{
    (void)state;
    static struct ledger l;
    struct workers *own = NULL;
    memset(&l, 0, sizeof(l));
    assert_int_equal(workers_create(loop, &own, NULL), BP_OK);
    for (uint64_t i = 0; i < 500; i++)
        assert_int_equal(workers_submit(own, work, no_done, &l, i), BP_OK);
    workers_destroy(own);
    workers_destroy(NULL);
    assert_true(atomic_load(&l.n_worked) <= 500);
    loop_step(loop, 0); /* nobody is left who could be told */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_piece_is_worked_on_and_told_of_once),
        TEST(piece_may_be_submitted_when_one_has_ended),
        TEST(pieces_run_at_once),
        TEST(there_are_never_more_threads_than_allowed),
        TEST(other_threads_may_submit),
        TEST(destroying_waits_for_what_has_begun_and_drops_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
