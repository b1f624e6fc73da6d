/*
 * When a plugin's code ends the program, hangs or forks, one sentence says whose code it was. Each
 * thread keeps a mark of the device and callback that it is in; signal handlers read it.
 */
#ifndef VMM_PLUGIN_CRASH_H
#define VMM_PLUGIN_CRASH_H

#include <stdbool.h>

struct device;

/* Whose code runs on a thread. Its owner keeps it from crash_mark to crash_unmark, and the texts
 * too. */
struct crash_mark {
    const struct device *dev;
    const char *path;     /* without a device: the file that is being loaded */
    const char *callback; /* "create", "a timer" */
    const struct crash_mark *outer;
};

/* For the two functions below only: on the way of every access, so there is no call in them. */
extern _Thread_local const struct crash_mark *crash_marked; /* NULL: nobody's code */
extern _Thread_local bool crash_thread_is_prepared;
extern bool crash_is_in_child;
void crash_prepare_thread(void);
void crash_end_child(void);

/* [any] The thread runs code of the mark's owner until crash_unmark, called in reverse order. */
static inline void crash_mark(struct crash_mark *mark)
{
    if (!crash_thread_is_prepared)
        crash_prepare_thread();
    mark->outer = crash_marked;
    crash_marked = mark;
}

static inline void crash_unmark(const struct crash_mark *mark)
{
    if (crash_is_in_child)
        crash_end_child();
    crash_marked = mark->outer;
}

/* [main] From here on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT are told before they end the
 * program as ever (with a core, where cores are kept), as are exit() and fork() in a callback.
 * `before`, which must be safe in a signal handler, comes first: it puts the terminal back. What a
 * sanitizer has installed is called after the sentence. Again: nothing. */
void crash_watch(void (*before)(void));

/* A callback of the set-up begins and ends: one that takes long is told. */
void crash_setup_begin(const struct device *dev, const char *callback);
void crash_setup_end(void);

#endif
