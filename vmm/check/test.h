/* One test of `plugin check`, as those see it who choose and show tests. */
#ifndef VMM_CHECK_TEST_H
#define VMM_CHECK_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum check_level { CHECK_LOAD, CHECK_API, CHECK_STATE, CHECK_FUZZ };

struct check_run;

struct check_test {
    const char *name;  /* "state.round-trip": for --only and for programs; never changes */
    const char *title; /* what holds if it passes: "its state survives save and load" */
    enum check_level level;
    uint32_t limit_seconds; /* 0: 10 */
    bool is_unloaded;       /* looks at the file only: the plugin is not loaded for it */
    void (*run)(struct check_run *run); /* passed if it returns */
};

/* Those of one file. */
struct check_table {
    const struct check_test *tests;
    size_t n_tests;
};

#endif
