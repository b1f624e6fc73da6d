/*
 * /cpus of a RISC-V machine. Bindings: riscv/cpus.yaml, riscv/extensions.yaml,
 * interrupt-controller/riscv,cpu-intc.yaml, cpu/cpu-topology.txt, dt-schema's
 * cache-controller.yaml.
 *
 * The ISA is told twice: riscv,isa for older guests, riscv,isa-base and riscv,isa-extensions for
 * kernels built without the fallback to it.
 *
 * Caches are nominal: the software processor has none of its own and KVM does not say what the host
 * has. What a guest takes from them is true: blocks are those that Zicbom and Zicboz work on, and
 * no hart is nearer to some of the others, so all share the last level. The sizes are common ones.
 *
 * The processors' interrupt controllers carry #address-cells = <0>, which means nothing but keeps
 * dtc 1.6.1 silent: it asks for one in every interrupt controller (1.7 does not any more).
 */
#include <backplane/abi.h>
#include <backplane/if/cpu.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tables/fdt_parts.h"

#define CACHE_BLOCK_BYTES 64u
#define L1_BYTES          (32u << 10) /* of either kind, each hart's own */
#define L1_WAYS           8u
#define L2_BYTES          (1u << 20) /* shared by all */
#define L2_WAYS           16u

/* Interrupt numbers of the privileged architecture, table "mcause". */
uint32_t fdt_riscv64_cpu_irq(uint32_t irq)
{
    switch (irq) {
    case BP_CPU_IRQ_M_SOFT:
        return 3;
    case BP_CPU_IRQ_M_TIMER:
        return 7;
    case BP_CPU_IRQ_M_EXTERNAL:
        return 11;
    case BP_CPU_IRQ_S_SOFT:
        return 1;
    case BP_CPU_IRQ_S_EXTERNAL:
        return 9;
    default:
        return UINT32_MAX;
    }
}

struct extensions {
    char list[1024]; /* as the property wants it: each NUL-ended */
    size_t used;
    bool overflow;
};

static bool extension_is_known(const struct extensions *x, const char *name)
{
    for (size_t at = 0; at < x->used; at += strlen(x->list + at) + 1)
        if (strcmp(x->list + at, name) == 0)
            return true;
    return false;
}

static void extension_add(struct extensions *x, const char *name, size_t length)
{
    if (length == 0)
        return;
    if (length >= sizeof(x->list) - 1 - x->used) {
        x->overflow = true;
        return;
    }
    char copy[sizeof(x->list)];
    memcpy(copy, name, length);
    copy[length] = '\0';
    if (extension_is_known(x, copy))
        return;
    memcpy(x->list + x->used, copy, length + 1);
    x->used += length + 1;
}

/* Not in the bindings up to Linux 6.12, so a tree with it would not validate. To leave Svadu out
 * says that the accessed and dirty bits may be kept by either side, which guests have to cope with.
 */
static bool extension_has_no_binding(const char *name, size_t length)
{
    return length == 5 && memcmp(name, "svadu", 5) == 0;
}

/* "rv64imafdc_zicsr_zba": single letters up to the first underscore, then names between them. */
static void split_isa(struct extensions *x, const char *isa)
{
    const char *at = isa + 4;
    for (; *at != '\0' && *at != '_'; at++) {
        if (*at != 'g') {
            extension_add(x, at, 1);
            continue;
        }
        for (const char *letter = "imafd"; *letter != '\0'; letter++)
            extension_add(x, letter, 1);
        extension_add(x, "zicsr", 5);
        extension_add(x, "zifencei", 8);
    }
    while (*at == '_') {
        at++;
        size_t length = strcspn(at, "_");
        if (!extension_has_no_binding(at, length))
            extension_add(x, at, length);
        at += length;
    }
}

