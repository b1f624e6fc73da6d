/* One test of `plugin check` in a process of its own: whatever it does, there is a result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/child.h"

/* The plugin is not loaded: any file will do. */
static const struct check_plan plan = {.path = "/proc/self/exe", .seed = 7};
static struct check_place place;
static struct check_result result;
static bool is_subreaper;

static int begin(void **state)
{
    struct err err = {{0}};
    sigset_t child;
    (void)state;
    is_subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL);
    return check_place_open(&place, &plan, &err);
}

static int end(void **state)
{
    (void)state;
    check_place_close(&place);
    return 0;
}

static void run(void (*function)(struct check_run *run))
{
    const struct check_test test = {
        .name = "x.y", .title = "x", .limit_seconds = 1, .is_unloaded = true, .run = function};
    struct check_process process;
    struct err err = {{0}};
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    assert_int_equal(check_place_clean(&place, &err), BP_OK);
    assert_int_equal(check_process_start(&process, &place, &test, &err), BP_OK);
    while (!check_process_is_over(&process, &place, &process, 1, &result)) {
        struct timespec left = {.tv_nsec = 100000000};
        (void)sigtimedwait(&child, NULL, &left);
    }
    assert_ptr_equal(result.test, &test);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

static void expect_failed(const char *text)
{
    assert_int_equal(result.outcome, CHECK_FAILED);
    if (strstr(result.text, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, result.text);
}

/* --- What it says itself ---------------------------------------------------------------------- */

static void do_pass(struct check_run *r)
{
    assert_int_equal(r->seed, 7);
    assert_null(r->class_);
    check_note(r, "one %d", 1);
    check_note(r, "two");
}

static void a_test_that_returns_has_passed_with_its_notes(void **state)
{
    (void)state;
    run(do_pass);
    assert_int_equal(result.outcome, CHECK_PASSED);
    assert_string_equal(result.text, "");
    assert_string_equal(result.notes, "one 1\ntwo");
}

static void do_fail(struct check_run *r)
{
    check_step(r, "not told");
    check_fail(r, "%d is too much", 3);
}

static void do_skip(struct check_run *r)
{
    check_skip(r, "there is no %s", "bus");
}

static void what_a_test_says_is_its_result(void **state)
{
    (void)state;
    run(do_fail);
    assert_int_equal(result.outcome, CHECK_FAILED);
    assert_string_equal(result.text, "3 is too much");
    run(do_skip);
    assert_int_equal(result.outcome, CHECK_SKIPPED);
    assert_string_equal(result.text, "there is no bus");
}

static void do_say_much(struct check_run *r)
{
    char text[2 * CHECK_TEXT_MAX];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 20; i++)
        check_note(r, "%s", text);
    check_step(r, "%s", text);
    check_fail(r, "%s", text);
}

static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    run(do_say_much);
    assert_int_equal(result.outcome, CHECK_FAILED);
    assert_int_equal(strlen(result.text), CHECK_TEXT_MAX - 1);
    assert_int_equal(strlen(result.notes), CHECK_TEXT_MAX - 1);
}

/* --- How else it ends ------------------------------------------------------------------------- */

static void do_crash(struct check_run *r)
{
    check_step(r, "write %u bytes 0x%x to %s + 0x%x", 4, 0xff, "regs", 0x10);
    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would tell more */
    (void)raise(SIGSEGV);
}

static void do_abort(struct check_run *r)
{
    check_step(r, "reset");
    fprintf(stderr, "noise\nbench: pl011: line out is high: lower it\n");
    abort();
}

static void do_abort_alone(struct check_run *r)
{
    (void)r;
    fprintf(stderr, "free(): invalid pointer\n");
    abort();
}

static void do_exit(struct check_run *r)
{
    check_step(r, "set up");
    _exit(3);
}

static void a_crash_is_told_with_what_was_done(void **state)
{
    (void)state;
    run(do_crash);
    expect_failed("crashed with SIGSEGV");
    expect_failed("; while: write 4 bytes 0xff to regs + 0x10");
    run(do_abort);
    assert_string_equal(result.text, "line out is high: lower it; while: reset");
    run(do_abort_alone);
    expect_failed("crashed with SIGABRT: ");
}

static void an_exit_is_a_failure_of_any_status(void **state)
{
    (void)state;
    run(do_exit);
    expect_failed("ended the process with status 3");
    expect_failed("while: set up");
}

static void do_compute(struct check_run *r)
{
    volatile uint32_t n = 0;
    check_step(r, "count");
    (void)signal(SIGXCPU, SIG_DFL);
    for (;;)
        n++;
}

static void one_that_computes_for_ever_is_stopped(void **state)
{
    (void)state;
    run(do_compute);
    expect_failed("did not end within");
    expect_failed("of the processor; while: count");
}

/* --- Processes that it starts ----------------------------------------------------------------- */

static void do_leave_child(struct check_run *r)
{
    (void)r;
    if (fork() == 0)
        for (;;)
            (void)pause();
}

