/*
 * first_byte RUNS COMMAND...: runs a command that often and prints "first: BEST MEDIAN", the
 * microseconds from before its exec to the first byte that it writes. A guest that begins with a
 * byte to its console so tells when its first instructions run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 100 };

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static uint64_t run_once(char **command)
{
    int ends[2];
    char bytes[4096];
    uint64_t took = 0;
    if (pipe(ends) != 0)
        exit(1);
    uint64_t begin = now_us();
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(command[0], command);
        _exit(127);
    }
    close(ends[1]);
    while (pid > 0 && read(ends[0], bytes, sizeof(bytes)) > 0)
        if (took == 0)
            took = now_us() - begin;
    close(ends[0]);
    if (pid < 0 || waitpid(pid, NULL, 0) < 0 || took == 0) {
        fprintf(stderr, "first_byte: %s writes nothing\n", command[0]);
        exit(1);
    }
    return took;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    uint64_t took[RUNS_MAX];
    int runs = argc > 2 ? atoi(argv[1]) : 0;
    if (runs < 1 || runs > RUNS_MAX) {
        fprintf(stderr, "usage: first_byte RUNS COMMAND...\n");
        return 2;
    }
    for (int i = 0; i < runs; i++)
        took[i] = run_once(argv + 2);
    qsort(took, (size_t)runs, sizeof(took[0]), compare);
    printf("first: %llu %llu\n", (unsigned long long)took[0], (unsigned long long)took[runs / 2]);
    return 0;
}
