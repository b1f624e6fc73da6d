#include "core/platform.h"

#include <backplane/device.h>

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

static const struct platform x86_64 = {
    .devices = x86_64_devices,
    .n_devices = sizeof(x86_64_devices) / sizeof(x86_64_devices[0]),
    .irq_first = 1,
    .irq_count = 23,
    .irq_dynamic = 16,
};

const struct platform *platform_of(enum arch arch)
{
    return arch == ARCH_X86_64 ? &x86_64 : NULL;
}
