/*
 * backplane/bench.h - a machine for unit tests of one device: fake host, stepped clock, recorded
 * lines and log. Link with libbackplane-bench.a; any test framework will do.
 *
 *     struct bench *b = bench_create(BENCH_CLASS, (const char *const[]){"level=3", NULL});
 *     bench_write32(b, "regs", 0x10, 1);
 *     bench_advance_ns(b, 1000000);
 *     assert_true(bench_line(b, "out"));
 *     assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
 *     bench_destroy(b);
 *
 * The bench makes the same checks as the real host. What only a wrong test can do (a name that is
 * not in the class's tables) and what only a wrong device can do (a call at a forbidden time that
 * has no status to say so, an endless chain of deferred functions) prints a sentence and aborts.
 * Everything happens on the calling thread, nothing by itself: deferred functions, timers, link
 * events and completions run in bench_settle and bench_advance_ns.
 *
 * Fakes, all included here: bench/links.h (char, block, worker, loop), net.h (networks), cpu.h
 * (processors, interrupt controllers, power), virtio.h (devices and transports), acpi.h (tables).
 * Beside them fail.h (calls that fail), pause.h (a machine that stands still), actions.h (a hostile
 * guest's deeds), bench_fuzz.h.
 */
#ifndef BACKPLANE_BENCH_H
#define BACKPLANE_BENCH_H

#include <backplane/bench/acpi.h>
#include <backplane/bench/actions.h>
#include <backplane/bench/cpu.h>
#include <backplane/bench/fail.h>
#include <backplane/bench/fdt.h>
#include <backplane/bench/links.h>
#include <backplane/bench/net.h>
#include <backplane/bench/pause.h>
#include <backplane/bench/virtio.h>
#include <backplane/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* The class of the plugin that the test program is linked with. */
extern const struct bp_plugin bp_plugin_1;
#define BENCH_CLASS (bp_plugin_1.classes[0])

/* --- life cycle ------------------------------------------------------------------------------- */
struct bench_setup {                /* everything may be 0 or NULL */
    const char *const *settings;    /* "key=value" as in a machine file, NULL-ended */
    const char *const *unconnected; /* links that the machine file leaves out, NULL-ended */
    const char *const *missing;     /* interface ids that this host does not have, NULL-ended */
    uint32_t cpus;                  /* 0: 1 */
    uint32_t apic_pins;             /* that bp.apic/1 can watch; 0: 256 */
    uint32_t fail_call;   /* the n-th call of set-up that can fail does fail (from 1); 0: none */
    uint64_t timebase_hz; /* 0: 10 MHz */
    uint64_t ram_bytes;   /* 0: 1 MiB; the RAM begins at BENCH_RAM_BASE */
    uint64_t disk_bytes;  /* of each bp.block/1 link; 0: 1 MiB */
    uint32_t disk_flags;  /* BP_BLOCK_READ_ONLY, BP_BLOCK_DISCARD */
    uint32_t doorbells;   /* 1: bp.doorbell/1 works; its writes arrive with bench_settle */
    const struct bp_net_info *net; /* of each bp.net/1 link; NULL: up, nothing else is known */
    uint32_t stop_after;           /* BENCH_AFTER_*: no further; then only bench_destroy. 0: all */
};

#define BENCH_AFTER_CREATE  1u
#define BENCH_AFTER_PLAN    2u /* and the descriptions */
#define BENCH_AFTER_REALIZE 3u
#define BENCH_AFTER_RESET   4u

/* Class check, properties, create, plan, realize, reset, start. Aborts, with the device's sentence,
 * when a step fails. `class_`, and what the set-up points to, outlive the bench. */
struct bench *bench_create(const struct bp_class *class_, const char *const *settings);
struct bench *bench_create_with(const struct bp_class *class_, const struct bench_setup *setup);

/* The same, for set-ups that shall fail: gives the status of the step that failed, or BP_OK. *b is
 * always made; then only bench_error, bench_log_* and bench_destroy may be used with it. */
int32_t bench_try(const struct bp_class *class_, const struct bench_setup *setup, struct bench **b);

/* The sentence of the last thing that failed; "" if nothing did. */
const char *bench_error(const struct bench *b);

/* destroy, and checks that nothing was left behind (watches, requests). NULL is allowed. */
void bench_destroy(struct bench *b);

