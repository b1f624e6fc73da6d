/*
 * The device status machine (virtio 1.2 sections 2.1 and 3.1), features, interrupts and the device
 * configuration.
 *
 * A driver that breaks the order is told by the status register, as the specification says, and in
 * the guest log; the device stays as it was.
 */
#include "virtio/virtio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/parts.h"

#define STATUS_DRIVERS                                                                             \
    (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK | VIRTIO_FEATURES_OK | VIRTIO_FAILED)
#define HOST_FEATURES (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1)

static int32_t check_ops(const struct bp_virtio_device_ops *ops, struct err *err)
{
    if (ops == NULL || !BP_HAS(struct bp_virtio_device_ops, ops, device_reset))
        return err_set(err, BP_ERR_INVALID, "its virtio service table is too small");
    if (ops->n_queues > VIRTIO_QUEUES_MAX)
        return err_set(err, BP_ERR_INVALID, "it has %u virtqueues; up to %u are possible",
                       ops->n_queues, VIRTIO_QUEUES_MAX);
    uint32_t size = ops->queue_size;
    if (ops->n_queues != 0 && (size == 0 || size > VIRTQ_SIZE_MAX || (size & (size - 1)) != 0))
        return err_set(err, BP_ERR_INVALID,
                       "its virtqueues have %u entries; a power of two up to %u is needed", size,
                       VIRTQ_SIZE_MAX);
    return BP_OK;
}

int32_t virtio_create(const struct virtio_config *config, struct virtio_dev **out, struct err *err)
{
    *out = NULL;
    int32_t status = check_ops(config->ops, err);
    if (status != BP_OK)
        return status;
    struct virtio_dev *v = calloc(1, sizeof(*v));
    struct virtqueue *queues = calloc(config->ops->n_queues + (size_t)1, sizeof(*queues));
    if (v == NULL || queues == NULL) {
        free(v);
        free(queues);
        return err_set(err, BP_ERR_NO_MEMORY, "out of memory");
    }
    v->config = *config;
    v->queues = queues;
    for (v->n_queues = 0; v->n_queues < config->ops->n_queues; v->n_queues++) {
        status = virtq_init(&v->queues[v->n_queues], v->n_queues, config->ops->queue_size);
        if (status != BP_OK) {
            virtio_destroy(v);
            return err_set(err, status, "out of memory");
        }
    }
    *out = v;
    return BP_OK;
}

void virtio_destroy(struct virtio_dev *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->n_queues; i++)
        virtq_fini(&v->queues[i]);
    free(v->queues);
    free(v);
}

void *virtio_ctx(const struct virtio_dev *v)
{
    return v->config.ctx;
}

static void guest_log(const struct virtio_dev *v, const char *sentence)
{
    v->config.guest_log(v->config.ctx, sentence);
}

void virtio_update_irq(struct virtio_dev *v)
{
    v->config.set_irq(v->config.ctx, v->interrupts != 0);
}

void virtio_break(struct virtio_dev *v, const char *sentence)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s; the device needs a reset", sentence);
    guest_log(v, text);
    v->status |= VIRTIO_NEEDS_RESET;
    if ((v->status & VIRTIO_DRIVER_OK) != 0) { /* 2.1.2 */
        v->interrupts |= VIRTIO_INTERRUPT_CONFIG;
        virtio_update_irq(v);
    }
}

uint32_t virtio_device_id(const struct virtio_dev *v)
{
    return v->config.ops->device_id;
}

uint32_t virtio_n_queues(const struct virtio_dev *v)
{
    return v->n_queues;
}

uint64_t virtio_device_features(const struct virtio_dev *v)
{
    const struct bp_virtio_device_ops *ops = v->config.ops;
    uint64_t own = ops->features == NULL ? 0 : ops->features(v->config.instance);
    return (own & VIRTIO_CLASS_FEATURES) | HOST_FEATURES;
}

uint64_t virtio_driver_features(const struct virtio_dev *v)
{
    return v->features;
}

void virtio_set_driver_features(struct virtio_dev *v, uint64_t features)
{
    if (v->features == features)
        return;
    if ((v->status & VIRTIO_FEATURES_OK) != 0) {
        guest_log(v, "the driver writes features after FEATURES_OK; ignored");
        return;
    }
    v->features = features;
}

uint32_t virtio_status(const struct virtio_dev *v)
{
    return v->status;
}

