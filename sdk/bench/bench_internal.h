/* What the files of the bench share: helpers, and the tables of fakes. */
#ifndef SDK_BENCH_INTERNAL_H
#define SDK_BENCH_INTERNAL_H

#include "bench_types.h"
#include "classcheck.h"

/* Prints the sentence and aborts: the test or the device is wrong beyond a status. */
void bench_die(const struct bench *b, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

struct bench *bench_of(const struct bp_host *host);

/* Around every call of the device. */
void bench_enter(struct bench *b, const char *what);
void bench_leave(struct bench *b);

/* The instance's memory, b->dev; whether something beside it was written. */
void bench_room_make(struct bench *b, size_t size);
void bench_room_check(const struct bench *b);
void bench_room_free(struct bench *b);

/* start: the device runs. */
void bench_start(struct bench *b);

/* 1 when this call of set-up is the one that shall fail; the error sentence is then set. */
int bench_fails(struct bench *b, const char *what);

/* The same for calls that the running device makes, and of both kinds. */
int bench_fails_running(struct bench *b, const char *interface);
int bench_fails_ever(struct bench *b, const char *interface, const char *what);

/* Nothing is held back any more, and all that was has ended. */
void bench_rest(struct bench *b);

/* Aborts when the device is just saving its state: then no host call is allowed. */
void bench_not_while_saving(struct bench *b, const char *what);

int32_t bench_set_error(struct bench *b, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void *bench_alloc(size_t size); /* zeroed; never NULL */
void bytes_add(struct bytes *b, const void *from, size_t size);
void bytes_drop(struct bytes *b, size_t n); /* the oldest */
void bytes_free(struct bytes *b);

struct bench_link *bench_link_named(struct bench *b, const char *name, const char *interface);
struct bench_link *bench_link_at(struct bench *b, uint32_t link, const char *interface);

void bench_defer(struct bench *b, void (*fn)(void *dev, uint64_t arg), uint64_t arg);

/* The bus's check of an access: a width that the region has, aligned, within it. */
int bench_is_allowed(const struct bench *b, uint32_t region, uint64_t offset, uint32_t width);

/* 1 when the write goes to a doorbell, and not to the class. */
int bench_rings_doorbell(struct bench *b, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value);

/* The step functions of settle: 1 if something was done. */
int bench_step_deferred(struct bench *b);
int bench_step_timers(struct bench *b);
int bench_step_links(struct bench *b);
int bench_step_jobs(struct bench *b);
int bench_step_disks(struct bench *b);

/* NULL: outside RAM. */
uint8_t *bench_ram_at(struct bench *b, uint64_t gpa, uint64_t size);

/* One file of fakes each; the tables that get_interface hands out. */
extern const struct bp_apic bench_apic_if;
extern const struct bp_region_if bench_region_if;
extern const struct bp_config bench_config_if;
extern const struct bp_link_if bench_link_if;
extern const struct bp_mem bench_mem_if;
extern const struct bp_char bench_char_if;
extern const struct bp_net bench_net_if;
extern const struct bp_block bench_block_if;
extern const struct bp_block_backend bench_block_backend_if;
extern const struct bp_worker bench_worker_if;
extern const struct bp_loop bench_loop_if;
extern const struct bp_cpu bench_cpu_if;
extern const struct bp_doorbell bench_doorbell_if;
extern const struct bp_power bench_power_if;
extern const struct bp_virtio bench_virtio_if;
extern const struct bp_virtio_transport bench_transport_if;

/* The host table, without the name. */
extern const struct bp_host bench_host_template;

/* The interface with this id, NULL when the bench or this set-up does not have it. */
const void *bench_find_interface(const struct bench *b, const char *id);

void bench_apic_fini(struct bench *b);
int bench_apic_same(const struct bench *b, const struct bench *other); /* the routes */
void bench_links_init(struct bench *b);
void bench_links_fini(struct bench *b);
void bench_transport_init(struct bench *b);

/* What the host does of itself at a reset: virtio machinery back to status 0, no request left. */
void bench_transport_reset(struct bench *b);
void bench_drain_disks(struct bench *b);

#endif
