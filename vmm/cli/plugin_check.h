/* plugin check: its arguments, and how its results are shown. */
#ifndef VMM_CLI_PLUGIN_CHECK_H
#define VMM_CLI_PLUGIN_CHECK_H

#include "check/run.h"
#include "cli/cli.h"
#include "cli/json.h"

#define PLUGIN_CHECK_ONLY_MAX 64u

/* The whole of `backplane plugin check`: 0 all passed, 1 something failed, 2 nothing was tried. */
int plugin_check(const struct cli_command *command, const struct cli_args *args);

/* What is shown while it runs, and the label at the end. */
struct check_report {
    const struct check_plan *plan;
    char who[128]; /* "uart16550 1.0", or the file's name */
    bool as_json;
    struct json json;
    uint32_t n_passed, n_failed, n_skipped;
    uint32_t n_untried;                 /* of the skipped ones */
    const struct check_test *gate;      /* that kept them from being tried */
    char failed[400];                   /* their names */
    char reason[CHECK_TEXT_MAX];        /* why the last one failed that had one of its own */
    const struct check_test *reason_of; /* that one */
};

void check_report_begin(struct check_report *report);
void check_report_result(void *report, const struct check_result *result);
void check_report_end(struct check_report *report);

/* All tests with what they show, by level. */
void check_report_list(bool as_json);

#endif
