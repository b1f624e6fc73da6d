/*
 * When a plugin's code ends the program, hangs or forks, one sentence says whose code it was. Each
 * thread keeps a mark of the device and callback that it is in; signal handlers read it.
 */
#ifndef VMM_PLUGIN_CRASH_H
#define VMM_PLUGIN_CRASH_H

#include <stdbool.h>

struct device;

/* Whose code runs on this thread: nobody's when all is NULL. The texts outlive the mark. */
struct crash_mark {
    const struct device *dev;
    const char *path;     /* without a device: the file that is being loaded */
    const char *callback; /* "create", "a timer" */
};

/* [any] Sets the thread's mark and returns the former one, for crash_unmark. Costs a few stores. */
struct crash_mark crash_mark(const struct device *dev, const char *path, const char *callback);
void crash_unmark(struct crash_mark former);

/* [main] From here on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT are told before they end the
 * program as ever (with a core, where cores are kept), as are exit() and fork() in a callback.
 * `before`, which must be safe in a signal handler, comes first: it puts the terminal back. What a
 * sanitizer has installed is called after the sentence. Again: nothing. */
void crash_watch(void (*before)(void));

/* A callback of the set-up begins and ends: one that takes long is told. */
void crash_setup_begin(const struct device *dev, const char *callback);
void crash_setup_end(void);

#endif
