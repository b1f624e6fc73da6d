/* plugin info as text, for a terminal. */
#include "cli/plugin_info.h"

#include <stdio.h>
#include <string.h>

#include "classcheck.h"
#include "cli/text.h"
#include "property.h"

#define AT 18u

static void heading(const char *title)
{
    printf("\n%s\n", title);
}

/* --- Head ------------------------------------------------------------------------------------- */

/* "a b c" out of "a\0b\0c\0". */
static void join_list(const char *list, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (; *list != '\0' && used < size; list += strlen(list) + 1)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", list);
}

static void print_tables(const struct bp_class *c)
{
    char list[1088] = "";
    if (c->dt_compatible != NULL)
        join_list(c->dt_compatible, list, sizeof(list));
    if (c->dt_name != NULL)
        text_row_format(stdout, 2, "device tree", AT, "node %s%s%s", c->dt_name,
                        list[0] != '\0' ? ", compatible: " : "", list);
    if (c->acpi_hid != NULL)
        text_row(stdout, 2, "ACPI", AT, c->acpi_hid);
}

static void print_bus(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    if (v->carried_bus[0] != '\0')
        text_row_format(stdout, 2, "transport", AT,
                        "for %s devices: \"bus = %s\" in the section of one makes it, and its keys "
                        "stand there, too",
                        v->carried_bus, c->id);
    if (c->bus != NULL && v->n_transports == 0)
        text_row_format(stdout, 2, "bus", AT, "%s: needs a transport, and none is installed",
                        c->bus);
    for (uint32_t i = 0; i < v->n_transports; i++)
        text_row_format(stdout, 2, i == 0 ? "bus" : "", AT,
                        "%s: carried by %s, whose keys stand in the same section", c->bus,
                        v->transports[i]->id);
}

static void print_head(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    char title[128];
    (void)snprintf(title, sizeof(title), "%s %s:", c->id, c->version);
    text_row(stdout, 0, title, (unsigned)strlen(title) + 1, c->summary);
    fputc('\n', stdout);
    text_row(stdout, 2, "file", AT, v->info->path);
    text_row_format(stdout, 2, "plugin ABI", AT, "%u.%u", v->info->abi_major, v->info->abi_minor);
    text_row(stdout, 2, "kind", AT,
             (c->flags & BP_CLASS_BACKEND) != 0 ? "backend: goes into a [backend NAME] section"
                                                : "device: goes into a [device NAME] section");
    text_row(stdout, 2, "architectures", AT, c->arch != NULL ? c->arch : "x86_64 arm64 riscv64");
    print_bus(v);
    for (uint32_t i = 0; c->needs != NULL && c->needs[i] != NULL; i++)
        text_row(stdout, 2, i == 0 ? "needs" : "", AT, c->needs[i]);
    for (uint32_t i = 0; i < c->services.n_rows; i++)
        text_row(stdout, 2, i == 0 ? "offers" : "", AT, plugin_service(c, i)->interface);
    print_tables(c);
    if (c->state_version != 0)
        text_row_format(stdout, 2, "state", AT, "version %u, %u field%s in its table",
                        c->state_version, c->state.n_rows, c->state.n_rows == 1 ? "" : "s");
    else
        text_row(stdout, 2, "state", AT, "none");
}

/* --- Regions, lines --------------------------------------------------------------------------- */

static void print_registers(const struct bp_region *region)
{
    if (region->regs.n_rows > 0)
        printf("    offset  %-22s  after reset  writable    write 1 clears\n", "register");
    for (uint32_t i = 0; i < region->regs.n_rows; i++) {
        const struct bp_reg *r = plugin_register(region, i);
        char writable[16] = "-", w1c[16] = "-";
        if (r->writable != 0)
            (void)snprintf(writable, sizeof(writable), "0x%x", r->writable);
        if (r->w1c != 0)
            (void)snprintf(w1c, sizeof(w1c), "0x%x", r->w1c);
        printf("    0x%04x  %-22s  0x%-9x  %-10s  %s\n", r->offset, r->name, r->reset, writable,
               w1c);
    }
}

static void widths_text(const struct bp_region *r, char *out, size_t size)
{
    static const uint32_t bits[] = {BP_W8, BP_W16, BP_W32, BP_W64};
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if ((r->widths & bits[i]) != 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%u", used > 0 ? ", " : "",
                                     8 * bits[i]);
}

