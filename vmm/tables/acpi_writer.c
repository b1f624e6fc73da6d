/*
 * The writer that describe_acpi gets. It collects: a device's own names come first in its scope,
 * whenever they were said, and what a child took is no longer the parent's. A plugin's mistake is
 * an error with the device's name, never a broken table: names, nesting, sizes and indexes are
 * checked here.
 */
#include "tables/acpi_writer.h"

#include <backplane/abi.h>
#include <backplane/device.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_INDEXES 16u /* RGnB: one hexadecimal digit */

void acpi_writer_fail(struct acpi_writer *w, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    acpi_fail(w->build, BP_ERR_INVALID,
              "device %s (%s): describe_acpi: %s; this is a mistake in the plugin", w->dev->name,
              w->dev->class_id, text);
}

static bool is_sound(const struct acpi_writer *w)
{
    return w->build->status == BP_OK;
}

/* Control characters would spoil the message. */
static const char *quote(const char *text, char out[40])
{
    size_t n = 0;
    for (; text != NULL && n < 39 && text[n] != '\0'; n++)
        out[n] = isprint((unsigned char)text[n]) ? text[n] : '?';
    out[n] = '\0';
    return out;
}

/* --- regions and lines by row ----------------------------------------------------------------- */
const struct layout_region *acpi_writer_region(struct acpi_writer *w, const char *what,
                                               uint32_t row)
{
    if (!is_sound(w))
        return NULL;
    if (row >= w->dev->n_region_rows) {
        acpi_writer_fail(w, "%s: there is no region %u (the class has %zu)", what, row,
                         w->dev->n_region_rows);
        return NULL;
    }
    for (size_t i = 0; i < w->dev->n_regions; i++)
        if (w->dev->regions[i].row == row)
            return &w->dev->regions[i];
    return NULL;
}

const struct layout_line *acpi_writer_line(struct acpi_writer *w, const char *what, uint32_t row)
{
    if (!is_sound(w))
        return NULL;
    if (row >= w->dev->n_line_rows) {
        acpi_writer_fail(w, "%s: there is no line %u (the class has %zu)", what, row,
                         w->dev->n_line_rows);
        return NULL;
    }
    for (size_t i = 0; i < w->dev->n_lines; i++)
        if (w->dev->lines[i].row == row)
            return &w->dev->lines[i];
    return NULL;
}

void acpi_writer_note(struct acpi_writer *w, bool is_line, uint32_t row, const char *where)
{
    struct acpi_question *q = &w->build->question;
    bool *taken = is_line ? w->line_is_taken : w->region_is_taken;
    if (row < (is_line ? ACPI_LINES_MAX : ACPI_REGIONS_MAX))
        taken[row] = true;
    if (q->dev == w->dev && q->is_line == is_line && q->row == row && q->where[0] == '\0')
        (void)snprintf(q->where, sizeof(q->where), "%s", where);
}

/* In the _CRS of the open child. */
static void note_child(struct acpi_writer *w, bool is_line, uint32_t row)
{
    char path[ACPI_WHERE_BYTES] = "\\_SB";
    for (uint32_t i = 0; i <= w->depth; i++) {
        size_t n = strlen(path);
        (void)snprintf(path + n, sizeof(path) - n, ".%s", w->levels[i].name);
    }
    size_t n = strlen(path);
    (void)snprintf(path + n, sizeof(path) - n, ", _CRS");
    acpi_writer_note(w, is_line, row, path);
}

/* --- names ------------------------------------------------------------------------------------ */
bool acpi_level_has(const struct acpi_level *level, const char *name)
{
    char padded[5] = "____";
    memcpy(padded, name, strnlen(name, 4));
    for (uint32_t i = 0; i < level->n_names; i++)
        if (strcmp(level->names[i], padded) == 0)
            return true;
    return false;
}

static bool is_host_name(const char *name)
{
    return strcmp(name, "_HID") == 0 || strcmp(name, "_UID") == 0 || strcmp(name, "_CRS") == 0 ||
           strcmp(name, "_DSD") == 0;
}

