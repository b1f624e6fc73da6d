/* KVM on arm64 hosts: no guests of ours run on it yet, only on the software processor. */
#include "accel/kvm_arch.h"

const struct kvm_arch kvm_arch = {.arch = ARCH_INVALID};
