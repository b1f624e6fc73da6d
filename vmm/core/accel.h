/*
 * The accelerator: what runs guest instructions. `soft` (accel/rv64) is our own RISC-V processor;
 * KVM comes beside it with the same shape.
 *
 * Threads: one host thread per vCPU calls vcpu_run. Functions tagged [any] may be called from
 * every thread, also from within a callback of `struct accel_env`; the others belong to the thread
 * that set the machine up, or to the vCPU's own thread.
 */
#ifndef VMM_CORE_ACCEL_H
#define VMM_CORE_ACCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "util/err.h"

/* Why vcpu_run has returned, and why a whole machine has stopped. */
enum run_result {
    RUN_HANDLED = 0,     /* an exit was handled; call vcpu_run again */
    RUN_HALTED = 1,      /* the guest powered off, or this vCPU will never run again */
    RUN_REBOOT = 2,      /* the guest asked for a reset */
    RUN_YIELD = 3,       /* the guest asked the host to pause it here */
    RUN_USER_YIELD = 4,  /* the guest asked for a host service and wants to go on */
    RUN_INTERRUPTED = 5, /* kicked, or the user ended it */
    RUN_CRASHED = 6,     /* triple fault, panic device, unrecoverable firmware trap */
    RUN_ERROR = 7,       /* the host failed; the sentence is in the error */
};

/* Interrupt inputs of a vCPU that devices drive. Numbers are ABI: bp.cpu/1 uses the same. All are
 * levels but CPU_IRQ_S_SOFT: a rise sets the bit that the guest clears, a fall does nothing. */
enum cpu_irq {
    CPU_IRQ_M_SOFT = 1,
    CPU_IRQ_M_TIMER = 2,
    CPU_IRQ_M_EXTERNAL = 3,
    CPU_IRQ_S_SOFT = 4,
    CPU_IRQ_S_EXTERNAL = 5,
};

/* What the processor asks of the machine. Every function is called on a vCPU's thread, with no
 * lock held, and may block only as long as a device's callback does. */
struct accel_env {
    void *ctx;
    /* An access to a guest-physical range that no memory slot backs. width is 1, 2, 4 or 8, the
     * access is naturally aligned. A read returns the value zero-extended. */
    uint64_t (*mmio_read)(void *ctx, uint64_t gpa, uint32_t width);
    void (*mmio_write)(void *ctx, uint64_t gpa, uint32_t width, uint64_t value);
    /* The guest's time counter in ticks of timebase_hz. Cheap: it stands behind rdtime. */
    uint64_t (*ticks)(void *ctx);
    /* Console bytes of the firmware interface (SBI DBCN). Return the count accepted or read. */
    size_t (*console_write)(void *ctx, const uint8_t *bytes, size_t n);
    size_t (*console_read)(void *ctx, uint8_t *bytes, size_t n);
    /* A power request made through the firmware interface: RUN_HALTED, RUN_REBOOT or RUN_CRASHED.
     * The machine stops all vCPUs; the caller returns that result from vcpu_run. */
    void (*power)(void *ctx, enum run_result what);
    /* A guest-level event worth a log line, rate-limited by the machine. */
    void (*guest_log)(void *ctx, uint32_t vcpu, const char *sentence);
};

struct accel_config {
    enum arch arch;
    uint32_t n_cpus;
    uint64_t timebase_hz;
    bool firmware; /* the guest brings its own machine-mode firmware: no firmware interface of ours
                    */
    const struct accel_env *env; /* must outlive the VM */
};

struct accel_vm;
struct accel_vcpu;

/* How the vCPUs begin: one value for each kind of entry. */
enum accel_entry {
    ENTRY_BOOT_VCPU, /* starts at once */
    ENTRY_SECONDARY, /* waits until the firmware interface starts it (SBI HSM, PSCI) */
};

struct trace_entry {
    uint64_t pc;
    uint64_t cause; /* architecture's own trap or exit number */
    uint64_t value; /* faulting address, instruction or exit qualification */
    uint64_t ticks;
};

struct accel_ops {
    const char *name; /* "soft", "kvm" */
    /* 0 when `arch` can run here; otherwise BP_ERR_UNSUPPORTED and the reason. Starts nothing. */
    int32_t (*probe)(enum arch arch, struct err *err);

    int32_t (*vm_create)(const struct accel_config *config, struct accel_vm **out, struct err *err);
    void (*vm_destroy)(struct accel_vm *vm); /* takes NULL; all vCPUs are destroyed before */

    /* Backs [gpa, gpa+size) with host memory that the caller owns and keeps until vm_destroy.
     * Before the first vcpu_run. */
    int32_t (*map_memory)(struct accel_vm *vm, uint64_t gpa, void *host, uint64_t size,
                          struct err *err);

    int32_t (*vcpu_create)(struct accel_vm *vm, uint32_t index, struct accel_vcpu **out,
                           struct err *err);
    void (*vcpu_destroy)(struct accel_vcpu *vcpu);

    /* Architectural reset, then the given entry: registers as the boot protocol wants them are set
     * afterwards with set_reg. */
    void (*vcpu_reset)(struct accel_vcpu *vcpu, enum accel_entry entry);

    /* Runs the guest until something needs the machine. A halted vCPU sleeps in here. */
    enum run_result (*vcpu_run)(struct accel_vcpu *vcpu, struct err *err);

    /* [any] Makes vcpu_run return RUN_INTERRUPTED soon; a kick before vcpu_run is not lost. */
    void (*vcpu_kick)(struct accel_vcpu *vcpu);

    /* Registers by the stable ids of core/reg.h. On the vCPU's own thread or while it is stopped.
     * An id that this processor lacks: BP_ERR_UNSUPPORTED and a sentence with its name. */
    int32_t (*get_reg)(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err);
    int32_t (*set_reg)(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err);

    /* [any] Level of an interrupt input. Never blocks, never calls back. */
    void (*set_irq)(struct accel_vcpu *vcpu, enum cpu_irq irq, bool level);

    /* Ring of traps and exits. 0 entries, or a read without enabling: BP_ERR_INVALID. Entries come
     * oldest first; *n is the capacity on entry and the count on return. */
    int32_t (*enable_trace)(struct accel_vcpu *vcpu, size_t entries, struct err *err);
    int32_t (*read_trace)(struct accel_vcpu *vcpu, struct trace_entry *out, size_t *n,
                          struct err *err);

    /* The processor's description for the device tree; with a NULL vm that of a VM with default
     * settings. Static strings that live as long as the
     * program. riscv64: the ISA without and with the extension list, e.g. "rv64imafdc_zicsr...". */
    const char *(*isa_string)(struct accel_vm *vm);
    const char *(*mmu_type)(struct accel_vm *vm); /* "riscv,sv57" */

    /* [any] The time counter jumped (set by a device); pending timers are looked at again. */
    void (*ticks_changed)(struct accel_vm *vm);
};

extern const struct accel_ops accel_rv64;

#endif