static bool isa_is_valid(const char *isa)
{
    if (isa == NULL || strncmp(isa, "rv64", 4) != 0 || (isa[4] != 'i' && isa[4] != 'g'))
        return false;
    for (const char *c = isa; *c != '\0'; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
            return false;
    return true;
}

static void write_l1(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    fdt_tree_u32(t, "i-cache-block-size", CACHE_BLOCK_BYTES);
    fdt_tree_u32(t, "i-cache-size", L1_BYTES);
    fdt_tree_u32(t, "i-cache-sets", L1_BYTES / L1_WAYS / CACHE_BLOCK_BYTES);
    fdt_tree_u32(t, "d-cache-block-size", CACHE_BLOCK_BYTES);
    fdt_tree_u32(t, "d-cache-size", L1_BYTES);
    fdt_tree_u32(t, "d-cache-sets", L1_BYTES / L1_WAYS / CACHE_BLOCK_BYTES);
    fdt_tree_u32(t, "next-level-cache", fdt_phandle_l2(b));
}

static void write_l2(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    fdt_tree_begin(t, "l2-cache");
    fdt_tree_string(t, "compatible", "cache");
    fdt_tree_u32(t, "cache-level", 2);
    fdt_tree_empty(t, "cache-unified");
    fdt_tree_u32(t, "cache-block-size", CACHE_BLOCK_BYTES);
    fdt_tree_u32(t, "cache-size", L2_BYTES);
    fdt_tree_u32(t, "cache-sets", L2_BYTES / L2_WAYS / CACHE_BLOCK_BYTES);
    fdt_tree_u32(t, "phandle", fdt_phandle_l2(b));
    fdt_tree_end(t);
}

static void write_cpu(struct fdt_build *b, const struct extensions *x, uint32_t cpu)
{
    struct fdt_tree *t = &b->tree;
    char name[24];
    (void)snprintf(name, sizeof(name), "cpu@%x", cpu);
    fdt_tree_begin(t, name);
    fdt_tree_string(t, "device_type", "cpu");
    fdt_tree_string(t, "compatible", "riscv");
    fdt_tree_u32(t, "reg", cpu);
    fdt_tree_string(t, "status", "okay");
    fdt_tree_string(t, "riscv,isa", b->layout->isa);
    fdt_tree_string(t, "riscv,isa-base", "rv64i");
    fdt_tree_bytes(t, "riscv,isa-extensions", x->list, x->used);
    if (b->layout->mmu_type != NULL)
        fdt_tree_string(t, "mmu-type", b->layout->mmu_type);
    if (extension_is_known(x, "zicbom"))
        fdt_tree_u32(t, "riscv,cbom-block-size", CACHE_BLOCK_BYTES);
    if (extension_is_known(x, "zicboz"))
        fdt_tree_u32(t, "riscv,cboz-block-size", CACHE_BLOCK_BYTES);
    write_l1(b);
    fdt_tree_u32(t, "phandle", fdt_phandle_cpu(b, cpu));
    fdt_tree_begin(t, "interrupt-controller");
    fdt_tree_string(t, "compatible", "riscv,cpu-intc");
    fdt_tree_empty(t, "interrupt-controller");
    fdt_tree_u32(t, "#interrupt-cells", 1);
    fdt_tree_u32(t, "#address-cells", 0);
    fdt_tree_u32(t, "phandle", fdt_phandle_intc(b, cpu));
    fdt_tree_end(t);
    fdt_tree_end(t);
}

void fdt_riscv64_cpus(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    if (!isa_is_valid(b->layout->isa)) {
        fdt_tree_fail(t, BP_ERR_INVALID, "device tree: \"%s\" is no riscv64 ISA string",
                      b->layout->isa != NULL ? b->layout->isa : "");
        return;
    }
    struct extensions x = {.used = 0};
    split_isa(&x, b->layout->isa);
    if (x.overflow) {
        fdt_tree_fail(t, BP_ERR_NO_SPACE, "device tree: too many ISA extensions");
        return;
    }
    fdt_tree_begin(t, "cpus");
    fdt_tree_u32(t, "#address-cells", 1);
    fdt_tree_u32(t, "#size-cells", 0);
    if (b->layout->timebase_hz <= UINT32_MAX)
        fdt_tree_u32(t, "timebase-frequency", (uint32_t)b->layout->timebase_hz);
    else
        fdt_tree_u64(t, "timebase-frequency", b->layout->timebase_hz);
    for (uint32_t i = 0; i < b->layout->n_cpus; i++)
        write_cpu(b, &x, i);
    fdt_cpu_map(b);
    write_l2(b);
    fdt_tree_end(t);
}
