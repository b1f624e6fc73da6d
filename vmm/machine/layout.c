/* The finished machine: its lists of devices, its console, and the layout that all tables read. */
#include <backplane/abi.h>
#include <backplane/if/irqchip.h>
#include <stdlib.h>
#include <string.h>

#include "machine/parts.h"

/* --- the console ------------------------------------------------------------------------------ */
static struct part *named_console(struct assembly *a)
{
    const char *known[128];
    size_t n = 0;
    const char *text = assembly_value(a, a->doc.machine, a->console_key);
    if (text == NULL)
        return NULL;
    struct part *part = strmap_find(&a->by_name, text);
    if (part != NULL && !part->is_backend)
        return part;
    for (size_t i = 0; i < a->n_parts && n < 128; i++) {
        if (!a->parts[i]->is_backend && a->parts[i]->carried == NULL)
            known[n++] = a->parts[i]->name;
    }
    doc_key_error(&a->doc, a->doc.machine, a->console_key, text,
                  "there is no [device] of that name%s", assembly_hint(a, text, known, n));
    return NULL;
}

static struct part *first_serial(const struct assembly *a)
{
    for (size_t i = 0; i < a->n_parts; i++) {
        const struct bp_class *c = a->parts[i]->class_;
        if (c != NULL && !a->parts[i]->is_backend && c->dt_name != NULL &&
            strcmp(c->dt_name, "serial") == 0)
            return a->parts[i];
    }
    return NULL;
}

/* --- callbacks of the layout ------------------------------------------------------------------ */
static void describe_fdt(void *ctx, const struct bp_fdt_writer *w)
{
    const struct device *dev = ctx;
    struct crash_mark mark = {.dev = dev, .callback = "describe_fdt"};
    crash_mark(&mark);
    dev->class_->describe_fdt(dev->instance, w);
    crash_unmark(&mark);
}

static void describe_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    const struct device *dev = ctx;
    struct crash_mark mark = {.dev = dev, .callback = "describe_acpi"};
    crash_mark(&mark);
    dev->class_->describe_acpi(dev->instance, w);
    crash_unmark(&mark);
}

static uint32_t irq_specifier(void *ctx, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    const struct device *chip = ctx;
    return chip->irqchip_ops->specifier(chip->instance, line, trigger, cells);
}

static uint32_t builtin_specifier(void *ctx, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    const struct machine *machine = ctx;
    return platform_irq_specifier(machine->arch, line, trigger, cells);
}

/* --- one device ------------------------------------------------------------------------------- */
static bool fill_regions(struct arena *arena, const struct device *dev, struct layout_device *out)
{
    uint32_t n_rows = dev->class_->regions.n_rows;
    struct layout_region *regions = arena_array(arena, n_rows, sizeof(*regions));
    if (regions == NULL)
        return false;
    for (uint32_t i = 0; i < n_rows; i++) {
        const struct device_region *r = &dev->regions[i];
        if (r->placed)
            regions[out->n_regions++] =
                (struct layout_region){r->row->name, r->row->kind, r->base, r->size, r->pinned, i};
    }
    out->regions = regions;
    return true;
}

static bool fill_lines(struct arena *arena, const struct device *dev, struct layout_device *out)
{
    uint32_t n_rows = dev->class_->lines.n_rows;
    struct layout_line *lines = arena_array(arena, n_rows, sizeof(*lines));
    if (lines == NULL)
        return false;
    for (uint32_t i = 0; i < n_rows; i++) {
        const struct device_line *l = &dev->lines[i];
        if (l->connected)
            lines[out->n_lines++] =
                (struct layout_line){l->row->name, l->number, l->row->trigger, l->pinned, i};
    }
    out->lines = lines;
    return true;
}

static bool fill_device(struct assembly *a, const struct part *part, struct layout_device *out)
{
    struct device *dev = part->dev;
    const struct bp_class *c = part->class_;
    *out = (struct layout_device){
        .name = dev->name,
        .class_id = c->id,
        .summary = c->summary,
        .behind = part->transport != NULL ? part->transport->dev->name : NULL,
        .dt_name = c->dt_name,
        .dt_compatible = c->dt_compatible,
        .acpi_hid = c->acpi_hid,
        .n_region_rows = c->regions.n_rows,
        .n_line_rows = c->lines.n_rows,
        .is_irqchip = part == a->irqchip,
        .describe_fdt = c->describe_fdt != NULL ? describe_fdt : NULL,
        .describe_acpi = BP_HAS(struct bp_class, c, describe_acpi) && c->describe_acpi != NULL
                             ? describe_acpi
                             : NULL,
        .ctx = dev,
    };
    struct arena *arena = &a->machine->own->arena;
    return fill_regions(arena, dev, out) && fill_lines(arena, dev, out);
}

