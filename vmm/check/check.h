/*
 * What every plugin must do, whatever it models: the tests of `backplane plugin check`. Each runs
 * in a process of its own with limits of time and memory, so a plugin that crashes, hangs, exits,
 * forks or spoils memory costs that test and nothing else. Devices are put on the bench of the SDK.
 */
#ifndef VMM_CHECK_CHECK_H
#define VMM_CHECK_CHECK_H

#include <backplane/bench.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/test.h"

/* The files of tests; check_test_at() is all of them in the order of the levels. */
extern const struct check_table check_elf_tests;      /* the file: class, note, symbols, sections */
extern const struct check_table check_tables_tests;   /* descriptor, documentation, properties */
extern const struct check_table check_life_tests;     /* life cycle, leaks, failures, instances */
extern const struct check_table check_access_tests;   /* registers, lines, quiesce */
extern const struct check_table check_describe_tests; /* FDT, AML */
extern const struct check_table check_state_tests;    /* save and load, damaged states */
extern const struct check_table check_virtio_tests;   /* queues and DMA of a hostile guest */
extern const struct check_table check_fuzz_tests;     /* everything at random, shrunk when found */

#define CHECK_TABLE(array)                                                                         \
    {                                                                                              \
        (array), sizeof(array) / sizeof((array)[0])                                                \
    }

/* Up to so many devices at once, with files of their own: a disk may be locked. */
#define CHECK_COPIES 3u

struct check_run {                          /* what a test is given */
    const char *path;                       /* of the file */
    const struct bp_plugin *plugin;         /* NULL when is_unloaded */
    const struct bp_class *class_;          /* NULL when is_unloaded */
    struct bench_setup setup[CHECK_COPIES]; /* with values for all that is required */
    uint64_t seed;
    char *step;                /* shared with the process that waits: see check_step */
    const char *files;         /* this test's own empty directory, the current one */
    struct check_child *child; /* the runner's */
};

#define CHECK_STEP_MAX 256u

/* What is being done, for the report of a crash or a hang: "write 4 bytes 0xff to regs + 0x10". */
void check_step(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* These end the test. A problem says what was wrong and, where it helps, what to do. */
void check_fail(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void check_skip(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* A fact that is shown with a test that passes ("needs libc.so.6, GLIBC_2.34"). */
void check_note(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether this program watches memory itself (AddressSanitizer, ThreadSanitizer): what malloc and
 * limits say then is not about the plugin. */
bool check_is_sanitized(void);

#endif