/* In a session of its own, and its parent gone. */
static void do_leave_daemon(struct check_run *r)
{
    (void)r;
    if (fork() == 0) {
        (void)setsid();
        if (fork() == 0)
            for (;;)
                (void)pause();
        _exit(0);
    }
}

static void do_answer_twice(struct check_run *r)
{
    if (fork() == 0)
        check_fail(r, "the copy's answer");
    while (wait(NULL) > 0)
        ;
}

static void what_it_leaves_behind_is_ended_and_told(void **state)
{
    (void)state;
    if (!is_subreaper) {
        print_message("this kernel (or emulator) gives nobody another's children\n");
        skip();
    }
    run(do_leave_child);
    expect_failed("left 1 process behind");
    run(do_leave_daemon);
    expect_failed("process"); /* one or two, as the first has ended */
    expect_failed("behind");
}

static void a_copy_of_its_process_is_not_heard(void **state)
{
    (void)state;
    run(do_answer_twice);
    assert_int_equal(result.outcome, CHECK_PASSED);
}

/* --- What it is given ------------------------------------------------------------------------- */

static void do_look_around(struct check_run *r)
{
    char text[8];
    struct stat st;
    uint32_t n = 0;
    const struct dirent *entry;
    DIR *here = opendir(".");
    while (here != NULL && (entry = readdir(here)) != NULL)
        n += entry->d_name[0] != '.';
    if (n != CHECK_COPIES)
        check_fail(r, "%u files", n);
    (void)closedir(here);
    if (stat("file0", &st) != 0 || st.st_size != CHECK_FILE_BYTES)
        check_fail(r, "file0");
    if (read(STDIN_FILENO, text, sizeof(text)) != 0)
        check_fail(r, "something can be read");
    if (getsid(0) != getpid())
        check_fail(r, "no session of its own");
    if (creat("left-behind", 0600) < 0)
        check_fail(r, "no file can be made");
}

static void each_has_a_folder_of_its_own_and_nothing_to_read(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) { /* the first one's file is gone for the second */
        run(do_look_around);
        assert_string_equal(result.text, "");
    }
    assert_int_equal(result.outcome, CHECK_PASSED);
}

static void do_take_memory(struct check_run *r)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        check_skip(r, "sanitizers and emulators have no limit");
    void *volatile p = malloc((size_t)3 << 30);
    if (p != NULL)
        check_fail(r, "3 GiB were there");
}

static void do_fill_disk(struct check_run *r)
{
    static const char bytes[1 << 16];
    int fd = creat("large", 0600);
    for (int i = 0; fd >= 0 && i < 2000; i++)
        if (write(fd, bytes, sizeof(bytes)) < 0)
            return;
    check_fail(r, "a file of %u MiB was written", 2000u >> 4);
}

static void memory_and_files_have_limits(void **state)
{
    (void)state;
    run(do_take_memory);
    assert_int_not_equal(result.outcome, CHECK_FAILED);
    run(do_fill_disk);
    assert_int_equal(result.outcome, CHECK_PASSED);
}

/* --- Words ------------------------------------------------------------------------------------ */

static void expect_words(struct check_end end, const char *wanted)
{
    char text[CHECK_TEXT_MAX];
    check_end_describe(&end, text, sizeof(text));
    assert_string_equal(text, wanted);
}

static void sanitizers_and_libraries_are_quoted_by_their_best_line(void **state)
{
    (void)state;
    expect_words((struct check_end){.status = SIGABRT, .step = "", .complaint = ""},
                 "crashed with SIGABRT");
    expect_words((struct check_end){.status = SIGBUS, .step = "load", .complaint = "a\nb\n\n"},
                 "crashed with SIGBUS: b; while: load");
    expect_words((struct check_end){.status = 1 << 8,
                                    .step = "",
                                    .complaint = "==1==ERROR: AddressSanitizer: x\n#0 y\nSUMMARY: "
                                                 "AddressSanitizer: heap-use-after-free a.c:3\n"},
                 "ended the process with status 1: SUMMARY: AddressSanitizer: "
                 "heap-use-after-free a.c:3");
    expect_words(
        (struct check_end){
            .status = SIGKILL, .is_late = true, .seconds = 9, .step = "go", .complaint = ""},
        "did not end within 9 seconds; while: go");
    expect_words((struct check_end){.status = SIGABRT, .step = "", .complaint = "bench: odd"},
                 "crashed with SIGABRT: bench: odd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_test_that_returns_has_passed_with_its_notes),
        cmocka_unit_test(what_a_test_says_is_its_result),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(a_crash_is_told_with_what_was_done),
        cmocka_unit_test(an_exit_is_a_failure_of_any_status),
        cmocka_unit_test(one_that_computes_for_ever_is_stopped),
        cmocka_unit_test(what_it_leaves_behind_is_ended_and_told),
        cmocka_unit_test(a_copy_of_its_process_is_not_heard),
        cmocka_unit_test(each_has_a_folder_of_its_own_and_nothing_to_read),
        cmocka_unit_test(memory_and_files_have_limits),
        cmocka_unit_test(sanitizers_and_libraries_are_quoted_by_their_best_line),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
