#include "core/loop.h"

#include <backplane/abi.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/hosttime.h"

#define EVENTS_PER_STEP 32

struct loop_watch {
    struct loop *loop;
    int fd;
    void (*fn)(void *ctx, uint32_t ready);
    void *ctx;
    atomic_bool dead;
    struct loop_watch *next_dead;
};

struct loop {
    int epoll_fd;
    int wake_fd;
    atomic_bool stopping;
    atomic_bool awake; /* the thread is not about to sleep: no wake-up needed */
    struct clock *clock;
    pthread_mutex_t lock; /* guards what follows */
    struct loop_task *first, **last;
    struct loop_watch *dead; /* removed, freed between two rounds of events */
};

static void loop_wake(void *ctx)
{
    struct loop *loop = ctx;
    if (atomic_load(&loop->awake))
        return;
    uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static int32_t loop_open(struct loop *loop, struct err *err)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0)
        return err_set(err, BP_ERR_IO, "event loop: cannot be set up: %s", strerror(errno));
    loop->clock = clock_create(loop_wake, loop);
    if (loop->clock == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "event loop: out of memory");
    return BP_OK;
}

int32_t loop_create(struct loop **out, struct err *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "event loop: out of memory");
    loop->epoll_fd = loop->wake_fd = -1;
    loop->last = &loop->first;
    pthread_mutex_init(&loop->lock, NULL);
    int32_t status = loop_open(loop, err);
    if (status != BP_OK) {
        loop_destroy(loop);
        return status;
    }
    *out = loop;
    return BP_OK;
}

static void loop_bury(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_watch *dead = loop->dead;
    loop->dead = NULL;
    pthread_mutex_unlock(&loop->lock);
    while (dead != NULL) {
        struct loop_watch *next = dead->next_dead;
        free(dead);
        dead = next;
    }
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    loop_bury(loop);
    while (loop->first != NULL) {
        struct loop_task *next = loop->first->next;
        if (loop->first->is_heap)
            free(loop->first);
        loop->first = next;
    }
    clock_destroy(loop->clock);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

struct clock *loop_clock(struct loop *loop)
{
    return loop->clock;
}

static uint32_t epoll_events(uint32_t events)
{
    return ((events & LOOP_READ) ? (uint32_t)EPOLLIN : 0) |
           ((events & LOOP_WRITE) ? (uint32_t)EPOLLOUT : 0);
}

int32_t loop_watch_add(struct loop *loop, int fd, uint32_t events,
                       void (*fn)(void *ctx, uint32_t ready), void *ctx, struct loop_watch **out)
{
    struct loop_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return BP_ERR_NO_MEMORY;
    watch->loop = loop;
    watch->fd = fd;
    watch->fn = fn;
    watch->ctx = ctx;
    struct epoll_event event = {.events = epoll_events(events), .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        int32_t status = errno == EPERM    ? BP_ERR_UNSUPPORTED
                         : errno == EEXIST ? BP_ERR_EXISTS
                                           : BP_ERR_INVALID;
        free(watch);
        return status;
    }
    *out = watch;
    return BP_OK;
}

int32_t loop_watch_change(struct loop_watch *watch, uint32_t events)
{
    /* A hang-up is reported whatever is asked for: a resting watch must leave the set. */
    struct epoll_event event = {.events = epoll_events(events), .data.ptr = watch};
    if (events == 0) {
        (void)epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
        return BP_OK;
    }
    if (epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0)
        return BP_OK;
    if (errno == ENOENT && epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0)
        return BP_OK;
    return BP_ERR_INVALID;
}

void loop_watch_remove(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    struct loop *loop = watch->loop;
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    atomic_store(&watch->dead, true);
    pthread_mutex_lock(&loop->lock);
    watch->next_dead = loop->dead;
    loop->dead = watch;
    pthread_mutex_unlock(&loop->lock);
}

void loop_post_task(struct loop *loop, struct loop_task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&loop->lock);
    *loop->last = task;
    loop->last = &task->next;
    pthread_mutex_unlock(&loop->lock);
    loop_wake(loop);
}

