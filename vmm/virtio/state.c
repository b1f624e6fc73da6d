/*
 * State of a virtio device: what was negotiated, where the rings are, how far they have gone.
 * Chains are never saved: a device is quiesced when all that it has fetched have ended.
 */
#include <stdlib.h>

#include "virtio/parts.h"

#define FIELD_DEVICE "virtio"
#define FIELD_QUEUES "virtio-queues"
#define DEVICE_BYTES 20u /* status, interrupts, generation: u32; features: u64 */
#define QUEUE_BYTES                                                                                \
    36u /* three addresses: u64; size: u32; next_avail, next_used: u16; flags: u32 */

#define QUEUE_READY   1u
#define QUEUE_STOPPED 2u
#define QUEUE_QUIET   4u
#define QUEUE_FLAGS   (QUEUE_READY | QUEUE_STOPPED | QUEUE_QUIET)

#define STATUS_KNOWN                                                                               \
    (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK | VIRTIO_FEATURES_OK |                  \
     VIRTIO_NEEDS_RESET | VIRTIO_FAILED)

static uint8_t *put(uint8_t *at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t get(const uint8_t **at, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t) * (*at)++ << (8 * i);
    return value;
}

struct saved_device {
    uint32_t status;
    uint32_t interrupts;
    uint32_t generation;
    uint64_t features;
};

struct saved_queue {
    uint64_t desc_gpa, driver_gpa, device_gpa;
    uint32_t size;
    uint16_t next_avail, next_used;
    uint32_t flags;
};

static void encode_queue(uint8_t *at, const struct virtqueue *q)
{
    at = put(at, q->desc_gpa, 8);
    at = put(at, q->driver_gpa, 8);
    at = put(at, q->device_gpa, 8);
    at = put(at, q->size, 4);
    at = put(at, q->next_avail, 2);
    at = put(at, q->next_used, 2);
    (void)put(at,
              (q->ready ? QUEUE_READY : 0) | (q->stopped ? QUEUE_STOPPED : 0) |
                  (q->is_quiet ? QUEUE_QUIET : 0),
              4);
}

static struct saved_queue decode_queue(const uint8_t *at)
{
    struct saved_queue q;
    q.desc_gpa = get(&at, 8);
    q.driver_gpa = get(&at, 8);
    q.device_gpa = get(&at, 8);
    q.size = (uint32_t)get(&at, 4);
    q.next_avail = (uint16_t)get(&at, 2);
    q.next_used = (uint16_t)get(&at, 2);
    q.flags = (uint32_t)get(&at, 4);
    return q;
}

int32_t virtio_save(const struct virtio_dev *v, const struct bp_state_writer *w)
{
    uint8_t device[DEVICE_BYTES];
    uint8_t *at = put(device, v->status, 4);
    at = put(at, v->interrupts, 4);
    at = put(at, v->generation, 4);
    (void)put(at, v->features, 8);
    for (uint32_t i = 0; i < v->n_queues; i++)
        if (virtq_in_flight(&v->queues[i]) != 0 && virtio_is_live(v))
            return BP_ERR_STATE;

    uint8_t *queues = malloc((size_t)v->n_queues * QUEUE_BYTES + 1);
    if (queues == NULL)
        return BP_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < v->n_queues; i++)
        encode_queue(queues + (size_t)i * QUEUE_BYTES, &v->queues[i]);
    int32_t status = w->put(w, FIELD_DEVICE, device, sizeof(device));
    if (status == BP_OK)
        status = w->put(w, FIELD_QUEUES, queues, (uint64_t)v->n_queues * QUEUE_BYTES);
    free(queues);
    return status;
}

/* Reads both fields; *queues is the caller's to free. */
static int32_t read_fields(const struct virtio_dev *v, const struct bp_state_reader *r,
                           struct saved_device *device, uint8_t **queues)
{
    uint8_t bytes[DEVICE_BYTES];
    *queues = NULL;
    int32_t status = r->get(r, FIELD_DEVICE, bytes, sizeof(bytes));
    if (status != BP_OK)
        return status;
    const uint8_t *at = bytes;
    device->status = (uint32_t)get(&at, 4);
    device->interrupts = (uint32_t)get(&at, 4);
    device->generation = (uint32_t)get(&at, 4);
    device->features = get(&at, 8);
    *queues = malloc((size_t)v->n_queues * QUEUE_BYTES + 1);
    if (*queues == NULL)
        return BP_ERR_NO_MEMORY;
    return r->get(r, FIELD_QUEUES, *queues, (uint64_t)v->n_queues * QUEUE_BYTES);
}

