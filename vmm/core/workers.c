#include "core/workers.h"

#include <backplane/abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct job {
    struct job *next;
    int32_t (*work)(void *ctx, uint64_t arg);
    void (*done)(void *ctx, uint64_t arg, int32_t result);
    void *ctx;
    uint64_t arg;
    int32_t result;
};

struct workers {
    struct loop *loop;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct job *waiting, **last_waiting;
    struct job *ended, **last_ended; /* until the loop has told of them */
    pthread_t threads[WORKERS_MAX];
    uint32_t n_threads;
    uint32_t n_idle;
    struct loop_task tell; /* asks the loop to look at `ended` */
    bool told;             /* it is on its way */
    bool closing;
};

static void tell_ended(void *ctx, uint64_t arg)
{
    (void)arg;
    struct workers *w = ctx;
    pthread_mutex_lock(&w->lock);
    struct job *job = w->ended;
    w->ended = NULL;
    w->last_ended = &w->ended;
    w->told = false;
    pthread_mutex_unlock(&w->lock);
    while (job != NULL) {
        struct job *next = job->next;
        job->done(job->ctx, job->arg, job->result);
        free(job);
        job = next;
    }
}

int32_t workers_create(struct loop *loop, struct workers **out, struct err *err)
{
    struct workers *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "workers: out of memory");
    w->loop = loop;
    w->last_waiting = &w->waiting;
    w->last_ended = &w->ended;
    w->tell = (struct loop_task){.fn = tell_ended, .ctx = w};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    *out = w;
    return BP_OK;
}

static void jobs_free(struct job *job)
{
    while (job != NULL) {
        struct job *next = job->next;
        free(job);
        job = next;
    }
}

void workers_destroy(struct workers *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
    loop_remove_task(w->loop, &w->tell);
    jobs_free(w->waiting);
    jobs_free(w->ended);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* With the lock held: hands an ended job to the loop. */
static void end_job(struct workers *w, struct job *job)
{
    job->next = NULL;
    *w->last_ended = job;
    w->last_ended = &job->next;
    if (w->told)
        return;
    w->told = true;
    loop_post_task(w->loop, &w->tell);
}

static void *worker_main(void *arg)
{
    struct workers *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->waiting == NULL && !w->closing) {
            w->n_idle++;
            pthread_cond_wait(&w->changed, &w->lock);
            w->n_idle--;
        }
        if (w->closing)
            break;
        struct job *job = w->waiting;
        w->waiting = job->next;
        if (w->waiting == NULL)
            w->last_waiting = &w->waiting;
        pthread_mutex_unlock(&w->lock);
        job->result = job->work(job->ctx, job->arg);
        pthread_mutex_lock(&w->lock);
        end_job(w, job);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* With the lock held. */
static void start_worker(struct workers *w)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&w->threads[w->n_threads], NULL, worker_main, w) == 0) {
        (void)pthread_setname_np(w->threads[w->n_threads], "worker");
        w->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int32_t workers_submit(struct workers *w, int32_t (*work)(void *ctx, uint64_t arg),
                       void (*done)(void *ctx, uint64_t arg, int32_t result), void *ctx,
                       uint64_t arg)
{
    struct job *job = malloc(sizeof(*job));
    if (job == NULL)
        return BP_ERR_NO_MEMORY;
    *job = (struct job){.work = work, .done = done, .ctx = ctx, .arg = arg};
    pthread_mutex_lock(&w->lock);
    if (w->n_idle == 0 && w->n_threads < WORKERS_MAX)
        start_worker(w);
    if (w->n_threads == 0) {
        pthread_mutex_unlock(&w->lock);
        free(job);
        return BP_ERR_NO_MEMORY;
    }
    *w->last_waiting = job;
    w->last_waiting = &job->next;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return BP_OK;
}
