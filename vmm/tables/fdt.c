#include "tables/fdt.h"

#include <backplane/abi.h>
#include <backplane/device.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tables/fdt_parts.h"

uint32_t fdt_phandle_intc(const struct fdt_build *b, uint32_t cpu)
{
    (void)b;
    return 1 + cpu;
}

uint32_t fdt_phandle_cpu(const struct fdt_build *b, uint32_t cpu)
{
    return 1 + b->layout->n_cpus + cpu;
}

uint32_t fdt_phandle_device(const struct fdt_build *b, const struct layout_device *dev)
{
    return 1 + 2 * b->layout->n_cpus + (uint32_t)(dev - b->layout->devices);
}

uint32_t fdt_phandle_clock(const struct fdt_build *b, uint32_t index)
{
    return 1 + 2 * b->layout->n_cpus + (uint32_t)b->layout->n_devices + index;
}

uint32_t fdt_phandle_l2(const struct fdt_build *b)
{
    return fdt_phandle_clock(b, FDT_CLOCKS_MAX);
}

/* The machine's name as the second half of a compatible string. */
static void write_root(struct fdt_build *b)
{
    char name[80] = "backplane,";
    size_t at = strlen(name);
    for (const char *c = b->layout->name; c != NULL && *c != '\0' && at + 1 < sizeof(name); c++)
        name[at++] = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '-';
    name[at] = '\0';
    fdt_tree_u32(&b->tree, "#address-cells", 2);
    fdt_tree_u32(&b->tree, "#size-cells", 2);
    fdt_tree_string(&b->tree, "compatible", at == 10 ? "backplane,machine" : name);
    const struct layout_identity *id = &b->layout->identity;
    fdt_tree_string(&b->tree, "model",
                    id->product != NULL ? id->product
                    : at == 10          ? "backplane,machine"
                                        : name);
    if (id->serial_number != NULL)
        fdt_tree_string(&b->tree, "serial-number", id->serial_number);
    if (b->layout->arch == ARCH_ARM64) /* the timer's, too */
        fdt_tree_u32(&b->tree, "interrupt-parent", fdt_phandle_device(b, b->layout->irqchip));
}

/* A bus has only addressed nodes: those without registers go under the root. Their names carry the
 * position in the machine file, so two of a class differ. */
static bool node_name(const struct layout *layout, const struct layout_device *dev, char name[96])
{
    char base[64];
    if (!fdt_device_name(dev, base))
        return false;
    if (fdt_device_has_address(dev))
        (void)snprintf(name, 96, "%s", base);
    else
        (void)snprintf(name, 96, "%s-%zu", base, (size_t)(dev - layout->devices));
    return true;
}

bool fdt_device_path(const struct layout *layout, const struct layout_device *dev,
                     char path[FDT_PATH_BYTES])
{
    char name[96];
    if (fdt_arm64_is_its(layout, dev) && layout->irqchip != NULL &&
        fdt_device_path(layout, layout->irqchip, path)) {
        fdt_arm64_its_name(dev, name);
        (void)snprintf(path + strlen(path), FDT_PATH_BYTES - strlen(path), "/%s", name);
        return true;
    }
    if (!node_name(layout, dev, name))
        return false;
    (void)snprintf(path, FDT_PATH_BYTES, "%s/%s", fdt_device_has_address(dev) ? "/soc" : "", name);
    return true;
}

/* One cell where that is enough, as the binding has it; guests take either. */
static void write_initrd(struct fdt_tree *t, uint64_t start, uint64_t end)
{
    if (end <= UINT32_MAX) {
        fdt_tree_u32(t, "linux,initrd-start", (uint32_t)start);
        fdt_tree_u32(t, "linux,initrd-end", (uint32_t)end);
        return;
    }
    fdt_tree_u64(t, "linux,initrd-start", start);
    fdt_tree_u64(t, "linux,initrd-end", end);
}

static void write_chosen(struct fdt_build *b, const struct fdt_chosen *chosen)
{
    struct fdt_tree *t = &b->tree;
    const struct layout_device *console = b->layout->console;
    char path[FDT_PATH_BYTES];
    fdt_tree_begin(t, "chosen");
    if (chosen->bootargs != NULL)
        fdt_tree_string(t, "bootargs", chosen->bootargs);
    if (console != NULL && fdt_device_has_address(console) &&
        fdt_device_path(b->layout, console, path))
        fdt_tree_string(t, "stdout-path", path);
    if (chosen->initrd_bytes > 0) {
        write_initrd(t, chosen->initrd_gpa, chosen->initrd_gpa + chosen->initrd_bytes);
    }
    if (chosen->rng_seed_bytes > 0)
        fdt_tree_bytes(t, "rng-seed", chosen->rng_seed, chosen->rng_seed_bytes);
    if (chosen->kaslr_seed != 0)
        fdt_tree_u64(t, "kaslr-seed", chosen->kaslr_seed);
    fdt_tree_end(t);
}

static void write_alias(struct fdt_build *b, const struct layout_device *dev, uint32_t *n)
{
    char path[FDT_PATH_BYTES];
    char alias[24];
    if (dev == NULL || dev->dt_name == NULL || strcmp(dev->dt_name, "serial") != 0 ||
        !fdt_device_has_address(dev) || !fdt_device_path(b->layout, dev, path))
        return;
    (void)snprintf(alias, sizeof(alias), "serial%u", *n);
    fdt_tree_string(&b->tree, alias, path);
    *n += 1;
}

/* Guests number serial ports by address unless told otherwise: the console is the first, the others
 * follow as in the machine file, so that adding one renames none before it. */
