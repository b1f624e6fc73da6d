/* The accelerators there are, and which one runs a guest. */
#ifndef VMM_ACCEL_ACCEL_LIST_H
#define VMM_ACCEL_ACCEL_LIST_H

#include "core/accel.h"

/* `wanted` is "auto", "kvm" or "soft". auto: KVM if the guest is of the host's architecture and a
 * probe passes, else the software processor where there is one. NULL and the sentence otherwise. */
const struct accel_ops *accel_choose(const char *wanted, enum arch arch, struct err *err);

/* What machines may ask for under that choice, by architecture; also where no guest could run.
 * BP_ERR_INVALID for a choice that there is not. */
int32_t accel_list_limits(const char *wanted, struct accel_limits limits[ARCH_COUNT],
                          struct err *err);

#endif
