/* The probe where KVM runs no guest of ours: hosts that are neither x86_64, arm64 nor riscv64. */
#include <backplane/abi.h>

#include "accel/kvm_probe_guest.h"

const bool kvm_guest_tests_timer = false;
const uint64_t kvm_guest_ram_gpa = 0;

int32_t kvm_guest_set_up_vm(struct kvm_guest *guest, struct err *err)
{
    return err_set(err, BP_ERR_UNSUPPORTED,
                   "%s: guests of this host's architecture are not supported; use the software "
                   "processor",
                   guest->path);
}

int32_t kvm_guest_set_up_vcpu(struct kvm_guest *guest, struct err *err)
{
    return kvm_guest_set_up_vm(guest, err);
}

enum kvm_guest_event kvm_guest_event_of(const struct kvm_run *run)
{
    (void)run;
    return KVM_GUEST_UNEXPECTED;
}
