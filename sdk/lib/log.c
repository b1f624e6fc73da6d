/* Formatted lines: see backplane/lib/log.h. */
#include <backplane/lib/log.h>

#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 256

static void log_line(const struct bp_host *host, uint32_t level, const char *format, va_list args)
{
    char line[LINE_BYTES];

    vsnprintf(line, sizeof(line), format, args);
    host->log(host, level, line);
}

void bp_logf(const struct bp_host *host, uint32_t level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(host, level, format, args);
    va_end(args);
}

void bp_guest_logf(const struct bp_host *host, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(host, BP_LOG_GUEST, format, args);
    va_end(args);
}

int32_t bp_errorf(const struct bp_host *host, int32_t status, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    return host->set_error(host, status, line);
}
