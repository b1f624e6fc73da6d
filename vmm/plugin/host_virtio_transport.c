/*
 * bp.virtio-transport/1: the driver's side of a virtio device. The caller has the transport's lock;
 * each function takes the device's too.
 */
#include <string.h>

#include "plugin/host_tables.h"
#include "plugin/virtio_glue.h"
#include "virtio/virtio.h"

/* The machinery, with its device's lock held; NULL for a device that is no transport. */
static struct virtio_dev *enter(const struct bp_host *host)
{
    struct device *transport = device_of(host);
    const struct virtio_glue *glue = virtio_glue_of(transport);
    if (glue == NULL || glue->transport != transport ||
        !device_enter(glue->device, "a virtio callback"))
        return NULL;
    return transport->virtio;
}

static void leave(struct virtio_dev *v)
{
    const struct virtio_glue *glue = virtio_ctx(v);
    device_leave(glue->device);
}

/* Leaves, and waits for the requests that may still write to the driver's buffers. */
static void leave_drained(struct virtio_dev *v)
{
    const struct virtio_glue *glue = virtio_ctx(v);
    device_leave(glue->device);
    host_block_drain(glue->device);
}

static int32_t attach(const struct bp_host *host, uint32_t line)
{
    struct device *transport = device_of(host);
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return BP_ERR_STATE;
    struct virtio_glue *glue = virtio_ctx(v);
    bool exists = line < transport->class_->lines.n_rows;
    if (exists) {
        glue->line = line;
        glue->has_line = true;
    }
    leave(v);
    return exists ? BP_OK : BP_ERR_NOT_FOUND;
}

static uint32_t device_id(const struct bp_host *host)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint32_t id = virtio_device_id(v);
    leave(v);
    return id;
}

static uint32_t n_queues(const struct bp_host *host)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint32_t n = virtio_n_queues(v);
    leave(v);
    return n;
}

static uint64_t device_features(const struct bp_host *host)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint64_t features = virtio_device_features(v);
    leave(v);
    return features;
}

static uint64_t driver_features(const struct bp_host *host)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint64_t features = virtio_driver_features(v);
    leave(v);
    return features;
}

static void set_driver_features(const struct bp_host *host, uint64_t features)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return;
    virtio_set_driver_features(v, features);
    leave(v);
}

static uint32_t status(const struct bp_host *host)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint32_t bits = virtio_status(v);
    leave(v);
    return bits;
}

static void set_status(const struct bp_host *host, uint32_t bits)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return;
    virtio_set_status(v, bits);
    if (bits == 0)
        leave_drained(v);
    else
        leave(v);
}

static uint64_t queue_get(const struct bp_host *host, uint32_t queue, uint32_t field)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint64_t value = virtio_queue_get(v, queue, field);
    leave(v);
    return value;
}

static void queue_set(const struct bp_host *host, uint32_t queue, uint32_t field, uint64_t value)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return;
    virtio_queue_set(v, queue, field, value);
    if (field == BP_VIRTQ_READY && (value & 1) == 0)
        leave_drained(v);
    else
        leave(v);
}

static void notify(const struct bp_host *host, uint32_t queue)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return;
    virtio_notify(v, queue);
    leave(v);
}

static uint32_t interrupt_status(const struct bp_host *host)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint32_t bits = virtio_interrupt_status(v);
    leave(v);
    return bits;
}

static void interrupt_ack(const struct bp_host *host, uint32_t bits)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return;
    virtio_interrupt_ack(v, bits);
    leave(v);
}

static uint32_t config_generation(const struct bp_host *host)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return 0;
    uint32_t generation = virtio_config_generation(v);
    leave(v);
    return generation;
}

static void config_read(const struct bp_host *host, uint32_t offset, void *to, uint32_t size)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL) {
        memset(to, 0, size);
        return;
    }
    virtio_config_read(v, offset, to, size);
    leave(v);
}

static void config_write(const struct bp_host *host, uint32_t offset, const void *from,
                         uint32_t size)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return;
    virtio_config_write(v, offset, from, size);
    leave(v);
}

static int32_t save(const struct bp_host *host, const struct bp_state_writer *w)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return BP_ERR_STATE;
    int32_t result = virtio_save(v, w);
    leave(v);
    return result;
}

static int32_t load_check(const struct bp_host *host, const struct bp_state_reader *r)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return BP_ERR_STATE;
    int32_t result = virtio_load_check(v, r);
    leave(v);
    return result;
}

static void load_commit(const struct bp_host *host, const struct bp_state_reader *r)
{
    struct virtio_dev *v = enter(host);
    if (v == NULL)
        return;
    virtio_load_commit(v, r);
    leave(v);
}

const struct bp_virtio_transport host_virtio_transport = {
    .struct_size = sizeof(struct bp_virtio_transport),
    .attach = attach,
    .device_id = device_id,
    .n_queues = n_queues,
    .device_features = device_features,
    .driver_features = driver_features,
    .set_driver_features = set_driver_features,
    .status = status,
    .set_status = set_status,
    .queue_get = queue_get,
    .queue_set = queue_set,
    .notify = notify,
    .interrupt_status = interrupt_status,
    .interrupt_ack = interrupt_ack,
    .config_generation = config_generation,
    .config_read = config_read,
    .config_write = config_write,
    .save = save,
    .load_check = load_check,
    .load_commit = load_commit,
};
