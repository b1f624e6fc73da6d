/*
 * bp.virtio-transport/1 - for transports (virtio-mmio, virtio-pci): the registers' meaning.
 *
 * A transport has exactly one required link with the interface bp.virtio-device/1. All functions
 * are [dev] of the transport. The machinery behind them checks every value the driver gives.
 */
#ifndef BACKPLANE_IF_VIRTIO_TRANSPORT_H
#define BACKPLANE_IF_VIRTIO_TRANSPORT_H

#include <backplane/host.h>
#include <backplane/if/state.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_VIRTIO_TRANSPORT_ID "bp.virtio-transport/1"

/* Fields of the selected queue. */
#define BP_VIRTQ_SIZE     1u /* power of two up to the largest, checked by READY */
#define BP_VIRTQ_SIZE_MAX 2u /* read only */
#define BP_VIRTQ_READY    3u /* 1 takes the queue into use, 0 stops it */
#define BP_VIRTQ_DESC     4u /* 64-bit guest-physical addresses */
#define BP_VIRTQ_DRIVER   5u
#define BP_VIRTQ_DEVICE   6u

struct bp_virtio_transport {
    uint32_t struct_size;
    uint32_t pad;
    /* The line of the transport's table that follows the interrupt status. Once, in realize; before
     * it BP_ERR_STATE. BP_ERR_NOT_FOUND: no such line. */
    int32_t (*attach)(const struct bp_host *host, uint32_t line);
    /* What the device behind the link says of itself (struct bp_virtio_device_ops), with the host's
     * own feature bits; 0 before realize. */
    uint32_t (*device_id)(const struct bp_host *host);
    uint32_t (*n_queues)(const struct bp_host *host);
    uint64_t (*device_features)(const struct bp_host *host);
    /* What the driver has accepted, and what it accepts now; status as it has written it. */
    uint64_t (*driver_features)(const struct bp_host *host);
    void (*set_driver_features)(const struct bp_host *host, uint64_t features);
    uint32_t (*status)(const struct bp_host *host);
    /* Writing 0 resets the device, and returns when none of its block requests is under way; before
     * the transport's own reset the host does the same. Other bits are only ever added. FEATURES_OK
     * is refused for features not offered or without VERSION_1, DRIVER_OK before FEATURES_OK. */
    void (*set_status)(const struct bp_host *host, uint32_t status);
    /* 0 for a queue or field that does not exist. */
    uint64_t (*queue_get)(const struct bp_host *host, uint32_t queue, uint32_t field);
    /* Ignored, and logged, when the queue is live. Fields that cannot be are found out when READY
     * is set: the queue stays not ready, and the device needs a reset. */
    void (*queue_set)(const struct bp_host *host, uint32_t queue, uint32_t field, uint64_t value);
    void (*notify)(const struct bp_host *host, uint32_t queue);
    uint32_t (*interrupt_status)(const struct bp_host *host); /* bit 0 queue, bit 1 configuration */
    void (*interrupt_ack)(const struct bp_host *host, uint32_t bits);
    /* A number that changes with the configuration. */
    uint32_t (*config_generation)(const struct bp_host *host);
    /* Bytes beyond the configuration read as 0 and ignore writes. */
    void (*config_read)(const struct bp_host *host, uint32_t offset, void *to, uint32_t size);
    void (*config_write)(const struct bp_host *host, uint32_t offset, const void *from,
                         uint32_t size);
    /* The state of all this, as fields of the transport's own section: for its save, load_check
     * and load_commit. The line's level is restored too. BP_ERR_STATE: requests are in flight. */
    int32_t (*save)(const struct bp_host *host, const struct bp_state_writer *w);
    int32_t (*load_check)(const struct bp_host *host, const struct bp_state_reader *r);
    void (*load_commit)(const struct bp_host *host, const struct bp_state_reader *r);
};

#ifdef __cplusplus
}
#endif
#endif
