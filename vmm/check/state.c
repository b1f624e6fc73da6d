/* Saving and loading, and states that were damaged or made up. */
#include "check/check.h"
#include "check/exercise.h"

static void round_trip(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);

    check_step(run, "save, load into a new device, save");
    if (bench_check_state_roundtrip(b))
        check_fail(run, "%s", bench_error(b));
    bench_destroy(b);
}

static const struct check_test tests[] = {
    {"state.round-trip", "its state survives save and load", CHECK_STATE, 0, false, round_trip},
};

const struct check_table check_state_tests = {tests, sizeof(tests) / sizeof(tests[0])};
