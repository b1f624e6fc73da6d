/*
 * A device: an instance of a plugin's class in a machine, with the host's side of it. The life
 * cycle is driven from the machine; everything here keeps the rules of backplane/device.h: the
 * device's lock is held around every callback, and a device is never re-entered.
 */
#ifndef VMM_PLUGIN_DEVICE_H
#define VMM_PLUGIN_DEVICE_H

#include <backplane/device.h>
#include <backplane/if/block.h>
#include <backplane/if/irqchip.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handle.h"
#include "plugin/crash.h"
#include "property.h"
#include "util/err.h"
#include "util/log.h"

struct vm;
struct virtio_dev;
struct device_watch;
struct device_doorbell;

struct device_region {
    const struct bp_region *row;
    uint64_t asked_bytes; /* from the table, or plan() */
    bool placed;
    bool pinned;
    uint64_t base; /* once placed */
    uint64_t size; /* as placed */
};

struct device_line {
    const struct bp_line *row;
    bool connected;
    bool pinned;
    uint32_t number; /* at the interrupt controller */
    uint32_t level;
};

struct device_link {
    const struct bp_link *row;
    struct device *target; /* NULL: not connected */
    const void *ops;       /* the target's service table for row->interface */
};

struct device {
    struct bp_host host; /* first member: what the plugin holds points here */
    const struct bp_class *class_;
    char *name;
    void *instance;
    struct vm *vm; /* NULL until there is one: describe and check do without */
    uint32_t n_cpus;
    uint64_t timebase_hz;

    struct device_region *regions; /* class_->regions.n_rows */
    struct device_line *lines;
    struct device_link *links;
    struct property_value *values;
    char **texts; /* owned copies behind string values */

    bool *is_set; /* properties that device_set has set */

    struct device *irqchip; /* where the lines go; NULL: to the accelerator's own controller */
    const struct bp_irqchip_ops *irqchip_ops; /* of an interrupt controller: its own service */
    struct device **users;                    /* who links to this device */
    uint32_t *user_links;                     /* with which of their links */
    size_t n_users;

    pthread_mutex_t lock;
    _Atomic uintptr_t lock_owner; /* a thread's mark while it holds the lock, else 0 */
    struct crash_mark mark;       /* on that thread */

    pthread_mutex_t inner; /* guards what follows */
    struct handle_table timers;
    struct handle_table watches;
    struct handle_table tickets; /* block requests on their way to this backend */
    struct device_watch *removed_watches;
    struct device_doorbell *doorbells;
    uint32_t jobs;           /* worker pieces and deferred calls that are out */
    uint32_t pending_events; /* link events announced, not yet delivered, as bits */
    bool frozen;             /* the map: resize is over */
    bool created;
    bool realized;
    bool closing;
    struct log_limit guest_limit;

    struct virtio_dev *virtio; /* of a virtio device and, the same one, of its transport */
    struct err *error;         /* where set_error writes during a set-up callback */
};

/* Allocates the device and its instance. Settings are stored with device_set before create. */
int32_t device_new(const struct bp_class *class_, const char *name, uint32_t n_cpus,
                   uint64_t timebase_hz, struct device **out, struct err *err);

/* One property, already checked; strings are copied. */
int32_t device_set(struct device *dev, uint32_t property, const struct property_value *value);

/* Properties not set so far get their defaults. Fails for a required one: `err` names it. */
int32_t device_set_defaults(struct device *dev, struct err *err);

/* Connects link `link` to a target that offers the interface. */
int32_t device_connect(struct device *dev, uint32_t link, struct device *target, struct err *err);

/* The set-up callbacks. */
int32_t device_create(struct device *dev, struct err *err);
int32_t device_plan(struct device *dev, struct err *err);
int32_t device_realize(struct device *dev, struct vm *vm, struct err *err); /* adds to the bus */

void device_reset(struct device *dev, uint32_t kind); /* lines low, timers off, then the class's */
void device_start(struct device *dev);
int32_t device_quiesce(struct device *dev);

/* Ends everything the device began, waits for its workers, destroys it. Takes NULL and half-made
 * devices. Users of a device go before it. */
void device_destroy(struct device *dev);

/* The device's lock, which every callback needs. device_enter is false on re-entry by the same
 * thread (refused and logged). `callback`: for the sentence when it crashes, as "create"; a text
 * that stays. */
bool device_enter(struct device *dev, const char *callback);
void device_leave(struct device *dev);

/* The device that a host table belongs to. */
struct device *device_of(const struct bp_host *host);

/* [any] Calls on_link of everyone linked to `dev`, later, on the loop's thread. */
void device_notify_users(struct device *dev, uint32_t event);

/* Interface tables, one file each. */
const void *host_interface(const char *id);

/* [any] Sets a line of `dev`, as host->irq_set does. */
void device_irq_set(struct device *dev, uint32_t line, uint32_t level);

/* An I/O APIC that is a device of the machine (takes NULL and all other controllers): the pins that
 * the accelerator must know of, 0 for none, and a processor's word that an interrupt has ended. */
uint32_t device_apic_pins(const struct device *chip);
void device_apic_eoi(struct device *chip, uint32_t vector);

/* [any] posts to the loop and counts, so that destroy waits: fn runs with dev's lock held. */
int32_t device_post(struct device *dev, void (*fn)(void *instance, uint64_t arg), uint64_t arg);

#endif
