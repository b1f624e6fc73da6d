/* From sections to parts: which of them count here, what plugin each is, and its transport. */
#include "machine/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backplane/if/irqchip.h>

#include "classcheck.h"
#include "plugin/device.h"

/* --- parts ------------------------------------------------------------------------------------ */
static bool give_rows(struct assembly *a, struct part *part)
{
    const struct bp_class *c = part->class_;
    part->links = arena_array(&a->arena, c->links.n_rows, sizeof(*part->links));
    part->regions = arena_array(&a->arena, c->regions.n_rows, sizeof(*part->regions));
    part->lines = arena_array(&a->arena, c->lines.n_rows, sizeof(*part->lines));
    part->settings = arena_array(&a->arena, c->properties.n_rows, sizeof(*part->settings));
    return part->links != NULL && part->regions != NULL && part->lines != NULL &&
           part->settings != NULL;
}

static bool append(struct assembly *a, struct part *part)
{
    if (a->n_parts == a->capacity) {
        size_t capacity = a->capacity == 0 ? 32 : a->capacity * 2;
        struct part **parts = realloc(a->parts, capacity * sizeof(struct part *));
        if (parts == NULL)
            return false;
        a->parts = parts;
        a->capacity = capacity;
    }
    a->parts[a->n_parts++] = part;
    return true;
}

struct part *assembly_add_part(struct assembly *a, const struct doc_section *section,
                               const char *name, const struct doc_key *origin,
                               const char *origin_text, const struct bp_class *class_)
{
    struct part *part = arena_alloc(&a->arena, sizeof(*part));
    if (part == NULL || name == NULL) {
        a->out_of_memory = true;
        return NULL;
    }
    part->section = section;
    part->name = name;
    part->origin = origin;
    part->origin_text = origin_text;
    part->class_ = class_;
    part->failed = class_ == NULL;
    if ((class_ != NULL && !give_rows(a, part)) || !append(a, part)) {
        a->out_of_memory = true;
        return NULL;
    }
    return part;
}

/* --- sections that count ---------------------------------------------------------------------- */
/* NULL: it counts; otherwise why not. */
static const char *absence(struct assembly *a, const struct doc_section *section)
{
    const struct doc_key *key = doc_find(&a->doc, section, "arch", ARCH_INVALID);
    if (key != NULL) {
        uint32_t list = assembly_arch_list(a, section, key);
        if (list == 0)
            return "its arch is wrong";
        if ((list & 1u << a->machine->arch) == 0)
            return "its arch is another";
    }
    key = doc_find(&a->doc, section, "if", a->machine->arch);
    if (key == NULL)
        return NULL;
    const char *text = assembly_value(a, section, key);
    if (text == NULL)
        return "its if is wrong";
    return text[0] == '\0' || strcmp(text, "no") == 0 ? "its if says no" : NULL;
}

/* --- classes ---------------------------------------------------------------------------------- */
static bool class_is_for(const struct bp_class *class_, enum arch arch)
{
    const char *wanted = arch_name(arch);
    size_t length = strlen(wanted);
    for (const char *at = class_->arch; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, " ");
        if (n == length && memcmp(at, wanted, n) == 0)
            return true;
        at += n + strspn(at + n, " ");
    }
    return class_->arch == NULL;
}

/* Interfaces that this program does not have, as one list; "" when all are there. */
static void missing_interfaces(const struct bp_class *class_, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; class_->needs != NULL && class_->needs[i] != NULL; i++) {
        if (host_interface(class_->needs[i]) != NULL || n >= size)
            continue;
        int wrote = snprintf(out + n, size - n, "%s%s", n > 0 ? ", " : "", class_->needs[i]);
        n += wrote > 0 ? (size_t)wrote : 0;
    }
}

const struct bp_class *assembly_load_class(struct assembly *a, const struct doc_section *section,
                                           const struct doc_key *key, const char *text,
                                           const char *id)
{
    struct err err = {""};
    char missing[512];
    const struct bp_class *class_ = a->source->load(a->source->ctx, id, &err);
    if (class_ == NULL) {
        doc_key_error(&a->doc, section, key, text, "%s", err.text);
        return NULL;
    }
    missing_interfaces(class_, missing, sizeof(missing));
    if (missing[0] != '\0')
        doc_key_error(&a->doc, section, key, text,
                      "the plugin needs %s, which this program does not have: use a newer one",
                      missing);
    else if (!class_is_for(class_, a->machine->arch))
        doc_key_error(&a->doc, section, key, text,
                      "the plugin is for %s, not for %s: add arch = %s to the section",
                      class_->arch, arch_name(a->machine->arch), class_->arch);
    else
        return class_;
    return NULL;
}

