/* Which tests a plan has, and in which order they run. */
#include "check/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "check/child.h"
#include "check/list.h"
#include "util/hosttime.h"
#include "util/nearest.h"

#define LANES_MAX 2u /* tests at once */

const char *check_level_name(enum check_level level)
{
    static const char *const names[] = {"load", "api", "state", "fuzz"};
    return names[level];
}

/* --- Which tests ------------------------------------------------------------------------------ */

/* The group of "load.symbols" is "load". */
static bool is_named(const struct check_test *test, const char *name)
{
    size_t n = strlen(name);
    return strncmp(test->name, name, n) == 0 && (test->name[n] == '\0' || test->name[n] == '.');
}

bool check_is_planned(const struct check_plan *plan, const struct check_test *test)
{
    for (size_t i = 0; i < plan->n_only; i++)
        if (is_named(test, plan->only[i]))
            return true;
    return plan->n_only == 0 && test->level <= plan->level;
}

int32_t check_find_only(const struct check_plan *plan, struct err *err)
{
    const char *names[CHECK_TESTS_MAX];
    const struct check_test *test;
    size_t n = 0;
    for (; n < CHECK_TESTS_MAX && (test = check_test_at(n)) != NULL; n++)
        names[n] = test->name;
    for (size_t i = 0; i < plan->n_only; i++) {
        bool is_there = false;
        for (size_t j = 0; j < n && !is_there; j++)
            is_there = is_named(check_test_at(j), plan->only[i]);
        if (is_there)
            continue;
        const char *near = nearest_word(plan->only[i], names, n);
        if (near != NULL)
            return err_set(err, BP_ERR_NOT_FOUND, "there is no test \"%s\"; did you mean \"%s\"?",
                           plan->only[i], near);
        return err_set(err, BP_ERR_NOT_FOUND,
                       "there is no test \"%s\"; `backplane plugin check --list` shows them",
                       plan->only[i]);
    }
    return BP_OK;
}

/* --- Running ---------------------------------------------------------------------------------- */

struct lane {
    struct check_place place;
    struct queued *queued; /* what runs here; NULL */
};

struct queued {
    const struct check_test *test;
    bool is_over;
    struct check_result result;
};

struct runner {
    const struct check_plan *plan;
    struct queued tests[CHECK_TESTS_MAX];
    size_t n_tests;
    size_t n_begun, n_told; /* of `tests`, from the first on */
    struct lane lanes[LANES_MAX];
    struct check_process running[LANES_MAX];
    size_t n_lanes;
    const struct check_test *closed; /* the gate that failed */
};

static bool is_running(const struct runner *r)
{
    for (size_t i = 0; i < r->n_lanes; i++)
        if (r->lanes[i].queued != NULL)
            return true;
    return false;
}

/* A gate runs alone: whether the others do depends on it. */
static bool may_begin(const struct runner *r)
{
    if (r->n_begun == r->n_tests)
        return false;
    if (check_is_gate(r->tests[r->n_begun].test) && is_running(r))
        return false;
    for (size_t i = 0; i < r->n_lanes; i++)
        if (r->lanes[i].queued != NULL && check_is_gate(r->lanes[i].queued->test))
            return false;
    return true;
}

static bool is_closed(const struct runner *r, const struct check_test *test)
{
    return r->closed != NULL && (r->closed->is_unloaded || !test->is_unloaded);
}

static void end_test(struct runner *r, struct queued *queued)
{
    queued->is_over = true;
    if (queued->result.outcome == CHECK_FAILED && r->closed == NULL && check_is_gate(queued->test))
        r->closed = queued->test;
}

static int32_t begin_test(struct runner *r, size_t lane, struct err *err)
{
    struct queued *queued = &r->tests[r->n_begun++];
    if (is_closed(r, queued->test)) {
        queued->result = (struct check_result){
            .test = queued->test, .outcome = CHECK_SKIPPED, .gate = r->closed};
        (void)snprintf(queued->result.text, sizeof(queued->result.text), "not tried, as %s failed",
                       r->closed->name);
        end_test(r, queued);
        return BP_OK;
    }
    int32_t status = check_place_clean(&r->lanes[lane].place, err);
    if (status == BP_OK)
        status = check_process_start(&r->running[lane], &r->lanes[lane].place, queued->test, err);
    if (status == BP_OK)
        r->lanes[lane].queued = queued;
    return status;
}

