/* The bench's machine with its one device. */
#ifndef SDK_BENCH_TYPES_H
#define SDK_BENCH_TYPES_H

#include "bench_fakes.h"
#include "handle.h"

#define MAX_LINES   32u
#define MAX_REGIONS 32u
#define MAX_LINKS   16u
#define MAX_CPUS    64u
#define MAX_QUEUES  16u

enum bench_phase { PHASE_CREATE, PHASE_PLAN, PHASE_REALIZE, PHASE_RUN, PHASE_SAVE, PHASE_DEAD };

struct bench {
    struct bp_host host; /* first: the device's host pointer is the bench */
    const struct bp_class *class_;
    struct bench_setup setup;
    void *dev;
    struct bench_room room; /* where it lies */
    enum bench_phase phase;
    uint32_t created;           /* create was called: destroy is owed */
    uint32_t depth;             /* callbacks of the device that are on the stack: at most 1 */
    uint32_t calls;             /* that could fail, during set-up */
    uint32_t run_calls;         /* that could fail, since bench_fail_call */
    uint32_t fail_call;         /* the one of them that does; 0: none */
    const char *fail_interface; /* NULL: calls of all interfaces count */
    int32_t status;
    char error[512];
    struct bytes log;
    uint32_t log_counts[8];
    uint32_t refused;
    uint32_t lines[MAX_LINES];
    uint32_t raises[MAX_LINES];
    uint64_t region_sizes[MAX_REGIONS];
    struct bench_link links[MAX_LINKS];
    uint32_t notices[8];

    uint64_t now_ns;
    uint64_t wall_ns;
    uint64_t orders;
    uint64_t n_fires; /* of timers */
    struct handle_table timers;
    struct bench_deferred *deferred;
    uint32_t n_deferred;
    struct bench_doorbell *doorbells;
    uint32_t n_doorbells;

    struct bench_job *jobs;
    uint32_t n_jobs;
    uint32_t hold_jobs;
    struct handle_table watches;
    struct handle_table tickets;

    uint8_t *ram;
    uint64_t ram_used;

    uint32_t cpu_irqs[MAX_CPUS][8];
    uint32_t cpu_raises[MAX_CPUS][8];
    uint64_t tick_offset;    /* modulo 2^64 */
    struct bench_apic *apic; /* NULL until it is used */
    uint32_t power;
    uint32_t power_code;
    uint32_t power_count;

    struct bench_chain *chains;
    uint32_t n_chains;
    uint32_t n_done;
    uint32_t split;
    uint32_t virtio_active;
    uint32_t broken[MAX_QUEUES];
    uint32_t config_changes;
    struct bench_transport_state transport;

    struct bytes fdt;
    struct bytes acpi;
};

#endif