bool acpi_level_add_name(struct acpi_writer *w, struct acpi_level *level, const char *name)
{
    char shown[40];
    if (!aml_name_is_valid(name)) {
        acpi_writer_fail(w, "\"%s\" is no name (1-4 of A-Z, 0-9 and _, the first no digit)",
                         quote(name, shown));
        return false;
    }
    if (is_host_name(name) || acpi_level_has(level, name)) {
        acpi_writer_fail(w, "name %s is there already", name);
        return false;
    }
    if (level->n_names == ACPI_NAMES_MAX || level->terms.size > ACPI_TERMS_MAX) {
        acpi_writer_fail(w, "name %s is one too many (limits: %u names, %u bytes)", name,
                         ACPI_NAMES_MAX, ACPI_TERMS_MAX);
        return false;
    }
    char *padded = level->names[level->n_names++];
    memcpy(padded, "____", 5);
    memcpy(padded, name, strlen(name));
    return true;
}

static bool may_name(struct acpi_writer *w, const char *name)
{
    return is_sound(w) && acpi_level_add_name(w, &w->levels[w->depth], name);
}

static bool string_is_valid(struct acpi_writer *w, const char *what, const char *text)
{
    size_t n = text == NULL ? 0 : strnlen(text, ACPI_STRING_MAX + 1);
    bool good = text != NULL && n <= ACPI_STRING_MAX;
    for (size_t i = 0; good && i < n; i++)
        good = text[i] >= ' ' && text[i] <= '~';
    if (!good) {
        char shown[40];
        acpi_writer_fail(w, "%s: a string of up to %u printable ASCII characters is wanted",
                         quote(what, shown), ACPI_STRING_MAX);
    }
    return good;
}

static void name_integer(const struct bp_acpi_writer *face, const char *name, uint64_t value)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (!may_name(w, name))
        return;
    aml_name(&w->levels[w->depth].terms, name);
    aml_integer(&w->levels[w->depth].terms, value);
}

static void name_string(const struct bp_acpi_writer *face, const char *name, const char *value)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (!is_sound(w) || !string_is_valid(w, name, value) || !may_name(w, name))
        return;
    aml_name(&w->levels[w->depth].terms, name);
    if (strcmp(name, "_STR") == 0)
        aml_unicode(&w->levels[w->depth].terms, value);
    else
        aml_string(&w->levels[w->depth].terms, value);
}

static bool id_is_valid(struct acpi_writer *w, const char *what, const char *id)
{
    char shown[40];
    if (aml_id_is_valid(id))
        return true;
    acpi_writer_fail(w,
                     "%s \"%s\" is no ACPI id: three letters, or four letters and digits, then "
                     "four hexadecimal digits, as PNP0501 or ACPI0007",
                     what, quote(id, shown));
    return false;
}

static void compatible_id(const struct bp_acpi_writer *face, const char *id)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (!is_sound(w) || !id_is_valid(w, "_CID", id) || !may_name(w, "_CID"))
        return;
    aml_name(&w->levels[w->depth].terms, "_CID");
    aml_id(&w->levels[w->depth].terms, id);
}

/* --- properties ------------------------------------------------------------------------------- */
void acpi_level_prop_string(struct acpi_level *level, const char *name, const char *value)
{
    aml_package_begin(&level->props, 2);
    aml_string(&level->props, name);
    aml_string(&level->props, value);
    aml_end(&level->props);
    level->n_props++;
}

static bool may_add_prop(struct acpi_writer *w, const char *name)
{
    if (!is_sound(w) || !string_is_valid(w, "name of a property", name))
        return false;
    if (w->levels[w->depth].n_props < ACPI_PROPS_MAX)
        return true;
    char shown[40];
    acpi_writer_fail(w, "property %s is one too many (limit %u)", quote(name, shown),
                     ACPI_PROPS_MAX);
    return false;
}

