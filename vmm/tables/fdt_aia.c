/*
 * The built-in interrupt controllers of a RISC-V machine: an APLIC, whose lines become messages to
 * the harts' IMSICs. Bindings: interrupt-controller/riscv,aplic.yaml and riscv,imsics.yaml.
 *
 * #address-cells = <0> is for dtc 1.6.1, as in the harts' controllers (fdt_riscv64.c).
 */
#include <backplane/if/cpu.h>
#include <stdlib.h>

#include "tables/fdt_parts.h"

#define SPECIFIER_CELLS 2u

static void write_aplic(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    const struct layout_device *imsic = fdt_find_builtin(b->layout, "imsic");
    fdt_tree_empty(t, "interrupt-controller");
    fdt_tree_u32(t, "#interrupt-cells", SPECIFIER_CELLS);
    fdt_tree_u32(t, "#address-cells", 0);
    if (imsic != NULL)
        fdt_tree_u32(t, "msi-parent", fdt_phandle_device(b, imsic));
    fdt_tree_u32(t, "riscv,num-sources", b->layout->irq_count);
}

static void write_imsic(struct fdt_build *b, const struct layout_device *dev)
{
    struct fdt_tree *t = &b->tree;
    uint32_t n = b->layout->n_cpus;
    uint32_t *harts = calloc(2 * (size_t)n, sizeof(*harts));
    if (harts == NULL) {
        fdt_tree_fail(t, BP_ERR_NO_MEMORY, "device tree: out of memory");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        harts[2 * i] = fdt_phandle_intc(b, i);
        harts[2 * i + 1] = fdt_riscv64_cpu_irq(BP_CPU_IRQ_S_EXTERNAL);
    }
    fdt_tree_empty(t, "interrupt-controller");
    fdt_tree_u32(t, "#interrupt-cells", 0);
    fdt_tree_u32(t, "#address-cells", 0);
    fdt_tree_empty(t, "msi-controller");
    fdt_tree_u32(t, "#msi-cells", 0);
    fdt_tree_cells(t, "interrupts-extended", harts, 2 * n);
    fdt_tree_u32(t, "riscv,num-ids", b->layout->aia_ids);
    fdt_tree_u32(t, "phandle", fdt_phandle_device(b, dev));
    free(harts);
}

void fdt_riscv64_controller(struct fdt_build *b, const struct layout_device *dev)
{
    if (dev->is_irqchip)
        write_aplic(b);
    else
        write_imsic(b, dev);
}
