#include "util/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "util/hosttime.h"

#define GUEST_LINES_PER_SECOND 10u

static const char *const level_names[] = {"error", "warn", "info", "guest", "debug"};
static atomic_int shown = LOG_LEVEL_WARN;
static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;

void log_set_level(enum log_level level)
{
    atomic_store(&shown, (int)level);
}

enum log_level log_level_shown(void)
{
    return (enum log_level)atomic_load(&shown);
}

int log_level_from_name(const char *name)
{
    for (int i = 0; i < (int)(sizeof(level_names) / sizeof(level_names[0])); i++)
        if (strcmp(name, level_names[i]) == 0)
            return i;
    return -1;
}

/* While a guest has the terminal, the terminal does not return the carriage for us. */
static const char *line_end(void)
{
    struct termios terminal;
    bool is_raw = tcgetattr(STDERR_FILENO, &terminal) == 0 && (terminal.c_oflag & OPOST) == 0;
    return is_raw ? "\r\n" : "\n";
}

void log_text(enum log_level level, const char *object, const char *sentence)
{
    if ((int)level > atomic_load(&shown))
        return;
    const char *end = line_end();
    pthread_mutex_lock(&output_lock);
    if (object != NULL)
        fprintf(stderr, "backplane: %s: %s: %s%s", level_names[level], object, sentence, end);
    else
        fprintf(stderr, "backplane: %s: %s%s", level_names[level], sentence, end);
    pthread_mutex_unlock(&output_lock);
}

void log_format(enum log_level level, const char *object, const char *format, ...)
{
    if ((int)level > atomic_load(&shown))
        return;
    char sentence[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    log_text(level, object, sentence);
}

int log_allow(struct log_limit *limit, const char *object)
{
    if (atomic_load(&shown) < LOG_LEVEL_GUEST)
        return 0;
    uint64_t now_ns = host_monotonic_ns();
    if (limit->window_start_ns == 0 || now_ns - limit->window_start_ns >= NS_PER_SECOND) {
        if (limit->left_out > 0)
            log_format(LOG_LEVEL_GUEST, object, "%u more messages left out", limit->left_out);
        *limit = (struct log_limit){.window_start_ns = now_ns};
    }
    if (limit->in_window < GUEST_LINES_PER_SECOND) {
        limit->in_window++;
        return 1;
    }
    limit->left_out++;
    return 0;
}
