/*
 * bp.cpu/1 - for interrupt controllers and timers that sit at the processors: how many there are,
 * their time counter, and their interrupt inputs.
 */
#ifndef BACKPLANE_IF_CPU_H
#define BACKPLANE_IF_CPU_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_CPU_ID "bp.cpu/1"

/* Interrupt inputs of one processor (RISC-V: the pending bit that it drives). */
#define BP_CPU_IRQ_M_SOFT     1u /* MSIP */
#define BP_CPU_IRQ_M_TIMER    2u /* MTIP */
#define BP_CPU_IRQ_M_EXTERNAL 3u /* MEIP */
#define BP_CPU_IRQ_S_SOFT     4u /* SSIP */
#define BP_CPU_IRQ_S_EXTERNAL 5u /* SEIP */

struct bp_cpu {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] Number of processors; they count from 0. Known from create on. */
    uint32_t (*count)(const struct bp_host *host);
    /* [any] Frequency of the time counter in Hz. */
    uint64_t (*timebase_hz)(const struct bp_host *host);
    /* [any] The time counter, as rdtime shows it: follows virtual time. */
    uint64_t (*ticks)(const struct bp_host *host);
    /* [dev] Sets the time counter. */
    void (*set_ticks)(const struct bp_host *host, uint64_t ticks);
    /* [any] The virtual time in ns at which the counter reaches `ticks`: a deadline for a timer;
     * UINT64_MAX when it never does. */
    uint64_t (*ticks_to_ns)(const struct bp_host *host, uint64_t ticks);
    /* [any] Level of an input (BP_CPU_IRQ_*). Never calls back. A cpu or irq that does not exist
     * is ignored. */
    void (*irq_set)(const struct bp_host *host, uint32_t cpu, uint32_t irq, uint32_t level);
};

#ifdef __cplusplus
}
#endif
#endif
