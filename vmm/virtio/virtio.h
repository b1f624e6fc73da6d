/*
 * A virtio device between its driver and its class: status, features, queues, interrupts, device
 * configuration (virtio 1.2, OASIS, chapters 2 and 3), the same behind every transport. Knows no
 * transport and no plugin: what it needs of them comes with struct virtio_config.
 *
 * Not modelled: legacy devices, packed rings, reset of single queues, shared memory regions.
 *
 * Every function needs the device's lock, so that driver and device never meet in here. Callbacks
 * into the class (struct bp_virtio_device_ops) are made with that lock held.
 */
#ifndef VMM_VIRTIO_VIRTIO_H
#define VMM_VIRTIO_VIRTIO_H

#include <backplane/if/state.h>
#include <backplane/if/virtio.h>
#include <backplane/if/virtio_transport.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/memory.h"
#include "util/err.h"

/* Device status bits: 2.1. */
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u
#define VIRTIO_FAILED      128u

/* Features that are handled here: chapter 6. */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)
/* Bits 24 to 49 are the rings' and transports'; a class cannot offer them. */
#define VIRTIO_CLASS_FEATURES (~(((UINT64_C(1) << 26) - 1) << 24))

/* Interrupt status: 4.2.2. */
#define VIRTIO_INTERRUPT_QUEUE  1u
#define VIRTIO_INTERRUPT_CONFIG 2u

#define VIRTIO_QUEUES_MAX 1024u

struct virtio_config {
    const struct bp_virtio_device_ops *ops;
    void *instance;        /* the class's, handed to ops */
    struct memory *memory; /* guest RAM */
    void *ctx;             /* handed to what follows */
    void (*set_irq)(void *ctx, bool level);
    void (*guest_log)(void *ctx, const char *sentence);
};

struct virtio_dev;

/* BP_ERR_INVALID for a service table that no device can have; BP_ERR_NO_MEMORY. */
int32_t virtio_create(const struct virtio_config *config, struct virtio_dev **out, struct err *err);
void virtio_destroy(struct virtio_dev *v); /* takes NULL; no callbacks */
void *virtio_ctx(const struct virtio_dev *v);

/* --- The driver's side, through a transport: as bp.virtio-transport/1 ------------------------- */
uint32_t virtio_device_id(const struct virtio_dev *v);
uint32_t virtio_n_queues(const struct virtio_dev *v);
uint64_t virtio_device_features(const struct virtio_dev *v);
uint64_t virtio_driver_features(const struct virtio_dev *v);
void virtio_set_driver_features(struct virtio_dev *v, uint64_t features);
uint32_t virtio_status(const struct virtio_dev *v);
void virtio_set_status(struct virtio_dev *v, uint32_t status); /* 0 resets */
uint64_t virtio_queue_get(const struct virtio_dev *v, uint32_t queue, uint32_t field);
void virtio_queue_set(struct virtio_dev *v, uint32_t queue, uint32_t field, uint64_t value);
void virtio_notify(struct virtio_dev *v, uint32_t queue);
uint32_t virtio_interrupt_status(const struct virtio_dev *v);
void virtio_interrupt_ack(struct virtio_dev *v, uint32_t bits);
uint32_t virtio_config_generation(const struct virtio_dev *v);
void virtio_config_read(struct virtio_dev *v, uint32_t offset, void *to, uint32_t size);
void virtio_config_write(struct virtio_dev *v, uint32_t offset, const void *from, uint32_t size);

/* --- The class's side: as bp.virtio/1 --------------------------------------------------------- */
int32_t virtio_pop(struct virtio_dev *v, uint32_t queue, struct bp_virtio_chain *out);
int32_t virtio_read(const struct virtio_dev *v, bp_handle chain, uint64_t offset, void *to,
                    uint64_t size);
int32_t virtio_write(const struct virtio_dev *v, bp_handle chain, uint64_t offset, const void *from,
                     uint64_t size);
int32_t virtio_segments(const struct virtio_dev *v, bp_handle chain, uint32_t writable,
                        uint64_t offset, uint64_t size, struct bp_segment *out, uint32_t *n);
int32_t virtio_push(struct virtio_dev *v, bp_handle chain, uint32_t written);
int32_t virtio_push_many(struct virtio_dev *v, const struct bp_virtio_used *used, uint32_t n);
void virtio_config_changed(struct virtio_dev *v);

/* --- State ------------------------------------------------------------------------------------
 * Fields "virtio" and "virtio-queues" in the transport's section; numbers little-endian. */

/* BP_ERR_STATE while chains are in flight: quiesce first. */
int32_t virtio_save(const struct virtio_dev *v, const struct bp_state_writer *w);
/* Everything is checked, nothing changed. */
int32_t virtio_load_check(const struct virtio_dev *v, const struct bp_state_reader *r);
/* After a load_check that was BP_OK. Calls the class's activate if the driver was running. */
void virtio_load_commit(struct virtio_dev *v, const struct bp_state_reader *r);

#endif
