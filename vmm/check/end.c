/* How a test's process ended that did not answer: a crash, a hang, an exit, the bench's sentence.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "check/child.h"

/* A line of a sanitizer that says all: they print pages before it or after it. */
static const char *const telling[] = {"bench: ", "SUMMARY: ", "runtime error: "};

/* The line of the complaint that tells most, without its end: the bench's, a sanitizer's, or the
 * last one ("free(): invalid pointer"). */
static void pick_line(const char *complaint, char *out, size_t size)
{
    const char *from = NULL;
    for (size_t i = 0; from == NULL && i < sizeof(telling) / sizeof(telling[0]); i++)
        from = strstr(complaint, telling[i]);
    if (from == NULL) {
        from = complaint;
        for (const char *p = complaint; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
            if (strcspn(p, "\n") > 0)
                from = p;
    }
    (void)snprintf(out, size, "%.*s", (int)strcspn(from, "\n"), from);
}

/* "bench: ID: sentence" -> "sentence". */
static const char *bench_sentence(const char *line)
{
    static const char who[] = "bench: ";
    const char *colon;
    if (strncmp(line, who, sizeof(who) - 1) != 0)
        return NULL;
    colon = strstr(line + sizeof(who) - 1, ": ");
    return colon != NULL ? colon + 2 : NULL;
}

static const char *signal_name(int number)
{
    const char *name = sigabbrev_np(number);
    return name != NULL ? name : "?";
}

static void describe_exit(int status, const char *line, char *out, size_t size)
{
    if (line[0] != '\0')
        (void)snprintf(out, size, "ended the process with status %d: %s", status, line);
    else
        (void)snprintf(out, size,
                       "ended the process with status %d: return an error, the machine is not the "
                       "plugin's to end",
                       status);
}

void check_end_describe(const struct check_end *end, char *out, size_t size)
{
    char line[400];
    pick_line(end->complaint, line, sizeof(line));
    const char *sentence = bench_sentence(line);
    int number = WIFSIGNALED(end->status) ? WTERMSIG(end->status) : 0;
    if (end->is_late)
        (void)snprintf(out, size, "did not end within %u seconds", end->seconds);
    else if (number == SIGXCPU)
        (void)snprintf(out, size, "did not end within %u seconds of the processor", end->seconds);
    else if (number == SIGABRT && sentence != NULL)
        (void)snprintf(out, size, "%s", sentence);
    else if (number != 0)
        (void)snprintf(out, size, "crashed with SIG%s%s%s", signal_name(number),
                       line[0] != '\0' ? ": " : "", line);
    else
        describe_exit(WEXITSTATUS(end->status), line, out, size);
    size_t used = strlen(out);
    if (end->step[0] != '\0' && used < size)
        (void)snprintf(out + used, size - used, "; while: %s", end->step);
}
