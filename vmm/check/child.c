/*
 * One test in a process of its own. It leads a session, so that what it starts can be ended with
 * it. Its streams and its answer are files in memory: nobody has to read while it runs.
 */
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
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/child.h"
#include "check/load.h"
#include "classcheck.h"
#include "util/hosttime.h"

#define LIMIT_SECONDS   10u
#define SANITIZED_TIMES 4u /* slower */
#define MEMORY_BYTES    (UINT64_C(2) << 30)
#define PROCESSES_MAX   4096u                /* and threads */
#define FILE_BYTES      (UINT64_C(64) << 20) /* that a file may have, and standard output */

/* Processor time is limited to a test's seconds. On the clock it has twice that, and again as long
 * as it gets anything done: the host may be busy. */
#define ROUND_TIMES  2u
#define ROUNDS_MAX   10u
#define ROUND_CPU_NS UINT64_C(50000000) /* that count as work */

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

/* The number of processes is limited for a user, not for a process: so many more than there are. */
static void limit_processes(void)
{
    struct sysinfo info;
    if (sysinfo(&info) == 0)
        set_limit(RLIMIT_NPROC, info.procs + PROCESSES_MAX, 0);
}

/* A sanitizer's shadow takes more address space than any limit. */
static void set_limits(uint32_t seconds)
{
    set_limit(RLIMIT_CORE, 0, 0);
    set_limit(RLIMIT_CPU, seconds, 1);
    set_limit(RLIMIT_FSIZE, FILE_BYTES, 0);
    limit_processes();
    if (!check_is_sanitized())
        set_limit(RLIMIT_AS, MEMORY_BYTES, 0);
}

static void set_streams(const struct check_process *child)
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
                        const struct check_process *child) __attribute__((noreturn));

static void begin_child(const struct check_place *place, const struct check_test *test,
                        const struct check_process *child)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setsid();
    set_streams(child);
    set_signals();
    set_limits(child->seconds);
    run_test(place, test, child->answer);
}

/* --- In ours ---------------------------------------------------------------------------------- */

static int32_t start(const struct check_place *place, const struct check_test *test,
                     struct check_process *child, struct err *err)
{
    child->answer = memfd_create("answer", MFD_CLOEXEC);
    child->output = memfd_create("output", MFD_CLOEXEC);
    child->complaints = memfd_create("complaints", MFD_CLOEXEC);
    place->step[0] = '\0';
    (void)fflush(NULL); /* what stands in buffers would be written twice */
    pid_t pid = child->answer < 0 || child->output < 0 || child->complaints < 0 ? -1 : fork();
    if (pid == 0)
        begin_child(place, test, child);
    if (pid < 0)
        return err_set(err, BP_ERR_NO_MEMORY, "%s: no process can be made for it: %s", test->name,
                       strerror(errno));
    child->pid = pid;
    return BP_OK;
}

static void read_complaints(int fd, char *out, size_t size)
{
    struct stat st;
    off_t from =
        fstat(fd, &st) == 0 && st.st_size >= (off_t)size ? st.st_size - (off_t)size + 1 : 0;
    ssize_t n = pread(fd, out, size - 1, from);
    out[n > 0 ? n : 0] = '\0';
}

static void take_answer(const struct check_process *child, const struct check_end *end,
                        struct check_result *result)
{
    struct check_answer answer;
    ssize_t n = pread(child->answer, &answer, sizeof(answer), 0);
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

static uint32_t waited_seconds(const struct check_process *child)
{
    return (uint32_t)((host_monotonic_ns() - child->begin_ns) / NS_PER_SECOND);
}

static void judge(const struct check_place *place, const struct check_process *child, int status,
                  bool is_late, uint32_t n_left, struct check_result *result)
{
    char complaint[16 << 10];
    char step[CHECK_STEP_MAX];
    read_complaints(child->complaints, complaint, sizeof(complaint));
    (void)snprintf(step, sizeof(step), "%.*s", (int)sizeof(step) - 1, place->step);
    struct check_end end = {.status = status,
                            .is_late = is_late,
                            .seconds = is_late ? waited_seconds(child) : child->seconds,
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

static void close_all(struct check_process *child)
{
    const int fds[] = {child->answer, child->output, child->complaints};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

static uint64_t round_ns(const struct check_process *child)
{
    return (uint64_t)child->seconds * ROUND_TIMES * NS_PER_SECOND;
}

/* Its time is over: unless it has worked, then it gets another round. */
static bool is_stuck(struct check_process *child)
{
    uint64_t now_ns = host_monotonic_ns(), cpu_ns = 0;
    clockid_t clock;
    if (now_ns < child->end_ns)
        return false;
    if (clock_getcpuclockid(child->pid, &clock) == 0)
        cpu_ns = host_clock_ns(clock);
    bool has_worked = cpu_ns > child->cpu_ns && cpu_ns - child->cpu_ns >= ROUND_CPU_NS;
    if (!has_worked || now_ns - child->begin_ns >= ROUNDS_MAX * round_ns(child))
        return true;
    child->cpu_ns = cpu_ns;
    child->end_ns = now_ns + round_ns(child);
    return false;
}

int32_t check_process_start(struct check_process *child, const struct check_place *place,
                            const struct check_test *test, struct err *err)
{
    *child = (struct check_process){.test = test,
                                    .answer = -1,
                                    .output = -1,
                                    .complaints = -1,
                                    .seconds = seconds_of(test),
                                    .begin_ns = host_monotonic_ns()};
    child->end_ns = child->begin_ns + round_ns(child);
    int32_t status = start(place, test, child, err);
    if (status != BP_OK)
        close_all(child);
    return status;
}

bool check_process_is_over(struct check_process *child, const struct check_place *place,
                           const struct check_process *all, size_t n, struct check_result *result)
{
    int status = 0;
    bool is_late = waitpid(child->pid, &status, WNOHANG) != child->pid;
    if (is_late) {
        if (!is_stuck(child))
            return false;
        (void)kill(child->pid, SIGKILL);
        (void)waitpid(child->pid, &status, 0);
    }
    pid_t session = child->pid;
    child->pid = 0;
    uint32_t n_left = check_orphans_end(all, n, session);
    *result = (struct check_result){.test = child->test};
    judge(place, child, status, is_late, n_left, result);
    result->milliseconds = (uint32_t)((host_monotonic_ns() - child->begin_ns) / 1000000);
    close_all(child);
    return true;
}

void check_process_stop(struct check_process *child)
{
    pid_t pid = child->pid;
    if (pid == 0)
        return;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    child->pid = 0;
    (void)check_orphans_end(child, 1, pid);
    close_all(child);
}
