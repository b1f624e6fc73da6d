/* Keys of sections to what they belong to: pins, links, properties; and what is missing. */
#include <backplane/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classcheck.h"
#include "machine/parts.h"

#define KNOWN_MAX 256

/* Collects the words that "did you mean" chooses from. */
struct known {
    const char *words[KNOWN_MAX];
    size_t n;
};

static void know(struct assembly *a, struct known *known, const char *prefix, const char *name)
{
    const char *word = prefix[0] == '\0' ? name : arena_format(&a->arena, "%s%s", prefix, name);
    if (word != NULL && known->n < KNOWN_MAX)
        known->words[known->n++] = word;
}

static const char *region_prefix(const struct bp_region *region)
{
    return region->kind == BP_PIO ? "port." : "mmio.";
}

static void know_pins(struct assembly *a, struct known *known, const struct part *part)
{
    const struct bp_class *c = part->class_;
    for (uint32_t i = 0; i < c->regions.n_rows; i++)
        know(a, known, region_prefix(class_region(c, i)), class_region(c, i)->name);
    for (uint32_t i = 0; i < c->lines.n_rows; i++)
        know(a, known, "irq.", class_line(c, i)->name);
}

static void know_class(struct assembly *a, struct known *known, const struct part *part)
{
    const struct bp_class *c = part->class_;
    know_pins(a, known, part);
    for (uint32_t i = 0; i < c->properties.n_rows; i++)
        know(a, known, "", property_at(c, i)->name);
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        if (part->carried == NULL || part->links[i].target == NULL)
            know(a, known, "", class_link(c, i)->name);
    }
}

/* --- pins ------------------------------------------------------------------------------------- */
static struct pin *find_pin(struct part *part, const char *name)
{
    const struct bp_class *c = part->class_;
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        const struct bp_region *region = class_region(c, i);
        if (strncmp(name, region_prefix(region), 5) == 0 && strcmp(name + 5, region->name) == 0)
            return &part->regions[i];
    }
    for (uint32_t i = 0; i < c->lines.n_rows; i++) {
        if (strncmp(name, "irq.", 4) == 0 && strcmp(name + 4, class_line(c, i)->name) == 0)
            return &part->lines[i];
    }
    return NULL;
}

static bool is_pin(const char *name)
{
    return strncmp(name, "mmio.", 5) == 0 || strncmp(name, "port.", 5) == 0 ||
           strncmp(name, "irq.", 4) == 0;
}

static void read_pin(struct assembly *a, struct part *part, const struct doc_key *key,
                     const char *text)
{
    struct part *owner = part;
    struct pin *pin = find_pin(part, key->name);
    if (pin == NULL && part->transport != NULL) {
        owner = part->transport;
        pin = find_pin(owner, key->name);
    }
    if (pin == NULL) {
        struct known known = {.n = 0};
        know_pins(a, &known, part);
        if (part->transport != NULL)
            know_pins(a, &known, part->transport);
        bool alone = known.n == 1;
        doc_key_error(&a->doc, part->section, key, text, "plugin %s has no such %s%s%s%s",
                      owner->class_->id, key->name[0] == 'i' ? "line" : "region",
                      known.n == 0 ? ", and nothing to pin" : "",
                      alone ? "; it has " : assembly_hint(a, key->name, known.words, known.n),
                      alone ? known.words[0] : "");
        return;
    }
    uint64_t max = key->name[0] == 'i' ? UINT32_MAX : key->name[0] == 'p' ? 0xffff : UINT64_MAX;
    if (property_parse_number(text, 0, &pin->value) != BP_OK || pin->value > max) {
        doc_key_error(&a->doc, part->section, key, text, "%s",
                      key->name[0] == 'i'   ? "a line number is wanted"
                      : key->name[0] == 'p' ? "a port is wanted, such as 0x3f8"
                                            : "an address is wanted, such as 0x10000000");
        return;
    }
    pin->key = key;
    pin->text = text;
}

/* --- properties ------------------------------------------------------------------------------- */
static bool read_property(struct assembly *a, struct part *part, const struct doc_key *key,
                          const struct expansion *value)
{
    const char *text = value->text;
    uint32_t index;
    char why[256];
    struct setting setting;
    const struct bp_property *row = property_find(part->class_, key->name, &index);
    if (row == NULL)
        return false;
    setting.property = index;
    if (property_parse(row, text, &setting.value, why, sizeof(why)) != BP_OK) {
        doc_key_error(&a->doc, part->section, key, text, "%s", why);
        part->failed = part->failed || (row->flags & BP_PROPERTY_REQUIRED) != 0;
        return true;
    }
    if (row->type == BP_PATH)
        setting.value.string =
            assembly_need(a, (void *)(uintptr_t)doc_path(&a->arena, key->file, value));
    part->settings[part->n_settings++] = setting;
    return true;
}

