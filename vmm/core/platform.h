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
#define PLATFORM_DEVICES_MAX 5

struct platform_device {
    const char *name; /* "ioapic" */
    const char *summary;
    const char *acpi_hid;      /* NULL: described by a table of its own, or not at all */
    const char *dt_name;       /* NULL: no node */
    const char *dt_compatible; /* as a class's */
    struct platform_region regions[PLATFORM_REGIONS_MAX];
    size_t n_regions;
    const char *line_name; /* NULL: none */
    uint32_t line;
    bool is_irqchip;
    bool with_irqchip; /* goes when a device of the machine is the interrupt controller */
};

/* arm64: the generic interrupt controller; also bits of accel_limits.gic_versions as 1 << version.
 */
#define PLATFORM_GIC_V2      2u
#define PLATFORM_GIC_V3      3u
#define PLATFORM_GIC_V2_CPUS 8u /* how many GICv2 serves */

struct platform {
    struct platform_device devices[PLATFORM_DEVICES_MAX];
    size_t n_devices;   /* 0: everything is a plugin's */
    uint32_t irq_first; /* lines of its interrupt controller; irq_count 0: it has none */
    uint32_t irq_count;
    uint32_t irq_dynamic; /* lines that nobody pins are given from here on, then from the first */
    uint32_t gic_version; /* arm64: PLATFORM_GIC_*; otherwise 0 */
    bool has_pmu;         /* arm64: the processors have performance counters */
    uint32_t aia_ids;     /* riscv64: interrupt identities of the AIA's; 0: there is none */
};

/* arm64: the overflow interrupt of the performance counters (Base System Architecture), as the
 * number of a private peripheral interrupt: INTID 16 + n. */
#define PLATFORM_PMU_PPI 7u

struct platform_request {
    enum arch arch;
    uint32_t n_cpus;
    uint32_t gic_version; /* arm64: PLATFORM_GIC_* */
    bool has_its;         /* arm64, GICv3: with its translation service */
    bool has_pmu;         /* arm64: with performance counters */
    uint32_t aia_ids;     /* riscv64: of each IMSIC; 0: no built-in controllers */
};

void platform_make(const struct platform_request *request, struct platform *out);

/* The interrupt specifier of a line in a device tree: 3 cells on arm64 (arm,gic-v3 binding), 2 on
 * riscv64 (riscv,aplic). */
uint32_t platform_irq_specifier(enum arch arch, uint32_t line, uint32_t trigger, uint32_t *cells);

/* The built-in device of that name; NULL. */
const struct platform_device *platform_find(const struct platform *platform, const char *name);

#endif
