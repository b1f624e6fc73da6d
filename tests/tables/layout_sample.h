/*
 * A machine's layout typed by hand, as the machine loader would make it: what the table tests look
 * at, with no plugin and no machine file.
 */
#ifndef TESTS_LAYOUT_SAMPLE_H
#define TESTS_LAYOUT_SAMPLE_H

#include <backplane/device.h>
#include <backplane/if/cpu.h>
#include <backplane/if/fdt.h>
#include <string.h>

#include "core/layout.h"

#define SAMPLE_ISA                                                                                 \
    "rv64imafdc_zicbom_zicboz_zicntr_zicsr_zifencei_zba_zbb_zbs_sstc_svinval_svnapot_svpbmt"

static void sample_plic_fdt(void *ctx, const struct bp_fdt_writer *w)
{
    static const uint32_t irqs[2] = {BP_CPU_IRQ_M_EXTERNAL, BP_CPU_IRQ_S_EXTERNAL};
    (void)ctx;
    w->prop_empty(w, "interrupt-controller");
    w->prop_u32(w, "#interrupt-cells", 1);
    w->prop_u32(w, "#address-cells", 0);
    w->prop_u32(w, "riscv,ndev", 63);
    w->prop_cpu_irqs(w, "interrupts-extended", irqs, 2);
}

static void sample_clint_fdt(void *ctx, const struct bp_fdt_writer *w)
{
    static const uint32_t irqs[2] = {BP_CPU_IRQ_M_SOFT, BP_CPU_IRQ_M_TIMER};
    (void)ctx;
    w->prop_cpu_irqs(w, "interrupts-extended", irqs, 2);
}

static void sample_uart_fdt(void *ctx, const struct bp_fdt_writer *w)
{
    (void)ctx;
    w->prop_u32(w, "clock-frequency", 3686400);
}

static void sample_power_fdt(void *ctx, const struct bp_fdt_writer *w)
{
    (void)ctx;
    w->child_begin(w, "poweroff");
    w->prop_string(w, "compatible", "syscon-poweroff");
    w->prop_self(w, "regmap");
    w->prop_u32(w, "offset", 0);
    w->prop_u32(w, "value", 0x5555);
    w->child_end(w);
    w->child_begin(w, "reboot");
    w->prop_string(w, "compatible", "syscon-reboot");
    w->prop_self(w, "regmap");
    w->prop_u32(w, "offset", 0);
    w->prop_u32(w, "value", 0x7777);
    w->child_end(w);
}

static uint32_t sample_specifier(void *ctx, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)ctx;
    (void)trigger;
    cells[0] = line;
    return 1;
}

enum {
    SAMPLE_UART,
    SAMPLE_RTC,
    SAMPLE_DISK_BUS,
    SAMPLE_DISK,
    SAMPLE_CLINT,
    SAMPLE_PLIC,
    SAMPLE_POWER,
    SAMPLE_DEVICES
};

struct sample {
    struct layout_region regions[SAMPLE_DEVICES];
    struct layout_line lines[SAMPLE_DEVICES];
    struct layout_device devices[SAMPLE_DEVICES];
    struct layout layout;
};

static void sample_device(struct sample *s, int i, const char *name, const char *class_id,
                          const char *dt_name, const char *compatible, uint64_t base, uint64_t size,
                          uint32_t line)
{
    s->regions[i] = (struct layout_region){"regs", BP_MMIO, base, size, line == 0, 0};
    s->lines[i] = (struct layout_line){"out", line, BP_LEVEL_HIGH, false, 0};
    s->devices[i] = (struct layout_device){.name = name,
                                           .class_id = class_id,
                                           .summary = "a sample",
                                           .dt_name = dt_name,
                                           .dt_compatible = compatible,
                                           .regions = &s->regions[i],
                                           .n_regions = size > 0 ? 1 : 0,
                                           .lines = &s->lines[i],
                                           .n_lines = line > 0 ? 1 : 0,
                                           .n_region_rows = 1,
                                           .n_line_rows = 1};
}

static void sample_init(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    sample_device(s, SAMPLE_UART, "console", "uart16550", "serial", "ns16550a\0", 0x10000000,
                  0x1000, 10);
    s->devices[SAMPLE_UART].describe_fdt = sample_uart_fdt;
    sample_device(s, SAMPLE_RTC, "clock", "goldfish-rtc", "rtc", "google,goldfish-rtc\0",
                  0x90001000, 0x1000, 11);
    sample_device(s, SAMPLE_DISK_BUS, "disk0.bus", "virtio-mmio", "virtio", "virtio,mmio\0",
                  0x90000000, 0x1000, 1);
    sample_device(s, SAMPLE_DISK, "disk0", "virtio-blk", NULL, NULL, 0, 0, 0);
    s->devices[SAMPLE_DISK].behind = "disk0.bus";
    sample_device(s, SAMPLE_CLINT, "timer", "aclint", "timer", "sifive,clint0\0riscv,clint0\0",
                  0x2000000, 0x10000, 0);
    s->devices[SAMPLE_CLINT].describe_fdt = sample_clint_fdt;
    sample_device(s, SAMPLE_PLIC, "irqchip", "plic", "interrupt-controller",
                  "sifive,plic-1.0.0\0riscv,plic0\0", 0xc000000, 0x4000000, 0);
    s->devices[SAMPLE_PLIC].describe_fdt = sample_plic_fdt;
    s->devices[SAMPLE_PLIC].is_irqchip = true;
    sample_device(s, SAMPLE_POWER, "power", "sifive-test", "test",
                  "sifive,test1\0sifive,test0\0syscon\0simple-mfd\0", 0x100000, 0x1000, 0);
    s->devices[SAMPLE_POWER].describe_fdt = sample_power_fdt;
    s->layout = (struct layout){.arch = ARCH_RISCV64,
                                .name = "virt",
                                .summary = "a sample machine",
                                .n_cpus = 2,
                                .timebase_hz = 10000000,
                                .gpa_bits = 56,
                                .isa = SAMPLE_ISA,
                                .mmu_type = "riscv,sv57",
                                .ram = {{0x80000000, 0x10000000}},
                                .n_ram = 1,
                                .devices = s->devices,
                                .n_devices = SAMPLE_DEVICES,
                                .console = &s->devices[SAMPLE_UART],
                                .irqchip = &s->devices[SAMPLE_PLIC],
                                .irq_first = 1,
                                .irq_count = 63,
                                .irq_specifier = sample_specifier};
}

#endif
