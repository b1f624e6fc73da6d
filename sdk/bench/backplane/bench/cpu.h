/* The bench's fakes of bp.cpu/1, bp.apic/1 and bp.power/1, and calls of the services of an
 * interrupt controller. */
#ifndef BACKPLANE_BENCH_CPU_H
#define BACKPLANE_BENCH_CPU_H

#include <backplane/if/apic.h>
#include <backplane/if/cpu.h>
#include <backplane/if/doorbell.h>
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

/* What went to the local APICs since the bench was made: how many messages, and each from 0. */
struct bench_message {
    uint64_t address;
    uint32_t data;
    uint32_t flags; /* of a route: BP_APIC_* */
};
uint32_t bench_apic_sent(const struct bench *b);
struct bench_message bench_apic_message(const struct bench *b, uint32_t n);

/* What the controller has said last that a pin will send (all 0: nothing), how often it has said
 * something of some pin; what `send` gives from now on; and the end of an interrupt. */
struct bench_message bench_apic_route(const struct bench *b, uint32_t pin);
uint32_t bench_apic_routed(const struct bench *b);
void bench_apic_refuse(struct bench *b, int32_t status);
void bench_apic_eoi(struct bench *b, uint32_t vector);

/* The last request (BP_POWER_*, 0 for none), its code, and how many there were. */
uint32_t bench_power(const struct bench *b);
uint32_t bench_power_code(const struct bench *b);
uint32_t bench_power_count(const struct bench *b);

#ifdef __cplusplus
}
#endif
#endif