static bool check_kind(struct assembly *a, const struct doc_section *section,
                       const struct doc_key *key, const char *id, const struct bp_class *class_)
{
    bool is_backend = (class_->flags & BP_CLASS_BACKEND) != 0;
    if (is_backend == (section->kind == DOC_BACKEND))
        return true;
    doc_key_error(&a->doc, section, key, id,
                  is_backend ? "the plugin is a backend: write [backend %s]"
                             : "the plugin is a device: write [device %s]",
                  section->name);
    return false;
}

/* --- transports ------------------------------------------------------------------------------- */
/* The link with which a transport's class takes a device of `bus`; n_rows: it is none. */
static uint32_t carrying_link(const struct bp_class *class_, const char *bus)
{
    char interface[96];
    (void)snprintf(interface, sizeof(interface), "bp.%s-device/1", bus);
    uint32_t i = 0;
    while (i < class_->links.n_rows && ((class_link(class_, i)->flags & BP_LINK_REQUIRED) == 0 ||
                                        strcmp(class_link(class_, i)->interface, interface) != 0))
        i++;
    return i;
}

static void add_transport(struct assembly *a, struct part *part)
{
    const struct doc_section *section = part->section;
    const char *bus = part->class_->bus;
    const struct doc_key *key = doc_find(&a->doc, section, "bus", a->machine->arch);
    part->failed = true;
    if (key == NULL) {
        if (!section->broken)
            doc_section_error(&a->doc, section,
                              "bus is missing: plugin %s sits behind a %s transport: add bus = "
                              "%s-mmio",
                              part->class_->id, bus, bus);
        return;
    }
    const char *id = assembly_value(a, section, key);
    const struct bp_class *class_ =
        id != NULL ? assembly_load_class(a, section, key, id, id) : NULL;
    if (class_ == NULL)
        return;
    uint32_t link = carrying_link(class_, bus);
    if (link == class_->links.n_rows) {
        doc_key_error(&a->doc, section, key, id,
                      "the plugin is no transport for %s devices: use %s-mmio", bus, bus);
        return;
    }
    struct part *transport = assembly_add_part(
        a, section, arena_format(&a->arena, "%s.%s", part->name, id), key, id, class_);
    if (transport == NULL)
        return;
    part->failed = false;
    part->transport = transport;
    transport->carried = part;
    transport->links[link].target = part;
    transport->links[link].key = key;
    transport->links[link].text = part->name;
}

/* --- all -------------------------------------------------------------------------------------- */
static void note_irqchip(struct assembly *a, struct part *part)
{
    if (class_service(part->class_, BP_IRQCHIP_ID) == NULL)
        return;
    if (a->irqchip == NULL) {
        a->irqchip = part;
        return;
    }
    doc_key_error(&a->doc, part->section, part->origin, part->origin_text,
                  "a machine has one interrupt controller, and %s is one already: remove one",
                  a->irqchip->section->title);
    part->failed = true;
}

static void leave_out(struct assembly *a, const struct doc_section *section, const char *reason)
{
    if (!strmap_put(&a->absent, section->name, (void *)(uintptr_t)reason))
        a->out_of_memory = true;
}

static void find_part(struct assembly *a, const struct doc_section *section)
{
    const struct doc_key *key = doc_find(&a->doc, section, "plugin", a->machine->arch);
    const char *id = key != NULL ? assembly_value(a, section, key) : NULL;
    if (key == NULL && !section->broken)
        doc_section_error(&a->doc, section,
                          "plugin is missing: add plugin = ID; `backplane plugin list` shows them");
    const struct bp_class *class_ =
        id != NULL ? assembly_load_class(a, section, key, id, id) : NULL;
    if (class_ != NULL && !check_kind(a, section, key, id, class_))
        class_ = NULL;
    if (class_ != NULL && a->machine->platform.aia_ids != 0 &&
        class_service(class_, BP_IRQCHIP_ID) != NULL) {
        leave_out(a, section, "the accelerator's interrupt controller takes its place");
        return;
    }
    struct part *part = assembly_add_part(a, section, section->name, key, id, class_);
    if (part == NULL)
        return;
    part->is_backend = section->kind == DOC_BACKEND;
    if (!strmap_put(&a->by_name, part->name, part))
        a->out_of_memory = true;
    if (class_ == NULL)
        return;
    note_irqchip(a, part);
    if (class_->bus != NULL)
        add_transport(a, part);
}

void assembly_find_parts(struct assembly *a)
{
    for (size_t i = 0; i < a->doc.n_sections; i++) {
        const struct doc_section *section = a->doc.sections[i];
        if (section->kind < DOC_DEVICE)
            continue;
        const char *reason = absence(a, section);
        if (reason == NULL)
            find_part(a, section);
        else
            leave_out(a, section, reason);
    }
}
