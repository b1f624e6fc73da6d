/*
 * Addresses, ports and lines. What the file pins comes first, then the rest in the order of the
 * file, so that the same file gives the same map every time.
 */
#include <backplane/abi.h>
#include <backplane/if/irqchip.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/irq.h"
#include "machine/parts.h"
#include "machine/ports.h"

static const char *full_name(struct assembly *a, const struct part *part, const char *name)
{
    return assembly_need(a, arena_format(&a->arena, "%s.%s", part->name, name));
}

static void pin_error(struct assembly *a, struct part *part, const struct pin *pin,
                      const char *sentence)
{
    doc_key_error(&a->doc, part->section, pin->key, pin->text, "%s", sentence);
    part->failed = true;
}

static void place_error(struct assembly *a, struct part *part, const char *sentence)
{
    doc_key_error(&a->doc, part->section, part->origin, part->origin_text, "%s", sentence);
    part->failed = true;
}

static void note_placed(struct device_region *region, uint64_t base, uint64_t size, bool pinned)
{
    region->placed = true;
    region->pinned = pinned;
    region->base = base;
    region->size = size;
}

/* --- memory-mapped regions -------------------------------------------------------------------- */
static void pin_region(struct assembly *a, struct part *part, struct device_region *region,
                       const struct pin *pin)
{
    struct err err;
    uint64_t align = region->row->align != 0 ? region->row->align : ASPACE_PAGE_BYTES;
    uint64_t base = pin->value, size = region->asked_bytes;
    const char *name = full_name(a, part, region->row->name);
    if (name == NULL)
        return;
    if (size <= UINT64_MAX - (align - 1))
        size = (size + align - 1) & ~(align - 1);
    if (base % align != 0) {
        (void)err_set(&err, BP_ERR_INVALID, "a multiple of 0x%" PRIx64 " is wanted", align);
        pin_error(a, part, pin, err.text);
    } else if (aspace_register_fixed(a->machine->aspace, name, base, size, &err) != BP_OK) {
        pin_error(a, part, pin, err.text);
    } else if ((region->row->flags & BP_REGION_BELOW_4G) != 0 && base + size > ASPACE_4G) {
        (void)err_set(&err, BP_ERR_RANGE,
                      "the region has 0x%" PRIx64 " bytes and must end below 4 GiB (0x100000000): "
                      "its drivers use 32-bit addresses",
                      size);
        pin_error(a, part, pin, err.text);
    } else {
        note_placed(region, base, size, true);
    }
}

static void allocate_region(struct assembly *a, struct part *part, struct device_region *region)
{
    struct err err;
    struct aspace_region placed;
    struct aspace_request request = {.name = full_name(a, part, region->row->name),
                                     .size = region->asked_bytes,
                                     .alignment = region->row->align,
                                     .below_4g = (region->row->flags & BP_REGION_BELOW_4G) != 0};
    if (request.name == NULL)
        return;
    if (aspace_allocate(a->machine->aspace, &request, &placed, &err) != BP_OK)
        place_error(a, part, err.text);
    else
        note_placed(region, placed.base, placed.size, false);
}

/* --- ports ------------------------------------------------------------------------------------ */
static void place_ports(struct assembly *a, struct ports *ports, struct part *part,
                        struct device_region *region, const struct pin *pin)
{
    struct err err;
    bool pinned = pin->key != NULL;
    uint64_t base = pin->value, align = region->row->align != 0 ? region->row->align : 1;
    const char *name = full_name(a, part, region->row->name);
    if (name == NULL)
        return;
    if (a->machine->arch != ARCH_X86_64) {
        (void)err_set(&err, BP_ERR_UNSUPPORTED, "%s has no ports: write port.%s@x86_64",
                      arch_name(a->machine->arch), region->row->name);
        if (pinned)
            pin_error(a, part, pin, err.text);
        return;
    }
    int32_t status = pinned ? ports_register(ports, name, base, region->asked_bytes, align, &err)
                            : ports_allocate(ports, name, region->asked_bytes, align, &base, &err);
    if (status == BP_OK)
        note_placed(region, base, region->asked_bytes, pinned);
    else if (pinned)
        pin_error(a, part, pin, err.text);
    else
        place_error(a, part, err.text);
}

