/* KVM where no guest of ours runs on it yet: only the software processor remains. */
#include "accel/kvm_arch.h"

const struct kvm_arch kvm_arch = {.arch = ARCH_INVALID};
