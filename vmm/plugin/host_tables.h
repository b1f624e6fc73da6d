/* The host's interface tables, one file each; host_interface() finds them by id. */
#ifndef VMM_PLUGIN_HOST_TABLES_H
#define VMM_PLUGIN_HOST_TABLES_H

#include <backplane/if/apic.h>
#include <backplane/if/block.h>
#include <backplane/if/char.h>
#include <backplane/if/config.h>
#include <backplane/if/cpu.h>
#include <backplane/if/doorbell.h>
#include <backplane/if/link.h>
#include <backplane/if/loop.h>
#include <backplane/if/mem.h>
#include <backplane/if/net.h>
#include <backplane/if/power.h>
#include <backplane/if/region.h>
#include <backplane/if/virtio.h>
#include <backplane/if/virtio_transport.h>
#include <backplane/if/worker.h>

#include "plugin/device.h"

extern const struct bp_apic host_apic;
extern const struct bp_block host_block;
extern const struct bp_block_backend host_block_backend;
extern const struct bp_char host_char;
extern const struct bp_config host_config;
extern const struct bp_cpu host_cpu;
extern const struct bp_doorbell host_doorbell;
extern const struct bp_link_if host_link;
extern const struct bp_loop host_loop;
extern const struct bp_mem host_mem;
extern const struct bp_net host_net;
extern const struct bp_power host_power;
extern const struct bp_region_if host_region;
extern const struct bp_virtio host_virtio;
extern const struct bp_virtio_transport host_virtio_transport;
extern const struct bp_worker host_worker;

/* The table that every device's own host member is copied from. */
extern const struct bp_host host_core;

/* Hooks of the interfaces into the life cycle. Each takes a device that never used it. */
void host_timers_stop(struct device *dev);   /* disarms all of the device's timers */
void host_timers_fini(struct device *dev);   /* frees them */
void host_loop_fini(struct device *dev);     /* ends the device's watches */
void host_doorbell_fini(struct device *dev); /* ends the device's doorbells */
void host_worker_wait(struct device *dev);   /* until no job of the device is out */

/* Waits, holding none of the device's locks, until none of its block requests is under way; gives
 * up on a dead disk after a while. The first on every thread but the loop's. */
void host_block_drain(struct device *user);
void host_block_drain_on_loop(struct device *user); /* goes on running the loop meanwhile */
/* The same before the device goes: answers are still delivered. */
void host_block_fini(struct device *dev);

/* An unconnected link, or a target without the service, is NULL. */
struct device_link *device_link_at(struct device *dev, uint32_t link);

#endif
