/* plugin info as JSON. */
#include <string.h>

#include "classcheck.h"
#include "cli/json.h"
#include "cli/plugin_info.h"
#include "property.h"

/* What pins it: "mmio.regs". */
static void json_key(struct json *json, const char *prefix, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "%s.%s", prefix, name);
    json_string(json, "key", key);
}

static void put_registers(struct json *json, const struct bp_region *region)
{
    json_array(json, "registers");
    for (uint32_t i = 0; i < region->regs.n_rows; i++) {
        const struct bp_reg *r = plugin_register(region, i);
        json_object(json, NULL);
        json_string(json, "name", r->name);
        json_u64(json, "offset", r->offset);
        json_u64(json, "reset", r->reset);
        json_u64(json, "writable", r->writable);
        json_u64(json, "write_1_clears", r->w1c);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_regions(struct json *json, const struct bp_class *c)
{
    static const char *const kinds[] = {"?", "mmio", "port", "ram"};
    json_array(json, "regions");
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        const struct bp_region *r = class_region(c, i);
        json_object(json, NULL);
        json_string(json, "name", r->name);
        json_key(json, plugin_region_key(r), r->name);
        json_string(json, "kind", kinds[r->kind <= BP_RAM ? r->kind : 0]);
        json_u64(json, "size", r->size);
        json_u64(json, "align", r->align);
        json_array(json, "width_bits");
        for (uint32_t bytes = 1; bytes <= 8; bytes *= 2)
            if (r->kind != BP_RAM && (r->widths & bytes) != 0)
                json_u64(json, NULL, 8 * bytes);
        json_close_array(json);
        json_bool(json, "below_4g", (r->flags & BP_REGION_BELOW_4G) != 0);
        json_bool(json, "optional", (r->flags & BP_REGION_OPTIONAL) != 0);
        json_bool(json, "alternative", (r->flags & BP_REGION_ALTERNATIVE) != 0);
        put_registers(json, r);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_lines(struct json *json, const struct bp_class *c)
{
    json_array(json, "lines");
    for (uint32_t i = 0; i < c->lines.n_rows; i++) {
        const struct bp_line *l = class_line(c, i);
        json_object(json, NULL);
        json_string(json, "name", l->name);
        json_key(json, "irq", l->name);
        json_string(json, "trigger", l->trigger == BP_EDGE_RISING ? "edge-rising" : "level-high");
        json_bool(json, "optional", (l->flags & BP_LINE_OPTIONAL) != 0);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_choices(struct json *json, const char *choices)
{
    json_array(json, "choices");
    while (choices != NULL && *choices != '\0') {
        char word[64];
        size_t n = strcspn(choices, "|");
        (void)snprintf(word, sizeof(word), "%.*s", (int)n, choices);
        json_string(json, NULL, word);
        choices += n + (choices[n] == '|');
    }
    json_close_array(json);
}

static void put_properties(struct json *json, const struct bp_class *c)
{
    static const char *const types[] = {"?",    "bool",   "u32",  "u64",
                                        "size", "string", "path", "choice"};
    json_array(json, "properties");
    for (uint32_t i = 0; i < c->properties.n_rows; i++) {
        const struct bp_property *p = property_at(c, i);
        json_object(json, NULL);
        json_string(json, "name", p->name);
        json_string(json, "type", types[p->type <= BP_CHOICE ? p->type : 0]);
        json_string(json, "default", p->initial);
        json_bool(json, "required", (p->flags & BP_PROPERTY_REQUIRED) != 0);
        if (p->min != 0 || p->max != 0) {
            json_u64(json, "min", p->min);
            json_u64(json, "max", p->max);
        }
        if (p->type == BP_CHOICE)
            put_choices(json, p->choices);
        json_string(json, "doc", p->doc);
        json_close_object(json);
    }
    json_close_array(json);
}

/* Words that the link takes without a section, and the plugins that a section of it may name. */
static void put_targets(struct json *json, const struct plugin_view *v, const struct bp_link *l)
{
    const struct bp_class *c;
    const char *word;
    json_array(json, "words");
    for (size_t i = 0; plugin_view_next_target(v, l, &i, &word) != NULL;)
        if (word != NULL)
            json_string(json, NULL, word);
    json_close_array(json);
    json_array(json, "plugins");
    for (size_t i = 0; (c = plugin_view_next_target(v, l, &i, &word)) != NULL;)
        json_string(json, NULL, c->id);
    json_close_array(json);
}

static void put_links(struct json *json, const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    json_array(json, "links");
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        const struct bp_link *l = class_link(c, i);
        json_object(json, NULL);
        json_string(json, "name", l->name);
        json_string(json, "interface", l->interface);
        json_bool(json, "required", (l->flags & BP_LINK_REQUIRED) != 0);
        json_bool(json, "carrying", plugin_link_is_carrying(l));
        put_targets(json, v, l);
        json_string(json, "doc", l->doc);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_lists(struct json *json, const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    json_array(json, "needs");
    for (uint32_t i = 0; c->needs != NULL && c->needs[i] != NULL; i++)
        json_string(json, NULL, c->needs[i]);
    json_close_array(json);
    json_array(json, "offers");
    for (uint32_t i = 0; i < c->services.n_rows; i++)
        json_string(json, NULL, plugin_service(c, i)->interface);
    json_close_array(json);
    json_array(json, "dt_compatible");
    for (const char *p = c->dt_compatible; p != NULL && *p != '\0'; p += strlen(p) + 1)
        json_string(json, NULL, p);
    json_close_array(json);
    json_array(json, "transports");
    for (uint32_t i = 0; i < v->n_transports; i++)
        json_string(json, NULL, v->transports[i]->id);
    json_close_array(json);
}

void plugin_info_json(const struct plugin_view *v)
{
    const struct bp_class *c = v->class_;
    char section[PLUGIN_SECTION_MAX];
    struct json json;
    plugin_section(v, section, sizeof(section));
    json_begin(&json, stdout);
    json_string(&json, "id", c->id);
    json_string(&json, "version", c->version);
    json_string(&json, "summary", c->summary);
    json_string(&json, "path", v->info->path);
    json_u64(&json, "abi_major", v->info->abi_major);
    json_u64(&json, "abi_minor", v->info->abi_minor);
    json_string(&json, "kind", (c->flags & BP_CLASS_BACKEND) != 0 ? "backend" : "device");
    json_words(&json, "arch", c->arch != NULL ? c->arch : "x86_64 arm64 riscv64");
    json_string(&json, "bus", c->bus);
    json_string(&json, "carries", v->carried_bus[0] != '\0' ? v->carried_bus : NULL);
    json_string(&json, "dt_name", c->dt_name);
    json_string(&json, "acpi_hid", c->acpi_hid);
    json_u64(&json, "state_version", c->state_version);
    json_u64(&json, "state_fields", c->state.n_rows);
    put_lists(&json, v);
    put_regions(&json, c);
    put_lines(&json, c);
    put_links(&json, v);
    put_properties(&json, c);
    json_string(&json, "section", section);
    json_end(&json);
}
