/*
 * mark int ROUNDS | sha MIB | fork TIMES: one measurement, printed as a line. Built for the host
 * and for the guest from the same source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

double mark_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int mark_fork(uint32_t times)
{
    uint32_t good = 0;
    double begin = mark_seconds();
    for (uint32_t i = 0; i < times; i++) {
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "mark", "nothing", "0", (char *)NULL);
            _exit(127);
        }
        int status = -1;
        if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
            good++;
    }
    printf("fork: %.3f s check %u\n", mark_seconds() - begin, good);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
    if (strcmp(argv[1], "nothing") == 0)
        return 0;
    if (strcmp(argv[1], "int") == 0)
        return mark_int(count);
    if (strcmp(argv[1], "sha") == 0)
        return mark_sha(count);
    if (strcmp(argv[1], "fork") == 0)
        return mark_fork(count);
    return 2;
}