static int32_t check_device(const struct virtio_dev *v, const struct saved_device *d)
{
    bool features_ok = (d->status & VIRTIO_FEATURES_OK) != 0;
    if ((d->status & ~STATUS_KNOWN) != 0 ||
        (d->interrupts & ~(VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG)) != 0)
        return BP_ERR_FORMAT;
    if ((d->status & VIRTIO_DRIVER_OK) != 0 && !features_ok)
        return BP_ERR_FORMAT;
    if (features_ok && ((d->features & ~virtio_device_features(v)) != 0 ||
                        (d->features & VIRTIO_F_VERSION_1) == 0))
        return BP_ERR_FORMAT;
    return BP_OK;
}

/* Sets `q` as it was saved; BP_ERR_FORMAT when no driver could have made it so. */
static int32_t apply_queue(const struct virtio_dev *v, const struct saved_device *d,
                           const struct saved_queue *s, struct virtqueue *q)
{
    q->desc_gpa = s->desc_gpa;
    q->driver_gpa = s->driver_gpa;
    q->device_gpa = s->device_gpa;
    q->size = s->size;
    q->stopped = (s->flags & QUEUE_STOPPED) != 0;
    if ((s->flags & ~QUEUE_FLAGS) != 0)
        return BP_ERR_FORMAT;
    if ((s->flags & QUEUE_READY) == 0)
        return s->next_avail == 0 && s->next_used == 0 && (s->flags & QUEUE_QUIET) == 0
                   ? BP_OK
                   : BP_ERR_FORMAT;
    bool is_live = (d->status & VIRTIO_NEEDS_RESET) == 0;
    if ((d->status & VIRTIO_FEATURES_OK) == 0 || (is_live && s->next_avail != s->next_used))
        return BP_ERR_FORMAT;
    if (virtq_enable(q, v->config.memory, (d->features & VIRTIO_F_INDIRECT_DESC) != 0,
                     (d->features & VIRTIO_F_EVENT_IDX) != 0, NULL) != BP_OK)
        return BP_ERR_FORMAT;
    q->next_avail = s->next_avail;
    q->next_used = s->next_used;
    q->is_quiet = (s->flags & QUEUE_QUIET) != 0;
    return BP_OK;
}

int32_t virtio_load_check(const struct virtio_dev *v, const struct bp_state_reader *r)
{
    struct saved_device device;
    uint8_t *queues;
    int32_t status = read_fields(v, r, &device, &queues);
    if (status == BP_OK)
        status = check_device(v, &device);
    for (uint32_t i = 0; i < v->n_queues && status == BP_OK; i++) {
        struct saved_queue saved = decode_queue(queues + (size_t)i * QUEUE_BYTES);
        struct virtqueue scratch = {.index = i, .size_max = v->queues[i].size_max};
        status = apply_queue(v, &device, &saved, &scratch);
    }
    free(queues);
    return status;
}

void virtio_load_commit(struct virtio_dev *v, const struct bp_state_reader *r)
{
    struct saved_device device;
    uint8_t *queues;
    if (read_fields(v, r, &device, &queues) != BP_OK) {
        free(queues);
        return; /* the check has read the same bytes */
    }
    v->status = device.status;
    v->interrupts = device.interrupts;
    v->generation = device.generation;
    v->features = device.features;
    for (uint32_t i = 0; i < v->n_queues; i++) {
        struct saved_queue saved = decode_queue(queues + (size_t)i * QUEUE_BYTES);
        virtq_reset(&v->queues[i]);
        (void)apply_queue(v, &device, &saved, &v->queues[i]);
    }
    free(queues);
    virtio_update_irq(v);
    if ((v->status & VIRTIO_DRIVER_OK) != 0 && v->config.ops->activate != NULL)
        v->config.ops->activate(v->config.instance, v->features);
}
