/* What the arm64 files of accel/kvm share. */
#ifndef VMM_ACCEL_KVM_ARM64_H
#define VMM_ACCEL_KVM_ARM64_H

#include <asm/kvm.h>

#include "accel/kvm.h"
#include "accel/kvm_onereg.h"

/* One 32-bit register of the interrupt controller, as KVM's device attributes name it. */
struct kvm_vgic_reg {
    uint32_t group;
    uint64_t attr;
    uint64_t value;
};

struct kvm_arch_vm {
    bool has_sve, has_pauth;
    int gic_fd, its_fd;   /* -1: none */
    uint32_t gic_version; /* PLATFORM_GIC_*; 0: no interrupt controller */
    uint32_t n_vcpus;     /* made so far */
    uint64_t affinities[KVM_CPUS_MAX];
    bool is_fresh; /* nothing has run since power-on */
    /* What the guest can change, as it was at power-on. */
    struct kvm_vgic_reg *regs;
    size_t n_regs;
};

struct kvm_arch_vcpu {
    struct kvm_vcpu_init init;
    bool has_pmu; /* set up; it cannot be twice */
};

/* --- kvm_vgic_arm64.c: the interrupt controller ----------------------------------------------- */

/* accel_limits.gic_versions and has_its, by making one for trial. */
void kvm_vgic_limits(int kvm_fd, struct accel_limits *out);

/* Where config.platform says; nothing without it. */
int32_t kvm_vgic_create(struct accel_vm *vm, struct err *err);
void kvm_vgic_destroy(struct accel_vm *vm);
/* When all vCPUs are there: from then on it works. */
int32_t kvm_vgic_complete(struct accel_vm *vm, struct err *err);
int32_t kvm_vgic_find_gsi(struct accel_vm *vm, uint32_t line, uint32_t *gsi, struct err *err);
/* Of this vCPU's redistributor; 0: none. */
uint64_t kvm_vgic_redistributor(const struct accel_vcpu *vcpu);

/* A device's attribute; `value` as the kernel's documentation says. False: errno. */
bool kvm_vgic_read(int fd, uint32_t group, uint64_t attr, void *value);
bool kvm_vgic_write(int fd, uint32_t group, uint64_t attr, const void *value);

/* --- kvm_vgic_reset_arm64.c ------------------------------------------------------------------- */

/* Notes the registers of a complete controller. */
int32_t kvm_vgic_note(struct accel_vm *vm, struct err *err);
int32_t kvm_vgic_reset(struct accel_vm *vm, struct err *err);

/* --- kvm_regs_arm64.c ------------------------------------------------------------------------- */

#define KVM_ARM64_MPIDR ARM64_SYS_REG(3, 0, 0, 0, 5)

int32_t kvm_regs_get(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err);
int32_t kvm_regs_set(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err);
uint64_t kvm_regs_pc(const struct accel_vcpu *vcpu);

#endif
