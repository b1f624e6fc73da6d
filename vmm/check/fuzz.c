/*
 * Everything that a guest and the outside world can do to a device, at random from a seed: first a
 * list of actions is made, then it is played in a process of its own. A list that breaks the device
 * is made as short as it gets and shown as the lines of a test.
 */
#include "check/fuzz.h"
#include "check/exercise.h"
#include "util/hosttime.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS         200u
#define ACTIONS        1500u
#define PLAY_NS_MAX    UINT64_C(8000000000) /* rounds that come later are left out */
#define SHRINK_NS_MAX  UINT64_C(20000000000)
#define TEXT_MAX_BYTES 3400u

/* The surroundings are part of what is random; the seed of round n is the run's + n. */
static void make_list(struct fuzz_list *list, struct check_run *run, uint64_t seed)
{
    uint64_t r = exercise_random(&seed);
    struct bench *b;

    *list = (struct fuzz_list){.run = run, .setup = run->setup[0]};
    list->setup.ram_bytes = 1u << 20;
    list->setup.cpus = 1 + (uint32_t)(r & 3);
    list->setup.doorbells = r >> 2 & 1;
    list->setup.disk_flags =
        (r >> 3 & 7 ? 0 : BP_BLOCK_READ_ONLY) | (r >> 6 & 1 ? BP_BLOCK_DISCARD : 0);
    list->actions = calloc(ACTIONS, sizeof(*list->actions));
    if (!list->actions)
        check_fail(run, "out of memory");
    check_step(run, "create, realize, reset, start");
    if (bench_try(run->class_, &list->setup, &b))
        check_fail(run, "it cannot be made: %s", bench_error(b));
    for (; list->n < ACTIONS; list->n++)
        bench_action_random(b, &seed, &list->actions[list->n]);
    bench_destroy(b);
}

static void report(struct fuzz_list *list, struct fuzz_verdict *verdict, uint64_t seed)
    __attribute__((noreturn));

static void report(struct fuzz_list *list, struct fuzz_verdict *verdict, uint64_t seed)
{
    char what[600], text[TEXT_MAX_BYTES];

    fuzz_shrink(list, verdict, host_monotonic_ns() + SHRINK_NS_MAX);
    fuzz_describe(verdict, what, sizeof(what));
    fuzz_print(list, text, sizeof(text));
    text[strlen(text) - 1] = 0; /* the last line's end */
    check_step(list->run, "%s", "");
    check_fail(list->run,
               "%s\nTo see it again: --seed %" PRIu64 " --only fuzz.random. As a test:\n%s", what,
               seed, text);
}

static void random_actions(struct check_run *run)
{
    uint64_t from_ns = host_monotonic_ns();
    uint32_t rounds = exercise_rounds(ROUNDS);
    uint64_t limit_ns = PLAY_NS_MAX * (1 + rounds / (ROUNDS + 1));
    uint32_t n = 0;

    for (; n < rounds && host_monotonic_ns() - from_ns < limit_ns; n++) {
        uint64_t seed = run->seed + n;
        struct fuzz_list list;
        struct fuzz_verdict verdict;

        make_list(&list, run, seed);
        verdict = fuzz_play(&list, FUZZ_LIMIT_MS);
        if (verdict.end != FUZZ_PLAYED)
            report(&list, &verdict, seed);
        free(list.actions);
    }
    check_note(run, "%" PRIu32 " lists of %u actions", n, ACTIONS);
}

/* --- calls that fail -------------------------------------------------------------------------- */
static void some_actions(struct bench *b)
{
    uint64_t seed = 1;

    for (uint32_t i = 0; i < 250; i++) {
        struct bench_action action;

        bench_action_random(b, &seed, &action);
        /* Saving ends what was asked to fail. */
        if (action.kind != BENCH_ACT_FAIL && action.kind != BENCH_ACT_SAVE_LOAD &&
            action.kind != BENCH_ACT_LOAD_DAMAGED)
            bench_action_play(b, &action);
    }
}

static void failing_calls(struct check_run *run)
{
    uint32_t n;

    check_step(run, "random actions while each call to the host fails in turn");
    n = bench_check_call_failures(run->class_, &run->setup[0], some_actions);
    check_note(run, "%" PRIu32 " calls", n);
}

static const struct check_test tests[] = {
    {"fuzz.random", "survives random accesses, events, failing calls and forged states", CHECK_FUZZ,
     90, false, random_actions},
    {"fuzz.failing-calls", "survives the failure of any call while it runs", CHECK_FUZZ, 60, false,
     failing_calls},
};

const struct check_table check_fuzz_tests = CHECK_TABLE(tests);
