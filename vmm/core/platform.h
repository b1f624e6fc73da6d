/*
 * What an architecture's machines have without any plugin: the interrupt controllers and timers
 * that the accelerator itself provides, with the addresses, ports and lines that they take. Address
 * space, map and tables treat them like devices; the machine file cannot move them.
 */
#ifndef VMM_CORE_PLATFORM_H
#define VMM_CORE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"

struct platform_region {
    const char *name;
    uint32_t kind; /* BP_MMIO or BP_PIO */
    uint64_t base;
    uint64_t size;
};

#define PLATFORM_REGIONS_MAX 3

struct platform_device {
    const char *name; /* "ioapic" */
    const char *summary;
    const char *acpi_hid; /* NULL: described by a table of its own, or not at all */
    struct platform_region regions[PLATFORM_REGIONS_MAX];
    size_t n_regions;
    const char *line_name; /* NULL: none */
    uint32_t line;
    bool is_irqchip;
    bool with_irqchip; /* goes when a device of the machine is the interrupt controller */
};

struct platform {
    const struct platform_device *devices;
    size_t n_devices;
    uint32_t irq_first; /* lines of its interrupt controller */
    uint32_t irq_count;
    uint32_t irq_dynamic; /* lines that nobody pins are given from here on, then from the first */
};

/* NULL: everything is a plugin's. */
const struct platform *platform_of(enum arch arch);

#endif
