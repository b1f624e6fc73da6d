/* Records what describe_acpi adds to the device, as lines like those of an ASL source. */
#include "bench_internal.h"

#include <backplane/bench/acpi.h>
#include <backplane/if/acpi.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 3u

struct recorder {
    struct bytes text;
    uint32_t depth;
    struct bench *b;
};

static void add(struct recorder *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A whole line. */
static void add(struct recorder *r, const char *format, ...)
{
    char part[1200];
    va_list args;

    for (uint32_t i = 0; i < r->depth; i++)
        bytes_add(&r->text, "    ", 4);
    va_start(args, format);
    vsnprintf(part, sizeof(part), format, args);
    va_end(args);
    bytes_add(&r->text, part, strlen(part));
    bytes_add(&r->text, "\n", 1);
}

/* --- what the host would refuse --------------------------------------------------------------- */
static void check_name(const struct recorder *r, const char *name)
{
    size_t n = name ? strlen(name) : 0;

    if (!n || n > 4 || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n ||
        isdigit((unsigned char)name[0]))
        bench_die(r->b,
                  "describe_acpi: \"%s\" is no name: 1-4 of A-Z, 0-9 and _, the first no digit",
                  name ? name : "");
}

static void check_id(const struct recorder *r, const char *id)
{
    size_t n = id ? strlen(id) : 0;
    size_t front = n - 4;
    int good = n == 7 || n == 8;

    for (size_t i = 0; good && i < n; i++)
        good = i < front
                   ? isupper((unsigned char)id[i]) || (n == 8 && isdigit((unsigned char)id[i]))
                   : strchr("0123456789ABCDEF", id[i]) != NULL;
    if (!good)
        bench_die(r->b, "describe_acpi: \"%s\" is no ACPI id such as PNP0501 or ACPI0007",
                  id ? id : "");
}

static void check_string(const struct recorder *r, const char *text)
{
    size_t n = text ? strlen(text) : 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] < ' ' || text[i] > '~' || i == 1024)
            text = NULL;
        if (!text)
            break;
    }
    if (!text)
        bench_die(r->b, "describe_acpi: strings are up to 1024 printable ASCII characters");
}

static const char *region_name(const struct recorder *r, uint32_t region, uint64_t offset,
                               uint64_t size)
{
    const struct bp_region_table *t = &r->b->class_->regions;

    if (region >= t->n_rows)
        bench_die(r->b, "describe_acpi: there is no region %u", region);
    const struct bp_region *row =
        (const struct bp_region *)((const char *)t->rows + (size_t)region * t->stride);
    uint64_t bytes = bench_region_size(r->b, row->name);

    if (!size || offset >= bytes || size > bytes - offset)
        bench_die(r->b, "describe_acpi: region %s has no %llu bytes at %llu", row->name,
                  (unsigned long long)size, (unsigned long long)offset);
    return row->name;
}

static const char *line_name(const struct recorder *r, uint32_t line)
{
    const struct bp_line_table *t = &r->b->class_->lines;

    if (line >= t->n_rows)
        bench_die(r->b, "describe_acpi: there is no line %u", line);
    return ((const struct bp_line *)((const char *)t->rows + (size_t)line * t->stride))->name;
}

/* --- the device's own scope ------------------------------------------------------------------- */
static void w_name_integer(const struct bp_acpi_writer *w, const char *name, uint64_t value)
{
    check_name(w->ctx, name);
    add(w->ctx, "Name (%s, %llu)", name, (unsigned long long)value);
}

static void w_name_string(const struct bp_acpi_writer *w, const char *name, const char *value)
{
    check_name(w->ctx, name);
    check_string(w->ctx, value);
    add(w->ctx, "Name (%s, \"%s\")", name, value);
}

static void w_compatible_id(const struct bp_acpi_writer *w, const char *id)
{
    check_id(w->ctx, id);
    add(w->ctx, "Name (_CID, \"%s\")", id);
}

static void w_prop_u64(const struct bp_acpi_writer *w, const char *name, uint64_t value)
{
    check_string(w->ctx, name);
    add(w->ctx, "Property (\"%s\", %llu)", name, (unsigned long long)value);
}

