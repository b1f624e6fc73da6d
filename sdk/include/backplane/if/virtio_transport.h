/*
 * bp.virtio-transport/1 - for transports (virtio-mmio, virtio-pci): the registers' meaning.
 *
 * A transport has exactly one required link with the interface bp.virtio-device/1. All functions
 * are [dev] of the transport. The machinery behind them checks every value the driver gives.
 */
#ifndef BACKPLANE_IF_VIRTIO_TRANSPORT_H
#define BACKPLANE_IF_VIRTIO_TRANSPORT_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_VIRTIO_TRANSPORT_ID "bp.virtio-transport/1"

/* Fields of the selected queue. */
#define BP_VIRTQ_SIZE     1u /* write: power of two up to the largest */
#define BP_VIRTQ_SIZE_MAX 2u /* read only */
#define BP_VIRTQ_READY    3u
#define BP_VIRTQ_DESC     4u /* 64-bit guest-physical addresses */
#define BP_VIRTQ_DRIVER   5u
#define BP_VIRTQ_DEVICE   6u

struct bp_virtio_transport {
    uint32_t struct_size;
    uint32_t pad;
    /* The line of the transport's table that follows the interrupt status. Once, in realize. */
    int32_t (*attach)(const struct bp_host *host, uint32_t line);
    uint32_t (*device_id)(const struct bp_host *host);
    uint32_t (*n_queues)(const struct bp_host *host);
    uint64_t (*device_features)(const struct bp_host *host);
    uint64_t (*driver_features)(const struct bp_host *host);
    void (*set_driver_features)(const struct bp_host *host, uint64_t features);
    uint32_t (*status)(const struct bp_host *host);
    /* Writing 0 resets the device. FEATURES_OK is refused for features not offered. */
    void (*set_status)(const struct bp_host *host, uint32_t status);
    /* 0 for a queue or field that does not exist. */
    uint64_t (*queue_get)(const struct bp_host *host, uint32_t queue, uint32_t field);
    /* Ignored, and logged, when the queue is live or the value is not allowed. */
    void (*queue_set)(const struct bp_host *host, uint32_t queue, uint32_t field, uint64_t value);
    void (*notify)(const struct bp_host *host, uint32_t queue);
    uint32_t (*interrupt_status)(const struct bp_host *host); /* bit 0 queue, bit 1 configuration */
    void (*interrupt_ack)(const struct bp_host *host, uint32_t bits);
    uint32_t (*config_generation)(const struct bp_host *host);
    /* Bytes beyond the configuration read as 0 and ignore writes. */
    void (*config_read)(const struct bp_host *host, uint32_t offset, void *to, uint32_t size);
    void (*config_write)(const struct bp_host *host, uint32_t offset, const void *from,
                         uint32_t size);
};

#ifdef __cplusplus
}
#endif
#endif
