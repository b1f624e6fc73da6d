/* One test in a process of its own: what it is given, how it is watched, how it ended. */
#ifndef VMM_CHECK_CHILD_H
#define VMM_CHECK_CHILD_H

#include <limits.h>
#include <sys/types.h>

#include "check/check.h"
#include "check/run.h"

#define CHECK_FILE_BYTES (1u << 20) /* of each file that a required path names */

/* What is made once and used for all tests of a plan. */
struct check_place {
    const struct check_plan *plan;
    char plugin[PATH_MAX]; /* absolute: each test runs in `folder` */
    char folder[PATH_MAX]; /* for the files that devices are given, and those that they make */
    char *step;            /* shared memory of CHECK_STEP_MAX bytes */
};

int32_t check_place_open(struct check_place *place, const struct check_plan *plan, struct err *err);
void check_place_close(struct check_place *place);

/* Empties the folder, and makes the files that required paths name. */
int32_t check_place_clean(const struct check_place *place, struct err *err);

/* --- a test's process, as the one sees it that waits ------------------------------------------ */
struct check_process {
    const struct check_test *test;
    pid_t pid; /* 0: none; it leads a session */
    int answer;
    int output, complaints;    /* its standard output and error */
    uint32_t seconds;          /* that it may take */
    uint64_t begin_ns, end_ns; /* of the round that it has now */
    uint64_t cpu_ns;           /* that it had used when the round began */
};

int32_t check_process_start(struct check_process *process, const struct check_place *place,
                            const struct check_test *test, struct err *err);

/* Stops one that is late. `all`: those that run, with this one. */
bool check_process_is_over(struct check_process *process, const struct check_place *place,
                           const struct check_process *all, size_t n, struct check_result *result);

void check_process_stop(struct check_process *process);

/* Ends what a test's process that has ended left behind, and counts it. */
uint32_t check_orphans_end(const struct check_process *all, size_t n, pid_t session);

/* --- in the test's process -------------------------------------------------------------------- */
struct check_child {
    int answer; /* a file of the process that waits */
    pid_t self; /* a copy that the plugin forked is not to answer */
    char notes[CHECK_TEXT_MAX];
};

struct check_answer {
    uint32_t outcome;
    char text[CHECK_TEXT_MAX];
    char notes[CHECK_TEXT_MAX];
};

/* Sends it and ends the process. */
void check_answer_send(struct check_run *run, enum check_outcome outcome, const char *text)
    __attribute__((noreturn));

/* Values for what the class requires, and what the plan gives. */
void check_settings_fill(struct check_run *run, const struct check_place *place);

/* The path of the file that copy `i` is given. */
void check_place_file(const struct check_place *place, uint32_t i, char *out, size_t size);

/* --- how it ended ----------------------------------------------------------------------------- */
struct check_end {
    int status;            /* of waitpid */
    bool is_late;          /* it was stopped after `seconds` */
    uint32_t seconds;      /* that it had */
    const char *step;      /* what it was doing; "" */
    const char *complaint; /* what stands on its standard error */
};

/* The sentence for a test whose process has not answered. */
void check_end_describe(const struct check_end *end, char *out, size_t size);

#endif
