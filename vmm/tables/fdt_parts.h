/*
 * Parts of the device tree, for fdt*.c only. Phandles are numbered so that none depends on what
 * others are used: processors' interrupt controllers, processors, devices, clocks, the processors'
 * common cache.
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
uint32_t fdt_phandle_l2(const struct fdt_build *b);

/* The built-in device of that name (core/platform.h); NULL. */
const struct layout_device *fdt_find_builtin(const struct layout *layout, const char *name);

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

/* /cpus/cpu-map, where the bindings of all architectures have it. */
void fdt_cpu_map(struct fdt_build *b);

/* /cpus, and the number of a processor's interrupt input (BP_CPU_IRQ_*) at its controller. */
void fdt_riscv64_cpus(struct fdt_build *b);
uint32_t fdt_riscv64_cpu_irq(uint32_t irq);
/* What a built-in interrupt controller's node has beyond the generic part. */
void fdt_riscv64_controller(struct fdt_build *b, const struct layout_device *dev);

/* arm64: the layout has what the tree needs. */
int32_t fdt_arm64_check(const struct layout *layout, struct err *err);
/* /cpus, /psci and /timer. */
void fdt_arm64_system(struct fdt_build *b);
/* What the built-in interrupt controller's node has beyond the generic part, with the translation
 * service's node. */
void fdt_arm64_controller(struct fdt_build *b);
/* The translation service, whose node lies in the controller's, and that node's name. */
bool fdt_arm64_is_its(const struct layout *layout, const struct layout_device *dev);
void fdt_arm64_its_name(const struct layout_device *its, char name[64]);

#endif
