/* Fake of bp.virtio-transport/1: a device that is nothing but its numbers. */
#include "bench_internal.h"

#include <string.h>

static struct bench_transport_state *of(const struct bp_host *host)
{
    return &bench_of(host)->transport;
}

void bench_transport_init(struct bench *b)
{
    b->transport.device_id = 2;
    b->transport.n_queues = 2;
    for (uint32_t i = 0; i < BENCH_TRANSPORT_QUEUES; i++)
        b->transport.queue[i][BP_VIRTQ_SIZE_MAX] = 256;
}

struct bench_transport_state *bench_transport(struct bench *b)
{
    return &b->transport;
}

static void follow(struct bench *b)
{
    const struct bench_transport_state *t = &b->transport;

    if (t->attached)
        b->host.irq_set(&b->host, t->attached - 1, t->interrupt_status != 0);
}

void bench_transport_interrupt(struct bench *b, uint32_t bits)
{
    b->transport.interrupt_status |= bits;
    follow(b);
}

static int32_t t_attach(const struct bp_host *host, uint32_t line)
{
    struct bench *b = bench_of(host);

    if (bench_fails(b, "attach"))
        return BP_ERR_NO_MEMORY;
    if (b->phase != PHASE_REALIZE || b->transport.attached)
        return bench_set_error(b, BP_ERR_STATE, "attach: once, in realize");
    if (line >= b->class_->lines.n_rows)
        return bench_set_error(b, BP_ERR_NOT_FOUND, "attach: there is no line %u", line);
    b->transport.attached = line + 1;
    return BP_OK;
}

static uint32_t t_device_id(const struct bp_host *host)
{
    return of(host)->device_id;
}

static uint32_t t_n_queues(const struct bp_host *host)
{
    return of(host)->n_queues;
}

static uint64_t t_device_features(const struct bp_host *host)
{
    return of(host)->device_features;
}

static uint64_t t_driver_features(const struct bp_host *host)
{
    return of(host)->driver_features;
}

static void t_set_driver_features(const struct bp_host *host, uint64_t features)
{
    bench_not_while_saving(bench_of(host), "set_driver_features");
    of(host)->driver_features = features;
}

static uint32_t t_status(const struct bp_host *host)
{
    return of(host)->status;
}

void bench_transport_reset(struct bench *b)
{
    struct bench_transport_state *t = &b->transport;

    t->status = 0;
    t->driver_features = 0;
    t->interrupt_status = 0;
    for (uint32_t i = 0; i < BENCH_TRANSPORT_QUEUES; i++) {
        memset(t->queue[i], 0, sizeof(t->queue[i]));
        t->queue[i][BP_VIRTQ_SIZE_MAX] = 256;
    }
    follow(b);
}

static void t_set_status(const struct bp_host *host, uint32_t status)
{
    struct bench_transport_state *t = of(host);

    bench_not_while_saving(bench_of(host), "set_status");
    t->status = status;
    if (status)
        return;
    t->resets++;
    bench_transport_reset(bench_of(host));
}

static uint64_t *field_of(struct bench_transport_state *t, uint32_t queue, uint32_t field)
{
    if (queue >= t->n_queues || queue >= BENCH_TRANSPORT_QUEUES || field < BP_VIRTQ_SIZE ||
        field > BP_VIRTQ_DEVICE)
        return NULL;
    return &t->queue[queue][field];
}

static uint64_t t_queue_get(const struct bp_host *host, uint32_t queue, uint32_t field)
{
    const uint64_t *at = field_of(of(host), queue, field);

    return at ? *at : 0;
}

static void t_queue_set(const struct bp_host *host, uint32_t queue, uint32_t field, uint64_t value)
{
    uint64_t *at = field_of(of(host), queue, field);

    bench_not_while_saving(bench_of(host), "queue_set");
    if (at && field != BP_VIRTQ_SIZE_MAX)
        *at = value;
}

static void t_notify(const struct bp_host *host, uint32_t queue)
{
    bench_not_while_saving(bench_of(host), "notify");
    if (queue < BENCH_TRANSPORT_QUEUES)
        of(host)->notified[queue]++;
}

static uint32_t t_interrupt_status(const struct bp_host *host)
{
    return of(host)->interrupt_status;
}

static void t_interrupt_ack(const struct bp_host *host, uint32_t bits)
{
    bench_not_while_saving(bench_of(host), "interrupt_ack");
    of(host)->interrupt_status &= ~bits;
    follow(bench_of(host));
}

static uint32_t t_config_generation(const struct bp_host *host)
{
    return of(host)->config_generation;
}

static void t_config_read(const struct bp_host *host, uint32_t offset, void *to, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint64_t at = (uint64_t)offset + i;

        ((uint8_t *)to)[i] = at < BENCH_TRANSPORT_CONFIG ? of(host)->config[at] : 0;
    }
}

static void t_config_write(const struct bp_host *host, uint32_t offset, const void *from,
                           uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint64_t at = (uint64_t)offset + i;

        if (at < BENCH_TRANSPORT_CONFIG)
            of(host)->config[at] = ((const uint8_t *)from)[i];
    }
}

/* What a driver has set, in the bench's own layout: only the bench reads it again. */
struct saved {
    uint64_t driver_features;
    uint64_t queue[BENCH_TRANSPORT_QUEUES][8];
    uint32_t status;
    uint32_t interrupt_status;
};

static int32_t t_save(const struct bp_host *host, const struct bp_state_writer *w)
{
    const struct bench_transport_state *t = of(host);
    struct saved saved = {.driver_features = t->driver_features,
                          .status = t->status,
                          .interrupt_status = t->interrupt_status};

    memcpy(saved.queue, t->queue, sizeof(saved.queue));
    return w->put(w, "bench-transport", &saved, sizeof(saved));
}

static int32_t t_load_check(const struct bp_host *host, const struct bp_state_reader *r)
{
    struct saved saved;

    (void)host;
    return r->get(r, "bench-transport", &saved, sizeof(saved));
}

static void t_load_commit(const struct bp_host *host, const struct bp_state_reader *r)
{
    struct bench_transport_state *t = of(host);
    struct saved saved;

    if (r->get(r, "bench-transport", &saved, sizeof(saved)))
        return;
    t->driver_features = saved.driver_features;
    t->status = saved.status;
    t->interrupt_status = saved.interrupt_status;
    memcpy(t->queue, saved.queue, sizeof(saved.queue));
    follow(bench_of(host));
}

const struct bp_virtio_transport bench_transport_if = {
    sizeof(struct bp_virtio_transport),
    0,
    t_attach,
    t_device_id,
    t_n_queues,
    t_device_features,
    t_driver_features,
    t_set_driver_features,
    t_status,
    t_set_status,
    t_queue_get,
    t_queue_set,
    t_notify,
    t_interrupt_status,
    t_interrupt_ack,
    t_config_generation,
    t_config_read,
    t_config_write,
    t_save,
    t_load_check,
    t_load_commit,
};
