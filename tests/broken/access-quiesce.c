/* Caught by access.quiesce: a thread of its own uses the line although the machine stands still. */
#include "chip.h"

#include <pthread.h>
#include <time.h>

#define WAIT_NS 3000000

struct threaded {
    struct chip chip;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    uint32_t is_running;
    uint32_t shall_end;
};

static void *run(void *arg)
{
    struct threaded *s = arg;
    struct timespec until;
    int error = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->shall_end && !error)
        error = pthread_cond_timedwait(&s->wake, &s->lock, &until);
    if (!s->shall_end)
        s->chip.host->irq_set(s->chip.host, 0, 0);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void end_thread(struct threaded *s)
{
    if (!s->is_running)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->shall_end = 1;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    s->is_running = 0;
}

static int32_t broken_create(const struct bp_host *host, void *dev)
{
    struct threaded *s = dev;

    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    return chip_create(host, dev);
}

static int32_t broken_quiesce(void *dev)
{
    struct threaded *s = dev;

    end_thread(s);
    s->shall_end = 0;
    s->is_running = pthread_create(&s->thread, NULL, run, s) == 0;
    return BP_OK;
}

static void broken_start(void *dev)
{
    end_thread(dev);
}

static void broken_destroy(void *dev)
{
    struct threaded *s = dev;

    end_thread(s);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
}

BROKEN_PLUGIN(.instance_size = sizeof(struct threaded), .state_version = 1,
              .regions = BP_TABLE(chip_regions), .lines = BP_TABLE(chip_lines), CHIP_STATE,
              CHIP_TIMER, CHIP_RESET, CHIP_ACCESS, .create = broken_create, .start = broken_start,
              .quiesce = broken_quiesce, .destroy = broken_destroy);