static void write_aliases(struct fdt_build *b)
{
    const struct layout *l = b->layout;
    uint32_t n = 0;
    fdt_tree_begin(&b->tree, "aliases");
    write_alias(b, l->console, &n);
    for (size_t i = 0; i < l->n_devices; i++)
        if (&l->devices[i] != l->console)
            write_alias(b, &l->devices[i], &n);
    fdt_tree_end(&b->tree);
}

static void write_memory(struct fdt_build *b)
{
    for (size_t i = 0; i < b->layout->n_ram; i++) {
        const struct aspace_ram *ram = &b->layout->ram[i];
        char name[40];
        (void)snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)ram->base);
        const uint32_t reg[4] = {(uint32_t)(ram->base >> 32), (uint32_t)ram->base,
                                 (uint32_t)(ram->size >> 32), (uint32_t)ram->size};
        fdt_tree_begin(&b->tree, name);
        fdt_tree_string(&b->tree, "device_type", "memory");
        fdt_tree_cells(&b->tree, "reg", reg, 4);
        fdt_tree_end(&b->tree);
    }
}

struct placed {
    uint64_t base;
    const struct layout_device *dev;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return (x->dev > y->dev) - (x->dev < y->dev);
}

static uint64_t device_base(const struct layout_device *dev)
{
    for (size_t i = 0; i < dev->n_regions; i++)
        if (dev->regions[i].kind != BP_PIO)
            return dev->regions[i].base;
    return 0;
}

static void write_soc(struct fdt_build *b)
{
    const struct layout *l = b->layout;
    struct placed *order = calloc(l->n_devices + 1, sizeof(*order));
    if (order == NULL) {
        fdt_tree_fail(&b->tree, BP_ERR_NO_MEMORY, "device tree: out of memory");
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < l->n_devices; i++)
        if (l->devices[i].dt_name != NULL && fdt_device_has_address(&l->devices[i]))
            order[n++] = (struct placed){device_base(&l->devices[i]), &l->devices[i]};
    qsort(order, n, sizeof(*order), compare_placed);

    fdt_tree_begin(&b->tree, "soc");
    fdt_tree_u32(&b->tree, "#address-cells", 2);
    fdt_tree_u32(&b->tree, "#size-cells", 2);
    fdt_tree_string(&b->tree, "compatible", "simple-bus");
    fdt_tree_empty(&b->tree, "ranges");
    if (l->arch == ARCH_ARM64) /* where guests take devices for incoherent unless told */
        fdt_tree_empty(&b->tree, "dma-coherent");
    for (size_t i = 0; i < n; i++) {
        char name[96];
        if (node_name(l, order[i].dev, name))
            fdt_device_node(b, order[i].dev, name);
    }
    fdt_tree_end(&b->tree);
    free(order);
}

static void write_unaddressed(struct fdt_build *b)
{
    const struct layout *l = b->layout;
    for (size_t i = 0; i < l->n_devices; i++) {
        const struct layout_device *dev = &l->devices[i];
        char name[96];
        if (!fdt_device_has_address(dev) && node_name(l, dev, name))
            fdt_device_node(b, dev, name);
    }
    for (size_t i = 0; i < l->n_devices; i++)
        if (l->devices[i].dt_name != NULL)
            fdt_device_root_nodes(b, &l->devices[i]);
}

static void write_clocks(struct fdt_build *b)
{
    for (uint32_t i = 0; i < b->n_clocks; i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "clock-%u", b->clocks_hz[i]);
        fdt_tree_begin(&b->tree, name);
        fdt_tree_string(&b->tree, "compatible", "fixed-clock");
        fdt_tree_u32(&b->tree, "#clock-cells", 0);
        fdt_tree_u32(&b->tree, "clock-frequency", b->clocks_hz[i]);
        fdt_tree_u32(&b->tree, "phandle", fdt_phandle_clock(b, i));
        fdt_tree_end(&b->tree);
    }
}

static int32_t check_layout(const struct layout *l, struct err *err)
{
    if (l->arch == ARCH_X86_64)
        return err_set(err, BP_ERR_UNSUPPORTED,
                       "device tree: x86_64 machines have none, they have ACPI: use --acpi");
    for (size_t i = 0; i < l->n_devices; i++) {
        const struct layout_device *dev = &l->devices[i];
        if (dev->dt_name != NULL && !fdt_node_name_is_valid(dev->dt_name))
            return err_set(err, BP_ERR_INVALID,
                           "device %s (%s): dt_name \"%s\" is no node name: use 1-31 letters, "
                           "digits and ,._+-, beginning with a letter",
                           dev->name, dev->class_id, dev->dt_name);
    }
    return l->arch == ARCH_ARM64 ? fdt_arm64_check(l, err) : BP_OK;
}

int32_t fdt_build(const struct layout *layout, const struct fdt_chosen *chosen, void **blob,
                  size_t *size, struct err *err)
{
    static const struct fdt_chosen nothing;
    int32_t status = check_layout(layout, err);
    if (status != BP_OK)
        return status;
    struct fdt_build b = {.layout = layout};
    fdt_tree_init(&b.tree, err);
    fdt_tree_begin(&b.tree, "");
    write_root(&b);
    write_chosen(&b, chosen != NULL ? chosen : &nothing);
    write_aliases(&b);
    if (layout->arch == ARCH_ARM64)
        fdt_arm64_system(&b);
    else
        fdt_riscv64_cpus(&b);
    write_memory(&b);
    write_soc(&b);
    write_unaddressed(&b);
    write_clocks(&b);
    fdt_tree_end(&b.tree);
    status = fdt_tree_finish(&b.tree, blob, size);
    fdt_tree_fini(&b.tree);
    return status;
}