static bool pins_another(const struct part *part, uint32_t region)
{
    for (uint32_t i = 0; i < part->class_->regions.n_rows; i++)
        if (i != region && part->regions[i].key != NULL)
            return true;
    return false;
}

static bool is_wanted(const struct part *part, uint32_t i)
{
    uint32_t flags = part->dev->regions[i].row->flags;
    if (part->regions[i].key != NULL)
        return true;
    if ((flags & BP_REGION_ALTERNATIVE) != 0 && pins_another(part, i))
        return false;
    return (flags & BP_REGION_OPTIONAL) == 0;
}

static void place_regions(struct assembly *a, struct ports *ports, struct part *part, bool pinned)
{
    for (uint32_t i = 0; i < part->class_->regions.n_rows; i++) {
        struct device_region *region = &part->dev->regions[i];
        const struct pin *pin = &part->regions[i];
        bool wanted = is_wanted(part, i);
        if ((pin->key != NULL) != pinned || !wanted)
            continue;
        if (region->row->kind == BP_PIO)
            place_ports(a, ports, part, region, pin);
        else if (pinned)
            pin_region(a, part, region, pin);
        else
            allocate_region(a, part, region);
    }
}

/* --- lines ------------------------------------------------------------------------------------ */
static void connect_line(struct assembly *a, struct irq_lines *lines, struct part *part, uint32_t i)
{
    struct err err;
    struct device_line *line = &part->dev->lines[i];
    const struct pin *pin = &part->lines[i];
    uint32_t number = (uint32_t)pin->value;
    const char *name = full_name(a, part, line->row->name);
    if (name == NULL)
        return;
    bool pinned = pin->key != NULL;
    int32_t status = pinned ? irq_lines_pin(lines, name, number, &err)
                            : irq_lines_allocate(lines, name, &number, &err);
    if (status != BP_OK && pinned) {
        pin_error(a, part, pin, err.text);
    } else if (status != BP_OK) {
        place_error(a, part, err.text);
    } else {
        line->connected = true;
        line->pinned = pinned;
        line->number = number;
    }
}

static void connect_lines(struct assembly *a, struct irq_lines *lines, struct part *part,
                          bool pinned)
{
    if (part == a->irqchip)
        return;
    if (a->irqchip != NULL)
        part->dev->irqchip = a->irqchip->dev;
    for (uint32_t i = 0; i < part->class_->lines.n_rows; i++) {
        bool has_pin = part->lines[i].key != NULL;
        bool optional = (part->dev->lines[i].row->flags & BP_LINE_OPTIONAL) != 0;
        if (has_pin == pinned && (has_pin || !optional))
            connect_line(a, lines, part, i);
    }
}

/* Pins of lines that lead nowhere. Others simply stay unconnected: drivers then poll. */
static void refuse_line_pins(struct assembly *a, struct part *part)
{
    for (uint32_t i = 0; i < part->class_->lines.n_rows; i++) {
        if (part->lines[i].key == NULL)
            continue;
        pin_error(a, part, &part->lines[i],
                  a->irqchip == NULL
                      ? "this machine has no interrupt controller: add one, such as plugin = plic"
                      : "lines of the interrupt controller itself lead nowhere: remove the line");
    }
}

/* --- what the accelerator brings -------------------------------------------------------------- */
bool assembly_has_builtin(const struct assembly *a, const struct platform_device *dev)
{
    return a->irqchip == NULL || !dev->with_irqchip;
}

