/*
 * What only an arm64 machine's tree has: processors, PSCI, the architected timer and the generic
 * interrupt controller. Bindings: arm/cpus.yaml, arm/psci.yaml, arm/pmu.yaml,
 * timer/arm,arch_timer.yaml, interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml,
 * cpu/cpu-topology.txt.
 *
 * Not told: caches, for those that the guest finds in its registers are not the host's, and the
 * controller's maintenance interrupt, which only guests with guests of their own could use.
 */
#include <backplane/abi.h>
#include <stdio.h>
#include <string.h>

#include "tables/fdt_parts.h"

/* The third cell of an interrupt specifier of the controller's. */
#define PPI             1u
#define LEVEL_HIGH      4u
#define LEVEL_LOW       8u
#define V2_CPUS_SHIFT   8u /* GICv2: which processors' it is */
#define INTERRUPT_CELLS 3u

/* The architecture's private interrupts (Base System Architecture): numbers from INTID 16 on. */
static const uint32_t timer_ppis[] = {13, 14, 11, 10}; /* secure, non-secure, virtual, hypervisor */
#define N_TIMER_PPIS (sizeof(timer_ppis) / sizeof(timer_ppis[0]))

/* As KVM numbers them (its reset of MPIDR_EL1): 16 in each Aff0, so that a software interrupt's
 * list of targets can name them. */
static uint32_t affinity(uint32_t cpu)
{
    return (cpu & 0xf) | (cpu >> 4 & 0xff) << 8 | (cpu >> 12 & 0xff) << 16;
}

static void write_cpu(struct fdt_build *b, uint32_t cpu)
{
    struct fdt_tree *t = &b->tree;
    char name[24];
    (void)snprintf(name, sizeof(name), "cpu@%x", affinity(cpu));
    fdt_tree_begin(t, name);
    fdt_tree_string(t, "device_type", "cpu");
    fdt_tree_string(t, "compatible", "arm,armv8");
    fdt_tree_u32(t, "reg", affinity(cpu));
    fdt_tree_string(t, "enable-method", "psci");
    fdt_tree_u32(t, "phandle", fdt_phandle_cpu(b, cpu));
    fdt_tree_end(t);
}

static void write_psci(struct fdt_tree *t)
{
    fdt_tree_begin(t, "psci");
    fdt_tree_string_list(t, "compatible", "arm,psci-1.0\0arm,psci-0.2\0");
    fdt_tree_string(t, "method", "hvc");
    fdt_tree_end(t);
}

static uint32_t every_cpu(const struct layout *l)
{
    return l->gic_version == PLATFORM_GIC_V2 ? ((1u << l->n_cpus) - 1) << V2_CPUS_SHIFT : 0;
}

static void write_pmu(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    const uint32_t cells[INTERRUPT_CELLS] = {PPI, PLATFORM_PMU_PPI,
                                             LEVEL_HIGH | every_cpu(b->layout)};
    if (!b->layout->has_pmu)
        return;
    fdt_tree_begin(t, "pmu");
    fdt_tree_string(t, "compatible", "arm,armv8-pmuv3");
    fdt_tree_cells(t, "interrupts", cells, INTERRUPT_CELLS);
    fdt_tree_end(t);
}

static void write_timer(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    uint32_t cells[N_TIMER_PPIS * INTERRUPT_CELLS];
    uint32_t flags = LEVEL_LOW | every_cpu(b->layout);
    for (size_t i = 0; i < N_TIMER_PPIS; i++) {
        cells[i * INTERRUPT_CELLS] = PPI;
        cells[i * INTERRUPT_CELLS + 1] = timer_ppis[i];
        cells[i * INTERRUPT_CELLS + 2] = flags;
    }
    fdt_tree_begin(t, "timer");
    fdt_tree_string(t, "compatible", "arm,armv8-timer");
    fdt_tree_cells(t, "interrupts", cells, N_TIMER_PPIS * INTERRUPT_CELLS);
    fdt_tree_empty(t, "always-on");
    fdt_tree_end(t);
}

void fdt_arm64_system(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    fdt_tree_begin(t, "cpus");
    fdt_tree_u32(t, "#address-cells", 1);
    fdt_tree_u32(t, "#size-cells", 0);
    for (uint32_t i = 0; i < b->layout->n_cpus; i++)
        write_cpu(b, i);
    fdt_cpu_map(b);
    fdt_tree_end(t);
    write_psci(t);
    write_timer(b);
    write_pmu(b);
}

/* --- The interrupt controller ----------------------------------------------------------------- */

int32_t fdt_arm64_check(const struct layout *l, struct err *err)
{
    if (l->irqchip == NULL)
        return err_set(err, BP_ERR_INVALID, "device tree: the machine has no interrupt controller");
    if (!l->irqchip->is_builtin)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "device tree: device %s (%s) is the interrupt controller, and on arm64 that "
                       "is the accelerator's: remove it",
                       l->irqchip->name, l->irqchip->class_id);
    if (l->gic_version == PLATFORM_GIC_V2 && l->n_cpus > PLATFORM_GIC_V2_CPUS)
        return err_set(err, BP_ERR_RANGE, "device tree: GICv2 serves at most %u processors",
                       PLATFORM_GIC_V2_CPUS);
    return BP_OK;
}

bool fdt_arm64_is_its(const struct layout *l, const struct layout_device *dev)
{
    return l->arch == ARCH_ARM64 && dev->is_builtin && strcmp(dev->name, "its") == 0;
}

void fdt_arm64_its_name(const struct layout_device *its, char name[64])
{
    (void)snprintf(name, 64, "msi-controller@%llx", (unsigned long long)its->regions[0].base);
}

static void write_its(struct fdt_build *b, const struct layout_device *its)
{
    struct fdt_tree *t = &b->tree;
    const struct layout_region *r = &its->regions[0];
    const uint32_t reg[4] = {(uint32_t)(r->base >> 32), (uint32_t)r->base,
                             (uint32_t)(r->size >> 32), (uint32_t)r->size};
    char name[64];
    fdt_arm64_its_name(its, name);
    fdt_tree_begin(t, name);
    fdt_tree_string_list(t, "compatible", its->dt_compatible);
    fdt_tree_cells(t, "reg", reg, 4);
    fdt_tree_empty(t, "msi-controller");
    fdt_tree_u32(t, "#msi-cells", 1);
    fdt_tree_u32(t, "phandle", fdt_phandle_device(b, its));
    fdt_tree_end(t);
}

void fdt_arm64_controller(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    const struct layout_device *its = fdt_find_builtin(b->layout, "its");
    fdt_tree_empty(t, "interrupt-controller");
    fdt_tree_u32(t, "#interrupt-cells", INTERRUPT_CELLS);
    fdt_tree_u32(t, "#address-cells", its != NULL ? 2 : 0);
    if (its == NULL)
        return;
    fdt_tree_u32(t, "#size-cells", 2);
    fdt_tree_empty(t, "ranges");
    write_its(b, its);
}
