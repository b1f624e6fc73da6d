/*
 * plugin info --schema: a JSON schema (draft 2020-12) of the sections that name a plugin.
 *
 * It is for sections as JSON objects, in which numbers are integers, sizes too (in bytes), yes and
 * no are booleans, and all else are strings; key@ARCH is resolved and ${NAME} filled in. A string's
 * limit is in bytes in a machine file and in characters here. What lies between keys and machines
 * (whether a file exists, an address is free, a link finds its target) is for `backplane check`.
 */
#include <stdio.h>
#include <string.h>

#include "classcheck.h"
#include "cli/json.h"
#include "cli/plugin_info.h"
#include "property.h"

#define ARCH_PATTERN "(x86_64|arm64|riscv64)"
#define IRQ_MAX      UINT64_C(0xffffffff)
#define PORT_MAX     UINT64_C(0xffff)

#define KEYS_MAX 256u

struct schema {
    struct json json;
    const struct plugin_view *view;
    char keys[KEYS_MAX][64]; /* that are there: a device's key wins over its transport's */
    uint32_t n_keys;
};

static bool is_new(struct schema *s, const char *prefix, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "%s%s", prefix, name);
    for (uint32_t i = 0; i < s->n_keys; i++)
        if (strcmp(s->keys[i], key) == 0)
            return false;
    if (s->n_keys == KEYS_MAX)
        return false;
    memcpy(s->keys[s->n_keys++], key, sizeof(key));
    return true;
}

/* The last key that was new, with its type and description; more members may follow, then a close.
 */
static void begin_key(struct schema *s, const char *type, const char *about)
{
    struct json *json = &s->json;
    json_object(json, s->keys[s->n_keys - 1]);
    json_string(json, "type", type);
    json_string(json, "description", about);
}

/* --- properties ------------------------------------------------------------------------------- */
static void put_number(struct json *json, const struct bp_property *p)
{
    struct property_value value;
    char ignored[8];
    bool is_any = p->min == 0 && p->max == 0;
    uint64_t max = is_any ? UINT64_MAX : p->max;
    if (p->type == BP_U32 && max > UINT32_MAX)
        max = UINT32_MAX;
    json_u64(json, "minimum", p->min);
    json_u64(json, "maximum", max);
    if (p->initial != NULL && property_parse(p, p->initial, &value, ignored, sizeof(ignored)) == 0)
        json_u64(json, "default", value.number);
}

static void put_text(struct json *json, const struct bp_property *p)
{
    uint64_t min = p->type == BP_PATH && p->min == 0 ? 1 : p->min;
    if (min > 0)
        json_u64(json, "minLength", min);
    if (p->max > 0)
        json_u64(json, "maxLength", p->max);
    if (p->initial != NULL)
        json_string(json, "default", p->initial);
}

static void put_choices(struct json *json, const struct bp_property *p)
{
    json_array(json, "enum");
    for (const char *at = p->choices; at != NULL && *at != '\0';) {
        char word[64];
        size_t n = strcspn(at, "|");
        (void)snprintf(word, sizeof(word), "%.*s", (int)n, at);
        json_string(json, NULL, word);
        at += n + (at[n] == '|');
    }
    json_close_array(json);
    if (p->initial != NULL)
        json_string(json, "default", p->initial);
}

static void put_property(struct schema *s, const struct bp_property *p)
{
    struct json *json = &s->json;
    static const char *const types[] = {"null",    "boolean", "integer", "integer",
                                        "integer", "string",  "string",  "string"};
    struct property_value value;
    char ignored[8];
    begin_key(s, types[p->type <= BP_CHOICE ? p->type : 0], p->doc);
    switch (p->type) {
    case BP_U32:
    case BP_U64:
    case BP_SIZE:
        put_number(json, p);
        break;
    case BP_CHOICE:
        put_choices(json, p);
        break;
    case BP_BOOL:
        if (p->initial != NULL &&
            property_parse(p, p->initial, &value, ignored, sizeof(ignored)) == BP_OK)
            json_bool(json, "default", value.number != 0);
        break;
    default:
        put_text(json, p);
    }
    json_close_object(json);
}

/* --- pins, links ------------------------------------------------------------------------------ */
static void put_region(struct schema *s, const struct bp_region *r)
{
    char about[512];
    bool is_port = r->kind == BP_PIO;
    plugin_region_describe(r, about, sizeof(about));
    begin_key(s, "integer", about);
    json_u64(&s->json, "minimum", 0);
    json_u64(&s->json, "maximum", is_port ? PORT_MAX : UINT64_MAX);
    json_u64(&s->json, "multipleOf", r->align != 0 ? r->align : is_port ? 1 : 4096);
    json_close_object(&s->json);
}

static void put_line(struct schema *s, const struct bp_line *l)
{
    char about[256];
    plugin_line_describe(l, about, sizeof(about));
    begin_key(s, "integer", about);
    json_u64(&s->json, "minimum", 0);
    json_u64(&s->json, "maximum", IRQ_MAX);
    json_close_object(&s->json);
}

