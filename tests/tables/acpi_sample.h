/*
 * An x86_64 machine's layout typed by hand, as the machine loader would make it: the platform's
 * devices, and one device for each thing that a describe_acpi can say.
 */
#ifndef TESTS_ACPI_SAMPLE_H
#define TESTS_ACPI_SAMPLE_H

#include <backplane/device.h>
#include <backplane/if/acpi.h>
#include <string.h>

#include "core/layout.h"

/* OperationRegion (LMPR, SystemMemory, RG0B, RG0S), Field (LMPR, ByteAcc, NoLock, Preserve)
 * { STAT, 8 }, Method (_STA) { Return (STAT) }, with External (RG0B), as iasl -oE makes it. */
static const uint8_t sample_terms[] = {
    0x15, 'R', 'G',  '0',  'B',  0x01, 0x00, 0x5B, 0x80, 'L',  'M',  'P', 'R', 0x00, 'R', 'G',
    '0',  'B', 'R',  'G',  '0',  'S',  0x5B, 0x81, 0x0B, 'L',  'M',  'P', 'R', 0x01, 'S', 'T',
    'A',  'T', 0x08, 0x14, 0x0B, '_',  'S',  'T',  'A',  0x00, 0xA4, 'S', 'T', 'A',  'T'};

static void sample_pm_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->fixed_block(w, BP_ACPI_PM1A_EVENT, 0, 0, 4);
    w->fixed_block(w, BP_ACPI_PM1A_CONTROL, 0, 4, 2);
    w->fixed_block(w, BP_ACPI_PM_TIMER, 0, 8, 4);
    w->fixed_features(w, BP_ACPI_POWER_BUTTON | BP_ACPI_TIMER_32_BITS);
    w->fixed_sci(w, 0);
    w->fixed_reset(w, 0, 0x10, 0xA5);
    w->fixed_sleep(w, 5, 5);
}

static void sample_uart_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->serial(w, 0, 0, 0, 1, 1843200, 115200);
    w->prop_u64(w, "clock-frequency", 1843200);
}

static void sample_rtc_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->fixed_rtc(w, 0x0D, 0x0E, 0x32);
    w->fixed_features(w, BP_ACPI_HAS_CMOS_RTC);
}

static void sample_keys_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->fixed_features(w, BP_ACPI_HAS_I8042 | BP_ACPI_HAS_LEGACY_ISA);
    w->child_begin(w, "KBD", "PNP0303");
    w->child_region(w, 0, 0, 1);
    w->child_region(w, 0, 4, 1);
    w->child_line(w, 0);
    w->child_end(w);
    w->child_begin(w, "MOU", "PNP0F13");
    w->compatible_id(w, "PNP0F0E");
    w->child_end(w);
}

static void sample_lamp_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->name_integer(w, "BIGN", 0x123456789ABCDEF0);
    w->name_string(w, "_STR", "a lamp");
    w->aml(w, sample_terms, sizeof(sample_terms));
}

static void sample_pci_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->pci_config(w, 0, 0, 2, 17);
}

enum {
    PC_LAPIC,
    PC_IOAPIC,
    PC_PIC,
    PC_PIT,
    PC_PM,
    PC_UART,
    PC_RTC,
    PC_KEYS,
    PC_LAMP,
    PC_VIRTIO,
    PC_DISK,
    PC_CLOCK,
    PC_FRAMES,
    PC_PCI,
    PC_DEVICES
};

struct pc_sample {
    struct layout_region regions[PC_DEVICES];
    struct layout_line lines[PC_DEVICES];
    struct layout_device devices[PC_DEVICES];
    struct layout layout;
};

struct pc_row {
    int i;
    const char *name, *class_id, *hid, *compatible;
    uint32_t kind;
    uint64_t base, size;
    uint32_t line, trigger;
    void (*describe)(void *ctx, const struct bp_acpi_writer *w);
};

