/*
 * One test in a process of its own. The test's process leads a session, so that what it starts can
 * be ended with it; what leaves the session becomes our child when its parent ends, and is found
 * as that. Standard output and error are files in memory: nobody has to read while it runs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/child.h"
#include "check/load.h"
#include "classcheck.h"
#include "util/hosttime.h"

#define LIMIT_SECONDS   10u
#define SANITIZED_TIMES 6u /* slower */
#define MEMORY_BYTES    (UINT64_C(2) << 30)
#define FILE_BYTES      (UINT64_C(64) << 20) /* that a file may have, and standard output */
#define SWEEPS_MAX      100u                 /* for processes that make more of themselves */

struct child {
    pid_t pid;
    int answer;
    int output, complaints; /* its standard output and error */
    uint32_t seconds;
};

static uint32_t seconds_of(const struct check_test *test)
{
    uint32_t seconds = test->limit_seconds != 0 ? test->limit_seconds : LIMIT_SECONDS;
    return check_is_sanitized() ? seconds * SANITIZED_TIMES : seconds;
}

/* --- In the test's process -------------------------------------------------------------------- */

/* `over`: between the signal that says so, and the end. */
static void set_limit(int what, uint64_t value, uint64_t over)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)what, &limit) != 0)
        return;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value + over)
        limit.rlim_max = (rlim_t)(value + over);
    limit.rlim_cur = limit.rlim_max < value ? limit.rlim_max : (rlim_t)value;
    (void)setrlimit((__rlimit_resource_t)what, &limit);
}

/* A sanitizer's shadow takes more address space than any limit. The number of processes is limited
 * for a user and not for a process: it would say something of the user. */
static void set_limits(uint32_t seconds)
{
    set_limit(RLIMIT_CORE, 0, 0);
    set_limit(RLIMIT_CPU, seconds, 1);
    set_limit(RLIMIT_FSIZE, FILE_BYTES, 0);
    if (!check_is_sanitized())
        set_limit(RLIMIT_AS, MEMORY_BYTES, 0);
}

static void set_streams(const struct child *child)
{
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(child->output, STDOUT_FILENO) < 0 ||
        dup2(child->complaints, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    if (nothing > STDERR_FILENO)
        (void)close(nothing);
    (void)close(child->output);
    (void)close(child->complaints);
}

/* As the program does for a machine: a closed pipe and a full file are errors of the write. */
static void set_signals(void)
{
    sigset_t none;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_test(const struct check_place *place, const struct check_test *test, int answer)
    __attribute__((noreturn));

static void run_test(const struct check_place *place, const struct check_test *test, int answer)
{
    struct check_child child = {.answer = answer, .self = getpid()};
    struct check_run run = {.path = place->plugin,
                            .seed = place->plan->seed,
                            .step = place->step,
                            .files = place->folder,
                            .child = &child};
    if (chdir(place->folder) != 0)
        check_fail(&run, "%s: %s", place->folder, strerror(errno));
    if (!test->is_unloaded) {
        char ignored[1];
        check_load(&run);
        if (class_check(run.class_, ignored, sizeof(ignored)) == BP_OK)
            check_settings_fill(&run, place);
    }
    test->run(&run);
    check_answer_send(&run, CHECK_PASSED, "");
}

static void begin_child(const struct check_place *place, const struct check_test *test,
                        const struct child *child, int answer) __attribute__((noreturn));

static void begin_child(const struct check_place *place, const struct check_test *test,
                        const struct child *child, int answer)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setsid();
    (void)close(child->answer);
    set_streams(child);
    set_signals();
    set_limits(child->seconds);
    run_test(place, test, answer);
}

/* --- In ours ---------------------------------------------------------------------------------- */

static int32_t start(const struct check_place *place, const struct check_test *test,
                     struct child *child, struct err *err)
{
    int ends[2] = {-1, -1};
    child->seconds = seconds_of(test);
    child->output = memfd_create("output", MFD_CLOEXEC);
    child->complaints = memfd_create("complaints", MFD_CLOEXEC);
    if (child->output < 0 || child->complaints < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, BP_ERR_NO_MEMORY, "%s: no process can be made for it: %s", test->name,
                       strerror(errno));
    child->answer = ends[0];
    place->step[0] = '\0';
    (void)fflush(NULL); /* what stands in buffers would be written twice */
    child->pid = fork();
    if (child->pid == 0)
        begin_child(place, test, child, ends[1]);
    (void)close(ends[1]);
    if (child->pid < 0)
        return err_set(err, BP_ERR_NO_MEMORY, "%s: no process can be made for it: %s", test->name,
                       strerror(errno));
    return BP_OK;
}

/* Processor time is limited to `seconds`, the clock to three times that: others may be busy. */
#define WAIT_TIMES 3u

/* BP_OK when it has ended, BP_PENDING when it is late. */
static int32_t wait_for_end(const struct child *child, int *status)
{
    uint64_t end_ns = host_monotonic_ns() + (uint64_t)child->seconds * WAIT_TIMES * NS_PER_SECOND;
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGHUP);
    for (;;) {
        if (waitpid(child->pid, status, WNOHANG) == child->pid)
            return BP_OK;
        uint64_t now_ns = host_monotonic_ns();
        if (now_ns >= end_ns)
            return BP_PENDING;
        struct timespec left = {(time_t)((end_ns - now_ns) / NS_PER_SECOND),
                                (long)((end_ns - now_ns) % NS_PER_SECOND)};
        int number = sigtimedwait(&wanted, NULL, &left);
        if (number > 0 && number != SIGCHLD)
            return BP_ERR_STATE;
    }
}

