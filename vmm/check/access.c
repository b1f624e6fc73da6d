/*
 * What a guest can do to a device's registers: every offset, width and pattern, and what must hold
 * afterwards. Regions with more than SWEEP_MAX places are thinned out, RAM is left alone.
 */
#include "check/check.h"
#include "check/exercise.h"
#include "classcheck.h"

#include <string.h>

static void sweep_takes_everything(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);

    exercise_sweep(run, b);
    if (bench_refused(b))
        check_fail(run, "the bench refused %u accesses that the region tables allow",
                   bench_refused(b));
    bench_destroy(b);
}

static const struct check_test tests[] = {
    {"access.sweep", "takes every offset, width and pattern", CHECK_API, 20, false,
     sweep_takes_everything},
};

const struct check_table check_access_tests = {tests, sizeof(tests) / sizeof(tests[0])};
