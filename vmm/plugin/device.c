/* Creation, connections and life cycle of a device. */
#include "plugin/device.h"

#include <stdlib.h>
#include <string.h>

#include "classcheck.h"
#include "core/vm.h"
#include "plugin/host_tables.h"
#include "plugin/virtio_glue.h"

/* calloc that takes 0 elements for a success. */
static bool allocate(void *out, size_t n, size_t size)
{
    void *p = calloc(n == 0 ? 1 : n, size);
    memcpy(out, &p, sizeof(p));
    return p != NULL;
}

static bool device_allocate(struct device *dev, const struct bp_class *c, const char *name)
{
    dev->name = strdup(name);
    return dev->name != NULL && allocate(&dev->instance, 1, c->instance_size + 1u) &&
           allocate(&dev->regions, c->regions.n_rows, sizeof(struct device_region)) &&
           allocate(&dev->lines, c->lines.n_rows, sizeof(struct device_line)) &&
           allocate(&dev->links, c->links.n_rows, sizeof(struct device_link)) &&
           allocate(&dev->values, c->properties.n_rows, sizeof(struct property_value)) &&
           allocate(&dev->texts, c->properties.n_rows, sizeof(char *)) &&
           allocate(&dev->is_set, c->properties.n_rows, sizeof(bool));
}

static void device_fill(struct device *dev)
{
    const struct bp_class *c = dev->class_;
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        dev->regions[i].row = class_region(c, i);
        dev->regions[i].asked_bytes = dev->regions[i].row->size;
    }
    for (uint32_t i = 0; i < c->lines.n_rows; i++)
        dev->lines[i].row = class_line(c, i);
    for (uint32_t i = 0; i < c->links.n_rows; i++)
        dev->links[i].row = class_link(c, i);
    dev->irqchip_ops = class_service(c, BP_IRQCHIP_ID);
}

int32_t device_new(const struct bp_class *class_, const char *name, uint32_t n_cpus,
                   uint64_t timebase_hz, struct device **out, struct err *err)
{
    struct device *dev = calloc(1, sizeof(*dev));
    if (dev == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "device %s: out of memory", name);
    dev->host = host_core;
    dev->class_ = class_;
    dev->mark.dev = dev;
    dev->n_cpus = n_cpus;
    dev->timebase_hz = timebase_hz;
    pthread_mutex_init(&dev->lock, NULL);
    pthread_mutex_init(&dev->inner, NULL);
    handle_table_init(&dev->timers);
    handle_table_init(&dev->watches);
    handle_table_init(&dev->tickets);
    if (!device_allocate(dev, class_, name)) {
        device_destroy(dev);
        return err_set(err, BP_ERR_NO_MEMORY, "device %s: out of memory", name);
    }
    dev->host.name = dev->name;
    device_fill(dev);
    *out = dev;
    return BP_OK;
}

/* --- Properties and links --------------------------------------------------------------------- */

int32_t device_set(struct device *dev, uint32_t property, const struct property_value *value)
{
    struct property_value copy = *value;
    if (value->string != NULL) {
        char *text = strdup(value->string);
        if (text == NULL)
            return BP_ERR_NO_MEMORY;
        free(dev->texts[property]);
        dev->texts[property] = text;
        copy.string = text;
    }
    dev->values[property] = copy;
    dev->is_set[property] = true;
    property_store(property_at(dev->class_, property), dev->instance, &copy);
    return BP_OK;
}

int32_t device_set_defaults(struct device *dev, struct err *err)
{
    for (uint32_t i = 0; i < dev->class_->properties.n_rows; i++) {
        const struct bp_property *row = property_at(dev->class_, i);
        if (dev->is_set[i])
            continue;
        if ((row->flags & BP_PROPERTY_REQUIRED) != 0)
            return err_set(err, BP_ERR_NOT_FOUND, "%s is missing: %s", row->name, row->doc);
        if (row->initial == NULL)
            continue;
        struct property_value value = {0};
        char why[128];
        int32_t status = property_parse(row, row->initial, &value, why, sizeof(why));
        if (status != BP_OK)
            return err_set(err, status, "%s = %s: %s", row->name, row->initial, why);
        status = device_set(dev, i, &value);
        if (status != BP_OK)
            return err_set(err, status, "%s: out of memory", row->name);
    }
    return BP_OK;
}

