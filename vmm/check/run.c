/* The tests of a plan, one after the other. */
#include "check/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "check/child.h"
#include "check/list.h"
#include "util/nearest.h"

/* Signals that a test's end, or the user, brings: taken one by one while a test runs. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGCHLD);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &held, before);
}

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

static int32_t run_one(const struct check_place *place, const struct check_test *test,
                       const struct check_test *closed, struct check_result *result,
                       struct err *err)
{
    if (closed != NULL && (closed->is_unloaded || !test->is_unloaded)) {
        *result = (struct check_result){.test = test, .outcome = CHECK_SKIPPED};
        (void)snprintf(result->text, sizeof(result->text), "not tried, as %s failed", closed->name);
        return BP_OK;
    }
    int32_t status = check_place_clean(place, err);
    return status == BP_OK ? check_child_run(place, test, result, err) : status;
}

static int32_t run_all(const struct check_place *place, uint32_t *n_failed, struct err *err)
{
    const struct check_plan *plan = place->plan;
    const struct check_test *closed = NULL; /* the gate that did */
    const struct check_test *test;
    for (size_t i = 0; (test = check_test_at(i)) != NULL; i++) {
        struct check_result result;
        if (!check_is_planned(plan, test))
            continue;
        int32_t status = run_one(place, test, closed, &result, err);
        if (status != BP_OK)
            return status;
        if (result.outcome == CHECK_FAILED) {
            (*n_failed)++;
            if (closed == NULL && check_is_gate(test))
                closed = test;
        }
        plan->on_result(plan->context, &result);
    }
    return BP_OK;
}

int32_t check_run_plan(const struct check_plan *plan, uint32_t *n_failed, struct err *err)
{
    struct check_place place;
    sigset_t before;
    *n_failed = 0;
    err->text[0] = '\0';
    /* What a test's process leaves behind becomes ours, to be ended. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return err_set(err, BP_ERR_UNSUPPORTED, "no subreaper: %s", strerror(errno));
    hold_signals(&before);
    int32_t status = check_place_open(&place, plan, err);
    if (status == BP_OK)
        status = run_all(&place, n_failed, err);
    check_place_close(&place);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