void plugin_region_describe(const struct bp_region *r, char *out, size_t size)
{
    static const char *const kinds[] = {"?", "memory-mapped", "ports", "memory"};
    bool is_port = r->kind == BP_PIO;
    char widths[32], accesses[80] = "", align[48] = "";
    widths_text(r, widths, sizeof(widths));
    if (r->kind != BP_RAM)
        (void)snprintf(accesses, sizeof(accesses), ", accesses of %s bits", widths);
    if (r->align > 1 && (is_port || r->align != 4096))
        (void)snprintf(align, sizeof(align), ", aligned to 0x%llx", (unsigned long long)r->align);
    (void)snprintf(
        out, size, "%s, 0x%llx %s%s%s%s%s; %s%s.%s = %s%s", kinds[r->kind <= BP_RAM ? r->kind : 0],
        (unsigned long long)r->size, is_port ? "ports" : "bytes", accesses, align,
        (r->flags & BP_REGION_BELOW_4G) != 0 ? ", below 4 GiB" : "",
        (r->flags & BP_REGION_ALTERNATIVE) != 0 ? ", left out if another is pinned" : "",
        (r->flags & BP_REGION_OPTIONAL) != 0 ? "only there if placed with " : "pin with ",
        plugin_region_key(r), r->name, is_port ? "PORT" : "ADDRESS",
        is_port ? " (x86_64 only)" : "");
}

void plugin_line_describe(const struct bp_line *l, char *out, size_t size)
{
    (void)snprintf(out, size, "%s; %sirq.%s = NUMBER",
                   l->trigger == BP_EDGE_RISING ? "rising edge" : "level, high",
                   (l->flags & BP_LINE_OPTIONAL) != 0 ? "only connected with " : "pin with ",
                   l->name);
}

static void print_regions(const struct bp_class *c)
{
    char about[512];
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        plugin_region_describe(class_region(c, i), about, sizeof(about));
        text_row(stdout, 2, class_region(c, i)->name, AT, about);
        print_registers(class_region(c, i));
    }
}

static void print_lines(const struct bp_class *c)
{
    char about[256];
    for (uint32_t i = 0; i < c->lines.n_rows; i++) {
        plugin_line_describe(class_line(c, i), about, sizeof(about));
        text_row(stdout, 2, class_line(c, i)->name, AT, about);
    }
}

/* --- Properties, links ------------------------------------------------------------------------ */

static void print_properties(const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->properties.n_rows; i++) {
        const struct bp_property *p = property_at(c, i);
        char about[512];
        property_describe(p, about, sizeof(about));
        text_row(stdout, 2, p->name, AT, about);
        text_row(stdout, 2, "", AT, p->doc);
    }
}

void plugin_link_describe(const struct plugin_view *view, const struct bp_link *l, char *out,
                          size_t size)
{
    if (plugin_link_is_carrying(l)) {
        (void)snprintf(out, size, "%s, required: connected by the bus key, never written",
                       l->interface);
        return;
    }
    const struct bp_class *c;
    const char *word, *before = " (plugin ";
    size_t used =
        (size_t)snprintf(out, size, "%s, %s; the NAME of a section", l->interface,
                         (l->flags & BP_LINK_REQUIRED) != 0 ? "required" : "may be left out");
    for (size_t i = 0; used < size && (c = plugin_view_next_target(view, l, &i, &word)) != NULL;) {
        if (word != NULL)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", before, c->id);
        before = ", ";
    }
    if (used < size && before[0] == ',')
        used += (size_t)snprintf(out + used, size - used, ")");
    for (size_t i = 0; used < size && plugin_view_next_target(view, l, &i, &word) != NULL;)
        if (word != NULL)
            used += (size_t)snprintf(out + used, size - used, ", or %s", word);
}

static void print_links(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        const struct bp_link *l = class_link(c, i);
        char about[1024];
        plugin_link_describe(v, l, about, sizeof(about));
        text_row(stdout, 2, l->name, AT, about);
        text_row(stdout, 2, "", AT, l->doc != NULL ? l->doc : "");
    }
}

void plugin_info_text(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    char section[PLUGIN_SECTION_MAX];
    print_head(v);
    if (c->regions.n_rows > 0)
        heading("Regions");
    print_regions(c);
    if (c->lines.n_rows > 0)
        heading("Interrupt lines");
    print_lines(c);
    if (c->links.n_rows > 0)
        heading("Links");
    print_links(v);
    if (c->properties.n_rows > 0)
        heading("Properties");
    print_properties(c);
    heading("In a machine file (keys behind # may be left out, and show their defaults\n"
            "or an example; words in capitals are to be filled in)");
    plugin_section(v, section, sizeof(section));
    printf("\n%s", section);
}
