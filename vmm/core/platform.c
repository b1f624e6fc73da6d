#include "core/platform.h"

#include <backplane/device.h>
#include <string.h>

/*
 * x86_64: the PC's interrupt controllers and timer, in the kernel (KVM's documentation, 4.24
 * KVM_CREATE_IRQCHIP, 4.71 KVM_CREATE_PIT2). Line numbers are pins of the I/O APIC (GSI). The
 * timer, input 0 of the 8259, is wired to pin 2 as on every PC, so pin 0 has nothing and no line 0
 * is given.
 */
static const struct platform_device x86_64_devices[] = {
    {.name = "lapic",
     .summary = "local APICs and message-signalled interrupts",
     .regions = {{"messages", BP_MMIO, 0xfee00000, 0x100000}},
     .n_regions = 1},
    {.name = "kvm",
     .summary = "kept for the accelerator: real-mode task state and identity map",
     .regions = {{"pages", BP_MMIO, 0xfeffc000, 0x4000}},
     .n_regions = 1},
    {.name = "ioapic",
     .summary = "I/O APIC, 24 pins",
     .regions = {{"regs", BP_MMIO, 0xfec00000, 0x1000}},
     .n_regions = 1,
     .is_irqchip = true,
     .with_irqchip = true},
    {.name = "pic",
     .summary = "two 8259A interrupt controllers",
     .acpi_hid = "PNP0000",
     .regions = {{"master", BP_PIO, 0x20, 2},
                 {"slave", BP_PIO, 0xa0, 2},
                 {"trigger", BP_PIO, 0x4d0, 2}},
     .n_regions = 3,
     .with_irqchip = true},
    {.name = "pit",
     .summary = "8254 timer and the speaker's gate",
     .acpi_hid = "PNP0100",
     .regions = {{"timer", BP_PIO, 0x40, 4}, {"speaker", BP_PIO, 0x61, 1}},
     .n_regions = 2,
     .line_name = "timer",
     .line = 2,
     .with_irqchip = true},
};

static void make_x86_64(struct platform *out)
{
    out->n_devices = sizeof(x86_64_devices) / sizeof(x86_64_devices[0]);
    memcpy(out->devices, x86_64_devices, sizeof(x86_64_devices));
    out->irq_first = 1;
    out->irq_count = 23;
    out->irq_dynamic = 16;
}

/*
 * arm64: the generic interrupt controller in the kernel (KVM's documentation,
 * devices/arm-vgic*.rst), below RAM. Line numbers are those of shared peripheral interrupts: line n
 * is INTID 32 + n.
 */
#define GIC_BASE        0x08000000u
#define GIC_ITS_BASE    0x08080000u
#define GIC_REDIST_BASE 0x080a0000u /* 128 KiB for each processor */
#define GIC_LINES       224u

static const struct platform_device gic_v2 = {
    .name = "gic",
    .summary = "GICv2 interrupt controller",
    .dt_name = "interrupt-controller",
    .dt_compatible = "arm,cortex-a15-gic\0",
    .regions = {{"distributor", BP_MMIO, GIC_BASE, 0x10000},
                {"cpu", BP_MMIO, GIC_BASE + 0x10000, 0x10000}},
    .n_regions = 2,
    .is_irqchip = true,
    .with_irqchip = true,
};

static const struct platform_device gic_v3 = {
    .name = "gic",
    .summary = "GICv3 interrupt controller",
    .dt_name = "interrupt-controller",
    .dt_compatible = "arm,gic-v3\0",
    .regions = {{"distributor", BP_MMIO, GIC_BASE, 0x10000},
                {"redistributors", BP_MMIO, GIC_REDIST_BASE, 0}},
    .n_regions = 2,
    .is_irqchip = true,
    .with_irqchip = true,
};

static const struct platform_device its = {
    .name = "its",
    .summary = "GICv3 interrupt translation service",
    .dt_compatible = "arm,gic-v3-its\0",
    .regions = {{"regs", BP_MMIO, GIC_ITS_BASE, 0x20000}},
    .n_regions = 1,
    .with_irqchip = true,
};

static void make_arm64(const struct platform_request *request, struct platform *out)
{
    bool is_v2 = request->gic_version == PLATFORM_GIC_V2;
    out->devices[out->n_devices++] = is_v2 ? gic_v2 : gic_v3;
    if (!is_v2)
        out->devices[0].regions[1].size = (uint64_t)0x20000 * request->n_cpus;
    if (!is_v2 && request->has_its)
        out->devices[out->n_devices++] = its;
    out->irq_count = GIC_LINES;
    out->gic_version = is_v2 ? PLATFORM_GIC_V2 : PLATFORM_GIC_V3;
    out->has_pmu = request->has_pmu;
}

/*
 * riscv64: the interrupt controllers of the Advanced Interrupt Architecture, in the kernel, below
 * RAM: an APLIC, whose lines become messages to the harts' IMSICs.
 */
#define APLIC_BASE  0x0d000000u
#define APLIC_LINES 96u
#define IMSIC_BASE  0x28000000u
#define IMSIC_BYTES 0x1000u /* of each hart; the base fits the most of them */

static const struct platform_device aplic = {
    .name = "aplic",
    .summary = "AIA: interrupt controller of the lines",
    .dt_name = "interrupt-controller",
    .dt_compatible = "qemu,aplic\0riscv,aplic\0", /* as the binding wants it */
    .regions = {{"regs", BP_MMIO, APLIC_BASE, 0x4000}},
    .n_regions = 1,
    .is_irqchip = true,
    .with_irqchip = true,
};

static const struct platform_device imsic = {
    .name = "imsic",
    .summary = "AIA: message-signalled interrupts of each hart",
    .dt_name = "interrupt-controller",
    .dt_compatible = "qemu,imsics\0riscv,imsics\0",
    .regions = {{"files", BP_MMIO, IMSIC_BASE, 0}},
    .n_regions = 1,
    .with_irqchip = true,
};

static void make_riscv64(const struct platform_request *request, struct platform *out)
{
    if (request->aia_ids == 0)
        return;
    out->devices[out->n_devices++] = aplic;
    out->devices[out->n_devices++] = imsic;
    out->devices[1].regions[0].size = (uint64_t)IMSIC_BYTES * request->n_cpus;
    out->irq_first = 1;
    out->irq_count = APLIC_LINES;
    out->irq_dynamic = 1;
    out->aia_ids = request->aia_ids;
}

void platform_make(const struct platform_request *request, struct platform *out)
{
    *out = (struct platform){0};
    if (request->arch == ARCH_X86_64)
        make_x86_64(out);
    if (request->arch == ARCH_ARM64)
        make_arm64(request, out);
    if (request->arch == ARCH_RISCV64)
        make_riscv64(request, out);
}

/* BP_EDGE_RISING and BP_LEVEL_HIGH are the bindings' numbers. */
uint32_t platform_irq_specifier(enum arch arch, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    uint32_t n = 0;
    if (arch == ARCH_ARM64)
        cells[n++] = 0; /* a shared peripheral interrupt */
    cells[n++] = line;
    cells[n++] = trigger;
    return n;
}

const struct platform_device *platform_find(const struct platform *platform, const char *name)
{
    for (size_t i = 0; i < platform->n_devices; i++)
        if (strcmp(platform->devices[i].name, name) == 0)
            return &platform->devices[i];
    return NULL;
}
