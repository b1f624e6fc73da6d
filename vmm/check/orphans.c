/*
 * Processes that a test's process leaves behind. Those of its session end with it; what has left
 * the session becomes our child when its parent ends (this program is a subreaper while it checks)
 * and is found as that.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/child.h"

#define SWEEPS_MAX 100u /* for processes that make more of themselves */

struct process {
    pid_t parent, session;
};

/* The name in brackets may contain anything: ") S PARENT GROUP SESSION" follows it. */
static struct process look(const char *pid)
{
    char path[300], text[600] = "";
    struct process p = {0, 0};
    (void)snprintf(path, sizeof(path), "/proc/%.200s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        (void)close(fd);
    const char *bracket = n > 0 ? strrchr(text, ')') : NULL;
    if (bracket != NULL && strlen(bracket) > 4) {
        char *end;
        p.parent = (pid_t)strtol(bracket + 4, &end, 10);
        (void)strtol(end, &end, 10);
        p.session = (pid_t)strtol(end, NULL, 10);
    }
    return p;
}

static bool is_among(const struct check_process *all, size_t n, pid_t pid)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].pid == pid)
            return true;
    return false;
}

/* Ends those that are ours and of no test that still runs. */
static uint32_t sweep(const struct check_process *all, size_t n)
{
    uint32_t n_ended = 0;
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        struct process p = look(entry->d_name);
        if (p.parent != getpid() || is_among(all, n, pid) || is_among(all, n, p.session))
            continue;
        (void)kill(pid, SIGKILL);
        n_ended += waitpid(pid, NULL, 0) == pid;
    }
    if (processes != NULL)
        (void)closedir(processes);
    return n_ended;
}

uint32_t check_orphans_end(const struct check_process *all, size_t n, pid_t session)
{
    uint32_t n_ended = 0;
    (void)kill(-session, SIGKILL);
    for (uint32_t i = 0; i < SWEEPS_MAX; i++) {
        siginfo_t info;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return n_ended; /* no child of any kind */
        uint32_t found = sweep(all, n);
        if (found == 0)
            return n_ended;
        n_ended += found;
    }
    return n_ended;
}
