/* bp.doorbell/1: guest writes that do not return to the processor's thread. */
#include <stdlib.h>

#include "classcheck.h"
#include "core/vm.h"
#include "plugin/host_tables.h"

struct device_doorbell {
    struct device_doorbell *next;
    struct device *dev;
    void (*fn)(void *dev, uint64_t arg);
    uint64_t arg;
    uint32_t region;
    uint64_t offset, value;
};

static void rung(void *ctx)
{
    struct device_doorbell *d = ctx;
    if (!device_enter(d->dev, "a doorbell"))
        return;
    d->fn(d->dev->instance, d->arg);
    device_leave(d->dev);
}

static int32_t check(const struct device *dev, uint32_t region, uint64_t offset, uint32_t width,
                     uint64_t value)
{
    if (region >= dev->class_->regions.n_rows || !dev->regions[region].placed)
        return BP_ERR_NOT_FOUND;
    const struct device_region *r = &dev->regions[region];
    bool is_width = width == 1 || width == 2 || width == 4 || width == 8;
    if (!is_width || (r->row->widths & width) == 0 || r->row->kind == BP_RAM ||
        offset % width != 0 || offset >= r->asked_bytes || width > r->asked_bytes - offset)
        return BP_ERR_RANGE;
    if (width < 8 && value >> (8 * width) != 0)
        return BP_ERR_RANGE;
    for (const struct device_doorbell *d = dev->doorbells; d != NULL; d = d->next)
        if (d->region == region && d->offset == offset && d->value == value)
            return BP_ERR_EXISTS;
    return BP_OK;
}

static int32_t add(const struct bp_host *host, uint32_t region, uint64_t offset, uint32_t width,
                   uint64_t value, void (*fn)(void *dev, uint64_t arg), uint64_t arg)
{
    struct device *dev = device_of(host);
    if (dev->vm == NULL || dev->error == NULL)
        return BP_ERR_STATE;
    int32_t status = fn != NULL ? check(dev, region, offset, width, value) : BP_ERR_INVALID;
    if (status != BP_OK)
        return status;
    struct device_doorbell *d = malloc(sizeof(*d));
    if (d == NULL)
        return BP_ERR_NO_MEMORY;
    *d = (struct device_doorbell){.next = dev->doorbells,
                                  .dev = dev,
                                  .fn = fn,
                                  .arg = arg,
                                  .region = region,
                                  .offset = offset,
                                  .value = value};
    const struct vm_doorbell bell = {.is_port = dev->regions[region].row->kind == BP_PIO,
                                     .address = dev->regions[region].base + offset,
                                     .width = width,
                                     .value = value,
                                     .fn = rung,
                                     .ctx = d};
    struct err why;
    status = vm_add_doorbell(dev->vm, &bell, &why);
    if (status != BP_OK) {
        free(d);
        return status;
    }
    dev->doorbells = d;
    return BP_OK;
}

void host_doorbell_fini(struct device *dev)
{
    while (dev->doorbells != NULL) {
        struct device_doorbell *d = dev->doorbells;
        dev->doorbells = d->next;
        vm_remove_doorbells(dev->vm, d);
        free(d);
    }
}

const struct bp_doorbell host_doorbell = {.struct_size = sizeof(struct bp_doorbell), .add = add};
