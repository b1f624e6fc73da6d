/* A thousand devices, one after the other: memory, descriptors and threads are as before. */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/life_parts.h"

#define WARM_UP 100u /* what libraries keep for ever, they take in the first of these */
#define TIMES   1000u
#define ROUND   16u /* bytes: malloc's smallest piece */

struct use {
    uint64_t heap_bytes;
    uint64_t mapped_bytes;
    uint32_t descriptors;
    uint32_t threads;
};

static uint32_t count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    uint32_t n = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

static uint64_t mapped_bytes(void)
{
    unsigned long long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm != NULL && fscanf(statm, "%llu", &pages) != 1)
        pages = 0;
    if (statm != NULL)
        (void)fclose(statm);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct use measure(void)
{
    struct mallinfo2 info = mallinfo2();
    return (struct use){.heap_bytes = info.uordblks + info.hblkhd,
                        .mapped_bytes = mapped_bytes(),
                        .descriptors = count_entries("/proc/self/fd"),
                        .threads = count_entries("/proc/self/task")};
}

static void make_and_destroy(struct check_run *run, uint32_t times)
{
    struct bench_setup setup = run->setup[0];
    setup.ram_bytes = 64u << 10;
    for (uint32_t i = 0; i < times; i++) {
        check_step(run, "set up device %u, destroy it", i + 1);
        bench_destroy(bench_create_with(run->class_, &setup));
    }
}

static uint64_t growth(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0;
}

/* Only there in a program that was built so. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* What it finds stands on standard error, which is a file here: where the first was allocated. */
static void fail_with_report(struct check_run *run)
{
    char report[16 << 10];
    ssize_t n = pread(STDERR_FILENO, report, sizeof(report) - 1, 0);
    report[n > 0 ? n : 0] = '\0';
    const char *first = strstr(report, "Direct leak");
    check_fail(run,
               "LeakSanitizer finds memory that nobody has freed: free in destroy what create and "
               "realize allocate: %.700s",
               first != NULL ? first : report);
}

static void check_with_sanitizer(struct check_run *run)
{
    if (__lsan_do_recoverable_leak_check == NULL)
        check_note(run, "descriptors and threads only: a sanitizer keeps freed memory");
    else if (__lsan_do_recoverable_leak_check() != 0)
        fail_with_report(run);
}

static void check_memory(struct check_run *run, const struct use *before, const struct use *after)
{
    uint64_t heap = growth(before->heap_bytes, after->heap_bytes);
    uint64_t mapped = growth(before->mapped_bytes, after->mapped_bytes);
    if (heap >= TIMES * ROUND)
        check_fail(run,
                   "each device leaves %llu bytes of memory behind: free in destroy what "
                   "create and realize allocate",
                   (unsigned long long)(heap / TIMES));
    if (mapped >= TIMES * (uint64_t)sysconf(_SC_PAGESIZE))
        check_fail(run, "each device leaves %llu bytes mapped",
                   (unsigned long long)(mapped / TIMES));
}

void life_leaves_nothing(struct check_run *run)
{
    make_and_destroy(run, WARM_UP);
    struct use before = measure();
    make_and_destroy(run, TIMES);
    struct use after = measure();
    check_step(run, "%s", "");
    if (after.descriptors > before.descriptors)
        check_fail(run, "%u devices left %u descriptors open: close in destroy what realize opens",
                   TIMES, after.descriptors - before.descriptors);
    if (after.threads > before.threads)
        check_fail(run, "%u devices left %u threads: bp.worker/1 is there for what takes long",
                   TIMES, after.threads - before.threads);
    if (check_is_sanitized())
        check_with_sanitizer(run);
    else
        check_memory(run, &before, &after);
}
