/*
 * A device's Device () in \_SB: the generic part from the layout, then what its describe_acpi adds.
 *
 * _HID is the class's, or PRP0001 with the class's dt_compatible as property (ACPI for Linux'
 * documentation, "enumeration"), or PNP0C02, motherboard resources: so whatever the map has is also
 * taken in the guest.
 */
#include <backplane/abi.h>
#include <backplane/device.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/acpi_writer.h"

#define MOTHERBOARD       "PNP0C02"
#define DEVICE_TREE       "PRP0001"
#define STA_PRESENT       0x0Fu /* present, enabled, shown, working (ACPI 6.5, 6.3.7) */
#define COMPATIBLES_MAX   16u
#define NAMES_PER_LETTER  0x1000u
#define DEVICES_PER_TABLE ('Z' - 'D' + 1) * NAMES_PER_LETTER

/* daffd814-6eba-4d8c-8a91-bc9bbf4aa301: device properties (ACPI 6.5, 6.2.5). */
static const uint8_t properties_uuid[16] = {0x14, 0xd8, 0xff, 0xda, 0xba, 0x6e, 0x8c, 0x4d,
                                            0x8a, 0x91, 0xbc, 0x9b, 0xbf, 0x4a, 0xa3, 0x01};

/* A buffer's bytes in the order of ToUUID (): the first three parts little-endian. */
static void write_dsd(const struct acpi_level *level, struct aml *to)
{
    aml_name(to, "_DSD");
    aml_package_begin(to, 2);
    aml_buffer(to, properties_uuid, sizeof(properties_uuid));
    aml_package_begin(to, (uint8_t)level->n_props);
    aml_bytes(to, level->props.bytes, level->props.size);
    aml_end(to);
    aml_end(to);
}

static void keep_status(struct aml *to, const struct aml *from)
{
    if (from->status != BP_OK && to->status == BP_OK)
        to->status = from->status;
}

void acpi_level_write(const struct acpi_level *level, struct aml *to)
{
    aml_device_begin(to, level->name);
    if (level->hid[0] != '\0') {
        aml_name(to, "_HID");
        aml_id(to, level->hid);
        aml_name(to, "_UID");
        aml_integer(to, level->uid);
    }
    if (!acpi_level_has(level, "_STA")) {
        aml_name(to, "_STA");
        aml_integer(to, STA_PRESENT);
    }
    if (level->resources.size > 0) {
        aml_name(to, "_CRS");
        aml_resources(to, &level->resources);
    }
    if (level->n_props > 0)
        write_dsd(level, to);
    aml_bytes(to, level->terms.bytes, level->terms.size);
    aml_end(to);
    keep_status(to, &level->resources);
    keep_status(to, &level->props);
    keep_status(to, &level->terms);
}

/* --- the generic part ------------------------------------------------------------------------- */
void acpi_device_name(const struct layout *layout, const struct layout_device *dev, char name[5])
{
    size_t i = (size_t)(dev - layout->devices) % (size_t)(DEVICES_PER_TABLE);
    (void)snprintf(name, 5, "%c%03X", (char)('D' + (int)(i / NAMES_PER_LETTER)),
                   (unsigned)(i % NAMES_PER_LETTER));
}

/* Behind a transport a device has no place of its own: the transport is what the guest finds. */
static bool is_described(const struct layout_device *dev)
{
    return dev->behind == NULL &&
           (dev->acpi_hid != NULL || dev->dt_compatible != NULL || dev->n_regions > 0 ||
            dev->n_lines > 0 || dev->describe_acpi != NULL);
}

bool acpi_device_path(const struct layout *layout, const struct layout_device *dev,
                      char path[ACPI_PATH_BYTES])
{
    char name[5];
    if (layout->arch != ARCH_X86_64 || !is_described(dev))
        return false;
    acpi_device_name(layout, dev, name);
    (void)snprintf(path, ACPI_PATH_BYTES, "\\_SB.%s", name);
    return true;
}