/* Before all else: nothing can move these. RAM that reaches them is the only way to fail. */
static void place_builtin(struct assembly *a, struct ports *ports,
                          const struct platform_device *dev)
{
    struct err err;
    for (size_t i = 0; i < dev->n_regions; i++) {
        const struct platform_region *r = &dev->regions[i];
        const char *name = assembly_need(a, arena_format(&a->arena, "%s.%s", dev->name, r->name));
        if (name == NULL)
            return;
        int32_t status = r->kind == BP_PIO ? ports_register(ports, name, r->base, r->size, 1, &err)
                                           : aspace_register_fixed(a->machine->aspace, name,
                                                                   r->base, r->size, &err);
        if (status != BP_OK)
            diag_add(a->diag, NULL, 0, "%s", err.text);
    }
}

static void place_builtins(struct assembly *a, struct ports *ports)
{
    for (size_t i = 0; i < a->machine->platform.n_devices; i++)
        if (assembly_has_builtin(a, &a->machine->platform.devices[i]))
            place_builtin(a, ports, &a->machine->platform.devices[i]);
}

static void take_builtin_lines(struct assembly *a, struct irq_lines *lines)
{
    struct err err;
    for (size_t i = 0; i < a->machine->platform.n_devices; i++) {
        const struct platform_device *dev = &a->machine->platform.devices[i];
        if (dev->line_name == NULL || !assembly_has_builtin(a, dev))
            continue;
        const char *name =
            assembly_need(a, arena_format(&a->arena, "%s.%s", dev->name, dev->line_name));
        if (name != NULL && irq_lines_pin(lines, name, dev->line, &err) != BP_OK)
            diag_add(a->diag, NULL, 0, "%s", err.text);
    }
}

/* --- all -------------------------------------------------------------------------------------- */
static bool is_placeable(const struct part *part)
{
    return part->dev != NULL && !part->failed;
}

static void place_all_regions(struct assembly *a)
{
    struct ports *ports = a->machine->arch == ARCH_X86_64 ? ports_create() : NULL;
    if (a->machine->arch == ARCH_X86_64 && assembly_need(a, ports) == NULL)
        return;
    place_builtins(a, ports);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < a->n_parts; i++) {
            if (is_placeable(a->parts[i]))
                place_regions(a, ports, a->parts[i], pass == 0);
        }
    }
    ports_destroy(ports);
}

/* NULL: there are none, or that was reported. */
static struct irq_lines *create_lines(struct assembly *a)
{
    struct err err;
    struct irq_lines *lines = NULL;
    uint32_t first = 0, count = 0;
    if (a->irqchip == NULL && a->machine->platform.irq_count > 0) {
        first = a->machine->platform.irq_first;
        count = a->machine->platform.irq_count;
    } else if (a->irqchip != NULL && is_placeable(a->irqchip)) {
        const struct device *chip = a->irqchip->dev;
        chip->irqchip_ops->range(chip->instance, &first, &count);
    } else {
        return NULL;
    }
    if (irq_lines_create(first, count, &lines, &err) != BP_OK) {
        place_error(a, a->irqchip, err.text);
        return NULL;
    }
    a->machine->layout.irq_first = first;
    a->machine->layout.irq_count = count;
    if (a->irqchip == NULL)
        take_builtin_lines(a, lines);
    /* A controller of the machine's own has the same kind of lines: systems take the lower ones for
     * older devices'. */
    irq_lines_begin_at(lines, a->machine->platform.irq_dynamic);
    return lines;
}

static bool has_controller(const struct assembly *a)
{
    return a->irqchip != NULL || a->machine->platform.irq_count > 0;
}

static void place_all_lines(struct assembly *a)
{
    for (size_t i = 0; i < a->n_parts; i++) {
        struct part *part = a->parts[i];
        if (is_placeable(part) && (!has_controller(a) || part == a->irqchip))
            refuse_line_pins(a, part);
    }
    struct irq_lines *lines = create_lines(a);
    if (lines == NULL)
        return;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < a->n_parts; i++) {
            if (is_placeable(a->parts[i]))
                connect_lines(a, lines, a->parts[i], pass == 0);
        }
    }
    irq_lines_destroy(lines);
}

void assembly_place(struct assembly *a)
{
    if (a->machine->aspace != NULL)
        place_all_regions(a);
    place_all_lines(a);
}
