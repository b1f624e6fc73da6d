/* The life cycle: set-up that works or fails, and what is left of a device when it is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/life_parts.h"
#include "classcheck.h"

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

static const struct check_test tests[] = {
    {"life.setup", "can be set up and destroyed", CHECK_API, 5, false, can_be_set_up},
    {"life.leaks", "leaves nothing behind when it is destroyed", CHECK_API, 20, false,
     life_leaves_nothing},
};
const struct check_table check_life_tests = CHECK_TABLE(tests);
