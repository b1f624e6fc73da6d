#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cli/commands.h"

/* A standard descriptor that is closed would be taken by the next file that is opened, and what is
 * printed would land there. The substitute refuses what the closed one would have refused. */
static void keep_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    keep_standard_descriptors();
    /* A closed pipe is an error of the write, which is reported as any other. */
    (void)signal(SIGPIPE, SIG_IGN);
    return commands_main(argc, argv);
}