static const struct pc_row pc_rows[PC_DEVICES] = {
    {PC_LAPIC, "lapic", "built in", NULL, NULL, BP_MMIO, 0xfee00000, 0x100000, 0, 0, NULL},
    {PC_IOAPIC, "ioapic", "built in", NULL, NULL, BP_MMIO, 0xfec00000, 0x1000, 0, 0, NULL},
    {PC_PIC, "pic", "built in", "PNP0000", NULL, BP_PIO, 0x20, 2, 0, 0, NULL},
    {PC_PIT, "pit", "built in", "PNP0100", NULL, BP_PIO, 0x40, 4, 2, BP_EDGE_RISING, NULL},
    {PC_PM, "power", "acpi-pm", NULL, NULL, BP_PIO, 0x600, 0x20, 9, BP_LEVEL_HIGH, sample_pm_acpi},
    {PC_UART, "console", "uart16550", "PNP0501", NULL, BP_PIO, 0x3f8, 8, 4, BP_EDGE_RISING,
     sample_uart_acpi},
    {PC_RTC, "clock", "cmos-rtc", "PNP0B00", NULL, BP_PIO, 0x70, 2, 8, BP_EDGE_RISING,
     sample_rtc_acpi},
    {PC_KEYS, "keys", "i8042", NULL, NULL, BP_PIO, 0x60, 5, 1, BP_EDGE_RISING, sample_keys_acpi},
    {PC_LAMP, "lamp", "org.me.lamp", "LAMP0001", NULL, BP_MMIO, 0xfed00000, 0x1000, 20,
     BP_LEVEL_HIGH, sample_lamp_acpi},
    {PC_VIRTIO, "disk0.bus", "virtio-mmio", "LNRO0005", "virtio,mmio\0", BP_MMIO, 0x140000000,
     0x1000, 16, BP_EDGE_RISING, NULL},
    {PC_DISK, "disk0", "virtio-blk", NULL, NULL, 0, 0, 0, 0, 0, NULL},
    {PC_CLOCK, "ticks", "goldfish-rtc", NULL, "google,goldfish-rtc\0google,rtc\0", BP_MMIO,
     0x140001000, 0x1000, 17, BP_LEVEL_HIGH, NULL},
    {PC_FRAMES, "frames", "frames", NULL, NULL, BP_RAM, 0x180000000, 0x80000000, 0, 0, NULL},
    {PC_PCI, "pci", "pci-host", "PNP0A08", NULL, BP_MMIO, 0xb0200000, 0x1000000, 0, 0,
     sample_pci_acpi},
};

static inline void pc_init(struct pc_sample *s)
{
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < PC_DEVICES; i++) {
        const struct pc_row *r = &pc_rows[i];
        s->regions[i] = (struct layout_region){"regs", r->kind, r->base, r->size, true, 0};
        s->lines[i] = (struct layout_line){"out", r->line, r->trigger, true, 0};
        s->devices[i] = (struct layout_device){.name = r->name,
                                               .class_id = r->class_id,
                                               .acpi_hid = r->hid,
                                               .dt_compatible = r->compatible,
                                               .regions = &s->regions[i],
                                               .n_regions = r->size > 0,
                                               .lines = &s->lines[i],
                                               .n_lines = r->line > 0,
                                               .n_region_rows = 2,
                                               .n_line_rows = 2,
                                               .is_builtin = i <= PC_PIT,
                                               .is_irqchip = i == PC_IOAPIC,
                                               .describe_acpi = r->describe};
    }
    s->devices[PC_DISK].behind = "disk0.bus";
    s->layout = (struct layout){.arch = ARCH_X86_64,
                                .name = "pc",
                                .summary = "a sample machine",
                                .n_cpus = 2,
                                .gpa_bits = 46,
                                .ram = {{0, 0x80000000}},
                                .n_ram = 1,
                                .devices = s->devices,
                                .n_devices = PC_DEVICES,
                                .console = &s->devices[PC_UART],
                                .irqchip = &s->devices[PC_IOAPIC],
                                .irq_first = 1,
                                .irq_count = 23};
}

#endif
