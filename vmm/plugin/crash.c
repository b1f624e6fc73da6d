/*
 * Everything in a handler is safe in one: own text building, write(2), and the thread's mark, which
 * only this thread writes. The handlers run on stacks of their own, so that an endless recursion is
 * told as well. After the sentence the former action takes the signal: a fault happens again and
 * dumps core where it happened, with its registers.
 *
 * Not told: _exit(), a plugin's own threads (that it has marked with nothing), and what it writes
 * to standard output; `backplane plugin check` finds those.
 */
#include "plugin/crash.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/device.h"
#include "plugin/loader.h"

#define SETUP_PATIENCE_S 5u
#define STACK_BYTES      (32u << 10)

_Thread_local const struct crash_mark *crash_marked;
_Thread_local bool crash_thread_is_prepared;
bool crash_is_in_child;
static pthread_key_t stack_key;
static bool is_watching;
static void (*before_message)(void);
static atomic_flag is_told = ATOMIC_FLAG_INIT;

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGSEGV, "SIGSEGV"},
               {SIGBUS, "SIGBUS"},
               {SIGILL, "SIGILL"},
               {SIGFPE, "SIGFPE"},
               {SIGABRT, "SIGABRT"}};
#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))
static struct sigaction former[N_SIGNALS];

/* --- The sentence ----------------------------------------------------------------------------- */

struct line {
    char text[2048];
    size_t n;
};

static void put(struct line *l, const char *text)
{
    for (; *text != '\0' && l->n < sizeof(l->text) - 1; text++)
        l->text[l->n++] = *text;
}

static void put_hex(struct line *l, uint64_t value)
{
    char digits[19];
    size_t i = sizeof(digits) - 1;
    digits[i] = '\0';
    do {
        digits[--i] = "0123456789abcdef"[value % 16];
        value /= 16;
    } while (value != 0);
    put(l, "0x");
    put(l, digits + i);
}

static const char *path_of(const struct crash_mark *m)
{
    return m->dev != NULL ? loader_path_of(m->dev->class_) : m->path;
}

/* "device sensor0 (plugin org.example.sensor, /path.so)", or the file alone while it is loaded. */
static void put_who(struct line *l, const struct crash_mark *m)
{
    put(l, "backplane: ");
    if (m->dev == NULL) {
        put(l, m->path);
        return;
    }
    put(l, (m->dev->class_->flags & BP_CLASS_BACKEND) != 0 ? "backend " : "device ");
    put(l, m->dev->name);
    put(l, " (plugin ");
    put(l, m->dev->class_->id);
    if (path_of(m) != NULL) {
        put(l, ", ");
        put(l, path_of(m));
    }
    put(l, ")");
}

static void put_cure(struct line *l, const struct crash_mark *m)
{
    const char *path = path_of(m);
    if (path == NULL)
        return;
    if (loader_is_changed(path))
        put(l, "; the file was changed after it was loaded: replace plugins by renaming, not by "
               "copying over them");
    else {
        put(l, "; `backplane plugin check ");
        put(l, path);
        put(l, "` helps its author");
    }
}

