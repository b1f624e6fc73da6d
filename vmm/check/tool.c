#include "check/tool.h"

#include "util/hosttime.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(char *const argv[], int output, pid_t *pid)
{
    posix_spawn_file_actions_t streams;
    int error = posix_spawn_file_actions_init(&streams);

    if (error)
        return error;
    error = posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&streams, output, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&streams, output, STDERR_FILENO);
    if (!error)
        error = posix_spawnp(pid, argv[0], &streams, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&streams);
    return error;
}

/* Reads until the other end is closed: true; or until the deadline. What does not fit is dropped.
 */
static bool read_all(int fd, uint64_t end_ns, char *said, size_t size)
{
    size_t used = 0;
    char rest[512];

    for (;;) {
        uint64_t now_ns = host_monotonic_ns();
        struct pollfd p = {fd, POLLIN, 0};
        bool is_full = used + 1 == size;
        ssize_t n;

        said[used] = 0;
        if (now_ns >= end_ns || poll(&p, 1, (int)((end_ns - now_ns) / 1000000) + 1) < 0)
            return false;
        if (!p.revents)
            continue;
        n = read(fd, is_full ? rest : said + used, is_full ? sizeof(rest) : size - 1 - used);
        if (n <= 0)
            return true;
        used += is_full ? 0 : (size_t)n;
    }
}

enum tool_end tool_run(char *const argv[], uint32_t limit_ms, char *said, size_t size, int *status)
{
    uint64_t end_ns = host_monotonic_ns() + (uint64_t)limit_ms * 1000000;
    int ends[2];
    pid_t pid;
    bool has_ended;
    int error;

    if (pipe2(ends, O_CLOEXEC))
        return TOOL_BROKEN;
    error = spawn(argv, ends[1], &pid);
    (void)close(ends[1]);
    if (error) {
        (void)close(ends[0]);
        return error == ENOENT ? TOOL_ABSENT : TOOL_BROKEN;
    }
    has_ended = read_all(ends[0], end_ns, said, size);
    (void)close(ends[0]);
    if (!has_ended)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    return has_ended ? TOOL_ENDED : TOOL_LATE;
}
