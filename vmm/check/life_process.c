/* The process is not the plugin's: it writes nothing to its streams, and starts no other. */
#include <backplane/if/char.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/exercise.h"
#include "check/life_parts.h"
#include "classcheck.h"

#define ROUNDS 2000u

/* A console backend writes what it is given: nothing, here. */
static void live(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);
    if (class_service(run->class_, BP_CHAR_ID) == NULL)
        exercise(run, b, run->seed, exercise_rounds(ROUNDS));
    check_step(run, "reset");
    bench_reset(b, BP_RESET_WARM);
    struct saved saved = exercise_save(run, b);
    check_step(run, "load");
    (void)bench_load(b, saved.bytes, saved.size);
    free(saved.bytes);
    check_step(run, "destroy");
    bench_destroy(b);
}

/* A test's streams are files: their sizes are what was written. */
static void check_stream(struct check_run *run, int fd, const char *what)
{
    char text[100] = "";
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size == 0)
        return;
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    check_fail(run, "%lld bytes went to standard %s, which is the program's: \"%s\"; use host->log",
               (long long)st.st_size, what, text);
}

void life_is_quiet(struct check_run *run)
{
    live(run);
    check_step(run, "%s", "");
    (void)fflush(NULL);
    check_stream(run, STDOUT_FILENO, "output");
    check_stream(run, STDERR_FILENO, "error");
}

/* One that was waited for has left its use of the processor and of memory. */
void life_starts_no_process(struct check_run *run)
{
    struct rusage use;
    live(run);
    check_step(run, "%s", "");
    bool has_child = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
    if (has_child || (getrusage(RUSAGE_CHILDREN, &use) == 0 && use.ru_minflt > 0))
        check_fail(run, "it has started a process: what takes long is for bp.worker/1, and a "
                        "machine's end must end all of it");
}
