/* Guest writes that signal an event descriptor, which the loop watches: see vm_add_doorbell. */
#ifndef VMM_CORE_DOORBELLS_H
#define VMM_CORE_DOORBELLS_H

#include "core/vm.h"

struct doorbells {
    struct doorbell *first;
    uint64_t n_rung; /* calls so far; the loop's thread */
};

int32_t doorbells_add(struct doorbells *bells, const struct accel_ops *accel, struct accel_vm *vm,
                      struct loop *loop, const struct vm_doorbell *doorbell, struct err *err);

/* With NULL, all of them: the accelerator's VM is gone, or does not run any more. */
void doorbells_remove(struct doorbells *bells, const void *ctx);

#endif