static int32_t add_user(struct device *target, struct device *user, uint32_t link)
{
    struct device **users = realloc(target->users, (target->n_users + 1) * sizeof(*users));
    if (users == NULL)
        return BP_ERR_NO_MEMORY;
    target->users = users;
    uint32_t *links = realloc(target->user_links, (target->n_users + 1) * sizeof(*links));
    if (links == NULL)
        return BP_ERR_NO_MEMORY;
    target->user_links = links;
    users[target->n_users] = user;
    links[target->n_users] = link;
    target->n_users++;
    return BP_OK;
}

int32_t device_connect(struct device *dev, uint32_t link, struct device *target, struct err *err)
{
    struct device_link *l = &dev->links[link];
    const void *ops = class_service(target->class_, l->row->interface);
    if (ops == NULL)
        return err_set(err, BP_ERR_INVALID, "%s = %s: plugin %s does not offer %s", l->row->name,
                       target->name, target->class_->id, l->row->interface);
    if (strcmp(l->row->interface, BP_NET_ID) == 0 && target->n_users != 0)
        return err_set(err, BP_ERR_EXISTS,
                       "%s = %s: that is at the other end of %s already: give this one a [backend] "
                       "of its own",
                       l->row->name, target->name, target->users[0]->name);
    if (add_user(target, dev, link) != BP_OK)
        return err_set(err, BP_ERR_NO_MEMORY, "%s: out of memory", l->row->name);
    l->target = target;
    l->ops = ops;
    return BP_OK;
}

/* --- Set-up callbacks ------------------------------------------------------------------------- */

/* The sentence is the plugin's own, by set_error; a generic one when it gave none. */
static int32_t end_setup(struct device *dev, int32_t status, const char *what, struct err *err)
{
    device_leave(dev);
    crash_setup_end();
    dev->error = NULL;
    if (status == BP_OK && err != NULL)
        err->text[0] = '\0'; /* of calls that failed, and that the plugin can do without */
    if (status == BP_OK)
        return BP_OK;
    if (err != NULL && err->text[0] == '\0')
        (void)err_set(err, status, "plugin %s failed to %s (status %d) and gave no reason",
                      dev->class_->id, what, status);
    /* What is neither success nor an error is a mistake, errno returned as it is, for one. */
    return status < 0 ? status : BP_ERR_INVALID;
}

/* Enters the device: what it says by set_error goes to `err`. */
static void begin_setup(struct device *dev, const char *callback, struct err *err)
{
    err->text[0] = '\0';
    dev->error = err;
    crash_setup_begin(dev, callback);
    (void)device_enter(dev, callback);
}

int32_t device_create(struct device *dev, struct err *err)
{
    dev->created = true;
    if (dev->class_->create == NULL)
        return BP_OK;
    begin_setup(dev, "create", err);
    int32_t status = dev->class_->create(&dev->host, dev->instance);
    return end_setup(dev, status, "create its device", err);
}

int32_t device_plan(struct device *dev, struct err *err)
{
    int32_t status = BP_OK;
    if (dev->class_->plan != NULL) {
        begin_setup(dev, "plan", err);
        status = dev->class_->plan(dev->instance);
        status = end_setup(dev, status, "plan", err);
    }
    dev->frozen = true;
    return status;
}

/* --- The guest's accesses --------------------------------------------------------------------- */

static uint64_t on_read(void *owner, uint32_t region, uint64_t offset, uint32_t width)
{
    struct device *dev = owner;
    if (!device_enter(dev, "read"))
        return UINT64_MAX;
    uint64_t value = dev->class_->read(dev->instance, region, offset, width);
    device_leave(dev);
    return value;
}

static void on_write(void *owner, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    struct device *dev = owner;
    if (!device_enter(dev, "write"))
        return;
    dev->class_->write(dev->instance, region, offset, width, value);
    device_leave(dev);
}

static int32_t map_region(struct device *dev, uint32_t i, struct err *err)
{
    const struct device_region *region = &dev->regions[i];
    if (!region->placed)
        return BP_OK;
    if (region->row->kind == BP_RAM)
        return vm_add_memory(dev->vm, region->base, region->size, err);
    struct bus_handler handler = {
        .base = region->base,
        .size = region->asked_bytes,
        .widths = region->row->widths,
        .region = i,
        .owner = dev,
        .read = dev->class_->read != NULL ? on_read : NULL,
        .write = dev->class_->write != NULL ? on_write : NULL,
    };
    return bus_add(region->row->kind == BP_PIO ? vm_ports(dev->vm) : vm_bus(dev->vm), &handler,
                   err);
}