static void prop_u64(const struct bp_acpi_writer *face, const char *name, uint64_t value)
{
    struct acpi_writer *w = acpi_writer_of(face);
    struct acpi_level *level = &w->levels[w->depth];
    if (!may_add_prop(w, name))
        return;
    aml_package_begin(&level->props, 2);
    aml_string(&level->props, name);
    aml_integer(&level->props, value);
    aml_end(&level->props);
    level->n_props++;
}

static void prop_string(const struct bp_acpi_writer *face, const char *name, const char *value)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (may_add_prop(w, name) && string_is_valid(w, name, value))
        acpi_level_prop_string(&w->levels[w->depth], name, value);
}

/* --- terms from iasl -------------------------------------------------------------------------- */
static void resource_name(struct acpi_writer *w, const char *prefix, uint32_t row, char suffix,
                          uint64_t value)
{
    char name[8];
    (void)snprintf(name, sizeof(name), "%s%X%c", prefix, row % NAME_INDEXES, suffix);
    if (!acpi_level_add_name(w, &w->levels[0], name))
        return;
    aml_name(&w->levels[0].terms, name);
    aml_integer(&w->levels[0].terms, value);
}

static void resource_names(struct acpi_writer *w)
{
    if (w->has_resource_names)
        return;
    w->has_resource_names = true;
    for (uint32_t row = 0; row < w->dev->n_region_rows && row < NAME_INDEXES; row++) {
        const struct layout_region *r = acpi_writer_region(w, "aml", row);
        resource_name(w, "RG", row, 'B', r != NULL ? r->base : 0);
        resource_name(w, "RG", row, 'S', r != NULL ? r->size : 0);
    }
    for (uint32_t row = 0; row < w->dev->n_line_rows && row < NAME_INDEXES; row++) {
        const struct layout_line *l = acpi_writer_line(w, "aml", row);
        resource_name(w, "LN", row, 'N', l != NULL ? l->number : UINT64_MAX);
    }
}

static void aml(const struct bp_acpi_writer *face, const void *terms, uint32_t size)
{
    struct acpi_writer *w = acpi_writer_of(face);
    struct acpi_level *level = &w->levels[w->depth];
    if (!is_sound(w))
        return;
    if (terms == NULL || size == 0 || size > ACPI_TERMS_MAX || level->terms.size > ACPI_TERMS_MAX) {
        acpi_writer_fail(w, "aml: %u bytes of terms (1-%u are wanted)", size, ACPI_TERMS_MAX);
        return;
    }
    struct aml_term_names *names = malloc(sizeof(*names));
    if (names == NULL) {
        acpi_fail(w->build, BP_ERR_NO_MEMORY, "ACPI tables: out of memory");
        return;
    }
    struct err why = {.text = ""};
    resource_names(w);
    if (aml_terms(&level->terms, terms, size, names, &why) != BP_OK)
        acpi_writer_fail(w, "aml: %u bytes of terms, %s", size, why.text);
    for (uint32_t i = 0; i < names->n && is_sound(w); i++)
        (void)acpi_level_add_name(w, level, names->names[i]);
    free(names);
}

/* --- children --------------------------------------------------------------------------------- */
static void level_init(struct acpi_level *level)
{
    level->n_props = 0;
    level->n_names = 0;
    aml_init(&level->resources);
    aml_init(&level->props);
    aml_init(&level->terms);
}

static void level_fini(struct acpi_level *level)
{
    aml_fini(&level->resources);
    aml_fini(&level->props);
    aml_fini(&level->terms);
}

static void child_begin(const struct bp_acpi_writer *face, const char *name, const char *hid)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (!is_sound(w) || (hid != NULL && !id_is_valid(w, "_HID", hid)) || !may_name(w, name))
        return;
    if (w->depth + 1 == ACPI_LEVELS_MAX) {
        acpi_writer_fail(w, "child %s lies too deep (limit %u)", name, ACPI_LEVELS_MAX - 1);
        return;
    }
    struct acpi_level *level = &w->levels[++w->depth];
    level_init(level);
    (void)snprintf(level->name, sizeof(level->name), "%s", name);
    (void)snprintf(level->hid, sizeof(level->hid), "%s", hid != NULL ? hid : "");
    level->uid = hid != NULL ? acpi_next_uid(w->build, hid) : 0;
}

