#include "core/doorbells.h"

#include <backplane/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct doorbell {
    struct doorbell *next;
    struct doorbells *bells;
    struct vm_doorbell what;
    int event_fd;
    struct loop_watch *watch;
};

static void on_ring(void *arg, uint32_t ready)
{
    struct doorbell *d = arg;
    uint64_t n;
    (void)ready;
    if (read(d->event_fd, &n, sizeof(n)) != sizeof(n))
        return;
    d->bells->n_rung++;
    d->what.fn(d->what.ctx);
}

static void doorbell_free(struct doorbell *d)
{
    loop_watch_remove(d->watch);
    if (d->event_fd >= 0)
        close(d->event_fd);
    free(d);
}

int32_t doorbells_add(struct doorbells *bells, const struct accel_ops *accel, struct accel_vm *vm,
                      struct loop *loop, const struct vm_doorbell *doorbell, struct err *err)
{
    if (accel->add_doorbell == NULL)
        return err_set(err, BP_ERR_UNSUPPORTED, "doorbell: %s has none", accel->name);
    struct doorbell *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "doorbell: out of memory");
    *d = (struct doorbell){.bells = bells, .what = *doorbell};
    d->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int32_t status = BP_OK;
    if (d->event_fd < 0)
        status =
            err_set(err, BP_ERR_NO_SPACE, "doorbell: no event descriptor: %s", strerror(errno));
    if (status == BP_OK &&
        loop_watch_add(loop, d->event_fd, LOOP_READ, on_ring, d, &d->watch) != BP_OK)
        status = err_set(err, BP_ERR_NO_MEMORY, "doorbell: out of memory");
    if (status == BP_OK) {
        const struct accel_doorbell bell = {.is_port = doorbell->is_port,
                                            .address = doorbell->address,
                                            .width = doorbell->width,
                                            .value = doorbell->value,
                                            .event_fd = d->event_fd};
        status = accel->add_doorbell(vm, &bell, err);
    }
    if (status != BP_OK) {
        doorbell_free(d);
        return status;
    }
    d->next = bells->first;
    bells->first = d;
    return BP_OK;
}

void doorbells_remove(struct doorbells *bells, const void *ctx)
{
    for (struct doorbell **link = &bells->first; *link != NULL;) {
        struct doorbell *d = *link;
        if (ctx != NULL && d->what.ctx != ctx) {
            link = &d->next;
            continue;
        }
        *link = d->next;
        doorbell_free(d);
    }
}
