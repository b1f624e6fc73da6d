/*
 * The device tree of a machine, as a flattened blob (Devicetree Specification 0.4), from its
 * layout alone: what is mapped is what is described. The same layout gives the same bytes.
 *
 * Nodes: chosen, aliases, cpus (on arm64 also psci and timer), memory, then /soc with every device
 * that has registers, by address, then devices without registers and the clocks that devices asked
 * for.
 */
#ifndef VMM_TABLES_FDT_H
#define VMM_TABLES_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/layout.h"
#include "util/err.h"

/* Linux maps no more than this. */
#define FDT_BYTES_MAX 0x200000u

/* What the loader tells the guest in /chosen. All zero is a tree without any of it. */
struct fdt_chosen {
    const char *bootargs; /* NULL: none */
    uint64_t initrd_gpa;
    uint64_t initrd_bytes; /* 0: no initrd */
    const uint8_t *rng_seed;
    size_t rng_seed_bytes; /* 0: none */
    uint64_t kaslr_seed;   /* 0: none */
};

/* `*blob` is the caller's to free(). BP_ERR_INVALID and a sentence with the device's name when a
 * describe_fdt goes wrong; BP_ERR_NO_SPACE beyond FDT_BYTES_MAX; BP_ERR_UNSUPPORTED. `chosen` may
 * be NULL. The size does not depend on the seeds' values; it is largest for an initrd that ends
 * above 4 GiB. */
int32_t fdt_build(const struct layout *layout, const struct fdt_chosen *chosen, void **blob,
                  size_t *size, struct err *err);

/* The path of a device's node, "/soc/serial@10000000"; false when it has none. `dev` is one of the
 * layout's. */
#define FDT_PATH_BYTES 112
bool fdt_device_path(const struct layout *layout, const struct layout_device *dev,
                     char path[FDT_PATH_BYTES]);

/* Writes a blob as source that dtc turns into the same tree. BP_ERR_FORMAT for what is no valid
 * blob; errors of the stream are left for ferror(). */
int32_t fdt_print_dts(const void *blob, size_t size, FILE *to, struct err *err);

#endif