static void w_prop_string(const struct bp_acpi_writer *w, const char *name, const char *value)
{
    check_string(w->ctx, name);
    check_string(w->ctx, value);
    add(w->ctx, "Property (\"%s\", \"%s\")", name, value);
}

static void w_aml(const struct bp_acpi_writer *w, const void *terms, uint32_t size)
{
    struct recorder *r = w->ctx;

    if (!terms || !size)
        bench_die(r->b, "describe_acpi: aml without terms");
    if (size >= 4 && (!memcmp(terms, "SSDT", 4) || !memcmp(terms, "DSDT", 4)))
        bench_die(r->b, "describe_acpi: aml: leave out the table's header, the first 36 bytes");
    add(r, "Terms (%u bytes)", size);
}

/* --- children --------------------------------------------------------------------------------- */
static void w_child_begin(const struct bp_acpi_writer *w, const char *name, const char *hid)
{
    struct recorder *r = w->ctx;

    check_name(r, name);
    if (hid)
        check_id(r, hid);
    if (r->depth == DEPTH_MAX)
        bench_die(r->b, "describe_acpi: child_begin %s: more than %u deep", name, DEPTH_MAX);
    add(r, "Device (%s, %s) {", name, hid ? hid : "no id");
    r->depth++;
}

static void need_child(const struct recorder *r, const char *what)
{
    if (!r->depth)
        bench_die(r->b, "describe_acpi: %s without child_begin", what);
}

static void w_child_region(const struct bp_acpi_writer *w, uint32_t region, uint64_t offset,
                           uint64_t size)
{
    need_child(w->ctx, "child_region");
    add(w->ctx, "Region (%s, %llu, %llu)", region_name(w->ctx, region, offset, size),
        (unsigned long long)offset, (unsigned long long)size);
}

static void w_child_line(const struct bp_acpi_writer *w, uint32_t line)
{
    need_child(w->ctx, "child_line");
    add(w->ctx, "Line (%s)", line_name(w->ctx, line));
}

static void w_child_end(const struct bp_acpi_writer *w)
{
    struct recorder *r = w->ctx;

    need_child(r, "child_end");
    r->depth--;
    add(r, "}");
}

/* --- other tables ----------------------------------------------------------------------------- */
static void w_fixed_block(const struct bp_acpi_writer *w, uint32_t block, uint32_t region,
                          uint64_t offset, uint32_t size)
{
    static const char *const names[] = {NULL, "PM1a event", "PM1a control", "PM timer", "GPE0"};
    static const uint32_t sizes[] = {0, 4, 2, 4, 0};
    const struct recorder *r = w->ctx;

    if (block < BP_ACPI_PM1A_EVENT || block > BP_ACPI_GPE0)
        bench_die(r->b, "describe_acpi: fixed_block %u is none", block);
    if (sizes[block] ? size != sizes[block] : size < 2 || size > 30 || size % 2)
        bench_die(r->b,
                  "describe_acpi: %s of %u bytes: event blocks have 4, control 2, timer 4, "
                  "GPE0 2-30 and even",
                  names[block], size);
    add(w->ctx, "Fixed (%s, %s, %llu, %u)", names[block], region_name(r, region, offset, size),
        (unsigned long long)offset, size);
}

static void w_fixed_features(const struct bp_acpi_writer *w, uint32_t features)
{
    static const char *const names[] = {"power button", "sleep button", "32-bit timer",
                                        "i8042",        "CMOS RTC",     "legacy ISA"};
    const struct recorder *r = w->ctx;
    char text[120] = "";

    if (features >> (sizeof(names) / sizeof(names[0])))
        bench_die(r->b, "describe_acpi: fixed_features 0x%x is none", features);
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t n = strlen(text);
        if (features & 1u << i)
            snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "", names[i]);
    }
    add(w->ctx, "Features (%s)", text);
}

static void w_fixed_sci(const struct bp_acpi_writer *w, uint32_t line)
{
    add(w->ctx, "SCI (%s)", line_name(w->ctx, line));
}

