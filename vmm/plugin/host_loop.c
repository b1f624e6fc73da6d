/* bp.loop/1: descriptors of backends on the machine's loop. */
#include <stdatomic.h>
#include <stdlib.h>

#include "core/vm.h"
#include "plugin/host_tables.h"

struct device_watch {
    struct device *dev;
    void (*fn)(void *dev, uint32_t ready);
    struct loop_watch *watch;
    struct device_watch *next_removed;
    bool removed; /* guarded by the device's lock */
};

/* A watch may be removed by a vCPU's thread while the loop waits for the device: it stays until
 * the device goes, so that what the loop holds is never stale. */
static void watch_ready(void *ctx, uint32_t ready)
{
    struct device_watch *w = ctx;
    if (!device_enter(w->dev, "a watch"))
        return;
    if (!w->removed)
        w->fn(w->dev->instance, ready);
    device_leave(w->dev);
}

static int32_t watch_fd(const struct bp_host *host, int32_t fd, uint32_t events,
                        void (*fn)(void *dev, uint32_t ready), bp_handle *watch)
{
    struct device *dev = device_of(host);
    if (dev->vm == NULL)
        return host->set_error(host, BP_ERR_STATE, "its plugin watches a file before realize");
    if (fn == NULL || fd < 0)
        return host->set_error(host, BP_ERR_INVALID, "its plugin watches no file, or with no fn");
    struct device_watch *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return BP_ERR_NO_MEMORY;
    w->dev = dev;
    w->fn = fn;
    int32_t status = loop_watch_add(vm_loop(dev->vm), fd, events, watch_ready, w, &w->watch);
    if (status == BP_OK) {
        pthread_mutex_lock(&dev->inner);
        *watch = handle_add(&dev->watches, w);
        pthread_mutex_unlock(&dev->inner);
        if (*watch != BP_NO_HANDLE)
            return BP_OK;
        loop_watch_remove(w->watch);
        status = BP_ERR_NO_MEMORY;
    }
    free(w);
    return status;
}

static int32_t change_fd(const struct bp_host *host, bp_handle watch, uint32_t events)
{
    struct device *dev = device_of(host);
    pthread_mutex_lock(&dev->inner);
    struct device_watch *w = handle_find(&dev->watches, watch);
    pthread_mutex_unlock(&dev->inner);
    return w != NULL ? loop_watch_change(w->watch, events) : BP_ERR_STALE;
}

static int32_t unwatch_fd(const struct bp_host *host, bp_handle watch)
{
    struct device *dev = device_of(host);
    pthread_mutex_lock(&dev->inner);
    struct device_watch *w = handle_remove(&dev->watches, watch);
    if (w != NULL) {
        w->next_removed = dev->removed_watches;
        dev->removed_watches = w;
    }
    pthread_mutex_unlock(&dev->inner);
    if (w == NULL)
        return BP_ERR_STALE;
    loop_watch_remove(w->watch);
    w->removed = true;
    return BP_OK;
}

void host_loop_fini(struct device *dev)
{
    uint32_t cursor = 0;
    for (struct device_watch *w; (w = handle_next(&dev->watches, &cursor)) != NULL;) {
        loop_watch_remove(w->watch);
        free(w);
    }
    while (dev->removed_watches != NULL) {
        struct device_watch *next = dev->removed_watches->next_removed;
        free(dev->removed_watches);
        dev->removed_watches = next;
    }
}

const struct bp_loop host_loop = {.struct_size = sizeof(struct bp_loop),
                                  .watch = watch_fd,
                                  .change = change_fd,
                                  .unwatch = unwatch_fd};
