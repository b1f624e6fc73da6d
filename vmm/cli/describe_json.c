/* A machine's layout as JSON, for scripts. Members are only ever added. */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/describe.h"
#include "cli/json.h"
#include "tables/acpi.h"
#include "tables/e820.h"
#include "tables/fdt.h"

static void put_hex(struct json *json, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
    json_string(json, name, text);
}

static void put_range(struct json *json, uint64_t base, uint64_t size)
{
    put_hex(json, "base", base);
    put_hex(json, "end", base + (size - 1)); /* of the last byte */
    json_u64(json, "size", size);
}

static void put_regions(struct json *json, const struct layout_device *dev)
{
    json_array(json, "regions");
    for (size_t i = 0; i < dev->n_regions; i++) {
        const struct layout_region *r = &dev->regions[i];
        json_object(json, NULL);
        json_string(json, "name", r->name);
        json_string(json, "kind", r->kind == BP_RAM ? "ram" : r->kind == BP_PIO ? "port" : "mmio");
        put_range(json, r->base, r->size);
        json_bool(json, "pinned", r->pinned);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_lines(struct json *json, const struct layout_device *dev)
{
    json_array(json, "lines");
    for (size_t i = 0; i < dev->n_lines; i++) {
        const struct layout_line *l = &dev->lines[i];
        json_object(json, NULL);
        json_string(json, "name", l->name);
        json_u64(json, "number", l->number);
        json_string(json, "trigger", l->trigger == BP_EDGE_RISING ? "edge" : "level");
        json_bool(json, "pinned", l->pinned);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_device(struct json *json, const struct layout *layout,
                       const struct layout_device *dev)
{
    char path[FDT_PATH_BYTES];
    char acpi[ACPI_PATH_BYTES];
    json_object(json, NULL);
    json_string(json, "name", dev->name);
    json_string(json, "plugin", dev->class_id);
    json_string(json, "summary", dev->summary);
    json_string(json, "behind", dev->behind);
    json_string(json, "node", fdt_device_path(layout, dev, path) ? path : NULL);
    json_array(json, "compatible");
    for (const char *c = dev->dt_compatible; c != NULL && *c != '\0'; c += strlen(c) + 1)
        json_string(json, NULL, c);
    json_close_array(json);
    json_string(json, "acpi_hid", dev->acpi_hid);
    json_string(json, "acpi_path", acpi_device_path(layout, dev, acpi) ? acpi : NULL);
    put_regions(json, dev);
    put_lines(json, dev);
    json_close_object(json);
}

static void put_interrupts(struct json *json, const struct layout *layout)
{
    json_object(json, "interrupts");
    json_string(json, "controller", layout->irqchip != NULL ? layout->irqchip->name : NULL);
    json_u64(json, "first", layout->irq_first);
    json_u64(json, "count", layout->irq_count);
    json_close_object(json);
}

/* Without the tables' own ranges, which only booting decides. */
static void put_e820(struct json *json, const struct layout *layout)
{
    struct e820_entry *entries;
    size_t n;
    struct err unheard;
    if (layout->arch != ARCH_X86_64 || e820_build(layout, NULL, &entries, &n, &unheard) != BP_OK)
        return;
    json_array(json, "e820");
    for (size_t i = 0; i < n; i++) {
        json_object(json, NULL);
        put_range(json, entries[i].base, entries[i].size);
        json_string(json, "type", e820_type_name(entries[i].type));
        json_close_object(json);
    }
    json_close_array(json);
    free(entries);
}

void describe_json(const struct layout *layout, FILE *to)
{
    struct json json;
    json_begin(&json, to);
    json_string(&json, "machine", layout->name);
    json_string(&json, "summary", layout->summary);
    json_string(&json, "arch", arch_name(layout->arch));
    json_u64(&json, "cpus", layout->n_cpus);
    json_u64(&json, "timebase_hz", layout->timebase_hz);
    json_u64(&json, "address_bits", layout->gpa_bits);
    json_string(&json, "isa", layout->isa);
    json_string(&json, "mmu", layout->mmu_type);
    json_string(&json, "console", layout->console != NULL ? layout->console->name : NULL);
    put_interrupts(&json, layout);
    json_array(&json, "ram");
    for (size_t i = 0; i < layout->n_ram; i++) {
        json_object(&json, NULL);
        put_range(&json, layout->ram[i].base, layout->ram[i].size);
        json_close_object(&json);
    }
    json_close_array(&json);
    put_e820(&json, layout);
    json_array(&json, "devices");
    for (size_t i = 0; i < layout->n_devices; i++)
        put_device(&json, layout, &layout->devices[i]);
    json_close_array(&json);
    json_end(&json);
}
