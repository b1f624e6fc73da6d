/*
 * The host's memory fences behind FENCE. The thread sanitizer does not follow fences, and gcc says
 * so; nothing here depends on them in its eyes, as every access to guest memory is atomic.
 */
#ifndef VMM_ACCEL_RV64_FENCE_H
#define VMM_ACCEL_RV64_FENCE_H

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif

static inline void fence_full(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void fence_weak(void)
{
    __atomic_thread_fence(__ATOMIC_ACQ_REL);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
