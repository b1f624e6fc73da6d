/* plugin info as text, and the section for a machine file. */
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

static const char *region_key(uint32_t kind)
{
    return kind == BP_PIO ? "port" : "mmio";
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

static void print_head(const struct plugin_info *info, const struct bp_class *c,
                       const char *transport)
{
    bool is_backend = (c->flags & BP_CLASS_BACKEND) != 0;
    char title[128];
    (void)snprintf(title, sizeof(title), "%s %s:", c->id, c->version);
    text_row(stdout, 0, title, (unsigned)strlen(title) + 1, c->summary);
    fputc('\n', stdout);
    text_row(stdout, 2, "file", AT, info->path);
    text_row_format(stdout, 2, "plugin ABI", AT, "%u.%u", info->abi_major, info->abi_minor);
    text_row(stdout, 2, "kind", AT,
             is_backend ? "backend: goes into a [backend NAME] section"
                        : "device: goes into a [device NAME] section");
    text_row(stdout, 2, "architectures", AT, c->arch != NULL ? c->arch : "all");
    if (c->bus != NULL)
        text_row_format(stdout, 2, "bus", AT, "%s: needs a transport%s%s", c->bus,
                        transport != NULL ? ", such as " : "", transport != NULL ? transport : "");
    for (uint32_t i = 0; c->needs != NULL && c->needs[i] != NULL; i++)
        text_row(stdout, 2, i == 0 ? "needs" : "", AT, c->needs[i]);
    for (uint32_t i = 0; i < c->services.n_rows; i++) {
        const struct bp_service *s =
            (const void *)((const char *)c->services.rows + (size_t)i * c->services.stride);
        text_row(stdout, 2, i == 0 ? "offers" : "", AT, s->interface);
    }
    print_tables(c);
    if (c->state_version != 0)
        text_row_format(stdout, 2, "state", AT, "version %u, %u field%s in its table",
                        c->state_version, c->state.n_rows, c->state.n_rows == 1 ? "" : "s");
    else
        text_row(stdout, 2, "state", AT, "none");
}

/* --- Regions, lines --------------------------------------------------------------------------- */

static void print_registers(const struct bp_reg_table *table)
{
    for (uint32_t i = 0; i < table->n_rows; i++) {
        const struct bp_reg *r =
            (const void *)((const char *)table->rows + (size_t)i * table->stride);
        char offset[16], w1c[40] = "";
        (void)snprintf(offset, sizeof(offset), "0x%03x", r->offset);
        if (r->w1c != 0)
            (void)snprintf(w1c, sizeof(w1c), ", write 1 clears 0x%x", r->w1c);
        text_row_format(stdout, 6, offset, AT, "%-10s after reset 0x%x, writable 0x%x%s", r->name,
                        r->reset, r->writable, w1c);
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

static void print_region(const struct bp_region *r)
{
    static const char *const kinds[] = {"?", "memory-mapped", "ports", "memory"};
    char widths[32], accesses[80] = "";
    widths_text(r, widths, sizeof(widths));
    if (r->kind != BP_RAM)
        (void)snprintf(accesses, sizeof(accesses), ", accesses of %s bits", widths);
    text_row_format(
        stdout, 2, r->name, AT, "%s, 0x%llx %s%s%s%s; %s%s.%s = %s",
        kinds[r->kind <= BP_RAM ? r->kind : 0], (unsigned long long)r->size,
        r->kind == BP_PIO ? "ports" : "bytes", accesses,
        (r->flags & BP_REGION_BELOW_4G) != 0 ? ", below 4 GiB" : "",
        (r->flags & BP_REGION_ALTERNATIVE) != 0 ? ", left out if another is pinned" : "",
        (r->flags & BP_REGION_OPTIONAL) != 0 ? "only there if placed with " : "pin with ",
        region_key(r->kind), r->name, "ADDRESS");
    print_registers(&r->regs);
}

static void print_lines(const struct bp_class *c)
{
    if (c->lines.n_rows > 0)
        heading("Interrupt lines");
    for (uint32_t i = 0; i < c->lines.n_rows; i++) {
        const struct bp_line *l = class_line(c, i);
        text_row_format(stdout, 2, l->name, AT, "%s; %sirq.%s = NUMBER",
                        l->trigger == BP_EDGE_RISING ? "rising edge" : "level, high",
                        (l->flags & BP_LINE_OPTIONAL) != 0 ? "only connected with " : "pin with ",
                        l->name);
    }
}

/* --- Properties, links ------------------------------------------------------------------------ */

static void print_properties(const struct bp_class *c)
{
    if (c->properties.n_rows > 0)
        heading("Properties");
    for (uint32_t i = 0; i < c->properties.n_rows; i++) {
        const struct bp_property *p = property_at(c, i);
        char about[512];
        property_describe(p, about, sizeof(about));
        text_row(stdout, 2, p->name, AT, about);
        text_row(stdout, 2, "", AT, p->doc);
    }
}

static void print_links(const struct bp_class *c)
{
    if (c->links.n_rows > 0)
        heading("Links");
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        const struct bp_link *l = class_link(c, i);
        text_row_format(stdout, 2, l->name, AT, "%s, %s", l->interface,
                        (l->flags & BP_LINK_REQUIRED) != 0 ? "required" : "may be left out");
        text_row(stdout, 2, "", AT, l->doc != NULL ? l->doc : "");
    }
}

/* --- The section ------------------------------------------------------------------------------ */

static void put_link(const struct bp_link *link)
{
    printf("%s%s = NAME\n", (link->flags & BP_LINK_REQUIRED) != 0 ? "" : "# ", link->name);
}

static void put_property(const struct bp_property *p)
{
    char choice[64];
    const char *value = p->initial;
    if (value == NULL && p->type == BP_CHOICE && p->choices != NULL) {
        (void)snprintf(choice, sizeof(choice), "%.*s", (int)strcspn(p->choices, "|"), p->choices);
        value = choice;
    }
    if (value == NULL)
        value = p->type == BP_PATH ? "FILE" : p->type == BP_STRING ? "TEXT" : "NUMBER";
    printf("%s%s = %s\n", (p->flags & BP_PROPERTY_REQUIRED) != 0 ? "" : "# ", p->name, value);
}

void plugin_info_section(const struct bp_class *c, const char *transport)
{
    printf("[%s NAME]\nplugin = %s\n", (c->flags & BP_CLASS_BACKEND) != 0 ? "backend" : "device",
           c->id);
    if (c->bus != NULL)
        printf("bus = %s\n", transport != NULL ? transport : c->bus);
    for (uint32_t i = 0; i < c->links.n_rows; i++)
        put_link(class_link(c, i));
    for (uint32_t i = 0; i < c->properties.n_rows; i++)
        put_property(property_at(c, i));
    for (uint32_t i = 0; i < c->regions.n_rows; i++)
        printf("# %s.%s = ADDRESS\n", region_key(class_region(c, i)->kind),
               class_region(c, i)->name);
    for (uint32_t i = 0; i < c->lines.n_rows; i++)
        printf("# irq.%s = NUMBER\n", class_line(c, i)->name);
}

void plugin_info_text(const struct plugin_info *info, const struct bp_class *c,
                      const char *transport)
{
    print_head(info, c, transport);
    if (c->regions.n_rows > 0)
        heading("Regions");
    for (uint32_t i = 0; i < c->regions.n_rows; i++)
        print_region(class_region(c, i));
    print_lines(c);
    print_links(c);
    print_properties(c);
    heading("In a machine file (# may be left out)");
    fputc('\n', stdout);
    plugin_info_section(c, transport);
}
