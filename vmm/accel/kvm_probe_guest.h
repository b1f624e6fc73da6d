/*
 * The tiny guest of the KVM probe. What depends on the architecture is in kvm_probe_ARCH.c; the
 * build takes the host's own.
 */
#ifndef VMM_ACCEL_KVM_PROBE_GUEST_H
#define VMM_ACCEL_KVM_PROBE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel/kvm_probe.h"

struct kvm_run;

/* The guest's RAM, whole pages. */
#define KVM_GUEST_RAM_BYTES 0x10000u

struct kvm_guest {
    const char *path;
    int kvm_fd, vm_fd, vcpu_fd; /* -1: not made */
    struct kvm_run *run;
    size_t run_bytes;
    uint8_t *ram;
};

/* What an exit means. */
enum kvm_guest_event {
    KVM_GUEST_ROUND_DONE,  /* the timed loop has ended once more */
    KVM_GUEST_TIMER_FIRED, /* the guest's handler of its timer interrupt has run */
    KVM_GUEST_UNEXPECTED,
};

/* Runs after KVM_PROBE_ROUNDS rounds until the timer fires; false where there is no such test. */
extern const bool kvm_guest_tests_timer;
extern const uint64_t kvm_guest_ram_gpa;

/* The steps around the vCPU's creation. Each writes a sentence that begins with the path. */
int32_t kvm_guest_set_up_vm(struct kvm_guest *guest, struct err *err);
int32_t kvm_guest_set_up_vcpu(struct kvm_guest *guest, struct err *err);

enum kvm_guest_event kvm_guest_event_of(const struct kvm_run *run);

/* "PATH: WHAT failed: ERRNO; ...". Returns BP_ERR_UNSUPPORTED. */
int32_t kvm_guest_fail(const struct kvm_guest *guest, const char *what, struct err *err);

#endif
