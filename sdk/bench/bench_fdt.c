/* Records what describe_fdt adds to the device's node, as lines of a device-tree source. */
#include "bench_internal.h"

#include <backplane/if/fdt.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recorder {
    struct bytes text;
    uint32_t depth;
    const struct bench *b;
};

static void add(struct recorder *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct recorder *r, const char *format, ...)
{
    char part[600];
    va_list args;

    va_start(args, format);
    vsnprintf(part, sizeof(part), format, args);
    va_end(args);
    bytes_add(&r->text, part, strlen(part));
}

/* A property's line up to its value. */
static struct recorder *begin(const struct bp_fdt_writer *w, const char *name)
{
    struct recorder *r = w->ctx;

    for (uint32_t i = 0; i < r->depth; i++)
        add(r, "    ");
    add(r, "%s", name);
    return r;
}

static void w_cells(const struct bp_fdt_writer *w, const char *name, const uint32_t *cells,
                    uint32_t n)
{
    struct recorder *r = begin(w, name);

    add(r, " = <");
    for (uint32_t i = 0; i < n; i++)
        add(r, "%s%u", i ? " " : "", cells[i]);
    add(r, ">;\n");
}

static void w_u32(const struct bp_fdt_writer *w, const char *name, uint32_t value)
{
    w_cells(w, name, &value, 1);
}

static void w_u64(const struct bp_fdt_writer *w, const char *name, uint64_t value)
{
    uint32_t cells[2] = {(uint32_t)(value >> 32), (uint32_t)value};

    w_cells(w, name, cells, 2);
}

static void w_strings(const struct bp_fdt_writer *w, const char *name, const char *values,
                      uint32_t size)
{
    struct recorder *r = begin(w, name);

    if (!size || values[size - 1])
        bench_die(r->b, "prop_strings %s: the size must cover the last NUL", name);
    add(r, " = ");
    for (const char *s = values; s < values + size; s += strlen(s) + 1)
        add(r, "%s\"%s\"", s == values ? "" : ", ", s);
    add(r, ";\n");
}

static void w_string(const struct bp_fdt_writer *w, const char *name, const char *value)
{
    w_strings(w, name, value, (uint32_t)strlen(value) + 1);
}

static void w_empty(const struct bp_fdt_writer *w, const char *name)
{
    add(begin(w, name), ";\n");
}

static int cause(uint32_t irq)
{
    static const int causes[] = {-1, 3, 7, 11, 1, 9}; /* RISC-V privileged, mip */

    return irq < sizeof(causes) / sizeof(causes[0]) ? causes[irq] : -1;
}

static void w_cpu_irqs(const struct bp_fdt_writer *w, const char *name, const uint32_t *irqs,
                       uint32_t n)
{
    struct recorder *r = begin(w, name);

    for (uint32_t cpu = 0; cpu < w->n_cpus; cpu++) {
        for (uint32_t i = 0; i < n; i++)
            add(r, "%s<&cpu%u %d>", cpu || i ? ", " : " = ", cpu, cause(irqs[i]));
    }
    add(r, ";\n");
}

static void w_self(const struct bp_fdt_writer *w, const char *name)
{
    add(begin(w, name), " = <&self>;\n");
}

static void w_self_cells(const struct bp_fdt_writer *w, const char *name, const uint32_t *cells,
                         uint32_t n)
{
    struct recorder *r = begin(w, name);

    add(r, " = <&self");
    for (uint32_t i = 0; i < n; i++)
        add(r, " %u", cells[i]);
    add(r, ">;\n");
}

static void w_clocks(const struct bp_fdt_writer *w, const char *name, const uint32_t *hz,
                     uint32_t n)
{
    struct recorder *r = begin(w, name);

    for (uint32_t i = 0; i < n; i++)
        add(r, "%s<&clock-%u>", i ? ", " : " = ", hz[i]);
    add(r, ";\n");
}

static void w_clock(const struct bp_fdt_writer *w, const char *name, uint32_t hz)
{
    w_clocks(w, name, &hz, 1);
}

static void w_child_begin(const struct bp_fdt_writer *w, const char *name)
{
    struct recorder *r = begin(w, name);

    add(r, " {\n");
    r->depth++;
}

static void w_root_begin(const struct bp_fdt_writer *w, const char *name)
{
    struct recorder *r = w->ctx;

    if (r->depth)
        bench_die(r->b, "root_begin within a node: %s", name);
    add(r, "/");
    w_child_begin(w, name);
}

static void w_child_end(const struct bp_fdt_writer *w)
{
    struct recorder *r = w->ctx;

    if (!r->depth)
        bench_die(r->b, "child_end without child_begin");
    r->depth--;
    add(begin(w, ""), "};\n");
}

static void record(struct bench *b, struct recorder *r)
{
    struct bp_fdt_writer w = {
        sizeof(w),
        b->setup.cpus,
        b->setup.timebase_hz,
        r,
        w_u32,
        w_u64,
        w_cells,
        w_string,
        w_strings,
        w_empty,
        w_cpu_irqs,
        w_self,
        w_clock,
        w_child_begin,
        w_child_end,
        w_self_cells,
        w_clocks,
        w_root_begin,
    };

    *r = (struct recorder){.b = b};
    bytes_add(&r->text, "", 0);
    if (!b->class_->describe_fdt)
        return;
    b->class_->describe_fdt(b->dev, &w);
    if (r->depth)
        bench_die(b, "describe_fdt: child_begin without child_end");
}

const char *bench_fdt(struct bench *b)
{
    struct recorder r;

    record(b, &r);
    if (b->fdt.at && strcmp(b->fdt.at, r.text.at) != 0)
        bench_die(b, "describe_fdt gives something else than before:\n%sand before:\n%s", r.text.at,
                  b->fdt.at);
    bytes_free(&b->fdt);
    b->fdt = r.text;
    return b->fdt.at;
}
