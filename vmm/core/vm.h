/*
 * A running machine below its devices: RAM, bus, virtual clock, loop, vCPUs and their threads.
 * It knows no device: those sit above and hang their handlers on the bus.
 */
#ifndef VMM_CORE_VM_H
#define VMM_CORE_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/accel.h"
#include "core/aspace.h"
#include "core/bus.h"
#include "core/loop.h"
#include "core/memory.h"
#include "core/workers.h"

struct vm;

struct vm_config {
    enum arch arch;
    uint32_t n_cpus;
    uint64_t timebase_hz;
    bool firmware;                   /* guest brings machine-mode firmware */
    uint32_t ioapic_pins;            /* see accel_config */
    const struct platform *platform; /* the same; outlives the VM */
    const struct accel_ops *accel;
    const struct aspace *aspace; /* outlives the VM */
    /* Callbacks in this order, on every accelerator; NULL is a no-op. A negative status ends the
     * set-up. */
    void *ctx;
    int32_t (*on_create_vm)(void *ctx, struct vm *vm, struct err *err);
    int32_t (*on_create_vm_with_memory)(void *ctx, struct vm *vm, struct err *err);
    int32_t (*on_create_vcpu)(void *ctx, struct vm *vm, uint32_t index, struct err *err);
    /* Loads the guest and sets the registers: after the vCPUs, and again after each reset. */
    int32_t (*load)(void *ctx, struct vm *vm, struct err *err);
    /* Devices: everything back to power-on, with all vCPUs stopped. */
    void (*reset)(void *ctx, struct vm *vm);
    /* A yield: the machine is paused while this runs. True: go on; false: end with that result. */
    bool (*on_yield)(void *ctx, struct vm *vm, enum run_result what);
    /* [any] See vm_press_power_button. */
    void (*on_power_button)(void *ctx);
    /* x86_64 with ioapic_pins: see accel_env. */
    void (*eoi)(void *ctx, uint32_t vector);
    /* Firmware console (SBI DBCN); NULL: no console. */
    size_t (*console_write)(void *ctx, const uint8_t *bytes, size_t n);
    size_t (*console_read)(void *ctx, uint8_t *bytes, size_t n);
};

/* `config` is copied. *out is set as soon as there is something to destroy, and NULL before: after
 * a failure too, the caller first ends what its callbacks have hung on the VM, then destroys it. */
int32_t vm_create(const struct vm_config *config, struct vm **out, struct err *err);
void vm_destroy(struct vm *vm); /* takes NULL */

/* BP_ERR_STATE before RAM exists. Bounds-checked; the hole is an error. */
struct memory *vm_memory(struct vm *vm);
int32_t vm_read(struct vm *vm, uint64_t gpa, void *to, uint64_t size, struct err *err);
int32_t vm_write(struct vm *vm, uint64_t gpa, const void *from, uint64_t size, struct err *err);
uint64_t vm_memory_size(const struct vm *vm);
uint64_t vm_memory_base(const struct vm *vm);

struct bus *vm_bus(struct vm *vm);   /* memory-mapped */
struct bus *vm_ports(struct vm *vm); /* x86_64's I/O ports */
struct loop *vm_loop(struct vm *vm);
struct workers *vm_workers(struct vm *vm);

/* Memory that a device brings: backs [gpa, gpa + size). During set-up. */
int32_t vm_add_memory(struct vm *vm, uint64_t gpa, uint64_t size, struct err *err);

/* Lines of the accelerator's own interrupt controller: connected during set-up, then set. [any] */
int32_t vm_connect_line(struct vm *vm, uint32_t number, uint32_t trigger, struct err *err);
void vm_set_line(struct vm *vm, uint32_t number, bool level);

/* During set-up: calls fn(ctx) on the loop's thread after guest writes of `value` there, instead of
 * the bus. BP_ERR_UNSUPPORTED: this accelerator cannot, the bus will see them. */
struct vm_doorbell {
    bool is_port;
    uint64_t address; /* gpa or port */
    uint32_t width;
    uint64_t value;
    void (*fn)(void *ctx);
    void *ctx;
};
int32_t vm_add_doorbell(struct vm *vm, const struct vm_doorbell *doorbell, struct err *err);
/* Ends those with this context. */
void vm_remove_doorbells(struct vm *vm, const void *ctx);

const struct accel_ops *vm_accel(const struct vm *vm);
struct accel_vm *vm_accel_vm(struct vm *vm);
struct accel_vcpu *vm_vcpu(struct vm *vm, uint32_t index);
uint32_t vm_cpu_count(const struct vm *vm);

uint64_t vm_ticks(const struct vm *vm);                       /* [any] the guest's time counter */
void vm_set_ticks(struct vm *vm, uint64_t ticks);             /* [any] */
uint64_t vm_ticks_to_ns(const struct vm *vm, uint64_t ticks); /* [any] UINT64_MAX: never */

/* [any] How the guest ends, resets or pauses the machine; the first one of a run counts. */
void vm_request(struct vm *vm, enum run_result what, uint32_t code);

/* [any], also from a signal handler: ends the run with RUN_INTERRUPTED. */
void vm_interrupt(struct vm *vm);

/* [any] Somebody pressed the machine's power button: passed on to who knows whether it has one. */
void vm_press_power_button(struct vm *vm);

struct vm_outcome {
    enum run_result result;
    uint32_t code; /* exit status that the guest asked for, with RUN_HALTED */
    uint32_t vcpu; /* the one that asked for it or could not go on; UINT32_MAX: none */
};

/* Runs until the guest or the user ends it. The calling thread becomes the loop's. Resets restart
 * the guest, unless `stop_on_reboot`. */
int32_t vm_run(struct vm *vm, bool stop_on_reboot, struct vm_outcome *outcome, struct err *err);

/* Runs f(ctx, vcpu) on a vCPU's own thread, interrupting the guest, and waits for it; on that
 * thread itself, or when the machine does not run, it is called at once. [any] but not with a
 * device's lock held. */
int32_t vm_vcpu_call(struct vm *vm, uint32_t index, void (*f)(void *ctx, struct accel_vcpu *vcpu),
                     void *ctx);

/* Exit accounting for --stats, read after the run. */
struct vm_stats {
    uint64_t mmio_reads, mmio_writes, pio_reads, pio_writes, stray, kicks;
    uint64_t doorbells;    /* calls of vm_add_doorbell's fn */
    uint64_t first_run_ns; /* CLOCK_MONOTONIC just before the first vcpu_run; 0: never ran */
};
void vm_stats_read(const struct vm *vm, struct vm_stats *out);

#endif
