/* What the trees of all architectures say of their processors: cpu/cpu-topology.txt. */
#include <stdio.h>

#include "tables/fdt_parts.h"

/* One cluster of single-threaded cores. */
void fdt_cpu_map(struct fdt_build *b)
{
    struct fdt_tree *t = &b->tree;
    fdt_tree_begin(t, "cpu-map");
    fdt_tree_begin(t, "cluster0");
    for (uint32_t i = 0; i < b->layout->n_cpus; i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "core%u", i);
        fdt_tree_begin(t, name);
        fdt_tree_u32(t, "cpu", fdt_phandle_cpu(b, i));
        fdt_tree_end(t);
    }
    fdt_tree_end(t);
    fdt_tree_end(t);
}
