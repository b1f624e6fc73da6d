#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t err_set(struct err *err, int32_t status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
    }
    return status;
}

void err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return;
    char old[sizeof(err->text)];
    memcpy(old, err->text, sizeof(old));
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof(err->text))
        (void)snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %.*s",
                       (int)(sizeof(err->text) - (size_t)n), old);
}
