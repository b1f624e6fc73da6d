/* What tests call: they run in the test's process and speak to the one that waits. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/child.h"

void check_step(struct check_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(run->step, CHECK_STEP_MAX, format, args);
    va_end(args);
}

void check_answer_send(struct check_run *run, enum check_outcome outcome, const char *text)
{
    struct check_answer answer = {.outcome = outcome};
    if (getpid() != run->child->self)
        _exit(EXIT_SUCCESS);
    (void)snprintf(answer.text, sizeof(answer.text), "%s", text);
    (void)snprintf(answer.notes, sizeof(answer.notes), "%s", run->child->notes);
    if (write(run->child->answer, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
        _exit(EXIT_FAILURE);
    _exit(EXIT_SUCCESS);
}

void check_fail(struct check_run *run, const char *format, ...)
{
    char text[CHECK_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    check_answer_send(run, CHECK_FAILED, text);
}

void check_skip(struct check_run *run, const char *format, ...)
{
    char text[CHECK_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    check_answer_send(run, CHECK_SKIPPED, text);
}

void check_note(struct check_run *run, const char *format, ...)
{
    char *notes = run->child->notes;
    size_t used = strlen(notes), room = sizeof(run->child->notes);
    if (used > 0 && used + 2 < room)
        notes[used++] = '\n';
    va_list args;
    va_start(args, format);
    (void)vsnprintf(notes + used, room - used, format, args);
    va_end(args);
}

/* They are only there in a program that was built so. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

bool check_is_sanitized(void)
{
    return __asan_init != NULL || __tsan_init != NULL;
}
