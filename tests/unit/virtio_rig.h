/*
 * A virtio device without a machine: guest RAM in a buffer, a class that records what it hears, and
 * a driver of the split ring, written from the specification (virtio 1.2 section 2.6).
 */
#ifndef TESTS_VIRTIO_RIG_H
#define TESTS_VIRTIO_RIG_H

#include <backplane/abi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/virtio.h"

#define RIG_RAM_GPA    UINT64_C(0x80000000)
#define RIG_RAM_BYTES  UINT64_C(0x40000)
#define RIG_QUEUE_SIZE 16u
#define RIG_QUEUES     2u

/* Where the driver puts the rings of queue q, and its tables and data. */
#define RIG_DESC(q)  (RIG_RAM_GPA + 0x1000u * (q))
#define RIG_AVAIL(q) (RIG_DESC(q) + 0x400u)
#define RIG_USED(q)  (RIG_DESC(q) + 0x800u)
#define RIG_INDIRECT (RIG_RAM_GPA + 0x8000u)
#define RIG_DATA     (RIG_RAM_GPA + 0x10000u)

#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u

#define FEATURE_INDIRECT  (UINT64_C(1) << 28)
#define FEATURE_EVENT_IDX (UINT64_C(1) << 29)
#define FEATURE_VERSION_1 (UINT64_C(1) << 32)

struct rig {
    struct memory memory;
    uint8_t *ram;
    struct virtio_dev *v;
    bool line;
    uint32_t raises;
    char log[512]; /* the last sentence */
    uint32_t n_logs;
    uint64_t own_features;
    uint64_t activated; /* features; 0 before */
    uint32_t n_activated;
    uint32_t n_resets;
    uint32_t n_notified[RIG_QUEUES];
    uint8_t config[8];
    uint32_t queue_size;
    uint16_t avail_idx[RIG_QUEUES];
};

static inline uint8_t *rig_at(const struct rig *r, uint64_t gpa)
{
    return r->ram + (gpa - RIG_RAM_GPA);
}

