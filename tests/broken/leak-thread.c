/* Caught by life.leaks alone: a thread goes on when its device is gone.
 * Says: threads */
#include "broken.h"

#include <pthread.h>
#include <unistd.h>

static void *broken_work(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

static int32_t broken_realize(void *dev)
{
    pthread_attr_t small;
    pthread_t thread;

    (void)dev;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    (void)pthread_create(&thread, &small, broken_work, NULL);
    pthread_attr_destroy(&small);
    return BP_OK;
}

BROKEN_PLUGIN(.realize = broken_realize);
