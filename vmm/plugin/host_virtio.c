/* bp.virtio/1: the class's side of a virtio device; and the machinery's place between two devices.
 */
#include <stdlib.h>
#include <string.h>

#include "core/vm.h"
#include "plugin/host_tables.h"
#include "plugin/virtio_glue.h"
#include "virtio/virtio.h"

/* The line is high while the interrupt status is not 0. The accelerator's own controller sees only
 * the edge: there each further event, which may come after the driver has looked, makes a new one.
 */
static void set_irq(void *ctx, bool level)
{
    const struct virtio_glue *glue = ctx;
    if (!glue->has_line)
        return;
    if (level && glue->transport->irqchip == NULL)
        device_irq_set(glue->transport, glue->line, 0);
    device_irq_set(glue->transport, glue->line, level);
}

static void guest_log(void *ctx, const char *sentence)
{
    const struct virtio_glue *glue = ctx;
    glue->device->host.log(&glue->device->host, BP_LOG_GUEST, sentence);
}

struct virtio_glue *virtio_glue_of(const struct device *dev)
{
    return dev->virtio == NULL ? NULL : virtio_ctx(dev->virtio);
}

/* The link of a transport to its device; NULL for everything that is no transport. */
static const struct device_link *transport_link(const struct device *dev)
{
    for (uint32_t i = 0; i < dev->class_->links.n_rows; i++) {
        const struct device_link *link = &dev->links[i];
        if (link->target != NULL && strcmp(link->row->interface, BP_VIRTIO_DEVICE_ID) == 0)
            return link;
    }
    return NULL;
}

int32_t device_attach_virtio(struct device *transport, struct err *err)
{
    const struct device_link *link = transport_link(transport);
    if (link == NULL)
        return BP_OK;
    struct device *dev = link->target;
    if (dev->virtio != NULL)
        return err_set(err, BP_ERR_EXISTS, "%s = %s: that device is behind %s already",
                       link->row->name, dev->name, virtio_glue_of(dev)->transport->name);
    struct virtio_glue *glue = calloc(1, sizeof(*glue));
    if (glue == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "out of memory");
    glue->transport = transport;
    glue->device = dev;
    struct virtio_config config = {.ops = link->ops,
                                   .instance = dev->instance,
                                   .memory = vm_memory(transport->vm),
                                   .ctx = glue,
                                   .set_irq = set_irq,
                                   .guest_log = guest_log};
    int32_t status = virtio_create(&config, &dev->virtio, err);
    if (status != BP_OK) {
        free(glue);
        err_prefix(err, "%s = %s", link->row->name, dev->name);
        return status;
    }
    transport->virtio = dev->virtio;
    return BP_OK;
}

void device_reset_virtio(struct device *dev)
{
    const struct virtio_glue *glue = virtio_glue_of(dev);
    if (glue == NULL || !device_enter(glue->device, "reset of its virtio device"))
        return;
    virtio_set_status(dev->virtio, 0);
    device_leave(glue->device);
    host_block_drain_on_loop(glue->device);
}

void device_detach_virtio(struct device *dev)
{
    struct virtio_glue *glue = virtio_glue_of(dev);
    struct virtio_dev *virtio = dev->virtio;
    if (glue == NULL)
        return;
    bool entered = device_enter(glue->device, "virtio");
    glue->transport->virtio = NULL;
    glue->device->virtio = NULL;
    if (entered)
        device_leave(glue->device);
    virtio_destroy(virtio);
    free(glue);
}

/* --- bp.virtio/1: the caller has the device's lock -------------------------------------------- */

static int32_t pop(const struct bp_host *host, uint32_t queue, struct bp_virtio_chain *chain)
{
    struct device *dev = device_of(host);
    if (!BP_HAS(struct bp_virtio_chain, chain, n_writable))
        return BP_ERR_INVALID;
    return dev->virtio == NULL ? BP_ERR_STATE : virtio_pop(dev->virtio, queue, chain);
}

static int32_t read_chain(const struct bp_host *host, bp_handle chain, uint64_t offset, void *to,
                          uint64_t size)
{
    struct device *dev = device_of(host);
    return dev->virtio == NULL ? BP_ERR_STATE : virtio_read(dev->virtio, chain, offset, to, size);
}

static int32_t write_chain(const struct bp_host *host, bp_handle chain, uint64_t offset,
                           const void *from, uint64_t size)
{
    struct device *dev = device_of(host);
    return dev->virtio == NULL ? BP_ERR_STATE
                               : virtio_write(dev->virtio, chain, offset, from, size);
}

static int32_t segments(const struct bp_host *host, bp_handle chain, uint32_t writable,
                        uint64_t offset, uint64_t size, struct bp_segment *out, uint32_t *n)
{
    struct device *dev = device_of(host);
    return dev->virtio == NULL
               ? BP_ERR_STATE
               : virtio_segments(dev->virtio, chain, writable, offset, size, out, n);
}

static int32_t push(const struct bp_host *host, bp_handle chain, uint32_t written)
{
    struct device *dev = device_of(host);
    return dev->virtio == NULL ? BP_ERR_STATE : virtio_push(dev->virtio, chain, written);
}

static int32_t push_many(const struct bp_host *host, const struct bp_virtio_used *used, uint32_t n)
{
    struct device *dev = device_of(host);
    return dev->virtio == NULL ? BP_ERR_STATE : virtio_push_many(dev->virtio, used, n);
}

static void config_changed(const struct bp_host *host)
{
    struct device *dev = device_of(host);
    if (dev->virtio != NULL)
        virtio_config_changed(dev->virtio);
}

const struct bp_virtio host_virtio = {
    .struct_size = sizeof(struct bp_virtio),
    .pop = pop,
    .read = read_chain,
    .write = write_chain,
    .segments = segments,
    .push = push,
    .config_changed = config_changed,
    .push_many = push_many,
};
