/* plugin info: the section for a machine file. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "classcheck.h"
#include "cli/plugin_info.h"
#include "property.h"

/* Where examples of pins begin: below RAM, or on x86_64 above it; ports and lines that a PC leaves
 * free. */
#define EXAMPLE_GPA     UINT64_C(0x10000000)
#define EXAMPLE_GPA_X86 UINT64_C(0xd0000000)
#define EXAMPLE_PORT    UINT64_C(0xd00)
#define EXAMPLE_LINE    20u

struct section {
    char *out;
    size_t size, used;
    const struct plugin_view *view;
    const struct bp_class *device; /* whose section it is; its keys win over its transport's */
    uint64_t next_gpa, next_port;
    uint32_t next_line;
};

__attribute__((format(printf, 2, 3))) static void put(struct section *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(s->out + s->used, s->size - s->used, format, args);
    va_end(args);
    if (n > 0)
        s->used += (size_t)n < s->size - s->used ? (size_t)n : s->size - s->used - 1;
}

/* "org.me.lamp" -> "lamp". */
static const char *short_id(const struct bp_class *c)
{
    const char *dot = strrchr(c->id, '.');
    return dot != NULL ? dot + 1 : c->id;
}

/* --- values ----------------------------------------------------------------------------------- */
/* As machine files want it: in quotes where it must be, with $$ for a dollar sign. */
static void put_value(struct section *s, const char *value)
{
    size_t n = strlen(value);
    bool quotes =
        strpbrk(value, ";#\"") != NULL || (n > 0 && (value[0] == ' ' || value[n - 1] == ' '));
    put(s, n > 0 ? " %s" : "%s", quotes ? "\"" : "");
    for (; *value != '\0'; value++) {
        const char *before = *value == '$' ? "$" : "";
        if (quotes && (*value == '"' || *value == '\\'))
            before = "\\";
        put(s, "%s%c", before, *value);
    }
    put(s, "%s\n", quotes ? "\"" : "");
}

static void put_property(struct section *s, const struct bp_property *p)
{
    char made[64];
    const char *value = p->initial;
    put(s, "%s%s =", (p->flags & BP_PROPERTY_REQUIRED) != 0 ? "" : "# ", p->name);
    if (value == NULL && p->type == BP_CHOICE) {
        (void)snprintf(made, sizeof(made), "%.*s", (int)strcspn(p->choices, "|"), p->choices);
        value = made;
    } else if (value == NULL && (p->type == BP_PATH || p->type == BP_STRING)) {
        value = p->type == BP_PATH ? "FILE" : "TEXT";
    } else if (value == NULL) {
        (void)snprintf(made, sizeof(made), "%llu", (unsigned long long)p->min);
        value = p->type == BP_BOOL ? "no" : made;
    }
    put_value(s, value);
}

/* --- pins ------------------------------------------------------------------------------------- */
static uint64_t take(uint64_t *next, uint64_t align, uint64_t size)
{
    uint64_t at = (*next + align - 1) & ~(align - 1);
    *next = at + size;
    return at;
}

static void put_pins(struct section *s, const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        const struct bp_region *r = class_region(c, i);
        bool is_port = r->kind == BP_PIO;
        uint64_t align = r->align != 0 ? r->align : is_port ? 1 : 4096;
        uint64_t at = is_port ? take(&s->next_port, align > 16 ? align : 16, r->size)
                              : take(&s->next_gpa, align > 65536 ? align : 65536, r->size);
        /* Other architectures have no ports. */
        put(s, "# %s.%s%s = 0x%llx\n", plugin_region_key(r), r->name,
            is_port && !plugin_is_only_for(c, "x86_64") ? "@x86_64" : "", (unsigned long long)at);
    }
    for (uint32_t i = 0; i < c->lines.n_rows; i++)
        put(s, "# irq.%s = %u\n", class_line(c, i)->name, s->next_line++);
}

/* --- keys ------------------------------------------------------------------------------------- */
static void companion_name(const struct bp_link *link, char *out, size_t size)
{
    (void)snprintf(out, size, "my-%s", link->name);
}

/* A link's value: a word that makes a backend, or the name of a section that follows. */
static void put_link(struct section *s, const struct bp_link *link)
{
    const char *word = NULL;
    char name[48];
    companion_name(link, name, sizeof(name));
    if (plugin_link_is_carrying(link))
        return;
    for (size_t i = 0; word == NULL && plugin_view_next_target(s->view, link, &i, &word) != NULL;)
        continue;
    put(s, "%s%s = %s\n", (link->flags & BP_LINK_REQUIRED) != 0 ? "" : "# ", link->name,
        word != NULL ? word : name);
}

static void put_keys(struct section *s, const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->links.n_rows; i++)
        put_link(s, class_link(c, i));
    for (uint32_t i = 0; i < c->properties.n_rows; i++)
        if (c == s->device || property_find(s->device, property_at(c, i)->name, NULL) == NULL)
            put_property(s, property_at(c, i));
    put_pins(s, c);
}

/* For a required link that no word can be given for, the section of a plugin that will do. */
static void put_companions(struct section *s)
{
    for (uint32_t i = 0; i < s->device->links.n_rows; i++) {
        const struct bp_link *link = class_link(s->device, i);
        const struct bp_class *first = NULL, *c;
        const char *word = NULL;
        char name[48];
        if ((link->flags & BP_LINK_REQUIRED) == 0 || plugin_link_is_carrying(link))
            continue;
        for (size_t at = 0;
             word == NULL && (c = plugin_view_next_target(s->view, link, &at, &word)) != NULL;)
            first = first == NULL ? c : first;
        if (first == NULL || word != NULL)
            continue;
        companion_name(link, name, sizeof(name));
        put(s, "\n[backend %s]\nplugin = %s\n", name, first->id);
        for (uint32_t p = 0; p < first->properties.n_rows; p++)
            if ((property_at(first, p)->flags & BP_PROPERTY_REQUIRED) != 0)
                put_property(s, property_at(first, p));
    }
}

void plugin_section(const struct plugin_view *view, char *out, size_t size)
{
    const struct bp_class *transport = view->n_transports > 0 ? view->transports[0] : NULL;
    struct section s = {.out = out, .size = size, .view = view, .device = view->class_};
    if (view->carried != NULL) {
        s.device = view->carried;
        transport = view->class_;
    }
    const char *arch = s.device->arch != NULL ? s.device->arch
                       : transport != NULL    ? transport->arch
                                              : NULL;
    s.next_gpa = plugin_is_only_for(s.device, "x86_64") ? EXAMPLE_GPA_X86 : EXAMPLE_GPA;
    s.next_port = EXAMPLE_PORT;
    s.next_line = EXAMPLE_LINE;
    out[0] = '\0';
    put(&s, "[%s my-%s]\nplugin = %s\n",
        (s.device->flags & BP_CLASS_BACKEND) != 0 ? "backend" : "device", short_id(s.device),
        s.device->id);
    if (arch != NULL)
        put(&s, "arch = %s\n", arch);
    if (s.device->bus != NULL)
        put(&s, "bus = %s\n", transport != NULL ? transport->id : s.device->bus);
    put_keys(&s, s.device);
    if (transport != NULL)
        put_keys(&s, transport);
    put_companions(&s);
}
