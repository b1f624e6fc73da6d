/* Everything that a guest and the outside world can do, at random from a seed. */
#include "check/check.h"
#include "check/exercise.h"

static void random_actions(struct check_run *run)
{
    for (uint64_t seed = run->seed; seed < run->seed + 20; seed++) {
        struct bench *b = exercise_create(run, 0);

        exercise(run, b, seed, 3000);
        if (bench_check_state_roundtrip(b))
            check_fail(run, "seed %llu: %s", (unsigned long long)seed, bench_error(b));
        bench_destroy(b);
    }
}

static const struct check_test tests[] = {
    {"fuzz.random", "survives random accesses, events and resets", CHECK_FUZZ, 120, false,
     random_actions},
};

const struct check_table check_fuzz_tests = CHECK_TABLE(tests);