/* The parent of a process, 0 if it is gone. The name in brackets may contain anything. */
static long parent_of(const char *pid)
{
    char path[300], text[600] = "";
    (void)snprintf(path, sizeof(path), "/proc/%.200s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        (void)close(fd);
    const char *bracket = n > 0 ? strrchr(text, ')') : NULL;
    return bracket != NULL && strlen(bracket) > 4 ? strtol(bracket + 4, NULL, 10) : 0;
}

static void end_orphans(void)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    while (processes != NULL && (entry = readdir(processes)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            parent_of(entry->d_name) == (long)getpid())
            (void)kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
    if (processes != NULL)
        (void)closedir(processes);
}

/* Ends what the test's process left behind, and counts it. */
static uint32_t end_leftovers(pid_t group)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SWEEPS_MAX; i++) {
        (void)kill(-group, SIGKILL);
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0)
            return n;
        if (pid > 0) {
            n++;
            continue;
        }
        end_orphans();
        n += waitpid(-1, NULL, 0) > 0;
    }
    return n;
}

static void read_complaints(int fd, char *out, size_t size)
{
    struct stat st;
    off_t from =
        fstat(fd, &st) == 0 && st.st_size >= (off_t)size ? st.st_size - (off_t)size + 1 : 0;
    ssize_t n = pread(fd, out, size - 1, from);
    out[n > 0 ? n : 0] = '\0';
}

static void take_answer(const struct child *child, const struct check_end *end,
                        struct check_result *result)
{
    struct check_answer answer;
    ssize_t n = read(child->answer, &answer, sizeof(answer));
    if (!end->is_late && n == (ssize_t)sizeof(answer) && answer.outcome <= CHECK_SKIPPED) {
        result->outcome = (enum check_outcome)answer.outcome;
        (void)snprintf(result->text, sizeof(result->text), "%.*s", (int)sizeof(answer.text) - 1,
                       answer.text);
        (void)snprintf(result->notes, sizeof(result->notes), "%.*s", (int)sizeof(answer.notes) - 1,
                       answer.notes);
        return;
    }
    result->outcome = CHECK_FAILED;
    check_end_describe(end, result->text, sizeof(result->text));
}

static void judge(const struct check_place *place, const struct child *child, int status,
                  bool is_late, uint32_t n_left, struct check_result *result)
{
    char complaint[16 << 10];
    char step[CHECK_STEP_MAX];
    read_complaints(child->complaints, complaint, sizeof(complaint));
    (void)snprintf(step, sizeof(step), "%.*s", (int)sizeof(step) - 1, place->step);
    struct check_end end = {.status = status,
                            .is_late = is_late,
                            .seconds = is_late ? child->seconds * WAIT_TIMES : child->seconds,
                            .step = step,
                            .complaint = complaint};
    take_answer(child, &end, result);
    if (n_left > 0 && result->outcome != CHECK_FAILED) {
        result->outcome = CHECK_FAILED;
        (void)snprintf(result->text, sizeof(result->text),
                       "left %u process%s behind: a plugin starts none", n_left,
                       n_left == 1 ? "" : "es");
    }
}

static int32_t watch(const struct check_place *place, const struct child *child,
                     struct check_result *result)
{
    int status = 0;
    int32_t waited = wait_for_end(child, &status);
    if (waited != BP_OK) {
        (void)kill(child->pid, SIGKILL);
        (void)waitpid(child->pid, &status, 0);
    }
    uint32_t n_left = end_leftovers(child->pid);
    if (waited == BP_ERR_STATE)
        return waited;
    judge(place, child, status, waited == BP_PENDING, n_left, result);
    return BP_OK;
}

int32_t check_child_run(const struct check_place *place, const struct check_test *test,
                        struct check_result *result, struct err *err)
{
    struct child child = {.answer = -1, .output = -1, .complaints = -1};
    uint64_t from_ns = host_monotonic_ns();
    *result = (struct check_result){.test = test};
    int32_t status = start(place, test, &child, err);
    if (status == BP_OK)
        status = watch(place, &child, result);
    result->milliseconds = (uint32_t)((host_monotonic_ns() - from_ns) / 1000000);
    const int fds[] = {child.answer, child.output, child.complaints};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    return status;
}
