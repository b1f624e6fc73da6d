/*
 * The one place where messages leave the program: "backplane: LEVEL: OBJECT: sentence" on stderr.
 * Thread-safe. Guest-level messages are rate-limited for each object.
 */
#ifndef VMM_UTIL_LOG_H
#define VMM_UTIL_LOG_H

#include <stdint.h>

/* The numbers are those of the SDK (BP_LOG_*). */
enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_GUEST,
    LOG_LEVEL_DEBUG
};

/* Messages up to and including this level are shown; WARN at first. */
void log_set_level(enum log_level level);
enum log_level log_level_shown(void);

/* "error", "warn", "info", "guest", "debug"; -1 when it is none of them. */
int log_level_from_name(const char *name);

void log_text(enum log_level level, const char *object, const char *sentence);
void log_format(enum log_level level, const char *object, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A budget of guest-level lines for one object: `limit` a second, then one line that says how many
 * were left out. Zero-initialised is ready to use. */
struct log_limit {
    uint64_t window_start_ns;
    uint32_t in_window;
    uint32_t left_out;
};

/* True if a guest-level message may be shown now. The caller serialises calls on one budget. */
int log_allow(struct log_limit *limit, const char *object);

#endif
