/*
 * What an accelerator is told of its machine, and why a vCPU stops: see accel.h.
 */
#ifndef VMM_CORE_ACCEL_ENV_H
#define VMM_CORE_ACCEL_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "core/platform.h"

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
    /* An access to a guest-physical range that no memory slot backs. width is 1, 2, 4 or 8; the
     * address need not be aligned. A read returns the value zero-extended. */
    uint64_t (*mmio_read)(void *ctx, uint64_t gpa, uint32_t width);
    void (*mmio_write)(void *ctx, uint64_t gpa, uint32_t width, uint64_t value);
    /* x86_64: the same for ports; width is 1, 2 or 4. One call for each element of a string
     * instruction. */
    uint64_t (*pio_read)(void *ctx, uint16_t port, uint32_t width);
    void (*pio_write)(void *ctx, uint16_t port, uint32_t width, uint64_t value);
    /* x86_64 with ioapic_pins: a local APIC ended a level-triggered interrupt. */
    void (*eoi)(void *ctx, uint32_t vector);
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
    /* 0: the accelerator's own interrupt controller takes the lines, where the architecture has one
     * (core/platform.h). x86_64: otherwise a device of the machine is the I/O APIC, with so many
     * pins; only the local APICs are the accelerator's. */
    uint32_t ioapic_pins;
    /* What the machine was told that the accelerator brings: where its controllers are. NULL:
     * nothing. Must outlive the VM, as `env`. */
    const struct platform *platform;
    const struct accel_env *env;
};

/* What a machine may ask for. */
struct accel_limits {
    uint32_t max_cpus;
    uint32_t gpa_bits; /* guest-physical address width */
    const char *isa;   /* riscv64: see isa_string; otherwise NULL */
    const char *mmu_type;
    uint64_t timebase_hz;  /* of the guest's time counter, if it cannot be chosen; 0: it can */
    uint32_t gic_versions; /* arm64: bits 1 << PLATFORM_GIC_*; 0: as usual */
    bool has_its;          /* arm64: GICv3 with its translation service */
    bool has_no_pmu;       /* arm64: no performance counters, as far as is known */
    uint32_t aia_ids;      /* riscv64: interrupt identities of built-in controllers; 0: none */
    bool is_aia_assumed;   /* riscv64: there is nobody to ask: they may not be there */
};

#endif