static bool compatible_is_valid(const char *list, unsigned *n)
{
    *n = 0;
    for (const char *c = list; *c != '\0'; c += strlen(c) + 1, *n += 1)
        for (const char *at = c; *at != '\0'; at++)
            if (*at < ' ' || *at > '~' || at - c == ACPI_STRING_MAX || *n == COMPATIBLES_MAX)
                return false;
    return *n > 0;
}

static void write_compatible(struct acpi_build *b, const struct layout_device *dev,
                             struct acpi_level *level)
{
    unsigned n;
    if (!compatible_is_valid(dev->dt_compatible, &n)) {
        acpi_fail(b, BP_ERR_INVALID,
                  "device %s (%s): dt_compatible: 1-%u strings of printable ASCII are wanted; this "
                  "is a mistake in the plugin",
                  dev->name, dev->class_id, COMPATIBLES_MAX);
        return;
    }
    if (n == 1) {
        acpi_level_prop_string(level, "compatible", dev->dt_compatible);
        return;
    }
    aml_package_begin(&level->props, 2);
    aml_string(&level->props, "compatible");
    aml_package_begin(&level->props, (uint8_t)n);
    for (const char *c = dev->dt_compatible; *c != '\0'; c += strlen(c) + 1)
        aml_string(&level->props, c);
    aml_end(&level->props);
    aml_end(&level->props);
    level->n_props++;
}

static void choose_id(struct acpi_build *b, struct acpi_writer *w)
{
    const struct layout_device *dev = w->dev;
    struct acpi_level *level = &w->levels[0];
    const char *hid = dev->acpi_hid != NULL        ? dev->acpi_hid
                      : dev->dt_compatible != NULL ? DEVICE_TREE
                                                   : MOTHERBOARD;
    if (!aml_id_is_valid(hid)) {
        acpi_fail(b, BP_ERR_INVALID,
                  "device %s (%s): acpi_hid \"%.16s\" is no ACPI id: three letters, or four "
                  "letters and digits, then four hexadecimal digits, as PNP0501 or ACPI0007; this "
                  "is a mistake in the plugin",
                  dev->name, dev->class_id, hid);
        return;
    }
    (void)snprintf(level->hid, sizeof(level->hid), "%s", hid);
    level->uid = acpi_next_uid(b, hid);
    if (dev->acpi_hid == NULL && dev->dt_compatible != NULL)
        write_compatible(b, dev, level);
}

/* Ports are 16 bits wide; the address space has checked the others. */
static void write_resources(struct acpi_build *b, struct acpi_writer *w)
{
    const struct layout_device *dev = w->dev;
    struct acpi_level *level = &w->levels[0];
    for (size_t i = 0; i < dev->n_regions; i++) {
        const struct layout_region *r = &dev->regions[i];
        if (r->row < ACPI_REGIONS_MAX && w->region_is_taken[r->row])
            continue;
        if (r->kind == BP_PIO && (r->base > 0xFFFF || r->size > 0x10000 - r->base))
            acpi_fail(b, BP_ERR_RANGE, "device %s (%s): ports of %s are beyond 0xffff", dev->name,
                      dev->class_id, r->name);
        else
            acpi_level_resource(level, r);
    }
    for (size_t i = 0; i < dev->n_lines; i++) {
        const struct layout_line *l = &dev->lines[i];
        if (l->row >= ACPI_LINES_MAX || !w->line_is_taken[l->row])
            aml_resource_interrupt(&level->resources, l->number, l->trigger == BP_EDGE_RISING);
    }
}

void acpi_device(struct acpi_build *b, const struct layout_device *dev)
{
    if (!is_described(dev) || b->status != BP_OK)
        return;
    struct acpi_writer *w = acpi_writer_create(b, dev);
    if (w == NULL)
        return;
    acpi_device_name(b->layout, dev, w->levels[0].name);
    choose_id(b, w);
    if (dev->describe_acpi != NULL && b->status == BP_OK)
        dev->describe_acpi(dev->ctx, &w->face);
    if (w->depth != 0)
        acpi_writer_fail(w, "%u children are not ended", w->depth);
    if (b->status == BP_OK) {
        write_resources(b, w);
        acpi_level_write(&w->levels[0], &b->dsdt);
    }
    acpi_writer_destroy(w);
}
