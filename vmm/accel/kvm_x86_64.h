/* What the x86_64 files of accel/kvm share. */
#ifndef VMM_ACCEL_KVM_X86_64_H
#define VMM_ACCEL_KVM_X86_64_H

#include <asm/kvm.h>

#include "accel/kvm.h"

/* --- kvm_cpuid_x86_64.c: pure ----------------------------------------------------------------- */

#define KVM_CPUID_MAX 256u

struct kvm_cpuid_table {
    uint32_t n, padding; /* as struct kvm_cpuid2 */
    struct kvm_cpuid_entry2 entries[KVM_CPUID_MAX];
};

/* Whose processor it will be. */
struct kvm_cpuid_shape {
    uint32_t index;  /* the vCPU's, and its APIC id */
    uint32_t n_cpus; /* cores of one package, one thread each */
    uint32_t tsc_khz;
    bool has_deadline_timer;
};

/* What the kernel supports (KVM_GET_SUPPORTED_CPUID) becomes what this vCPU has. */
void kvm_cpuid_shape(struct kvm_cpuid_table *cpuid, const struct kvm_cpuid_shape *shape);

struct kvm_cpuid_entry2 *kvm_cpuid_find(struct kvm_cpuid_table *cpuid, uint32_t function,
                                        uint32_t index);

/* What the kernel supports, asked once; kvm_x86_64.c. */
int32_t kvm_cpuid_supported(int kvm_fd, struct kvm_cpuid_table *out, struct err *err);

/* --- kvm_state_x86_64.c: all of a vCPU's state, read at power-on and written at each reset ---- */

struct kvm_msr_table {
    uint32_t n, padding; /* as struct kvm_msrs */
    struct kvm_msr_entry entries[];
};

struct kvm_vcpu_state {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_xcrs xcrs;
    struct kvm_lapic_state lapic;
    struct kvm_vcpu_events events;
    struct kvm_debugregs debugregs;
    struct kvm_xsave *xsave; /* xsave_bytes of the VM */
    struct kvm_msr_table *msrs;
};

int32_t kvm_state_read(struct accel_vcpu *vcpu, struct kvm_vcpu_state *state, struct err *err);
int32_t kvm_state_write(struct accel_vcpu *vcpu, const struct kvm_vcpu_state *state,
                        struct err *err);
void kvm_state_free(struct kvm_vcpu_state *state);

/* The indices that the kernel lists, and those that it forgets. */
int32_t kvm_msr_list(int kvm_fd, uint32_t **out, uint32_t *n, struct err *err);

/* --- The VM ----------------------------------------------------------------------------------- */

/* Interrupt controllers, timer and clock of the kernel, as they were after creation. */
struct kvm_chips {
    struct kvm_irqchip pics[2], ioapic;
    struct kvm_pit_state2 pit;
};

struct kvm_arch_vm {
    struct kvm_cpuid_table supported;
    bool has_deadline_timer;
    uint32_t tsc_khz; /* 0: not known */
    size_t xsave_bytes;
    bool has_xsave2;
    uint64_t mcg_cap; /* machine check banks; 0: as the kernel has them */
    uint32_t *msrs;
    uint32_t n_msrs;
    struct kvm_chips chips;
};

struct kvm_arch_vcpu {
    struct kvm_vcpu_state at_power_on;
};

/* kvm_chips_x86_64.c */
int32_t kvm_chips_create(struct accel_vm *vm, struct err *err);
int32_t kvm_chips_reset(struct accel_vm *vm, struct err *err);
int32_t kvm_chips_find_gsi(struct accel_vm *vm, uint32_t line, uint32_t *gsi, struct err *err);

/* kvm_regs_x86_64.c */
int32_t kvm_regs_get(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err);
int32_t kvm_regs_set(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err);
int32_t kvm_regs_protected_mode(struct accel_vcpu *vcpu, struct err *err);
int32_t kvm_regs_long_mode(struct accel_vcpu *vcpu, const struct accel_x86_long_mode *mode,
                           struct err *err);

#endif
