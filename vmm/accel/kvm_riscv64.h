/* What the riscv64 files of accel/kvm share. */
#ifndef VMM_ACCEL_KVM_RISCV64_H
#define VMM_ACCEL_KVM_RISCV64_H

/* asm/kvm.h names structs of this one. */
#include <asm/ptrace.h>

#include "accel/kvm.h"
#include "accel/kvm_onereg.h"

struct kvm_arch_vm {
    int aia_fd;       /* -1: the machine's own controllers */
    uint32_t n_vcpus; /* made so far */
    bool is_fresh;    /* nothing has run since power-on */
};

struct kvm_arch_vcpu {
    struct kvm_onereg_set at_power_on;
};

/* Numbers of registers for KVM_GET_ONE_REG. */
#define KVM_RISCV_REG64(type, index)                                                               \
    (KVM_REG_RISCV | KVM_REG_SIZE_U64 | (uint64_t)(type) | (uint64_t)(index))

/* --- kvm_isa_riscv64.c ------------------------------------------------------------------------ */

/* The kernel's answers about one processor. */
struct kvm_isa_facts {
    bool has[KVM_RISCV_ISA_EXT_MAX];
    uint64_t cbom_bytes, cboz_bytes; /* block sizes */
    uint64_t satp_mode;
};

void kvm_isa_read(int vcpu_fd, struct kvm_isa_facts *out);

/* "rv64imafdc_zicsr_...": what guests are told of, with Ssaia where it is there: a machine without
 * such controllers takes it out. Cut if it does not fit. */
void kvm_isa_print(const struct kvm_isa_facts *facts, char *out, size_t size);
const char *kvm_isa_mmu_type(uint64_t satp_mode); /* NULL: none */

/* Takes what guests are not told of out of the processor, as far as the kernel allows. */
void kvm_isa_trim(int vcpu_fd, bool has_aia);

/* The isa, mmu_type, timebase_hz and aia_ids of all guests here; nothing changes when they are not
 * known. */
void kvm_isa_limits(int kvm_fd, struct accel_limits *out);

/* --- kvm_aia_riscv64.c: the kernel's interrupt controllers ------------------------------------ */

/* Interrupt identities that a VM's would have; 0: this host has none. */
uint32_t kvm_aia_ids(int vm_fd);

/* Where config.platform says; nothing without it. */
int32_t kvm_aia_create(struct accel_vm *vm, struct err *err);
void kvm_aia_destroy(struct accel_vm *vm);
/* When all vCPUs are there: from then on it works. */
int32_t kvm_aia_complete(struct accel_vm *vm, struct err *err);
int32_t kvm_aia_reset(struct accel_vm *vm, struct err *err);
int32_t kvm_aia_find_gsi(struct accel_vm *vm, uint32_t line, uint32_t *gsi, struct err *err);

/* --- kvm_regs_riscv64.c ----------------------------------------------------------------------- */

int32_t kvm_regs_get(struct accel_vcpu *vcpu, uint32_t reg, uint64_t *value, struct err *err);
int32_t kvm_regs_set(struct accel_vcpu *vcpu, uint32_t reg, uint64_t value, struct err *err);
uint64_t kvm_regs_pc(const struct accel_vcpu *vcpu);

/* --- kvm_sbi_riscv64.c ------------------------------------------------------------------------ */

/* Asks the kernel to pass on the calls that we answer. */
void kvm_sbi_enable(int vcpu_fd);
void kvm_sbi_call(struct accel_vcpu *vcpu);

#endif
