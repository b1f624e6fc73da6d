/*
 * terminal COMMAND...: run COMMAND on a terminal of its own (a pseudo-terminal). Bytes pass
 * unchanged between it and this program's input and output; the status is COMMAND's. For tests
 * whose program looks whether it has a terminal.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* False: there is no more to read, or nobody to write to. */
static bool copy_some(int from, int to)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof(bytes));
    if (n < 0 && errno == EINTR)
        return true;
    for (ssize_t done = 0; done < n;) {
        ssize_t written = write(to, bytes + done, (size_t)(n - done));
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? written : 0;
    }
    return n > 0;
}

static void copy_both(int terminal)
{
    struct pollfd ends[2] = {{.fd = terminal, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    for (;;) {
        if (poll(ends, 2, -1) < 0 && errno != EINTR)
            return;
        /* The terminal's output first, and all of it: it ends with an error when COMMAND does. */
        if (ends[0].revents != 0 && !copy_some(terminal, 1))
            return;
        if (ends[1].revents != 0 && !copy_some(0, terminal))
            ends[1].fd = -1;
    }
}

int main(int argc, char **argv)
{
    struct termios settings;
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int terminal, status;
    if (argc < 2) {
        fprintf(stderr, "usage: terminal COMMAND...\n");
        return 2;
    }
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child < 0) {
        perror("terminal: forkpty");
        return 1;
    }
    if (child == 0) {
        if (tcgetattr(0, &settings) == 0) {
            cfmakeraw(&settings);
            tcsetattr(0, TCSANOW, &settings);
        }
        execvp(argv[1], argv + 1);
        perror("terminal: exec");
        _exit(127);
    }
    copy_both(terminal);
    close(terminal);
    if (waitpid(child, &status, 0) != child)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
