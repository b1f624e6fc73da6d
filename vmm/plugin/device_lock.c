/* The device's lock, calls from other threads, and word between devices. */
#include <stdatomic.h>
#include <stdlib.h>

#include "core/vm.h"
#include "plugin/host_tables.h"

static _Thread_local char thread_mark; /* its address names the thread */

bool device_enter(struct device *dev, const char *callback)
{
    uintptr_t self = (uintptr_t)&thread_mark;
    if (atomic_load_explicit(&dev->lock_owner, memory_order_relaxed) == self) {
        log_format(LOG_LEVEL_WARN, dev->name, "plugin %s called back into its own device; refused",
                   dev->class_->id);
        return false;
    }
    pthread_mutex_lock(&dev->lock);
    atomic_store_explicit(&dev->lock_owner, self, memory_order_relaxed);
    dev->mark.callback = callback;
    crash_mark(&dev->mark);
    return true;
}

void device_leave(struct device *dev)
{
    crash_unmark(&dev->mark);
    atomic_store_explicit(&dev->lock_owner, 0, memory_order_relaxed);
    pthread_mutex_unlock(&dev->lock);
}

struct device *device_of(const struct bp_host *host)
{
    /* The host table is the device's first member, and was never const for us. */
    return (struct device *)(uintptr_t)host;
}

struct device_link *device_link_at(struct device *dev, uint32_t link)
{
    if (link >= dev->class_->links.n_rows || dev->links[link].target == NULL)
        return NULL;
    return &dev->links[link];
}

struct post {
    struct device *dev;
    void (*fn)(void *instance, uint64_t arg);
    uint64_t arg;
};

static void end_job(struct device *dev)
{
    pthread_mutex_lock(&dev->inner);
    dev->jobs--;
    pthread_mutex_unlock(&dev->inner);
}

static void run_post(void *ctx, uint64_t arg)
{
    (void)arg;
    struct post *post = ctx;
    struct device *dev = post->dev;
    if (device_enter(dev, "a deferred call")) {
        post->fn(dev->instance, post->arg);
        device_leave(dev);
    }
    free(post);
    end_job(dev);
}

/* Counts a job of the device, unless it is being destroyed. */
static bool begin_job(struct device *dev)
{
    pthread_mutex_lock(&dev->inner);
    bool may_begin = !dev->closing && dev->vm != NULL;
    if (may_begin)
        dev->jobs++;
    pthread_mutex_unlock(&dev->inner);
    return may_begin;
}

int32_t device_post(struct device *dev, void (*fn)(void *instance, uint64_t arg), uint64_t arg)
{
    if (!begin_job(dev))
        return BP_ERR_STATE;
    struct post *post = malloc(sizeof(*post));
    if (post != NULL) {
        *post = (struct post){.dev = dev, .fn = fn, .arg = arg};
        if (loop_post(vm_loop(dev->vm), run_post, post, 0) == BP_OK)
            return BP_OK;
    }
    free(post);
    end_job(dev);
    return BP_ERR_NO_MEMORY;
}

/* --- Word to users ---------------------------------------------------------------------------- */

static void tell_users(void *ctx, uint64_t event)
{
    struct device *dev = ctx;
    pthread_mutex_lock(&dev->inner);
    dev->pending_events &= ~(1u << event);
    pthread_mutex_unlock(&dev->inner);
    for (size_t i = 0; i < dev->n_users; i++) {
        struct device *user = dev->users[i];
        if (user->class_->on_link == NULL || !user->realized || !device_enter(user, "on_link"))
            continue;
        user->class_->on_link(user->instance, dev->user_links[i], (uint32_t)event);
        device_leave(user);
    }
    end_job(dev);
}

void device_notify_users(struct device *dev, uint32_t event)
{
    if (event >= 32 || !begin_job(dev))
        return;
    pthread_mutex_lock(&dev->inner);
    bool is_new = (dev->pending_events & 1u << event) == 0;
    dev->pending_events |= 1u << event;
    pthread_mutex_unlock(&dev->inner);
    if (is_new && loop_post(vm_loop(dev->vm), tell_users, dev, event) == BP_OK)
        return;
    if (is_new) {
        pthread_mutex_lock(&dev->inner);
        dev->pending_events &= ~(1u << event);
        pthread_mutex_unlock(&dev->inner);
    }
    end_job(dev);
}

/* --- Workers ---------------------------------------------------------------------------------- */

struct piece {
    struct device *dev;
    int32_t (*work)(void *instance, uint64_t arg);
    void (*done)(void *instance, uint64_t arg, int32_t result);
};

static int32_t piece_work(void *ctx, uint64_t arg)
{
    struct piece *piece = ctx;
    struct crash_mark mark = {.dev = piece->dev, .callback = "a worker's job"};
    crash_mark(&mark);
    int32_t result = piece->work(piece->dev->instance, arg);
    crash_unmark(&mark);
    return result;
}

static void piece_done(void *ctx, uint64_t arg, int32_t result)
{
    struct piece *piece = ctx;
    struct device *dev = piece->dev;
    if (piece->done != NULL && device_enter(dev, "the end of a worker's job")) {
        piece->done(dev->instance, arg, result);
        device_leave(dev);
    }
    free(piece);
    end_job(dev);
}

static int32_t submit(const struct bp_host *host, int32_t (*work)(void *dev, uint64_t arg),
                      void (*done)(void *dev, uint64_t arg, int32_t result), uint64_t arg)
{
    struct device *dev = device_of(host);
    if (work == NULL)
        return BP_ERR_INVALID;
    if (!begin_job(dev))
        return BP_ERR_STATE;
    struct piece *piece = malloc(sizeof(*piece));
    int32_t status = BP_ERR_NO_MEMORY;
    if (piece != NULL) {
        *piece = (struct piece){.dev = dev, .work = work, .done = done};
        status = workers_submit(vm_workers(dev->vm), piece_work, piece_done, piece, arg);
    }
    if (status != BP_OK) {
        free(piece);
        end_job(dev);
    }
    return status;
}

const struct bp_worker host_worker = {.struct_size = sizeof(struct bp_worker), .submit = submit};

void host_worker_wait(struct device *dev)
{
    for (;;) {
        pthread_mutex_lock(&dev->inner);
        uint32_t jobs = dev->jobs;
        pthread_mutex_unlock(&dev->inner);
        if (jobs == 0)
            return;
        loop_step(vm_loop(dev->vm), UINT64_MAX);
    }
}
