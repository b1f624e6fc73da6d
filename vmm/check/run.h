/* Runs the tests of `plugin check`, one process each, and says how each of them ended. */
#ifndef VMM_CHECK_RUN_H
#define VMM_CHECK_RUN_H

#include "check/test.h"
#include "util/err.h"

enum check_outcome { CHECK_PASSED, CHECK_FAILED, CHECK_SKIPPED };

#define CHECK_TEXT_MAX 4096u /* a list of actions is long */

struct check_result {
    const struct check_test *test;
    enum check_outcome outcome;
    char text[CHECK_TEXT_MAX];     /* why it failed or was skipped */
    char notes[CHECK_TEXT_MAX];    /* facts, a line each */
    const struct check_test *gate; /* skipped because this one has failed; NULL */
    uint32_t milliseconds;
};

struct check_plan {
    const char *path; /* of the plugin */
    enum check_level level;
    uint64_t seed;
    const char *const *only;     /* names of tests and groups ("load.symbols", "state") */
    size_t n_only;               /* 0: all up to the level */
    const char *const *settings; /* "key=value", for what check cannot guess */
    size_t n_settings;
    void (*on_result)(void *context, const struct check_result *result);
    void *context;
};

/* All tests in the order in which they run; NULL at the end. */
const struct check_test *check_test_at(size_t i);

/* Whether the plan has this test. */
bool check_is_planned(const struct check_plan *plan, const struct check_test *test);

/* BP_OK when every name of `only` is a test or a group; otherwise the nearest one is named. */
int32_t check_find_only(const struct check_plan *plan, struct err *err);

const char *check_level_name(enum check_level level);

/* Runs what is planned and gives each result as it comes; what fails is a result and no error.
 * *n_failed counts. BP_ERR_STATE: a signal asked to stop (then `err` is empty). */
int32_t check_run_plan(const struct check_plan *plan, uint32_t *n_failed, struct err *err);

#endif