void acpi_level_resource(struct acpi_level *level, const struct layout_region *region)
{
    if (region->kind == BP_PIO)
        aml_resource_ports(&level->resources, (uint16_t)region->base, (uint32_t)region->size);
    else
        aml_resource_memory(&level->resources, region->base, region->size, region->kind == BP_RAM);
}

static void child_region(const struct bp_acpi_writer *face, uint32_t row, uint64_t offset,
                         uint64_t size)
{
    struct acpi_writer *w = acpi_writer_of(face);
    const struct layout_region *region = acpi_writer_region(w, "child_region", row);
    if (region == NULL)
        return;
    if (w->depth == 0)
        acpi_writer_fail(w, "child_region without child_begin");
    else if (size == 0 || offset >= region->size || size > region->size - offset)
        acpi_writer_fail(w, "child_region: region %s has no 0x%llx bytes at 0x%llx", region->name,
                         (unsigned long long)size, (unsigned long long)offset);
    else if (w->levels[w->depth].resources.size > ACPI_TERMS_MAX)
        acpi_writer_fail(w, "child_region: more than %u bytes of resources", ACPI_TERMS_MAX);
    if (!is_sound(w))
        return;
    struct layout_region part = *region;
    part.base += offset;
    part.size = size;
    acpi_level_resource(&w->levels[w->depth], &part);
    note_child(w, false, row);
}

static void child_line(const struct bp_acpi_writer *face, uint32_t row)
{
    struct acpi_writer *w = acpi_writer_of(face);
    const struct layout_line *line = acpi_writer_line(w, "child_line", row);
    if (line == NULL)
        return;
    if (w->depth == 0 || w->levels[w->depth].resources.size > ACPI_TERMS_MAX) {
        acpi_writer_fail(w, "child_line without child_begin, or too often");
        return;
    }
    aml_resource_interrupt(&w->levels[w->depth].resources, line->number,
                           line->trigger == BP_EDGE_RISING);
    note_child(w, true, row);
}

static void child_end(const struct bp_acpi_writer *face)
{
    struct acpi_writer *w = acpi_writer_of(face);
    if (!is_sound(w))
        return;
    if (w->depth == 0) {
        acpi_writer_fail(w, "child_end without child_begin");
        return;
    }
    struct acpi_level *level = &w->levels[w->depth];
    if (level->hid[0] == '\0' && !acpi_level_has(level, "_ADR")) {
        acpi_writer_fail(w, "child %s has neither an id nor _ADR", level->name);
        return;
    }
    w->depth--;
    acpi_level_write(level, &w->levels[w->depth].terms);
    level_fini(level);
}

struct acpi_writer *acpi_writer_create(struct acpi_build *b, const struct layout_device *dev)
{
    struct acpi_writer *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        acpi_fail(b, BP_ERR_NO_MEMORY, "ACPI tables: out of memory");
        return NULL;
    }
    w->face = (struct bp_acpi_writer){
        .struct_size = sizeof(w->face),
        .n_cpus = b->layout->n_cpus,
        .ctx = w,
        .name_integer = name_integer,
        .name_string = name_string,
        .compatible_id = compatible_id,
        .prop_u64 = prop_u64,
        .prop_string = prop_string,
        .aml = aml,
        .child_begin = child_begin,
        .child_region = child_region,
        .child_line = child_line,
        .child_end = child_end,
    };
    acpi_writer_set_facts(&w->face);
    w->build = b;
    w->dev = dev;
    level_init(&w->levels[0]);
    return w;
}

void acpi_writer_destroy(struct acpi_writer *w)
{
    if (w == NULL)
        return;
    for (uint32_t i = 0; i <= w->depth; i++)
        level_fini(&w->levels[i]);
    free(w);
}
