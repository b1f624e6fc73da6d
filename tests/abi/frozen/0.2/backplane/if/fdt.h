/*
 * The writer that describe_fdt gets: adds to the device's generic node, which has already its
 * name, compatible, reg, interrupts and status from the class's tables (Devicetree 0.4).
 * All functions are [pure]; an error sticks and is reported by the host with the device's name.
 */
#ifndef BACKPLANE_IF_FDT_H
#define BACKPLANE_IF_FDT_H

#include <backplane/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bp_fdt_writer {
    uint32_t struct_size;
    uint32_t n_cpus;
    uint64_t timebase_hz;
    void *ctx; /* the host's */
    void (*prop_u32)(const struct bp_fdt_writer *w, const char *name, uint32_t value);
    void (*prop_u64)(const struct bp_fdt_writer *w, const char *name, uint64_t value);
    void (*prop_cells)(const struct bp_fdt_writer *w, const char *name, const uint32_t *cells,
                       uint32_t n);
    void (*prop_string)(const struct bp_fdt_writer *w, const char *name, const char *value);
    /* A list, each string NUL-ended, `size` bytes in all. */
    void (*prop_strings)(const struct bp_fdt_writer *w, const char *name, const char *values,
                         uint32_t size);
    void (*prop_empty)(const struct bp_fdt_writer *w, const char *name);
    /* interrupts-extended to the processors: for each of them in order, each input in `irqs`
     * (BP_CPU_IRQ_*) as <&cpu-intc number>; 0 gives the "no interrupt" number -1. */
    void (*prop_cpu_irqs)(const struct bp_fdt_writer *w, const char *name, const uint32_t *irqs,
                          uint32_t n);
    /* A reference to this device's own node, for its child nodes. */
    void (*prop_self)(const struct bp_fdt_writer *w, const char *name);
    /* A clock of fixed frequency that the host provides once per frequency: <&clock>. */
    void (*prop_clock)(const struct bp_fdt_writer *w, const char *name, uint32_t hz);
    /* A child node; what follows goes into it until child_end. */
    void (*child_begin)(const struct bp_fdt_writer *w, const char *name);
    void (*child_end)(const struct bp_fdt_writer *w);

    /* As prop_self, with cells behind the reference: gpios = <&self 3 0>. */
    void (*prop_self_cells)(const struct bp_fdt_writer *w, const char *name, const uint32_t *cells,
                            uint32_t n);
    /* As prop_clock, several: <&clock>, <&clock>. */
    void (*prop_clocks)(const struct bp_fdt_writer *w, const char *name, const uint32_t *hz,
                        uint32_t n);
    /* A node under the tree's root, for what is wired to this device but lies on no bus (keys, a
     * regulator), its name made unique by a number. Not within another node, and behind the
     * device's own properties; what follows goes into it until child_end. */
    void (*root_begin)(const struct bp_fdt_writer *w, const char *name);
};

#ifdef __cplusplus
}
#endif
#endif
