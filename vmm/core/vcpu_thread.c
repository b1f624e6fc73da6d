#include "core/vcpu_thread.h"

#include <backplane/abi.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/log.h"

#define STOP_WARN_S 5 /* a callback that takes so long to return is worth a word */

struct vcpu_call {
    struct vcpu_call *next;
    void (*f)(void *ctx, struct accel_vcpu *vcpu);
    void *ctx;
    bool done;
};

struct vcpu_thread {
    const struct accel_ops *accel;
    struct accel_vcpu *vcpu;
    uint32_t index;
    vcpu_result_fn *on_result;
    void *ctx;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool running; /* the thread is there and will look at calls */
    struct vcpu_call *calls, **last_call;
    uint64_t counts[VCPU_N_COUNTS];
};

static _Thread_local struct vcpu_thread *current;

int32_t vcpu_thread_create(const struct accel_ops *accel, struct accel_vm *vm, uint32_t index,
                           vcpu_result_fn *on_result, void *ctx, struct vcpu_thread **out,
                           struct err *err)
{
    struct vcpu_thread *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "vCPU %u: out of memory", index);
    t->accel = accel;
    t->index = index;
    t->on_result = on_result;
    t->ctx = ctx;
    t->last_call = &t->calls;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    int32_t status = accel->vcpu_create(vm, index, &t->vcpu, err);
    if (status != BP_OK) {
        vcpu_thread_destroy(t);
        return status;
    }
    *out = t;
    return BP_OK;
}

void vcpu_thread_destroy(struct vcpu_thread *t)
{
    if (t == NULL)
        return;
    if (t->vcpu != NULL)
        t->accel->vcpu_destroy(t->vcpu);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct accel_vcpu *vcpu_thread_vcpu(struct vcpu_thread *t)
{
    return t->vcpu;
}

/* With the lock held; calls are made without it. */
static void take_calls(struct vcpu_thread *t)
{
    while (t->calls != NULL) {
        struct vcpu_call *call = t->calls;
        t->calls = call->next;
        if (t->calls == NULL)
            t->last_call = &t->calls;
        pthread_mutex_unlock(&t->lock);
        call->f(call->ctx, t->vcpu);
        pthread_mutex_lock(&t->lock);
        call->done = true;
        pthread_cond_broadcast(&t->changed);
    }
}

/* False when this vCPU has nothing more to run. */
static bool run_guest(struct vcpu_thread *t)
{
    struct err err = {{0}};
    enum run_result result = t->accel->vcpu_run(t->vcpu, &err);
    switch (result) {
    case RUN_HANDLED:
        return true;
    case RUN_INTERRUPTED:
        t->counts[VCPU_COUNT_KICK]++;
        return true;
    case RUN_HALTED:
    case RUN_REBOOT:
    case RUN_YIELD:
    case RUN_USER_YIELD:
    case RUN_CRASHED:
    case RUN_ERROR:
        t->on_result(t->ctx, result, &err);
        return false;
    }
    return false;
}

/* A vCPU that has nothing to run still takes calls until it is stopped. */
static void wait_for_call(struct vcpu_thread *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->calls == NULL && !atomic_load(&t->stopping))
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

/* In one step: a call that comes later finds nobody, so it does not meet one of these. */
static void end_calls(struct vcpu_thread *t)
{
    pthread_mutex_lock(&t->lock);
    take_calls(t);
    t->running = false;
    pthread_mutex_unlock(&t->lock);
}

static void *thread_main(void *arg)
{
    struct vcpu_thread *t = arg;
    current = t;
    bool has_guest = true;
    while (!atomic_load(&t->stopping)) {
        pthread_mutex_lock(&t->lock);
        take_calls(t);
        pthread_mutex_unlock(&t->lock);
        if (has_guest)
            has_guest = run_guest(t);
        else
            wait_for_call(t);
    }
    end_calls(t);
    return NULL;
}

void vcpu_thread_begin_start(struct vcpu_thread *t)
{
    atomic_store(&t->stopping, false);
    pthread_mutex_lock(&t->lock);
    t->running = true;
    pthread_mutex_unlock(&t->lock);
}

int32_t vcpu_thread_start(struct vcpu_thread *t, struct err *err)
{
    /* Signals are for the main thread. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&t->thread, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error == 0) {
        char name[16];
        (void)snprintf(name, sizeof(name), "vcpu %u", t->index % 1000000);
        (void)pthread_setname_np(t->thread, name);
        return BP_OK;
    }
    t->thread = 0;
    return err_set(err, BP_ERR_NO_MEMORY, "vCPU %u: cannot start its thread: %s", t->index,
                   strerror(error));
}

void vcpu_thread_begin_stop(struct vcpu_thread *t)
{
    if (t->thread == 0) {
        end_calls(t); /* others may wait for a thread that never came */
        return;
    }
    atomic_store(&t->stopping, true);
    t->accel->vcpu_kick(t->vcpu);
    pthread_mutex_lock(&t->lock);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void vcpu_thread_finish_stop(struct vcpu_thread *t)
{
    if (t->thread == 0)
        return;
    struct timespec limit;
    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += STOP_WARN_S;
    if (pthread_timedjoin_np(t->thread, NULL, &limit) != 0) {
        log_format(LOG_LEVEL_WARN, NULL,
                   "processor %u has not stopped for %d s: a device's plugin has not returned from "
                   "the access to it; `kill -INT %d`, twice, ends the program",
                   t->index, STOP_WARN_S, (int)getpid());
        pthread_join(t->thread, NULL);
    }
    t->thread = 0;
}

int32_t vcpu_thread_call(struct vcpu_thread *t, void (*f)(void *ctx, struct accel_vcpu *vcpu),
                         void *ctx)
{
    struct vcpu_call call = {.f = f, .ctx = ctx};
    pthread_mutex_lock(&t->lock);
    if (current == t || !t->running) {
        pthread_mutex_unlock(&t->lock);
        f(ctx, t->vcpu);
        return BP_OK;
    }
    *t->last_call = &call;
    t->last_call = &call.next;
    pthread_cond_broadcast(&t->changed);
    t->accel->vcpu_kick(t->vcpu);
    while (!call.done)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return BP_OK;
}

uint32_t vcpu_thread_current(void)
{
    return current != NULL ? current->index : VCPU_NONE;
}

void vcpu_thread_count(enum vcpu_count what)
{
    if (current != NULL)
        current->counts[what]++;
}

const uint64_t *vcpu_thread_counts(const struct vcpu_thread *t)
{
    return t->counts;
}