static inline void rig_put(const struct rig *r, uint64_t gpa, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        rig_at(r, gpa)[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t rig_get(const struct rig *r, uint64_t gpa, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = bytes; i-- > 0;)
        value = value << 8 | rig_at(r, gpa)[i];
    return value;
}

/* --- The class -------------------------------------------------------------------------------- */

static inline uint64_t rig_features(void *dev)
{
    return ((struct rig *)dev)->own_features;
}

static inline void rig_config_read(void *dev, uint32_t offset, void *to, uint32_t size)
{
    memcpy(to, ((struct rig *)dev)->config + offset, size);
}

static inline void rig_config_write(void *dev, uint32_t offset, const void *from, uint32_t size)
{
    memcpy(((struct rig *)dev)->config + offset, from, size);
}

static inline void rig_activate(void *dev, uint64_t features)
{
    ((struct rig *)dev)->activated = features;
    ((struct rig *)dev)->n_activated++;
}

static inline void rig_notify(void *dev, uint32_t queue)
{
    ((struct rig *)dev)->n_notified[queue]++;
}

static inline void rig_device_reset(void *dev)
{
    ((struct rig *)dev)->n_resets++;
}

static inline void rig_set_irq(void *ctx, bool level)
{
    struct rig *r = ctx;
    r->raises += level && !r->line;
    r->line = level;
}

static inline void rig_log(void *ctx, const char *sentence)
{
    struct rig *r = ctx;
    r->n_logs++;
    size_t n = strnlen(sentence, sizeof(r->log) - 1);
    memcpy(r->log, sentence, n);
    r->log[n] = '\0';
}

static const struct bp_virtio_device_ops rig_ops = {
    .struct_size = sizeof(struct bp_virtio_device_ops),
    .device_id = 42,
    .n_queues = RIG_QUEUES,
    .queue_size = RIG_QUEUE_SIZE,
    .config_size = 8,
    .features = rig_features,
    .config_read = rig_config_read,
    .config_write = rig_config_write,
    .activate = rig_activate,
    .notify = rig_notify,
    .device_reset = rig_device_reset,
};

static inline struct rig *rig_create_with(const struct bp_virtio_device_ops *ops)
{
    struct rig *r = calloc(1, sizeof(*r));
    void *ram = NULL;
    if (r == NULL || posix_memalign(&ram, 4096, RIG_RAM_BYTES) != 0)
        abort();
    memset(ram, 0, RIG_RAM_BYTES);
    r->ram = ram;
    r->memory.slots[0] = (struct memory_slot){RIG_RAM_GPA, RIG_RAM_BYTES, ram};
    r->memory.n_slots = 1;
    r->own_features = 7;
    r->queue_size = RIG_QUEUE_SIZE;
    struct virtio_config config = {.ops = ops,
                                   .instance = r,
                                   .memory = &r->memory,
                                   .ctx = r,
                                   .set_irq = rig_set_irq,
                                   .guest_log = rig_log};
    struct err err;
    if (virtio_create(&config, &r->v, &err) != BP_OK)
        abort();
    return r;
}

static inline struct rig *rig_create(void)
{
    return rig_create_with(&rig_ops);
}

static inline void rig_destroy(struct rig *r)
{
    virtio_destroy(r->v);
    free(r->ram);
    free(r);
}

/* --- The driver ------------------------------------------------------------------------------- */

/* Steps 2 to 6 of 3.1.1. */
static inline void rig_negotiate(struct rig *r, uint64_t features)
{
    virtio_set_status(r->v, 1);
    virtio_set_status(r->v, 1 | 2);
    virtio_set_driver_features(r->v, features | FEATURE_VERSION_1);
    virtio_set_status(r->v, 1 | 2 | 8);
}

static inline void rig_enable_queue(struct rig *r, uint32_t q)
{
    virtio_queue_set(r->v, q, BP_VIRTQ_SIZE, r->queue_size);
    virtio_queue_set(r->v, q, BP_VIRTQ_DESC, RIG_DESC(q));
    virtio_queue_set(r->v, q, BP_VIRTQ_DRIVER, RIG_AVAIL(q));
    virtio_queue_set(r->v, q, BP_VIRTQ_DEVICE, RIG_USED(q));
    virtio_queue_set(r->v, q, BP_VIRTQ_READY, 1);
}

static inline void rig_start(struct rig *r, uint64_t features)
{
    rig_negotiate(r, features);
    rig_enable_queue(r, 0);
    virtio_set_status(r->v, 1 | 2 | 8 | 4);
}

static inline void rig_desc_at(const struct rig *r, uint64_t gpa, uint64_t data, uint32_t size,
                               uint32_t flags, uint32_t next)
{
    rig_put(r, gpa, data, 8);
    rig_put(r, gpa + 8, size, 4);
    rig_put(r, gpa + 12, flags, 2);
    rig_put(r, gpa + 14, next, 2);
}

/* Descriptor i of queue 0, and of the indirect table. */
static inline void rig_desc(const struct rig *r, uint32_t i, uint64_t data, uint32_t size,
                            uint32_t flags, uint32_t next)
{
    rig_desc_at(r, RIG_DESC(0) + 16u * i, data, size, flags, next);
}

static inline void rig_indirect(const struct rig *r, uint32_t i, uint64_t data, uint32_t size,
                                uint32_t flags, uint32_t next)
{
    rig_desc_at(r, RIG_INDIRECT + 16u * i, data, size, flags, next);
}

/* Makes a head available, on queue 0. */
static inline void rig_avail(struct rig *r, uint32_t head)
{
    rig_put(r, RIG_AVAIL(0) + 4 + 2u * (r->avail_idx[0] % r->queue_size), head, 2);
    rig_put(r, RIG_AVAIL(0) + 2, ++r->avail_idx[0], 2);
}

static inline int32_t rig_pop(const struct rig *r, struct bp_virtio_chain *chain)
{
    *chain = (struct bp_virtio_chain){.struct_size = sizeof(*chain)};
    return virtio_pop(r->v, 0, chain);
}

static inline uint32_t rig_used_idx(const struct rig *r)
{
    return (uint32_t)rig_get(r, RIG_USED(0) + 2, 2);
}

#endif