static void say(struct line *l)
{
    put(l, "\n");
    if (before_message != NULL)
        before_message();
    for (size_t done = 0; done < l->n;) {
        ssize_t n = write(STDERR_FILENO, l->text + done, l->n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

/* --- Signals ---------------------------------------------------------------------------------- */

static bool has_address(int number, const siginfo_t *info)
{
    return info->si_code > 0 && (number == SIGSEGV || number == SIGBUS);
}

static void tell_crash(size_t i, const siginfo_t *info)
{
    struct line l = {.n = 0};
    const struct crash_mark *mark = crash_marked;
    if (mark == NULL)
        put(&l, "backplane:");
    else
        put_who(&l, mark);
    put(&l, " crashed: ");
    put(&l, signals[i].name);
    if (has_address(signals[i].number, info)) {
        put(&l, " at ");
        put_hex(&l, (uintptr_t)info->si_addr);
    }
    if (mark == NULL) {
        put(&l, " outside of all plugins; please report it");
    } else {
        put(&l, " in ");
        put(&l, mark->callback);
        put_cure(&l, mark);
    }
    say(&l);
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    (void)context;
    size_t i = 0;
    while (i < N_SIGNALS - 1 && signals[i].number != number)
        i++;
    if (!atomic_flag_test_and_set(&is_told))
        tell_crash(i, info);
    (void)sigaction(number, &former[i], NULL);
    if (info->si_code <= 0)
        (void)raise(number); /* sent, not met: on return nothing would happen again */
}

/* --- Stacks for the handlers ------------------------------------------------------------------ */

static size_t stack_bytes(void)
{
    return STACK_BYTES + getauxval(AT_MINSIGSTKSZ);
}

static void drop_stack(void *stack)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && now.ss_sp == stack)
        (void)sigaltstack(&none, NULL);
    (void)munmap(stack, stack_bytes());
}

static void unblock_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaddset(&set, signals[i].number);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* The program's threads block all signals, and of a fault that is blocked nobody hears. A thread
 * that has a stack already (a sanitizer's) keeps it. */
void crash_prepare_thread(void)
{
    stack_t now;
    crash_thread_is_prepared = true;
    if (!is_watching)
        return;
    unblock_signals();
    if (sigaltstack(NULL, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0)
        return;
    void *p = mmap(NULL, stack_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return;
    const stack_t stack = {.ss_sp = p, .ss_size = stack_bytes()};
    if (pthread_setspecific(stack_key, p) != 0 || sigaltstack(&stack, NULL) != 0)
        (void)munmap(p, stack_bytes());
}

/* --- exit() and fork() ------------------------------------------------------------------------ */

static void on_exit_call(void)
{
    const struct crash_mark *mark = crash_marked;
    if (mark == NULL)
        return;
    if (crash_is_in_child)
        _exit(EXIT_FAILURE);
    struct line l = {.n = 0};
    put_who(&l, mark);
    put(&l, " called exit() in ");
    put(&l, mark->callback);
    put(&l, ": a plugin returns an error instead");
    put_cure(&l, mark);
    say(&l);
    _exit(EXIT_FAILURE);
}

static void on_fork_child(void)
{
    crash_is_in_child = crash_marked != NULL;
}

/* A child that came back from the plugin's code would run the same machine a second time. */
void crash_end_child(void)
{
    struct line l = {.n = 0};
    put_who(&l, crash_marked);
    put(&l, " forked in ");
    put(&l, crash_marked->callback);
    put(&l, " and let the child run on, which was ended; a plugin must not fork");
    before_message = NULL; /* the terminal is the parent's */
    say(&l);
    _exit(EXIT_FAILURE);
}

/* --- Set-up that hangs ------------------------------------------------------------------------ */

static struct crash_mark setup; /* of the one thread that sets up */

static void on_alarm(int number)
{
    int error = errno;
    (void)number;
    if (setup.callback != NULL) {
        struct line l = {.n = 0};
        put_who(&l, &setup);
        put(&l, " is still in ");
        put(&l, setup.callback);
        put(&l, " after 5 s; Ctrl-C ends the program");
        put_cure(&l, &setup);
        say(&l);
    }
    errno = error;
}

void crash_setup_begin(const struct device *dev, const char *callback)
{
    if (!is_watching)
        return;
    setup = (struct crash_mark){.dev = dev, .callback = callback};
    (void)alarm(SETUP_PATIENCE_S);
}

void crash_setup_end(void)
{
    if (!is_watching)
        return;
    (void)alarm(0);
    setup = (struct crash_mark){.callback = NULL};
}

/* --- Beginning -------------------------------------------------------------------------------- */

void crash_watch(void (*before)(void))
{
    if (is_watching || pthread_key_create(&stack_key, drop_stack) != 0)
        return;
    is_watching = true;
    before_message = before;
    crash_prepare_thread();
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < N_SIGNALS; i++)
        (void)sigaction(signals[i].number, &action, &former[i]);
    struct sigaction on_time = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigemptyset(&on_time.sa_mask);
    (void)sigaction(SIGALRM, &on_time, NULL);
    (void)atexit(on_exit_call);
    (void)pthread_atfork(NULL, NULL, on_fork_child);
}