/* May FEATURES_OK be set? 2.2.2, 6.1. */
static bool accept_features(const struct virtio_dev *v, uint32_t status)
{
    const uint32_t before = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;
    if ((status & before) != before) {
        guest_log(v, "the driver sets FEATURES_OK before ACKNOWLEDGE and DRIVER; refused");
        return false;
    }
    uint64_t unknown = v->features & ~virtio_device_features(v);
    if (unknown != 0) {
        char text[96];
        (void)snprintf(text, sizeof(text),
                       "the driver accepts features 0x%llx, which were not offered; refused",
                       (unsigned long long)unknown);
        guest_log(v, text);
        return false;
    }
    if ((v->features & VIRTIO_F_VERSION_1) == 0) {
        guest_log(v,
                  "the driver does not accept VERSION_1, and there is no legacy device; refused");
        return false;
    }
    return true;
}

static void reset(struct virtio_dev *v)
{
    v->status = 0;
    v->interrupts = 0;
    v->generation = 0;
    v->features = 0;
    for (uint32_t i = 0; i < v->n_queues; i++)
        virtq_reset(&v->queues[i]);
    virtio_update_irq(v);
    if (v->config.ops->device_reset != NULL)
        v->config.ops->device_reset(v->config.instance);
}

static void activate(struct virtio_dev *v)
{
    if (v->config.ops->activate != NULL)
        v->config.ops->activate(v->config.instance, v->features);
}

void virtio_set_status(struct virtio_dev *v, uint32_t status)
{
    if (status == 0) {
        reset(v);
        return;
    }
    if ((v->status & ~status & STATUS_DRIVERS) != 0)
        guest_log(v, "the driver clears a status bit without a reset; ignored");
    uint32_t added = status & STATUS_DRIVERS & ~v->status;
    if ((added & VIRTIO_FEATURES_OK) != 0 && !accept_features(v, v->status | added))
        added &= ~(VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    if ((added & VIRTIO_DRIVER_OK) != 0 && ((v->status | added) & VIRTIO_FEATURES_OK) == 0) {
        guest_log(v, "the driver sets DRIVER_OK before FEATURES_OK; refused");
        added &= ~VIRTIO_DRIVER_OK;
    }
    v->status |= added;
    if ((added & VIRTIO_DRIVER_OK) != 0)
        activate(v);
}

void virtio_notify(struct virtio_dev *v, uint32_t queue)
{
    if (queue >= v->n_queues || !v->queues[queue].ready || (v->status & VIRTIO_DRIVER_OK) == 0) {
        guest_log(v, "the driver notifies a queue that is not in use; ignored");
        return;
    }
    if (virtio_is_live(v) && v->config.ops->notify != NULL)
        v->config.ops->notify(v->config.instance, queue);
}

uint32_t virtio_interrupt_status(const struct virtio_dev *v)
{
    return v->interrupts;
}

void virtio_interrupt_ack(struct virtio_dev *v, uint32_t bits)
{
    v->interrupts &= ~bits;
    virtio_update_irq(v);
}

uint32_t virtio_config_generation(const struct virtio_dev *v)
{
    return v->generation;
}

/* How many of `size` bytes at `offset` the configuration has. */
static uint32_t config_run(const struct virtio_dev *v, uint32_t offset, uint32_t size)
{
    uint32_t limit = v->config.ops->config_size;
    if (offset >= limit)
        return 0;
    return size < limit - offset ? size : limit - offset;
}

void virtio_config_read(struct virtio_dev *v, uint32_t offset, void *to, uint32_t size)
{
    memset(to, 0, size);
    uint32_t n = config_run(v, offset, size);
    if (n != 0 && v->config.ops->config_read != NULL)
        v->config.ops->config_read(v->config.instance, offset, to, n);
}

void virtio_config_write(struct virtio_dev *v, uint32_t offset, const void *from, uint32_t size)
{
    uint32_t n = config_run(v, offset, size);
    if (n != 0 && v->config.ops->config_write != NULL)
        v->config.ops->config_write(v->config.instance, offset, from, n);
}

void virtio_config_changed(struct virtio_dev *v)
{
    v->generation++;
    if (!virtio_is_live(v))
        return;
    v->interrupts |= VIRTIO_INTERRUPT_CONFIG;
    virtio_update_irq(v);
}
