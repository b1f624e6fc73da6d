/*
 * bp.apic/1 - for the I/O interrupt controllers of x86 machines: messages to the processors' local
 * APICs (Intel SDM volume 3, 11.11 "Message signalled interrupts"). Absent on other machines.
 */
#ifndef BACKPLANE_IF_APIC_H
#define BACKPLANE_IF_APIC_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_APIC_ID "bp.apic/1"

#define BP_APIC_LEVEL  (1u << 0) /* the processors report the end of each interrupt: see eoi */
#define BP_APIC_MASKED (1u << 1)

struct bp_apic {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] Sends a message: address 0xfeexxxxx and data as a device would write them.
     * BP_ERR_STATE before realize, BP_ERR_UNSUPPORTED where no processor takes any. */
    int32_t (*send)(const struct bp_host *host, uint64_t address, uint32_t data);
    /* [dev] What pin `pin` will send (BP_APIC_*), whenever that changes: for level-triggered pins
     * the processors then report ends. BP_ERR_RANGE: more pins than the host can watch. */
    int32_t (*route)(const struct bp_host *host, uint32_t pin, uint64_t address, uint32_t data,
                     uint32_t flags);
};

/* Service of the controller, beside bp.irqchip/1. */
#define BP_APIC_EOI_ID "bp.apic-eoi/1"

struct bp_apic_eoi_ops {
    uint32_t struct_size;
    uint32_t pad;
    /* [dev] A processor has ended a level-triggered interrupt with this vector. */
    void (*eoi)(void *dev, uint32_t vector);
};

#ifdef __cplusplus
}
#endif
#endif