void loop_remove_task(struct loop *loop, const struct loop_task *task)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_task **link = &loop->first;
    while (*link != NULL && *link != task)
        link = &(*link)->next;
    if (*link != NULL) {
        *link = task->next;
        if (task->next == NULL)
            loop->last = link;
    }
    pthread_mutex_unlock(&loop->lock);
}

int32_t loop_post(struct loop *loop, void (*fn)(void *ctx, uint64_t arg), void *ctx, uint64_t arg)
{
    struct loop_task *task = malloc(sizeof(*task));
    if (task == NULL)
        return BP_ERR_NO_MEMORY;
    *task = (struct loop_task){.fn = fn, .ctx = ctx, .arg = arg, .is_heap = true};
    loop_post_task(loop, task);
    return BP_OK;
}

/* Runs the tasks that are there now; those that they post wait for the next round. */
static void loop_run_tasks(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_task *task = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    while (task != NULL) {
        struct loop_task *next = task->next;
        struct loop_task now = *task; /* fn may post its own task again */
        if (task->is_heap)
            free(task);
        now.fn(now.ctx, now.arg);
        task = next;
    }
}

static bool loop_has_tasks(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool has_tasks = loop->first != NULL;
    pthread_mutex_unlock(&loop->lock);
    return has_tasks;
}

static int loop_wait(struct loop *loop, struct epoll_event *events, uint64_t wait_ns)
{
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / NS_PER_SECOND),
                            .tv_nsec = (long)(wait_ns % NS_PER_SECOND)};
    int n = epoll_pwait2(loop->epoll_fd, events, EVENTS_PER_STEP,
                         wait_ns == UINT64_MAX ? NULL : &wait, NULL);
    if (n >= 0 || errno != ENOSYS)
        return n;
    /* Kernels before 5.11: whole milliseconds, rounded up so that a timer is never early. */
    int wait_ms = wait_ns == UINT64_MAX ? -1 : (int)(wait_ns / 1000000u % 3600000u + 1);
    return epoll_wait(loop->epoll_fd, events, EVENTS_PER_STEP, wait_ms);
}

static void loop_dispatch(struct loop *loop, const struct epoll_event *event)
{
    struct loop_watch *watch = event->data.ptr;
    if (watch == NULL) {
        uint64_t count;
        while (read(loop->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
            ;
        return;
    }
    if (atomic_load(&watch->dead))
        return;
    uint32_t ready = ((event->events & EPOLLIN) ? LOOP_READ : 0) |
                     ((event->events & EPOLLOUT) ? LOOP_WRITE : 0) |
                     ((event->events & (EPOLLHUP | EPOLLERR)) ? LOOP_HANGUP : 0);
    watch->fn(watch->ctx, ready);
}

/* Waits first and works afterwards: who calls this for something to happen sees it when it has. */
void loop_step(struct loop *loop, uint64_t timeout_ns)
{
    /* From here on others must wake us; what came before is looked at once more. */
    atomic_store(&loop->awake, false);
    uint64_t wait_ns = clock_wait_ns(loop->clock);
    if (wait_ns > timeout_ns)
        wait_ns = timeout_ns;
    if (atomic_load(&loop->stopping) || loop_has_tasks(loop))
        wait_ns = 0;
    struct epoll_event events[EVENTS_PER_STEP];
    int n = loop_wait(loop, events, wait_ns);
    atomic_store(&loop->awake, true);
    for (int i = 0; i < n; i++)
        loop_dispatch(loop, &events[i]);
    loop_run_tasks(loop);
    (void)clock_fire(loop->clock);
    loop_bury(loop);
    atomic_store(&loop->awake, false);
}

void loop_run(struct loop *loop)
{
    while (!atomic_load(&loop->stopping))
        loop_step(loop, UINT64_MAX);
    atomic_store(&loop->stopping, false);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}
