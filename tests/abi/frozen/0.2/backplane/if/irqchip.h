/*
 * bp.irqchip/1 - service of an interrupt controller: takes the lines of all other devices.
 *
 * A machine has one such device. Lines are numbered from `first`; machine files pin them with
 * irq.NAME. The device tree's interrupt-controller properties come from describe_fdt; the
 * specifier that other devices' nodes carry comes from here.
 */
#ifndef BACKPLANE_IF_IRQCHIP_H
#define BACKPLANE_IF_IRQCHIP_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_IRQCHIP_ID        "bp.irqchip/1"
#define BP_IRQCHIP_MAX_CELLS 4u

struct bp_irqchip_ops {
    uint32_t struct_size;
    uint32_t pad;
    /* [pure] The first line number and how many there are. */
    void (*range)(const void *dev, uint32_t *first, uint32_t *count);
    /* [dev] Level of a line within the range. Must not call other devices. */
    void (*set)(void *dev, uint32_t line, uint32_t level);
    /* [pure] The interrupt specifier for a line with a trigger (BP_EDGE_RISING, BP_LEVEL_HIGH):
     * writes at most BP_IRQCHIP_MAX_CELLS cells in host order, returns how many. */
    uint32_t (*specifier)(const void *dev, uint32_t line, uint32_t trigger, uint32_t *cells);
};

#ifdef __cplusplus
}
#endif
#endif
