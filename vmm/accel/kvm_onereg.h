/*
 * Registers of a vCPU one by one, by KVM's own numbers (KVM's documentation 4.68, 4.69, 4.84), on
 * architectures that have no struct of all of them.
 */
#ifndef VMM_ACCEL_KVM_ONEREG_H
#define VMM_ACCEL_KVM_ONEREG_H

#include "accel/kvm.h"

/* Bytes of the register with this number. */
size_t kvm_onereg_bytes(uint64_t id);

/* `value` has as many bytes as the register. False: the kernel refused, errno says why. */
bool kvm_onereg_read(int vcpu_fd, uint64_t id, void *value);
bool kvm_onereg_write(int vcpu_fd, uint64_t id, const void *value);

/* The same for registers of 64 bits, with a sentence that has `name`. */
int32_t kvm_onereg_get(int vcpu_fd, uint64_t id, const char *name, uint64_t *value,
                       struct err *err);
int32_t kvm_onereg_put(int vcpu_fd, uint64_t id, const char *name, uint64_t value, struct err *err);

/* Numbers and values of some registers. */
struct kvm_onereg_set {
    uint64_t *ids;
    uint32_t n;
    uint8_t *values; /* one after the other */
};

/* Those that the kernel lists and `wants` picks, with what they have now. */
int32_t kvm_onereg_save(int vcpu_fd, bool (*wants)(uint64_t id), struct kvm_onereg_set *out,
                        struct err *err);
int32_t kvm_onereg_restore(int vcpu_fd, const struct kvm_onereg_set *set, struct err *err);
void kvm_onereg_free(struct kvm_onereg_set *set);

#endif
