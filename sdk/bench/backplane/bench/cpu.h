/* The bench's fakes of bp.cpu/1 and bp.power/1, and calls of a bp.irqchip/1 service. */
#ifndef BACKPLANE_BENCH_CPU_H
#define BACKPLANE_BENCH_CPU_H

#include <backplane/if/cpu.h>
#include <backplane/if/irqchip.h>
#include <backplane/if/power.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* Level of an input (BP_CPU_IRQ_*) of a processor, and how often it went from 0 to 1. */
uint32_t bench_cpu_irq(struct bench *b, uint32_t cpu, uint32_t irq);
uint32_t bench_cpu_irq_raises(struct bench *b, uint32_t cpu, uint32_t irq);

/* The time counter: virtual time at timebase_hz. */
uint64_t bench_cpu_ticks(const struct bench *b);

/* Sets a line of the interrupt controller that is being tested, as another device's would be. */
void bench_irqchip_set(struct bench *b, uint32_t line, uint32_t level);

/* The last request (BP_POWER_*, 0 for none), its code, and how many there were. */
uint32_t bench_power(const struct bench *b);
uint32_t bench_power_code(const struct bench *b);
uint32_t bench_power_count(const struct bench *b);

#ifdef __cplusplus
}
#endif
#endif