static bool fill_builtin(struct assembly *a, const struct platform_device *dev,
                         struct layout_device *out)
{
    struct arena *arena = &a->machine->own->arena;
    struct layout_region *regions = arena_array(arena, dev->n_regions, sizeof(*regions));
    struct layout_line *lines = arena_array(arena, 1, sizeof(*lines));
    if (regions == NULL || lines == NULL)
        return false;
    for (size_t i = 0; i < dev->n_regions; i++)
        regions[i] = (struct layout_region){.name = dev->regions[i].name,
                                            .kind = dev->regions[i].kind,
                                            .base = dev->regions[i].base,
                                            .size = dev->regions[i].size,
                                            .pinned = true,
                                            .row = (uint32_t)i};
    lines[0] = (struct layout_line){dev->line_name, dev->line, BP_EDGE_RISING, true, 0};
    *out = (struct layout_device){.name = dev->name,
                                  .class_id = "built in",
                                  .summary = dev->summary,
                                  .acpi_hid = dev->acpi_hid,
                                  .dt_name = dev->dt_name,
                                  .dt_compatible = dev->dt_compatible,
                                  .regions = regions,
                                  .n_regions = dev->n_regions,
                                  .lines = lines,
                                  .n_lines = dev->line_name != NULL,
                                  .n_region_rows = dev->n_regions,
                                  .n_line_rows = dev->line_name != NULL,
                                  .is_irqchip = dev->is_irqchip,
                                  .is_builtin = true};
    return true;
}

static bool fill_builtins(struct assembly *a, struct layout_device *devices)
{
    struct layout *layout = &a->machine->layout;
    for (size_t i = 0; i < a->machine->platform.n_devices; i++) {
        const struct platform_device *dev = &a->machine->platform.devices[i];
        if (!assembly_has_builtin(a, dev))
            continue;
        struct layout_device *row = &devices[layout->n_devices++];
        if (!fill_builtin(a, dev, row))
            return false;
        if (dev->is_irqchip)
            layout->irqchip = row;
    }
    return true;
}

/* --- the lists -------------------------------------------------------------------------------- */
static bool fill_devices(struct assembly *a)
{
    struct machine *machine = a->machine;
    struct arena *arena = &machine->own->arena;
    size_t n_builtin = a->machine->platform.n_devices;
    struct layout_device *devices = arena_array(arena, a->n_parts + n_builtin, sizeof(*devices));
    machine->devices = arena_array(arena, a->n_parts, sizeof(struct device *));
    if (devices == NULL || machine->devices == NULL)
        return false;
    machine->layout.devices = devices;
    if (!fill_builtins(a, devices))
        return false;
    for (size_t i = 0; i < a->n_parts; i++) {
        if (a->parts[i]->is_backend)
            machine->devices[machine->n_devices++] = a->parts[i]->dev;
    }
    for (size_t i = 0; i < a->n_parts; i++) {
        struct part *part = a->parts[i];
        if (part->is_backend)
            continue;
        struct layout_device *row = &devices[machine->layout.n_devices++];
        machine->devices[machine->n_devices++] = part->dev;
        if (!fill_device(a, part, row))
            return false;
        if (part == a->console)
            machine->layout.console = row;
        if (part == a->irqchip)
            machine->layout.irqchip = row;
    }
    return true;
}

/* "/a/b/virt.ini" -> "virt". */
static char *machine_name(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, ".ini") == 0)
        n -= 4;
    return arena_copy(arena, name, n);
}

/* The extension belongs to interrupt controllers that this machine does not have. */
static char *without_ssaia(char *isa)
{
    char *at = isa != NULL ? strstr(isa, "_ssaia") : NULL;
    if (at != NULL)
        memmove(at, at + strlen("_ssaia"), strlen(at + strlen("_ssaia")) + 1);
    return isa;
}

static bool fill_layout(struct assembly *a)
{
    struct machine *machine = a->machine;
    struct arena *arena = &machine->own->arena;
    struct layout *layout = &machine->layout;
    machine->name = machine_name(arena, a->options->path);
    layout->arch = machine->arch;
    layout->name = machine->name;
    layout->summary = machine->summary;
    layout->n_cpus = machine->n_cpus;
    layout->timebase_hz = machine->timebase_hz;
    char *isa = arena_string(arena, a->limits.isa);
    layout->isa = machine->platform.aia_ids != 0 ? isa : without_ssaia(isa);
    layout->mmu_type = arena_string(arena, a->limits.mmu_type);
    layout->gic_version = machine->platform.gic_version;
    layout->has_pmu = machine->platform.has_pmu;
    layout->aia_ids = machine->platform.aia_ids;
    layout->n_ram = aspace_ram(machine->aspace, layout->ram);
    if (a->irqchip == NULL && machine->platform.gic_version + machine->platform.aia_ids != 0) {
        layout->irq_specifier = builtin_specifier;
        layout->irq_ctx = machine;
    }
    if (a->irqchip != NULL) {
        machine->irqchip = a->irqchip->dev;
        layout->irq_specifier = irq_specifier;
        layout->irq_ctx = machine->irqchip;
    }
    return machine->name != NULL && (layout->isa != NULL || a->limits.isa == NULL) &&
           (layout->mmu_type != NULL || a->limits.mmu_type == NULL);
}

void assembly_finish(struct assembly *a)
{
    a->console = a->console_key != NULL ? named_console(a) : first_serial(a);
    if (diag_count(a->diag) > 0)
        return;
    if (a->console != NULL)
        a->machine->console = a->console->dev;
    if (!fill_layout(a) || !fill_devices(a))
        a->out_of_memory = true;
}
