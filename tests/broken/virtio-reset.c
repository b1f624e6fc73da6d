/* Caught by virtio.reset: it does not expect that a request ends after the driver's reset. */
#include "queue.h"

static const struct bp_link links[] = {
    {"disk", BP_BLOCK_ID, "The disk that it flushes.", BP_LINK_REQUIRED, 0}};

static void broken_done(void *dev, uint64_t tag, int32_t status)
{
    struct queue *s = dev;

    (void)status;
    s->n_waiting--;
    if (s->virtio->push(s->host, tag, 0) == BP_ERR_STALE)
        abort();
}

static void broken_notify(void *dev, uint32_t queue)
{
    struct queue *s = dev;
    const struct bp_block *block = s->host->get_interface(s->host, BP_BLOCK_ID);
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};

    while (!s->is_parked && s->virtio->pop(s->host, queue, &chain) == BP_OK) {
        struct bp_block_request request = {
            .struct_size = sizeof(request), .op = BP_BLOCK_FLUSH, .tag = chain.handle};

        if (block->submit(s->host, 0, &request, broken_done) == BP_OK)
            s->n_waiting++;
        else
            (void)s->virtio->push(s->host, chain.handle, 0);
    }
}

static int32_t broken_quiesce(void *dev)
{
    struct queue *s = dev;

    s->is_parked = 1;
    return s->n_waiting ? BP_PENDING : BP_OK;
}

static const struct bp_virtio_device_ops ops = {QUEUE_OPS, .notify = broken_notify};
static const struct bp_service services[] = {{BP_VIRTIO_DEVICE_ID, &ops}};
static const char *const needs[] = {BP_VIRTIO_ID, BP_BLOCK_ID, NULL};

BROKEN_PLUGIN(.instance_size = sizeof(struct queue), .state_version = 1, .bus = "virtio",
              .needs = needs, .services = BP_TABLE(services), .links = BP_TABLE(links),
              .create = queue_create, .start = queue_start, .quiesce = broken_quiesce);
