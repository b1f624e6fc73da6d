/*
 * The accelerator: what runs guest instructions. `soft` (accel/rv64) is our own RISC-V processor,
 * `kvm` (accel/kvm*) the host's.
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

#include "core/accel_env.h"
#include "core/arch.h"
#include "util/err.h"

struct accel_vm;
struct accel_vcpu;

/* How the vCPUs begin: one value for each kind of entry. */
enum accel_entry {
    ENTRY_BOOT_VCPU, /* starts at once */
    ENTRY_SECONDARY, /* waits until the firmware interface starts it (SBI HSM, PSCI) */
};

/* A guest write that signals `event_fd` and does not return from vcpu_run. */
struct accel_doorbell {
    bool is_port;
    uint64_t address; /* gpa or port */
    uint32_t width;
    uint64_t value;
    int event_fd;
};

/* x86_64: descriptor tables and paging of a vCPU that begins in 64-bit mode. The tables lie in
 * guest memory already (core/x86_tables.h writes them). */
struct accel_x86_long_mode {
    uint64_t cr3;
    uint64_t gdt_gpa;
    uint16_t gdt_limit;
    uint16_t cs, ds; /* selectors: 64-bit code, flat data */
};

struct accel_count {
    const char *name; /* "port", "mmio", "interrupt window": static */
    uint64_t n;
};

struct trace_entry {
    uint64_t pc;
    uint64_t cause; /* architecture's own trap or exit number */
    uint64_t value; /* faulting address, instruction or exit qualification */
    uint64_t ticks;
};

struct accel_ops {
    const char *name; /* "soft", "kvm" */
    /* 0 when `arch` can run here; otherwise a status and the reason. May run a tiny guest
     * of its own, half a second at most, and remembers the answer. */
    int32_t (*probe)(enum arch arch, struct err *err);
    /* What there is at most; also where probe fails: then what such a processor usually has. */
    void (*limits)(enum arch arch, struct accel_limits *out);

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
     * afterwards with set_reg. All vCPUs are stopped and reset in their order: the first one's
     * reset is also that of what the accelerator keeps for the whole machine (interrupt
     * controllers, timers), so devices have let their lines go before. */
    void (*vcpu_reset)(struct accel_vcpu *vcpu, enum accel_entry entry);

    /* Runs the guest until something needs the machine. A halted vCPU sleeps in here. With
     * RUN_CRASHED too the error may have a sentence. */
    enum run_result (*vcpu_run)(struct accel_vcpu *vcpu, struct err *err);

    /* [any] Makes vcpu_run return RUN_INTERRUPTED soon; a kick before vcpu_run is not lost. The
     * access that the guest was in the middle of is complete then. Several kicks may be answered as
     * one. */
    void (*vcpu_kick)(struct accel_vcpu *vcpu);

    /* Registers by the stable ids of core/reg.h. On the vCPU's own thread or while it is stopped.
     * An id that this processor lacks: BP_ERR_UNSUPPORTED and a sentence with its name. */
    int32_t (*get_reg)(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err);
    int32_t (*set_reg)(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err);

    /* [any] Level of an interrupt input. Never blocks, never calls back. */
    void (*set_irq)(struct accel_vcpu *vcpu, enum cpu_irq irq, bool level);

    /* --- Lines, messages, doorbells; NULL where the accelerator has no interrupt controller --- */

    /* During set-up: line `number` of the controller will be driven, with a trigger BP_EDGE_RISING
     * or BP_LEVEL_HIGH. */
    int32_t (*connect_line)(struct accel_vm *vm, uint32_t number, uint32_t trigger,
                            struct err *err);
    /* [any] An edge line fires when `level` is true. Never blocks, never calls back. */
    void (*set_line)(struct accel_vm *vm, uint32_t number, bool level);
    /* [any] A message-signalled interrupt. */
    int32_t (*send_msi)(struct accel_vm *vm, uint64_t address, uint32_t data);
    /* x86_64 with ioapic_pins: what a pin of the machine's I/O APIC will send. [any] */
    int32_t (*route_pin)(struct accel_vm *vm, uint32_t pin, uint64_t address, uint32_t data,
                         bool is_level, bool is_masked);
    /* During set-up, after map_memory. BP_ERR_UNSUPPORTED: writes return from vcpu_run. */
    int32_t (*add_doorbell)(struct accel_vm *vm, const struct accel_doorbell *doorbell,
                            struct err *err);

    /* --- Dirty pages; NULL: not there --- */

    /* Begins or ends noting the pages that the guest writes in the memory mapped at `gpa`. */
    int32_t (*track_dirty)(struct accel_vm *vm, uint64_t gpa, bool enable, struct err *err);
    /* Fetches and clears them: one bit for each 4 KiB page, little-endian 64-bit words. */
    int32_t (*fetch_dirty)(struct accel_vm *vm, uint64_t gpa, uint64_t *bitmap, size_t n_words,
                           struct err *err);

    /* --- x86_64 --- */

    /* Flat 32-bit protected mode without paging; then 64-bit mode. Registers are set afterwards. */
    int32_t (*set_protected_mode)(struct accel_vcpu *vcpu, struct err *err);
    int32_t (*set_long_mode)(struct accel_vcpu *vcpu, const struct accel_x86_long_mode *mode,
                             struct err *err);

    /* --- Looking at it --- */

    /* Exits by kind, while the vCPU is stopped; at most `n`, returns how many there are. NULL: not
     * counted. */
    size_t (*exit_counts)(struct accel_vcpu *vcpu, struct accel_count *out, size_t n);
    /* What a trace entry's cause is called: static, or a per-thread buffer that the next call
     * reuses. NULL: causes have no names here. */
    const char *(*cause_name)(uint64_t cause);

    /* Ring of traps and exits. 0 entries, or a read without enabling: BP_ERR_INVALID. Entries come
     * oldest first; *n is the capacity on entry and the count on return. kvm always keeps the last
     * 32, without the time, and has them without enabling, which makes a larger ring. */
    int32_t (*enable_trace)(struct accel_vcpu *vcpu, size_t entries, struct err *err);
    int32_t (*read_trace)(struct accel_vcpu *vcpu, struct trace_entry *out, size_t *n,
                          struct err *err);

    /* The processor's description for the device tree; with a NULL vm that of a VM with default
     * settings. Static strings that live as long as the
     * program. riscv64: the ISA without and with the extension list, e.g. "rv64imafdc_zicsr...". */
    const char *(*isa_string)(struct accel_vm *vm);
    const char *(*mmu_type)(struct accel_vm *vm); /* "riscv,sv57" */

    /* [any] The time counter jumped (set by a device); pending timers are looked at again. NULL:
     * the guest's counter is not ours. */
    void (*ticks_changed)(struct accel_vm *vm);
};

extern const struct accel_ops accel_rv64;
extern const struct accel_ops accel_kvm;

#endif
