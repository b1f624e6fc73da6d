/* The life cycle: set-up that works or fails, and what is left of a device when it is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backplane/bench/pause.h>

#include "check/exercise.h"
#include "check/life_parts.h"
#include "classcheck.h"

#define ROUNDS     2000u /* random actions */
#define ROUNDS_FEW 200u
#define LINKS_MAX  15u

static void can_be_set_up(struct check_run *run)
{
    struct bench *b;
    check_step(run, "set up");
    int32_t status = bench_try(run->class_, &run->setup[0], &b);
    if (status != BP_OK)
        check_fail(run, "set-up gives %d: %s; values that only you know: --set KEY=VALUE", status,
                   bench_error(b));
    check_step(run, "settle");
    bench_settle(b);
    check_step(run, "destroy");
    bench_destroy(b);
}

/* --- Hosts that have less --------------------------------------------------------------------- */

static bool is_needed(const struct check_run *run, const char *id)
{
    for (const char *const *need = run->class_->needs; need != NULL && *need != NULL; need++)
        if (strcmp(*need, id) == 0)
            return true;
    return false;
}

static void needs_what_it_lists(struct check_run *run)
{
    const char *id;
    for (uint32_t i = 0; (id = bench_interface(i)) != NULL; i++) {
        const char *const missing[] = {id, NULL};
        struct bench_setup setup = run->setup[0];
        struct bench *b;
        if (is_needed(run, id))
            continue;
        setup.missing = missing;
        check_step(run, "set up on a host without %s", id);
        if (bench_try(run->class_, &setup, &b) != BP_OK)
            check_fail(run, "set-up fails on a host without %s, which `needs` does not list: %s",
                       id, bench_error(b));
        exercise(run, b, run->seed, exercise_rounds(ROUNDS_FEW));
        bench_destroy(b);
    }
}

static void try_without(struct check_run *run, const char *const *names)
{
    struct bench_setup setup = run->setup[0];
    struct bench *b;
    setup.unconnected = names;
    check_step(run, "set up with link %s unconnected", names[0]);
    if (bench_try(run->class_, &setup, &b) != BP_OK)
        check_fail(run, "set-up fails without link %s, which is not BP_LINK_REQUIRED: %s", names[0],
                   bench_error(b));
    exercise(run, b, run->seed, exercise_rounds(ROUNDS));
    bench_destroy(b);
}

static void works_unconnected(struct check_run *run)
{
    const char *names[LINKS_MAX + 1] = {NULL};
    uint32_t n = 0;
    for (uint32_t i = 0; i < run->class_->links.n_rows && n < LINKS_MAX; i++)
        if ((class_link(run->class_, i)->flags & BP_LINK_REQUIRED) == 0)
            names[n++] = class_link(run->class_, i)->name;
    if (n == 0)
        check_skip(run, "it has no optional links");
    try_without(run, names);
    for (uint32_t i = 0; i < n && n > 1; i++) {
        const char *const one[] = {names[i], NULL};
        try_without(run, one);
    }
}

/* --- Orders ----------------------------------------------------------------------------------- */

static void setup_may_fail(struct check_run *run)
{
    check_step(run, "set up with one call failing after the other");
    uint32_t n = bench_check_setup_failures(run->class_, &run->setup[0]);
    check_note(run, "%u calls", n);
}

/* A machine file with a mistake elsewhere, `describe`, and the first access that never comes. */
static void stop_anywhere(struct check_run *run)
{
    static const struct {
        uint32_t after;
        const char *step;
    } steps[] = {{BENCH_AFTER_CREATE, "create"},
                 {BENCH_AFTER_PLAN, "plan and descriptions"},
                 {BENCH_AFTER_REALIZE, "realize"},
                 {BENCH_AFTER_RESET, "reset"}};
    for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(steps[0]); i++) {
        struct bench_setup setup = run->setup[0];
        struct bench *b;
        setup.stop_after = steps[i / 2].after;
        check_step(run, "set up until %s", steps[i / 2].step);
        if (bench_try(run->class_, &setup, &b) != BP_OK)
            check_fail(run, "set-up until %s: %s", steps[i / 2].step, bench_error(b));
        check_step(run, "destroy after %s", steps[i / 2].step);
        bench_destroy(b);
    }
}

static void reset_as(struct check_run *run, struct bench *b, const char *kinds)
{
    for (const char *kind = kinds; *kind != '\0'; kind++) {
        check_step(run, "reset, %s (of \"%s\")", *kind == 'c' ? "cold" : "warm", kinds);
        bench_reset(b, *kind == 'c' ? BP_RESET_COLD : BP_RESET_WARM);
    }
}

static void pause_twice(struct check_run *run, struct bench *b)
{
    for (uint32_t i = 0; i < 2; i++) {
        check_step(run, "quiesce");
        bench_quiesce(b);
        check_step(run, "start after quiesce");
        bench_resume(b);
    }
}

static void bears_any_order(struct check_run *run)
{
    static const char *const resets[] = {"c", "w", "cc", "ww", "cw", "wc"};
    stop_anywhere(run);
    for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
        struct bench *b = exercise_create(run, 0);
        reset_as(run, b, resets[i]);
        pause_twice(run, b);
        reset_as(run, b, resets[i]);
        exercise(run, b, run->seed + i, exercise_rounds(ROUNDS_FEW));
        reset_as(run, b, resets[i]);
        pause_twice(run, b);
        exercise(run, b, run->seed + i, exercise_rounds(ROUNDS_FEW));
        check_step(run, "destroy");
        bench_destroy(b);
    }
}

/* --- Others ----------------------------------------------------------------------------------- */

/* What is done to one must not be seen in the state of the others. */
static void share_nothing(struct check_run *run)
{
    struct bench *b[CHECK_COPIES];
    for (uint32_t i = 0; i < CHECK_COPIES; i++)
        if (bench_try(run->class_, &run->setup[i], &b[i]) != BP_OK)
            check_skip(run, "there can be only %u at a time: %s", i, bench_error(b[i]));
    struct saved before = exercise_save(run, b[1]);
    exercise(run, b[0], run->seed, exercise_rounds(ROUNDS));
    struct saved after = exercise_save(run, b[1]);
    if (!exercise_is_same(&before, &after))
        check_fail(run, "one of which nothing was asked is another after a second was used: %s",
                   exercise_difference(&before, &after));
    check_step(run, "destroy one, use another");
    bench_destroy(b[0]);
    exercise(run, b[1], run->seed, exercise_rounds(ROUNDS));
    bench_destroy(b[1]);
    bench_destroy(b[2]);
}

static const struct check_test tests[] = {
    {"life.setup", "can be set up and destroyed", CHECK_API, 3, false, can_be_set_up},
    {"life.quiet", "writes nothing to standard output or error", CHECK_API, 0, false,
     life_is_quiet},
    {"life.processes", "starts no processes", CHECK_API, 0, false, life_starts_no_process},
    {"life.failures", "set-up may fail at any call", CHECK_API, 20, false, setup_may_fail},
    {"life.needs", "works without interfaces that it does not list", CHECK_API, 20, false,
     needs_what_it_lists},
    {"life.unconnected", "works with its optional links unconnected", CHECK_API, 20, false,
     works_unconnected},
    {"life.orders", "bears resets, pauses and its end at any time", CHECK_API, 20, false,
     bears_any_order},
    {"life.instances", "two of them share nothing", CHECK_API, 20, false, share_nothing},
    {"life.leaks", "leaves nothing behind when it is destroyed", CHECK_API, 20, false,
     life_leaves_nothing},
};
const struct check_table check_life_tests = CHECK_TABLE(tests);
