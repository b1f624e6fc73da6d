/* plugin info --man: a plugin's page of the manual, backplane-ID(7), as man(7) wants it. Everything
 * in it comes from the class's tables; nothing of this machine, so that packages are the same
 * everywhere. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "classcheck.h"
#include "cli/plugin_info.h"
#include "cli/text.h"
#include "property.h"

/* The day of this version; the pages in docs/man have it, too. */
#define PAGE_DATE "2026-11-22"

/* --- roff ------------------------------------------------------------------------------------- */
/* The code point of a UTF-8 character of n bytes, 2-4. */
static unsigned long code_point(const char *text, unsigned n)
{
    unsigned long code = (unsigned char)text[0] & (0xffu >> (n + 1));
    for (unsigned i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3fu);
    return code;
}

/* One character as roff prints it, whatever it means to roff. */
static int escape_character(const char *text, unsigned n, char *out, size_t size)
{
    static const struct {
        char c;
        const char *roff;
    } special[] = {{'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"},
                   {'`', "\\(ga"}, {'^', "\\(ha"}, {'~', "\\(ti"}};
    if (n == 0 || (n == 1 && iscntrl((unsigned char)*text)))
        return snprintf(out, size, "?");
    if (n > 1)
        return snprintf(out, size, "\\[u%04lX]", code_point(text, n));
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
        if (special[i].c == *text)
            return snprintf(out, size, "%s", special[i].roff);
    return snprintf(out, size, "%c", *text);
}

/* Escapes text; line ends become blanks. A word never begins as a request does. */
static void escape(const char *text, char *out, size_t size)
{
    bool is_word_start = true;
    size_t used = 0;
    out[0] = '\0';
    while (*text != '\0' && used + 16 < size) {
        unsigned n = text_character(text);
        if (*text == ' ' || *text == '\n') {
            out[used++] = ' ';
            out[used] = '\0';
            is_word_start = true;
        } else {
            if (is_word_start && *text == '.')
                used += (size_t)snprintf(out + used, size - used, "\\&");
            used += (size_t)escape_character(text, n, out + used, size - used);
            is_word_start = false;
        }
        text += n == 0 ? 1 : n;
    }
}

static void put_text(const char *text)
{
    char escaped[4096];
    escape(text, escaped, sizeof(escaped));
    text_wrap(stdout, 0, 0, escaped);
}

/* The entry of a list: its name in bold, what it is, and what its author says of it. */
static void put_entry(const char *name, const char *about, const char *doc)
{
    char escaped[256];
    escape(name, escaped, sizeof(escaped));
    printf(".TP\n\\fB%s\\fR\n", escaped);
    put_text(about);
    if (doc != NULL && doc[0] != '\0') {
        fputs(".br\n", stdout);
        put_text(doc);
    }
}

/* Lines as they stand. */
static void put_literal(const char *text)
{
    fputs(".nf\n", stdout);
    while (*text != '\0') {
        char line[512], escaped[2048];
        size_t n = strcspn(text, "\n");
        (void)snprintf(line, sizeof(line), "%.*s", (int)n, text);
        escape(line, escaped, sizeof(escaped));
        puts(escaped);
        text += n + (text[n] == '\n');
    }
    fputs(".fi\n", stdout);
}

/* --- parts of the page ------------------------------------------------------------------------ */
static void put_head(const struct bp_class *c)
{
    char name[128], line[512];
    fputs(".\\\" Made by: backplane plugin info --man\n.TH BACKPLANE\\-", stdout);
    escape(c->id, name, sizeof(name));
    for (const char *at = name; *at != '\0'; at++)
        putchar(toupper((unsigned char)*at));
    printf(" 7 " PAGE_DATE " \"%s ", name);
    escape(c->version, name, sizeof(name));
    printf("%s\" \"Backplane plugins\"\n.ad l\n.nh\n.SH NAME\n", name);
    (void)snprintf(line, sizeof(line), "backplane-%s - %s", c->id, c->summary);
    put_text(line);
}

static void put_paragraph(const char *text)
{
    fputs(".PP\n", stdout);
    put_text(text);
}

static void put_bus(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    char text[512];
    if (v->carried_bus[0] != '\0') {
        (void)snprintf(
            text, sizeof(text),
            "It is the transport of %s devices. It needs no section: \"bus = %s\" in the "
            "section of such a device makes one, and the keys below stand in that "
            "section.",
            v->carried_bus, c->id);
        put_paragraph(text);
    }
    for (uint32_t i = 0; i < v->n_transports; i++) {
        (void)snprintf(
            text, sizeof(text),
            "With \"bus = %s\" it is carried by backplane-%s(7), whose keys stand in the "
            "same section.",
            v->transports[i]->id, v->transports[i]->id);
        put_paragraph(text);
    }
}

static void put_description(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    char text[512];
    bool is_backend = (c->flags & BP_CLASS_BACKEND) != 0;
    fputs(".SH DESCRIPTION\n", stdout);
    (void)snprintf(text, sizeof(text),
                   "A plugin of backplane(1) that machine files name in a [%s NAME] section; "
                   "backplane-machine(5) says how. It is for %s%s.",
                   is_backend ? "backend" : "device", c->arch == NULL ? "all architectures" : "",
                   c->arch != NULL ? c->arch : "");
    put_text(text);
    put_bus(v);
}

static void put_registers(const struct bp_region *region)
{
    if (region->regs.n_rows == 0)
        return;
    printf(".PP\n.nf\n%-6s  %-22s  %-11s  %-10s  write 1 clears\n", "offset", "register",
           "after reset", "writable");
    for (uint32_t i = 0; i < region->regs.n_rows; i++) {
        const struct bp_reg *r = plugin_register(region, i);
        char line[160], escaped[640], writable[16] = "-", w1c[16] = "-";
        if (r->writable != 0)
            (void)snprintf(writable, sizeof(writable), "0x%x", r->writable);
        if (r->w1c != 0)
            (void)snprintf(w1c, sizeof(w1c), "0x%x", r->w1c);
        (void)snprintf(line, sizeof(line), "0x%04x  %-22s  0x%-9x  %-10s  %s", r->offset, r->name,
                       r->reset, writable, w1c);
        escape(line, escaped, sizeof(escaped));
        puts(escaped);
    }
    fputs(".fi\n", stdout);
}

static void put_regions_and_lines(const struct bp_class *c)
{
    char about[512];
    if (c->regions.n_rows > 0)
        fputs(".SH REGIONS\n", stdout);
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        plugin_region_describe(class_region(c, i), about, sizeof(about));
        put_entry(class_region(c, i)->name, about, NULL);
        put_registers(class_region(c, i));
    }
    if (c->lines.n_rows > 0)
        fputs(".SH INTERRUPT LINES\n", stdout);
    for (uint32_t i = 0; i < c->lines.n_rows; i++) {
        plugin_line_describe(class_line(c, i), about, sizeof(about));
        put_entry(class_line(c, i)->name, about, NULL);
    }
}