static int32_t begin_tests(struct runner *r, struct err *err)
{
    int32_t status = BP_OK;
    for (size_t i = 0; i < r->n_lanes; i++)
        while (status == BP_OK && r->lanes[i].queued == NULL && may_begin(r))
            status = begin_test(r, i, err);
    return status;
}

static void end_tests(struct runner *r)
{
    for (size_t i = 0; i < r->n_lanes; i++) {
        struct lane *lane = &r->lanes[i];
        if (lane->queued == NULL || !check_process_is_over(&r->running[i], &lane->place, r->running,
                                                           r->n_lanes, &lane->queued->result))
            continue;
        end_test(r, lane->queued);
        lane->queued = NULL;
    }
}

/* In the order of the list, whoever ends first. */
static void tell_results(struct runner *r, uint32_t *n_failed)
{
    for (; r->n_told < r->n_tests && r->tests[r->n_told].is_over; r->n_told++) {
        const struct check_result *result = &r->tests[r->n_told].result;
        *n_failed += result->outcome == CHECK_FAILED;
        r->plan->on_result(r->plan->context, result);
    }
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* A test's end, and what asks this program to stop: held back, and taken while tests run. */
static void held_signals(sigset_t *held)
{
    (void)sigemptyset(held);
    (void)sigaddset(held, SIGCHLD);
    (void)sigaddset(held, SIGINT);
    (void)sigaddset(held, SIGTERM);
    (void)sigaddset(held, SIGHUP);
}

/* Until a test may have ended. BP_ERR_STATE: this program shall. */
static int32_t wait_for_one(const struct runner *r)
{
    sigset_t held;
    uint64_t end_ns = UINT64_MAX, now_ns = host_monotonic_ns();
    for (size_t i = 0; i < r->n_lanes; i++)
        if (r->lanes[i].queued != NULL && r->running[i].end_ns < end_ns)
            end_ns = r->running[i].end_ns;
    if (now_ns >= end_ns)
        return BP_OK;
    struct timespec left = {(time_t)((end_ns - now_ns) / NS_PER_SECOND),
                            (long)((end_ns - now_ns) % NS_PER_SECOND)};
    held_signals(&held);
    int number = sigtimedwait(&held, NULL, &left);
    return number > 0 && number != SIGCHLD ? BP_ERR_STATE : BP_OK;
}

static int32_t run_all(struct runner *r, uint32_t *n_failed, struct err *err)
{
    int32_t status = begin_tests(r, err);
    tell_results(r, n_failed);
    while (status == BP_OK && is_running(r)) {
        status = wait_for_one(r);
        if (status != BP_OK)
            break;
        end_tests(r);
        status = begin_tests(r, err);
        tell_results(r, n_failed);
    }
    for (size_t i = 0; i < r->n_lanes; i++)
        check_process_stop(&r->running[i]);
    return status;
}

/* --- The whole -------------------------------------------------------------------------------- */

static int32_t open_lanes(struct runner *r, struct err *err)
{
    size_t wanted = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? LANES_MAX : 1;
    int32_t status = BP_OK;
    while (status == BP_OK && r->n_lanes < wanted)
        status = check_place_open(&r->lanes[r->n_lanes++].place, r->plan, err);
    return status;
}

static void queue_tests(struct runner *r)
{
    const struct check_test *test;
    for (size_t i = 0; r->n_tests < CHECK_TESTS_MAX && (test = check_test_at(i)) != NULL; i++)
        if (check_is_planned(r->plan, test))
            r->tests[r->n_tests++].test = test;
}

int32_t check_run_plan(const struct check_plan *plan, uint32_t *n_failed, struct err *err)
{
    sigset_t held, before;
    struct runner *r = calloc(1, sizeof(*r));
    *n_failed = 0;
    err->text[0] = '\0';
    if (r == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "%s: out of memory", plan->path);
    r->plan = plan;
    /* What a test's process leaves behind becomes ours, to be ended. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    held_signals(&held);
    (void)sigprocmask(SIG_BLOCK, &held, &before);
    queue_tests(r);
    int32_t status = open_lanes(r, err);
    if (status == BP_OK)
        status = run_all(r, n_failed, err);
    for (size_t i = 0; i < r->n_lanes; i++)
        check_place_close(&r->lanes[i].place);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    free(r);
    return status;
}