static void w_fixed_reset(const struct bp_acpi_writer *w, uint32_t region, uint64_t offset,
                          uint32_t value)
{
    const struct recorder *r = w->ctx;

    if (value > 255)
        bench_die(r->b, "describe_acpi: fixed_reset: %u is no byte", value);
    add(w->ctx, "Reset (%s, %llu, %u)", region_name(r, region, offset, 1),
        (unsigned long long)offset, value);
}

static void w_fixed_sleep(const struct bp_acpi_writer *w, uint32_t state, uint32_t slp_typ)
{
    const struct recorder *r = w->ctx;

    if (state > 5 || slp_typ > 7)
        bench_die(r->b, "describe_acpi: sleep states are 0-5, their types 0-7");
    add(w->ctx, "Sleep (S%u, %u)", state, slp_typ);
}

static void w_fixed_rtc(const struct bp_acpi_writer *w, uint32_t day_alarm, uint32_t month_alarm,
                        uint32_t century)
{
    const struct recorder *r = w->ctx;

    if ((day_alarm | month_alarm | century) > 255)
        bench_die(r->b, "describe_acpi: fixed_rtc: indexes are 0-255");
    add(w->ctx, "RTC (day %u, month %u, century %u)", day_alarm, month_alarm, century);
}

static void w_pci_config(const struct bp_acpi_writer *w, uint32_t region, uint32_t segment,
                         uint32_t first_bus, uint32_t last_bus)
{
    const struct recorder *r = w->ctx;

    if (first_bus > last_bus || last_bus > 255 || segment > 0xffff)
        bench_die(r->b, "describe_acpi: pci_config: buses %u-%u of segment %u", first_bus, last_bus,
                  segment);
    add(w->ctx, "PCI (%s, segment %u, buses %u-%u)",
        region_name(r, region, 0, (uint64_t)(last_bus - first_bus + 1) << 20), segment, first_bus,
        last_bus);
}

static void w_serial(const struct bp_acpi_writer *w, uint32_t region, uint32_t line,
                     uint32_t subtype, uint32_t stride, uint32_t clock_hz, uint32_t speed)
{
    const struct recorder *r = w->ctx;

    if (subtype > 255 || (stride != 1 && stride != 2 && stride != 4 && stride != 8))
        bench_die(r->b, "describe_acpi: serial: subtype %u, stride %u", subtype, stride);
    add(w->ctx, "Serial (%s, %s, subtype %u, stride %u, %u Hz, %u bit/s)",
        region_name(r, region, 0, 1), line_name(r, line), subtype, stride, clock_hz, speed);
}

static void record(struct bench *b, struct recorder *r)
{
    struct bp_acpi_writer w = {
        .struct_size = sizeof(w),
        .n_cpus = b->setup.cpus,
        .ctx = r,
        .name_integer = w_name_integer,
        .name_string = w_name_string,
        .compatible_id = w_compatible_id,
        .prop_u64 = w_prop_u64,
        .prop_string = w_prop_string,
        .aml = w_aml,
        .child_begin = w_child_begin,
        .child_region = w_child_region,
        .child_line = w_child_line,
        .child_end = w_child_end,
        .fixed_block = w_fixed_block,
        .fixed_features = w_fixed_features,
        .fixed_sci = w_fixed_sci,
        .fixed_reset = w_fixed_reset,
        .fixed_sleep = w_fixed_sleep,
        .fixed_rtc = w_fixed_rtc,
        .pci_config = w_pci_config,
        .serial = w_serial,
    };

    *r = (struct recorder){.b = b};
    bytes_add(&r->text, "", 0);
    if (!BP_HAS(struct bp_class, b->class_, describe_acpi) || !b->class_->describe_acpi)
        return;
    b->class_->describe_acpi(b->dev, &w);
    if (r->depth)
        bench_die(b, "describe_acpi: child_begin without child_end");
}

const char *bench_acpi(struct bench *b)
{
    struct recorder r;

    record(b, &r);
    if (b->acpi.at && strcmp(b->acpi.at, r.text.at) != 0)
        bench_die(b, "describe_acpi gives something else than before:\n%sand before:\n%s",
                  r.text.at, b->acpi.at);
    bytes_free(&b->acpi);
    b->acpi = r.text;
    return b->acpi.at;
}
