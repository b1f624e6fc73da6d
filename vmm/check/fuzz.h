/* A list of actions that is played on a fresh device in a process of its own, and made shorter. */
#ifndef VMM_CHECK_FUZZ_H
#define VMM_CHECK_FUZZ_H

#include "check/check.h"

enum fuzz_end {
    FUZZ_PLAYED, /* nothing was wrong */
    FUZZ_SAID,   /* a check after the actions has found something */
    FUZZ_KILLED, /* by a signal: `code` */
    FUZZ_EXITED, /* with status `code` */
    FUZZ_LATE,
};

struct fuzz_verdict {
    enum fuzz_end end;
    int code;
    uint32_t at;    /* the action during which; the list's length: afterwards */
    char text[400]; /* what was said about it, "" */
};

struct fuzz_list {
    struct check_run *run;
    struct bench_setup setup;
    struct bench_action *actions;
    uint32_t n;
};

/* Plays the list; a crash of the device is a verdict. `limit_ms` of the processor's time it may
 * take, on the clock FUZZ_WAIT_TIMES as much: others may be busy. */
struct fuzz_verdict fuzz_play(const struct fuzz_list *list, uint32_t limit_ms);
#define FUZZ_WAIT_TIMES 4u

/* Leaves out what it can until `deadline_ns` of the host's clock, so that the end stays the same.
 */
void fuzz_shrink(struct fuzz_list *list, struct fuzz_verdict *verdict, uint64_t deadline_ns);

/* As a test that can be pasted. Lists that do not fit lose their beginning, which is said. */
void fuzz_print(const struct fuzz_list *list, char *text, size_t size);

/* "crashed with SIGSEGV", "did not end", and what was said. */
void fuzz_describe(const struct fuzz_verdict *verdict, char *text, size_t size);

#define FUZZ_LIMIT_MS 2000u

#endif