static bool read_link(struct part *part, const struct doc_key *key, const char *text)
{
    for (uint32_t i = 0; i < part->class_->links.n_rows; i++) {
        if (strcmp(class_link(part->class_, i)->name, key->name) != 0)
            continue;
        if (part->links[i].target != NULL) /* a transport's to what it carries: the core's own */
            return false;
        part->links[i].key = key;
        part->links[i].text = text;
        return true;
    }
    return false;
}

/* --- every key -------------------------------------------------------------------------------- */
static bool is_core_key(struct assembly *a, struct part *part, const struct doc_key *key)
{
    if (strcmp(key->name, "bus") == 0 && part->class_->bus == NULL) {
        doc_key_error(&a->doc, part->section, key, key->value,
                      "plugin %s sits on no bus: remove the line", part->class_->id);
        return true;
    }
    return strcmp(key->name, "plugin") == 0 || strcmp(key->name, "bus") == 0 ||
           strcmp(key->name, "arch") == 0 || strcmp(key->name, "if") == 0;
}

static void report_unknown(struct assembly *a, struct part *part, const struct doc_key *key)
{
    struct known known = {.words = {"plugin", "bus", "arch", "if"}, .n = 4};
    bool is_shown = a->diag->n < DIAG_MAX;
    if (is_shown)
        know_class(a, &known, part);
    if (is_shown && part->transport != NULL)
        know_class(a, &known, part->transport);
    doc_key_error(&a->doc, part->section, key, key->value, "plugin %s has no such key%s",
                  part->class_->id, assembly_hint(a, key->name, known.words, known.n));
}

static void read_key(struct assembly *a, struct part *part, const struct doc_key *key)
{
    struct expansion value;
    if (is_core_key(a, part, key))
        return;
    if (!assembly_expand(a, part->section, key, &value)) {
        part->failed = true;
        return;
    }
    if (is_pin(key->name)) {
        read_pin(a, part, key, value.text);
        return;
    }
    struct part *owners[2] = {part, part->transport};
    for (int i = 0; i < 2 && owners[i] != NULL; i++) {
        if (read_link(owners[i], key, value.text) || read_property(a, owners[i], key, &value))
            return;
    }
    report_unknown(a, part, key);
}

/* --- what is missing -------------------------------------------------------------------------- */
static int first_sentence(const char *doc)
{
    const char *end = strstr(doc, ". ");
    size_t n = end != NULL ? (size_t)(end - doc) + 1 : strlen(doc);
    return n < 400 ? (int)n : 400;
}

static void report_missing(struct assembly *a, struct part *part)
{
    const struct bp_class *c = part->class_;
    if (part->section->broken) {
        part->failed = true;
        return;
    }
    for (uint32_t i = 0; i < c->properties.n_rows; i++) {
        const struct bp_property *row = property_at(c, i);
        if ((row->flags & BP_PROPERTY_REQUIRED) == 0 ||
            doc_find(&a->doc, part->section, row->name, a->machine->arch) != NULL)
            continue;
        doc_section_error(&a->doc, part->section, "%s is missing: plugin %s needs it: %.*s",
                          row->name, c->id, first_sentence(row->doc), row->doc);
        part->failed = true;
    }
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        const struct bp_link *row = class_link(c, i);
        if ((row->flags & BP_LINK_REQUIRED) == 0 || part->links[i].key != NULL)
            continue;
        doc_section_error(&a->doc, part->section,
                          "%s is missing: plugin %s needs it: add %s = NAME of a section that "
                          "offers %s, or X for the plugin %s-X",
                          row->name, c->id, row->name, row->interface, row->name);
        part->failed = true;
    }
}

void assembly_read_keys(struct assembly *a)
{
    for (size_t i = 0; i < a->n_parts; i++) {
        struct part *part = a->parts[i];
        if (part->class_ == NULL || part->carried != NULL)
            continue;
        for (size_t k = 0; k < part->section->n_keys; k++) {
            const struct doc_key *key = part->section->keys[k];
            if (doc_counts(&a->doc, part->section, key, a->machine->arch))
                read_key(a, part, key);
        }
        report_missing(a, part);
        if (part->transport != NULL)
            report_missing(a, part->transport);
    }
}
