/*
 * The layout of a machine, resolved: where every device's regions and lines ended up. It is made
 * once from the devices and the address space, and everything that describes the machine (device
 * tree, ACPI, E820, map, picture, JSON) reads only this.
 */
#ifndef VMM_CORE_LAYOUT_H
#define VMM_CORE_LAYOUT_H

#include <backplane/if/acpi.h>
#include <backplane/if/fdt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "core/aspace.h"
#include "core/platform.h"

struct layout_region {
    const char *name; /* of the class's region: "regs" */
    uint32_t kind;    /* BP_MMIO, BP_PIO, BP_RAM */
    uint64_t base;
    uint64_t size;
    bool pinned;  /* by the machine file */
    uint32_t row; /* in the class's table */
};

struct layout_line {
    const char *name;
    uint32_t number;
    uint32_t trigger; /* BP_EDGE_RISING, BP_LEVEL_HIGH */
    bool pinned;
    uint32_t row; /* in the class's table */
};

struct layout_device {
    const char *name; /* in the machine file */
    const char *class_id;
    const char *summary;
    const char *behind;        /* the transport's device name, or NULL */
    const char *dt_name;       /* NULL: no node */
    const char *dt_compatible; /* list of NUL-ended strings, ended by an empty one; may be NULL */
    const char *acpi_hid;
    const struct layout_region *regions;
    size_t n_regions;
    const struct layout_line *lines;
    size_t n_lines;
    size_t n_region_rows; /* of the class's tables, with those that were not placed */
    size_t n_line_rows;
    bool is_irqchip;
    bool is_builtin; /* the accelerator's own (core/platform.h), no plugin's: class_id is "built in"
                      */
    void (*describe_fdt)(void *ctx, const struct bp_fdt_writer *w); /* NULL: nothing to add */
    void (*describe_acpi)(void *ctx, const struct bp_acpi_writer *w);
    void *ctx;
};

/* Each NULL, and the UUID all 0, where the machine file does not say. */
struct layout_identity {
    const char *manufacturer;
    const char *product;
    const char *product_version;
    const char *serial_number;
    uint8_t uuid[16]; /* in the order of its digits */
};

struct layout {
    enum arch arch;
    const char *name; /* the machine's: file name without .ini */
    const char *summary;
    struct layout_identity identity;
    uint32_t n_cpus;
    uint64_t timebase_hz;
    uint32_t gpa_bits;
    const char *isa;      /* riscv64: as accel's isa_string says */
    const char *mmu_type; /* riscv64: "riscv,sv57" */
    struct aspace_ram ram[2];
    size_t n_ram;
    const struct layout_device *devices; /* built-in ones, then in the machine file's order */
    size_t n_devices;
    const struct layout_device *console; /* for stdout-path; NULL */
    const struct layout_device *irqchip; /* NULL: none */
    uint32_t irq_first, irq_count;       /* the lines that it has */
    uint32_t gic_version; /* arm64: of the built-in controller, PLATFORM_GIC_*; otherwise 0 */
    bool has_pmu;         /* arm64: the processors have performance counters */
    uint32_t aia_ids;     /* riscv64: of the built-in controllers; 0: there are none */
    /* The specifier of a line in the interrupt controller's own cells; returns how many. */
    uint32_t (*irq_specifier)(void *ctx, uint32_t line, uint32_t trigger, uint32_t *cells);
    void *irq_ctx;
};

#endif