static void put_links_and_properties(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    char about[1024];
    if (c->links.n_rows > 0)
        fputs(".SH LINKS\n", stdout);
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        plugin_link_describe(v, class_link(c, i), about, sizeof(about));
        put_entry(class_link(c, i)->name, about, class_link(c, i)->doc);
    }
    if (c->properties.n_rows > 0)
        fputs(".SH PROPERTIES\n", stdout);
    for (uint32_t i = 0; i < c->properties.n_rows; i++) {
        property_describe(property_at(c, i), about, sizeof(about));
        put_entry(property_at(c, i)->name, about, property_at(c, i)->doc);
    }
}

/* --- what the guest is told, and for programmers ---------------------------------------------- */
static void put_guest(const struct bp_class *c)
{
    char text[1200];
    if (c->dt_name == NULL && c->acpi_hid == NULL)
        return;
    fputs(".SH GUEST\n", stdout);
    if (c->dt_name != NULL) {
        size_t used = (size_t)snprintf(text, sizeof(text), "node %s", c->dt_name);
        for (const char *p = c->dt_compatible; p != NULL && *p != '\0' && used < sizeof(text);
             p += strlen(p) + 1)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                     p == c->dt_compatible ? ", compatible: " : ", ", p);
        put_entry("device tree", text, NULL);
    }
    if (c->acpi_hid != NULL)
        put_entry("ACPI", c->acpi_hid, NULL);
}

static void put_interfaces(const struct bp_class *c)
{
    char text[1024] = "none";
    size_t used = 0;
    fputs(".SH INTERFACES\n", stdout);
    for (uint32_t i = 0; c->needs != NULL && c->needs[i] != NULL && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? ", " : "",
                                 c->needs[i]);
    put_entry("needs", text, NULL);
    (void)snprintf(text, sizeof(text), "none");
    used = 0;
    for (uint32_t i = 0; i < c->services.n_rows && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? ", " : "",
                                 plugin_service(c, i)->interface);
    put_entry("offers", text, NULL);
    (void)snprintf(text, sizeof(text), "version %u, %u field%s in its table", c->state_version,
                   c->state.n_rows, c->state.n_rows == 1 ? "" : "s");
    put_entry("state", c->state_version != 0 ? text : "none", NULL);
}

static void put_see_also(const struct plugin_view *v)
{
    fputs(".SH SEE ALSO\n.BR backplane (1),\n.BR backplane\\-machine (5),\n", stdout);
    for (uint32_t i = 0; i < v->n_transports; i++) {
        char id[256];
        escape(v->transports[i]->id, id, sizeof(id));
        printf(".BR backplane\\-%s (7),\n", id);
    }
    for (uint32_t i = 0; i < v->class_->links.n_rows; i++) {
        const struct bp_class *c;
        const char *word;
        for (size_t at = 0;
             (c = plugin_view_next_target(v, class_link(v->class_, i), &at, &word));) {
            char id[256];
            escape(c->id, id, sizeof(id));
            printf(".BR backplane\\-%s (7),\n", id);
        }
    }
    fputs(".BR backplane\\-plugin (7)\n", stdout);
}

void plugin_man(const struct plugin_view *v)
{
    char section[PLUGIN_SECTION_MAX];
    plugin_section(v, section, sizeof(section));
    put_head(v->class_);
    fputs(".SH SYNOPSIS\n", stdout);
    put_literal(section);
    put_description(v);
    fputs(".PP\nIn the synopsis keys behind # may be left out, and show their defaults or an\n"
          "example; words in capitals are to be filled in.\n",
          stdout);
    put_regions_and_lines(v->class_);
    put_links_and_properties(v);
    put_guest(v->class_);
    put_interfaces(v->class_);
    put_see_also(v);
}
