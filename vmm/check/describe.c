/* What a device says about itself in the device tree and in ACPI, alone and in a whole machine. */
#include "check/check.h"
#include "check/exercise.h"

static void description_is_pure(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0); /* describes it before realize, too */

    check_step(run, "describe_fdt and describe_acpi");
    bench_fdt(b);
    bench_acpi(b);
    bench_destroy(b);
}

static const struct check_test tests[] = {
    {"describe.pure", "describes itself the same at all times", CHECK_API, 0, false,
     description_is_pure},
};

const struct check_table check_describe_tests = CHECK_TABLE(tests);
