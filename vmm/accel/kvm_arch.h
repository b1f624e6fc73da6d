/*
 * What accel/kvm asks of the host's architecture: kvm_ARCH.c defines the one kvm_arch there is. The
 * build takes the host's own, kvm_other.c where KVM runs no guests of ours.
 */
#ifndef VMM_ACCEL_KVM_ARCH_H
#define VMM_ACCEL_KVM_ARCH_H

#include "accel/kvm.h"

struct kvm_arch {
    enum arch arch; /* of the guests; ARCH_INVALID: none here, and all that follows is NULL */
    const struct kvm_need *needs;
    size_t n_needs;

    /* gpa_bits of guests; kvm_fd may be -1: what is usual. */
    uint32_t (*gpa_bits)(int kvm_fd);
    /* More of what guests may have here; NULL: nothing. */
    void (*limits)(int kvm_fd, struct accel_limits *out);
    /* The argument of KVM_CREATE_VM; NULL: 0. */
    unsigned long (*vm_type)(struct accel_vm *vm);

    /* After KVM_CREATE_VM: interrupt controllers, routes, vm->lines. */
    int32_t (*vm_create)(struct accel_vm *vm, struct err *err);
    void (*vm_destroy)(struct accel_vm *vm); /* also one half made */
    /* After KVM_CREATE_VCPU. */
    int32_t (*vcpu_create)(struct accel_vcpu *vcpu, struct err *err);
    void (*vcpu_destroy)(struct accel_vcpu *vcpu); /* also one half made */
    int32_t (*vcpu_reset)(struct accel_vcpu *vcpu, enum accel_entry entry, struct err *err);

    /* An exit that the common part does not know. RUN_HANDLED: go on. */
    enum run_result (*on_exit)(struct accel_vcpu *vcpu, struct err *err);
    /* KVM_RUN has failed with this error for something that the guest did: what it was; NULL: it is
     * the host's fault. NULL: it always is. */
    const char *(*guest_fault)(int error);
    uint32_t pc_reg; /* id of the program counter, with guest_fault */
    /* Where the guest was at the last exit; 0: not known. */
    uint64_t (*pc)(const struct accel_vcpu *vcpu);

    int32_t (*get_reg)(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err);
    int32_t (*set_reg)(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err);

    /* [any] An input of a vCPU; NULL: the kernel's interrupt controllers drive them all. */
    void (*set_irq)(struct accel_vcpu *vcpu, enum cpu_irq irq, bool level);

    uint32_t irq_base; /* of the numbers that KVM_IRQ_LINE takes */
    /* The kernel takes an event descriptor for a level that stays: edges are set as pulses. */
    bool pulses_edges;
    bool has_no_msi; /* an address and data alone make no interrupt */
    /* The kernel's number of an input of its interrupt controller. */
    int32_t (*find_gsi)(struct accel_vm *vm, uint32_t line, uint32_t *gsi, struct err *err);

    /* x86_64 only; NULL elsewhere. */
    int32_t (*set_protected_mode)(struct accel_vcpu *vcpu, struct err *err);
    int32_t (*set_long_mode)(struct accel_vcpu *vcpu, const struct accel_x86_long_mode *mode,
                             struct err *err);
};

extern const struct kvm_arch kvm_arch;

#endif