/* Lines that lead to no device lead to the accelerator's own controller. */
static int32_t connect_lines(struct device *dev, struct err *err)
{
    for (uint32_t i = 0; i < dev->class_->lines.n_rows; i++) {
        const struct device_line *line = &dev->lines[i];
        if (!line->connected || dev->irqchip != NULL)
            continue;
        int32_t status = vm_connect_line(dev->vm, line->number, line->row->trigger, err);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

int32_t device_realize(struct device *dev, struct vm *vm, struct err *err)
{
    dev->vm = vm;
    for (uint32_t i = 0; i < dev->class_->regions.n_rows; i++) {
        int32_t status = map_region(dev, i, err);
        if (status != BP_OK)
            return status;
    }
    int32_t status = connect_lines(dev, err);
    if (status == BP_OK)
        status = device_attach_virtio(dev, err);
    if (status != BP_OK)
        return status;
    dev->realized = true;
    if (dev->class_->realize == NULL)
        return BP_OK;
    begin_setup(dev, "realize", err);
    status = dev->class_->realize(dev->instance);
    return end_setup(dev, status, "open", err);
}

/* --- Running ---------------------------------------------------------------------------------- */

void device_reset(struct device *dev, uint32_t kind)
{
    host_timers_stop(dev);
    for (uint32_t i = 0; i < dev->class_->lines.n_rows; i++)
        device_irq_set(dev, i, 0);
    device_reset_virtio(dev);
    if (dev->class_->reset == NULL || !device_enter(dev, "reset"))
        return;
    dev->class_->reset(dev->instance, kind);
    device_leave(dev);
}

void device_start(struct device *dev)
{
    if (dev->class_->start == NULL || !device_enter(dev, "start"))
        return;
    dev->class_->start(dev->instance);
    device_leave(dev);
}

int32_t device_quiesce(struct device *dev)
{
    if (dev->class_->quiesce == NULL || !device_enter(dev, "quiesce"))
        return BP_OK;
    int32_t status = dev->class_->quiesce(dev->instance);
    device_leave(dev);
    return status;
}

/* Providers must not tell a device that is gone. */
static void device_disconnect(struct device *dev)
{
    for (uint32_t i = 0; dev->links != NULL && i < dev->class_->links.n_rows; i++) {
        struct device *target = dev->links[i].target;
        size_t kept = 0;
        for (size_t j = 0; target != NULL && j < target->n_users; j++) {
            if (target->users[j] == dev)
                continue;
            target->users[kept] = target->users[j];
            target->user_links[kept++] = target->user_links[j];
        }
        if (target != NULL)
            target->n_users = kept;
    }
}

static void device_free(struct device *dev)
{
    device_disconnect(dev);
    for (uint32_t i = 0; dev->texts != NULL && i < dev->class_->properties.n_rows; i++)
        free(dev->texts[i]);
    free(dev->texts);
    free(dev->values);
    free(dev->is_set);
    free(dev->links);
    free(dev->lines);
    free(dev->regions);
    free(dev->users);
    free(dev->user_links);
    free(dev->instance);
    free(dev->name);
    handle_table_fini(&dev->tickets);
    handle_table_fini(&dev->watches);
    handle_table_fini(&dev->timers);
    pthread_mutex_destroy(&dev->inner);
    pthread_mutex_destroy(&dev->lock);
    free(dev);
}

void device_destroy(struct device *dev)
{
    if (dev == NULL)
        return;
    if (dev->created) {
        host_timers_stop(dev);
        host_doorbell_fini(dev);
        host_block_fini(dev);
        pthread_mutex_lock(&dev->inner);
        dev->closing = true;
        pthread_mutex_unlock(&dev->inner);
        host_worker_wait(dev);
        if (dev->class_->destroy != NULL && device_enter(dev, "destroy")) {
            dev->class_->destroy(dev->instance);
            device_leave(dev);
        }
        device_detach_virtio(dev);
        host_loop_fini(dev);
        host_timers_fini(dev);
    }
    device_free(dev);
}