/* Lowers all lines, cancels all timers, resets virtio machinery, ends block requests, calls reset.
 * `kind`: BP_RESET_COLD, BP_RESET_WARM. */
void bench_reset(struct bench *b, uint32_t kind);

/* The instance, for the rare look inside; and a service table that the class offers, or NULL. */
void *bench_instance(struct bench *b);
const void *bench_service(struct bench *b, const char *interface);

/* The ids of all interfaces that the bench has; NULL at the end. */
const char *bench_interface(uint32_t i);

/* --- registers -------------------------------------------------------------------------------- */
/* A guest's access to a region by name. As on the real bus a width that the region does not have, a
 * misaligned offset and one beyond the end read all-ones, write nothing, and are counted. */
uint64_t bench_read(struct bench *b, const char *region, uint64_t offset, uint32_t width);
void bench_write(struct bench *b, const char *region, uint64_t offset, uint32_t width,
                 uint64_t value);
uint8_t bench_read8(struct bench *b, const char *region, uint64_t offset);
uint16_t bench_read16(struct bench *b, const char *region, uint64_t offset);
uint32_t bench_read32(struct bench *b, const char *region, uint64_t offset);
uint64_t bench_read64(struct bench *b, const char *region, uint64_t offset);
void bench_write8(struct bench *b, const char *region, uint64_t offset, uint8_t value);
void bench_write16(struct bench *b, const char *region, uint64_t offset, uint16_t value);
void bench_write32(struct bench *b, const char *region, uint64_t offset, uint32_t value);
void bench_write64(struct bench *b, const char *region, uint64_t offset, uint64_t value);

/* Accesses that the device never saw, since the bench was made. */
uint32_t bench_refused(const struct bench *b);

uint64_t bench_region_size(struct bench *b, const char *region); /* as planned */

/* --- lines, log, guest RAM -------------------------------------------------------------------- */
/* The level of a line by name, 0 or 1, and how often it went from 0 to 1. */
uint32_t bench_line(struct bench *b, const char *line);
uint32_t bench_line_raises(struct bench *b, const char *line);

/* Whether some line of the log has this in it; how many lines there are at a level (BP_LOG_*). */
uint32_t bench_log_contains(const struct bench *b, const char *text);
uint32_t bench_log_count(const struct bench *b, uint32_t level);
const char *bench_log_text(const struct bench *b); /* all of it, a line each */
void bench_log_clear(struct bench *b);

#define BENCH_RAM_BASE UINT64_C(0x80000000)

/* The guest's own look at its RAM; a wrong range aborts. */
void bench_ram_write(struct bench *b, uint64_t gpa, const void *from, uint64_t size);
void bench_ram_read(struct bench *b, uint64_t gpa, void *to, uint64_t size);

/* The next `size` unused bytes, aligned to 16. */
uint64_t bench_ram_alloc(struct bench *b, uint64_t size);

/* --- time ------------------------------------------------------------------------------------- */
uint64_t bench_now_ns(const struct bench *b);

/* Steps the clock, stopping at each deadline on the way; settles before, between and after. Wall
 * time moves along, and it alone while the machine stands still (bench/pause.h). */
void bench_advance_ns(struct bench *b, uint64_t ns);

/* Runs what is due now: deferred functions, timers, link events, finished work and requests. */
void bench_settle(struct bench *b);

/* Wall time (host->wall_ns) from now on; begins at 2020-01-01 00:00:00 UTC. */
void bench_wall_set(struct bench *b, uint64_t wall_ns);

/* Timers that are armed. */
uint32_t bench_timers_armed(const struct bench *b);

/* --- state ------------------------------------------------------------------------------------ */
/* quiesce, save; free() the bytes. The device goes on afterwards. Aborts when it cannot. */
uint8_t *bench_save(struct bench *b, uint64_t *size);

/* reset, load, start. On an error bench_error has the sentence. */
int32_t bench_load(struct bench *b, const uint8_t *bytes, uint64_t size);

/* Saves, loads into a fresh device of the same settings, saves that: BP_OK if both give the same
 * bytes, and the same levels of lines and processor inputs. Otherwise bench_error tells. */
int32_t bench_check_state_roundtrip(struct bench *b);

#ifdef __cplusplus
}
#endif
#endif
