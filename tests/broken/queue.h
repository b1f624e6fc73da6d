/*
 * A virtio device with one queue for plugins that do one thing wrong: it answers each request with
 * up to 16 zeroes. What is here is right.
 */
#ifndef TESTS_BROKEN_QUEUE_H
#define TESTS_BROKEN_QUEUE_H

#include "broken.h"

#include <backplane/if/virtio.h>

#include <stdlib.h>
#include <string.h>

#define QUEUE_ANSWER 16u

struct queue {
    const struct bp_host *host;
    const struct bp_virtio *virtio;
    uint32_t is_parked;
    uint32_t n_waiting; /* what a broken one needs */
    bp_handle waiting[64];
};

static inline int32_t queue_create(const struct bp_host *host, void *dev)
{
    struct queue *s = dev;

    s->host = host;
    s->virtio = host->get_interface(host, BP_VIRTIO_ID);
    return s->virtio ? BP_OK : host->set_error(host, BP_ERR_UNSUPPORTED, "no " BP_VIRTIO_ID);
}

static inline void queue_answer(struct queue *s, const struct bp_virtio_chain *chain)
{
    static const uint8_t zeroes[QUEUE_ANSWER];
    uint32_t n = chain->writable < QUEUE_ANSWER ? (uint32_t)chain->writable : QUEUE_ANSWER;

    if (s->virtio->write(s->host, chain->handle, 0, zeroes, n) != BP_OK)
        n = 0;
    (void)s->virtio->push(s->host, chain->handle, n);
}

static inline void queue_notify(void *dev, uint32_t queue)
{
    struct queue *s = dev;
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};

    while (!s->is_parked && s->virtio->pop(s->host, queue, &chain) == BP_OK)
        queue_answer(s, &chain);
}

static inline void queue_start(void *dev)
{
    struct queue *s = dev;

    s->is_parked = 0;
    queue_notify(s, 0);
}

static inline int32_t queue_quiesce(void *dev)
{
    ((struct queue *)dev)->is_parked = 1;
    return BP_OK;
}

static const char *const queue_needs[] = {BP_VIRTIO_ID, NULL};

/* Of struct bp_virtio_device_ops, and of BROKEN_PLUGIN. */
#define QUEUE_OPS                                                                                  \
    .struct_size = sizeof(struct bp_virtio_device_ops), .device_id = 4, .n_queues = 1,             \
    .queue_size = 64
#define QUEUE_CLASS                                                                                \
    .instance_size = sizeof(struct queue), .state_version = 1, .bus = "virtio",                    \
    .needs = queue_needs, .services = BP_TABLE(services), .create = queue_create,                  \
    .start = queue_start, .quiesce = queue_quiesce

#endif