static void put_link(struct schema *s, const struct bp_link *l)
{
    const char *word;
    bool has_words = false;
    begin_key(s, "string", l->doc);
    json_u64(&s->json, "minLength", 1);
    for (size_t i = 0; plugin_view_next_target(s->view, l, &i, &word) != NULL;) {
        if (word == NULL)
            continue;
        if (!has_words)
            json_array(&s->json, "examples");
        has_words = true;
        json_string(&s->json, NULL, word);
    }
    if (has_words)
        json_close_array(&s->json);
    json_close_object(&s->json);
}

/* --- keys of a class, and the core's own ------------------------------------------------------ */
static void put_class(struct schema *s, const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->links.n_rows; i++)
        if (!plugin_link_is_carrying(class_link(c, i)) && is_new(s, "", class_link(c, i)->name))
            put_link(s, class_link(c, i));
    for (uint32_t i = 0; i < c->properties.n_rows; i++)
        if (is_new(s, "", property_at(c, i)->name))
            put_property(s, property_at(c, i));
    for (uint32_t i = 0; i < c->regions.n_rows; i++)
        if (is_new(s, class_region(c, i)->kind == BP_PIO ? "port." : "mmio.",
                   class_region(c, i)->name))
            put_region(s, class_region(c, i));
    for (uint32_t i = 0; i < c->lines.n_rows; i++)
        if (is_new(s, "irq.", class_line(c, i)->name))
            put_line(s, class_line(c, i));
}

static void put_bus(struct schema *s)
{
    const struct plugin_view *v = s->view;
    if (v->class_->bus == NULL || !is_new(s, "", "bus"))
        return;
    begin_key(s, "string", "The transport that carries the device.");
    if (v->n_transports > 0) {
        json_array(&s->json, "enum");
        for (uint32_t i = 0; i < v->n_transports; i++)
            json_string(&s->json, NULL, v->transports[i]->id);
        json_close_array(&s->json);
    }
    json_close_object(&s->json);
}

/* The names are not free for properties and links: class_check. */
static void put_core_keys(struct schema *s)
{
    if (is_new(s, "", "plugin")) {
        begin_key(s, "string", "Which plugin the section is for.");
        json_string(&s->json, "const", s->view->class_->id);
        json_close_object(&s->json);
    }
    if (is_new(s, "", "arch")) {
        begin_key(s, "string", "The section counts only on these architectures.");
        json_string(&s->json, "pattern",
                    "^[ \t,]*" ARCH_PATTERN "([ \t,]+" ARCH_PATTERN ")*[ \t,]*$");
        json_close_object(&s->json);
    }
    if (is_new(s, "", "if")) {
        begin_key(s, "string", "The section counts unless this is empty or \"no\".");
        json_close_object(&s->json);
    }
    put_bus(s);
}

/* --- all -------------------------------------------------------------------------------------- */
static void put_required_of(struct json *json, const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->links.n_rows; i++)
        if ((class_link(c, i)->flags & BP_LINK_REQUIRED) != 0 &&
            !plugin_link_is_carrying(class_link(c, i)))
            json_string(json, NULL, class_link(c, i)->name);
    for (uint32_t i = 0; i < c->properties.n_rows; i++)
        if ((property_at(c, i)->flags & BP_PROPERTY_REQUIRED) != 0)
            json_string(json, NULL, property_at(c, i)->name);
}

static void put_required(struct schema *s)
{
    const struct plugin_view *v = s->view;
    json_array(&s->json, "required");
    json_string(&s->json, NULL, "plugin");
    if (v->class_->bus != NULL)
        json_string(&s->json, NULL, "bus");
    put_required_of(&s->json, v->class_);
    /* With several transports the bus key says which one's are wanted. */
    if (v->n_transports == 1)
        put_required_of(&s->json, v->transports[0]);
    json_close_array(&s->json);
}

void plugin_schema(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    struct schema s = {.view = v};
    char text[192];
    json_begin(&s.json, stdout);
    json_string(&s.json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    (void)snprintf(text, sizeof(text), "urn:backplane:plugin:%s:%s", c->id, c->version);
    json_string(&s.json, "$id", text);
    (void)snprintf(text, sizeof(text), "[%s NAME] with plugin = %s",
                   (c->flags & BP_CLASS_BACKEND) != 0 ? "backend" : "device", c->id);
    json_string(&s.json, "title", text);
    json_string(&s.json, "description", c->summary);
    json_string(&s.json, "type", "object");
    json_object(&s.json, "properties");
    put_core_keys(&s);
    put_class(&s, c);
    for (uint32_t i = 0; i < v->n_transports; i++)
        put_class(&s, v->transports[i]);
    json_close_object(&s.json);
    put_required(&s);
    json_bool(&s.json, "additionalProperties", false);
    json_end(&s.json);
}
