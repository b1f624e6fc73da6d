/* One host thread for each vCPU: runs the guest, takes calls from other threads, stops when told.
 */
#ifndef VMM_CORE_VCPU_THREAD_H
#define VMM_CORE_VCPU_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "core/accel.h"

struct vcpu_thread;

/* Called on the vCPU's thread when its run ended with something for the whole machine. */
typedef void vcpu_result_fn(void *ctx, enum run_result result, const struct err *err);

int32_t vcpu_thread_create(const struct accel_ops *accel, struct accel_vm *vm, uint32_t index,
                           vcpu_result_fn *on_result, void *ctx, struct vcpu_thread **out,
                           struct err *err);
void vcpu_thread_destroy(struct vcpu_thread *thread); /* stopped; takes NULL */

struct accel_vcpu *vcpu_thread_vcpu(struct vcpu_thread *thread);

/* Starting in two steps: once the first is done for all of them, no vCPU's call is made on another
 * thread while that vCPU's own is about to start. */
void vcpu_thread_begin_start(struct vcpu_thread *thread);
int32_t vcpu_thread_start(struct vcpu_thread *thread, struct err *err);
/* Stopping in two steps, so that all vCPUs stop at once. Harmless on one that does not run, and
 * needed for one whose start has only begun. */
void vcpu_thread_begin_stop(struct vcpu_thread *thread);
void vcpu_thread_finish_stop(struct vcpu_thread *thread);

/* See vm_vcpu_call. */
int32_t vcpu_thread_call(struct vcpu_thread *thread, void (*f)(void *ctx, struct accel_vcpu *vcpu),
                         void *ctx);

enum vcpu_count {
    VCPU_COUNT_MMIO_READ,
    VCPU_COUNT_MMIO_WRITE,
    VCPU_COUNT_PIO_READ,
    VCPU_COUNT_PIO_WRITE,
    VCPU_COUNT_STRAY,
    VCPU_COUNT_KICK,
    VCPU_N_COUNTS,
};

/* The vCPU whose thread this is; VCPU_NONE on any other. */
#define VCPU_NONE UINT32_MAX
uint32_t vcpu_thread_current(void);

/* Counts for the vCPU whose thread this is; nothing on any other thread. */
void vcpu_thread_count(enum vcpu_count what);
const uint64_t *vcpu_thread_counts(const struct vcpu_thread *thread); /* while stopped */

#endif
