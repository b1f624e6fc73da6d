/*
 * Saving and loading: that a state survives the way to a new device, and that a device goes on
 * after it as if nothing had happened. States that were damaged: state_damage.c.
 */
#include "check/check.h"
#include "check/exercise.h"
#include "check/state_tests.h"
#include "classcheck.h"

#include <inttypes.h>
#include <stdlib.h>

#define ACTIONS 600u

static void check_round_trip(struct check_run *run, struct bench *b)
{
    check_step(run, "save, load into a new device, save");
    if (bench_check_state_roundtrip(b))
        check_fail(run, "%s: what reset() does not set must be in the state table or in save",
                   bench_error(b));
}

static void round_trip(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);

    check_round_trip(run, b);
    for (uint64_t seed = run->seed; seed < run->seed + exercise_rounds(24); seed++) {
        exercise(run, b, seed, ACTIONS);
        check_round_trip(run, b);
    }
    bench_destroy(b);
}

static void saving_changes_nothing(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);

    for (uint64_t seed = run->seed; seed < run->seed + exercise_rounds(6); seed++) {
        struct saved first, second;

        exercise(run, b, seed, ACTIONS);
        bench_quiesce(b); /* start() may go on with what waits */
        first = exercise_save(run, b);
        second = exercise_save(run, b);
        if (!exercise_is_same(&first, &second))
            check_fail(run, "two saves in a row give other bytes: %s: save() changes nothing",
                       exercise_difference(&first, &second));
        free(first.bytes);
        free(second.bytes);
        bench_resume(b);
    }
    bench_destroy(b);
}

/* --- going on --------------------------------------------------------------------------------- */
static void play_both(struct check_run *run, struct bench *a, struct bench *b, uint64_t seed,
                      uint32_t n)
{
    char text[BENCH_ACTION_TEXT];
    struct bench_action action;

    for (uint32_t i = 0; i < n; i++) {
        bench_action_random(a, &seed, &action);
        /* What saves and loads would make the two the same. */
        if (action.kind == BENCH_ACT_SAVE_LOAD || action.kind == BENCH_ACT_LOAD_DAMAGED ||
            action.kind == BENCH_ACT_FAIL || !bench_action_print(a, &action, text, sizeof(text)))
            continue;
        check_step(run, "%s", text);
        bench_action_play(a, &action);
        bench_action_play(b, &action);
    }
    exercise_rest(run, a);
    exercise_rest(run, b);
}

static void compare(struct check_run *run, struct bench *a, struct bench *b)
{
    struct saved one = exercise_save(run, a);
    struct saved other = exercise_save(run, b);

    for (uint32_t i = 0; i < run->class_->lines.n_rows; i++) {
        const char *line = class_line(run->class_, i)->name;

        if (bench_line(a, line) != bench_line(b, line))
            check_fail(run, "line %s is %u in one that was loaded and %u in one that was not", line,
                       bench_line(b, line), bench_line(a, line));
    }
    if (!exercise_is_same(&one, &other))
        check_fail(run,
                   "it goes on in another way when its state was loaded: %s: timers are armed and "
                   "what hangs on the state is made again in load_commit",
                   exercise_difference(&other, &one));
    free(one.bytes);
    free(other.bytes);
}

/* Two devices that live the same life, but that one is saved and loaded in the middle of it. */
static void goes_on(struct check_run *run)
{
    if (run->class_->flags & BP_CLASS_BACKEND)
        check_skip(run, "a backend's other end is the world, which nobody can play twice");
    if (class_service(run->class_, BP_VIRTIO_DEVICE_ID))
        check_skip(run, "the bench's queues do not survive a load");
    for (uint64_t seed = run->seed; seed < run->seed + exercise_rounds(6); seed++) {
        struct bench *a = exercise_create(run, 0);
        struct bench *b = exercise_create(run, 0);

        play_both(run, a, b, seed, ACTIONS);
        check_step(run, "save and load");
        free(exercise_save(run, a).bytes);
        if (bench_reload(b))
            check_fail(run, "it refuses its own state: %s", bench_error(b));
        compare(run, a, b);
        for (uint64_t i = 0; i < 20; i++) {
            play_both(run, a, b, ~seed + (i << 32), ACTIONS / 20);
            compare(run, a, b);
        }
        bench_destroy(a);
        bench_destroy(b);
    }
}

static const struct check_test tests[] = {
    {"state.round-trip", "its state survives save and load", CHECK_STATE, 20, false, round_trip},
    {"state.repeatable", "saving changes nothing", CHECK_STATE, 0, false, saving_changes_nothing},
    {"state.goes-on", "goes on after a load as if there had been none", CHECK_STATE, 20, false,
     goes_on},
    {"state.truncated", "refuses a state that was cut off, or is another's", CHECK_STATE, 20, false,
     state_truncated},
    {"state.flipped", "survives a state with wrong bits", CHECK_STATE, 20, false, state_flipped},
    {"state.range", "survives any number in its state", CHECK_STATE, 20, false, state_range},
    {"state.fields", "survives fields of a wrong size, and missing ones", CHECK_STATE, 20, false,
     state_fields},
};

const struct check_table check_state_tests = CHECK_TABLE(tests);
