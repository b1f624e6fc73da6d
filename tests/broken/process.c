/* Caught by life.processes alone: it asks a program, and waits for its answer. */
#include "broken.h"

#include <sys/wait.h>
#include <unistd.h>

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    pid_t pid = fork();

    (void)host;
    (void)dev;
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return BP_OK;
}

BROKEN_PLUGIN(.create = broken_create);
