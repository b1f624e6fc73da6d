/* Facts of the host that make guests faster or larger, and that they can do without. */
#include <backplane/abi.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor.h"

static struct doctor_host *add_fact(struct doctor *d, const char *name)
{
    struct doctor_host *fact = &d->host[d->n_host++];
    *fact = (struct doctor_host){.name = name, .is_good = true};
    return fact;
}

/* The first line of a small file of the kernel's; "" when there is none. */
static void read_line(const char *path, char *line, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, line, size - 1);
    if (fd >= 0)
        close(fd);
    line[n < 0 ? 0 : n] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static void look_at_huge_pages(struct doctor *d)
{
    char line[64];
    struct doctor_host *fact = add_fact(d, "huge pages");
    read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof(line));
    fact->is_good = strstr(line, "[always]") != NULL || strstr(line, "[madvise]") != NULL;
    if (fact->is_good)
        (void)err_set(&fact->finding, BP_OK, "available for guest RAM");
    else
        (void)err_set(&fact->finding, BP_OK,
                      "off: guest RAM is slower; write madvise to "
                      "/sys/kernel/mm/transparent_hugepage/enabled");
}

static void look_at_overcommit(struct doctor *d)
{
    char line[16];
    struct doctor_host *fact = add_fact(d, "memory");
    read_line("/proc/sys/vm/overcommit_memory", line, sizeof(line));
    fact->is_good = strcmp(line, "2") != 0;
    if (fact->is_good)
        (void)err_set(&fact->finding, BP_OK, "guest RAM takes host memory only where it is used");
    else
        (void)err_set(&fact->finding, BP_OK,
                      "vm.overcommit_memory is 2: the whole of a guest's RAM counts against the "
                      "host's limit at once; set it to 0 for large guests");
}

static void look_at_timers(struct doctor *d)
{
    struct doctor_host *fact = add_fact(d, "timers");
    struct timespec at_once = {0};
    struct epoll_event event;
    fact->is_good = epoll_pwait2(-1, &event, 1, &at_once, NULL) >= 0 || errno != ENOSYS;
    if (fact->is_good)
        (void)err_set(&fact->finding, BP_OK, "devices' timers are as fine as nanoseconds");
    else
        (void)err_set(&fact->finding, BP_OK,
                      "devices' timers are rounded up to milliseconds; a kernel from 5.11 on has "
                      "finer ones (epoll_pwait2)");
}

static void look_at_terminal(struct doctor *d)
{
    struct doctor_host *fact = add_fact(d, "terminal");
    fact->is_good = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    (void)err_set(&fact->finding, BP_OK, "%s",
                  fact->is_good ? "a guest's console can have it"
                                : "none here: a guest's console is plain input and output");
}

void doctor_look_at_host(struct doctor *d)
{
    look_at_huge_pages(d);
    look_at_overcommit(d);
    look_at_timers(d);
    look_at_terminal(d);
}
