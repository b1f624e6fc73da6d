/* One list of actions in a process of its own, and how that ended. */
#include "check/exercise.h"
#include "check/fuzz.h"
#include "classcheck.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared { /* with the process that plays */
    uint32_t at;
    uint32_t is_done;
    char text[400];
};

/* --- in the process that plays ---------------------------------------------------------------- */
static void say(struct shared *shared, const char *where, const char *what)
{
    snprintf(shared->text, sizeof(shared->text), "%s%s", where, what);
}

static void check_lines(struct check_run *run, struct bench *b, struct shared *shared)
{
    for (uint32_t i = 0; i < run->class_->lines.n_rows; i++) {
        const char *line = class_line(run->class_, i)->name;

        if (bench_line(b, line))
            snprintf(shared->text, sizeof(shared->text), "line %s is high after a reset", line);
    }
}

/* What must hold whatever has happened. */
static void check_after(struct check_run *run, struct bench *b, struct shared *shared)
{
    check_step(run, "nothing is held back any more");
    exercise_rest(run, b);
    check_step(run, "save, load into a new device, save");
    if (bench_check_state_roundtrip(b))
        say(shared, "save and load afterwards: ", bench_error(b));
    check_step(run, "cold reset");
    bench_reset(b, BP_RESET_COLD);
    check_lines(run, b, shared);
    if (bench_timers_armed(b))
        say(shared, "", "a timer is armed after a reset");
    check_step(run, "destroy");
    bench_destroy(b);
}

static void play(const struct fuzz_list *list, struct shared *shared)
{
    char text[BENCH_ACTION_TEXT];
    struct bench *b;

    if (bench_try(list->run->class_, &list->setup, &b)) {
        say(shared, "it cannot be made: ", bench_error(b));
        return;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        shared->at = i;
        if (!bench_action_print(b, &list->actions[i], text, sizeof(text)))
            continue;
        check_step(list->run, "%s", text);
        bench_action_play(b, &list->actions[i]);
    }
    shared->at = list->n;
    check_after(list->run, b, shared);
}

static struct itimerval timer_of(uint32_t ms)
{
    uint32_t limit_ms = check_is_sanitized() ? ms * FUZZ_WAIT_TIMES : ms;

    return (struct itimerval){{0, 0}, {limit_ms / 1000, (limit_ms % 1000) * 1000}};
}

static void begin(const struct fuzz_list *list, struct shared *shared, int complaints,
                  uint32_t limit_ms) __attribute__((noreturn));

static void begin(const struct fuzz_list *list, struct shared *shared, int complaints,
                  uint32_t limit_ms)
{
    const struct itimerval processor = timer_of(limit_ms);
    const struct itimerval clock = timer_of(limit_ms * FUZZ_WAIT_TIMES);

    if (dup2(complaints, STDERR_FILENO) < 0 || setitimer(ITIMER_PROF, &processor, NULL) ||
        setitimer(ITIMER_REAL, &clock, NULL))
        _exit(EXIT_FAILURE);
    play(list, shared);
    shared->is_done = 1;
    _exit(EXIT_SUCCESS);
}

/* --- in ours ---------------------------------------------------------------------------------- */
/* The bench's sentence, or a sanitizer's line. */
static void read_complaint(int fd, char *out, size_t size)
{
    static const char *const telling[] = {"bench: ", "SUMMARY: ", "runtime error: "};
    static char all[1 << 16];
    ssize_t n = pread(fd, all, sizeof(all) - 1, 0);
    const char *from = NULL;

    all[n > 0 ? n : 0] = 0;
    for (size_t i = 0; !from && i < sizeof(telling) / sizeof(telling[0]); i++)
        from = strstr(all, telling[i]);
    if (!from)
        from = all;
    if (strncmp(from, "bench: ", 7) == 0 && strstr(from + 7, ": "))
        from = strstr(from + 7, ": ") + 2; /* without the class's name */
    snprintf(out, size, "%.*s", (int)strcspn(from, "\n"), from);
}

static struct fuzz_verdict judge(int status, const struct shared *shared, int complaints)
{
    struct fuzz_verdict v = {.at = shared->at};

    snprintf(v.text, sizeof(v.text), "%.*s", (int)sizeof(shared->text) - 1, shared->text);
    if (WIFSIGNALED(status)) {
        v.code = WTERMSIG(status);
        v.end = FUZZ_KILLED;
        if (v.code == SIGALRM || v.code == SIGPROF)
            v = (struct fuzz_verdict){.end = FUZZ_LATE, .at = shared->at};
    } else if (WEXITSTATUS(status) || !shared->is_done) {
        v.end = FUZZ_EXITED;
        v.code = WEXITSTATUS(status);
    } else {
        v.end = v.text[0] ? FUZZ_SAID : FUZZ_PLAYED;
        return v;
    }
    read_complaint(complaints, v.text, sizeof(v.text));
    return v;
}

struct fuzz_verdict fuzz_play(const struct fuzz_list *list, uint32_t limit_ms)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int complaints = memfd_create("complaints", MFD_CLOEXEC);
    struct fuzz_verdict verdict;
    pid_t pid = -1;
    int status;

    if (shared != MAP_FAILED && complaints >= 0) {
        fflush(NULL);
        pid = fork();
    }
    if (pid == 0)
        begin(list, shared, complaints, limit_ms);
    if (pid < 0)
        check_fail(list->run, "no process can be made for it: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    verdict = judge(status, shared, complaints);
    close(complaints);
    munmap(shared, sizeof(*shared));
    return verdict;
}

void fuzz_describe(const struct fuzz_verdict *v, char *text, size_t size)
{
    const char *colon = v->text[0] ? ": " : "";
    const char *name;

    switch (v->end) {
    case FUZZ_PLAYED:
    case FUZZ_SAID:
        snprintf(text, size, "%s", v->text);
        return;
    case FUZZ_KILLED:
        name = sigabbrev_np(v->code);
        if (v->code == SIGABRT && v->text[0])
            snprintf(text, size, "%s", v->text);
        else
            snprintf(text, size, "crashed with SIG%s%s%s", name ? name : "?", colon, v->text);
        return;
    case FUZZ_EXITED:
        snprintf(text, size, "ended the process with status %d%s%s", v->code, colon, v->text);
        return;
    case FUZZ_LATE:
        snprintf(text, size, "did not come back%s%s", colon, v->text);
        return;
    }
}
