/*
 * Parts of the device tree, for fdt.c only. Phandles are numbered so that none depends on what
 * others are used: processors' interrupt controllers, processors, devices, clocks.
 */
#ifndef VMM_TABLES_FDT_PARTS_H
#define VMM_TABLES_FDT_PARTS_H

#include "core/layout.h"
#include "tables/fdt_tree.h"

#define FDT_CLOCKS_MAX 32u

struct fdt_build {
    const struct layout *layout;
    struct fdt_tree tree;
    uint32_t clocks_hz[FDT_CLOCKS_MAX]; /* that devices have asked for so far */
    uint32_t n_clocks;
};

uint32_t fdt_phandle_intc(const struct fdt_build *b, uint32_t cpu);
uint32_t fdt_phandle_cpu(const struct fdt_build *b, uint32_t cpu);
uint32_t fdt_phandle_device(const struct fdt_build *b, const struct layout_device *dev);
uint32_t fdt_phandle_clock(const struct fdt_build *b, uint32_t index);

/* The node's name, "serial@10000000". False when the device has no node of its own. */
bool fdt_device_name(const struct layout_device *dev, char name[64]);

/* True if it has registers, so that its node lies in /soc. */
bool fdt_device_has_address(const struct layout_device *dev);

/* A device's whole node. */
void fdt_device_node(struct fdt_build *b, const struct layout_device *dev, const char *name);

/* The nodes under the root that it has besides. */
void fdt_device_root_nodes(struct fdt_build *b, const struct layout_device *dev);

/* 1-31 characters of those that Devicetree 0.4, 2.2.4.1 allows; and for nodes, 2.2.1.1. */
bool fdt_property_name_is_valid(const char *name);
bool fdt_node_name_is_valid(const char *name);

/* /cpus, and the number of a processor's interrupt input (BP_CPU_IRQ_*) at its controller. */
void fdt_riscv64_cpus(struct fdt_build *b);
uint32_t fdt_riscv64_cpu_irq(uint32_t irq);

#endif
