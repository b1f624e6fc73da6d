/* plugin info as JSON. */
#include <string.h>

#include "classcheck.h"
#include "cli/json.h"
#include "cli/plugin_info.h"
#include "property.h"

static void put_registers(struct json *json, const struct bp_reg_table *table)
{
    json_array(json, "registers");
    for (uint32_t i = 0; i < table->n_rows; i++) {
        const struct bp_reg *r =
            (const void *)((const char *)table->rows + (size_t)i * table->stride);
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
        put_registers(json, &r->regs);
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

static void put_links(struct json *json, const struct bp_class *c)
{
    json_array(json, "links");
    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        const struct bp_link *l = class_link(c, i);
        json_object(json, NULL);
        json_string(json, "name", l->name);
        json_string(json, "interface", l->interface);
        json_bool(json, "required", (l->flags & BP_LINK_REQUIRED) != 0);
        json_string(json, "doc", l->doc);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_lists(struct json *json, const struct bp_class *c)
{
    json_array(json, "needs");
    for (uint32_t i = 0; c->needs != NULL && c->needs[i] != NULL; i++)
        json_string(json, NULL, c->needs[i]);
    json_close_array(json);
    json_array(json, "offers");
    for (uint32_t i = 0; i < c->services.n_rows; i++) {
        const struct bp_service *s =
            (const void *)((const char *)c->services.rows + (size_t)i * c->services.stride);
        json_string(json, NULL, s->interface);
    }
    json_close_array(json);
    json_array(json, "dt_compatible");
    for (const char *p = c->dt_compatible; p != NULL && *p != '\0'; p += strlen(p) + 1)
        json_string(json, NULL, p);
    json_close_array(json);
}

void plugin_info_json(const struct plugin_info *info, const struct bp_class *c,
                      const char *transport)
{
    struct json json;
    json_begin(&json, stdout);
    json_string(&json, "id", c->id);
    json_string(&json, "version", c->version);
    json_string(&json, "summary", c->summary);
    json_string(&json, "path", info->path);
    json_u64(&json, "abi_major", info->abi_major);
    json_u64(&json, "abi_minor", info->abi_minor);
    json_string(&json, "kind", (c->flags & BP_CLASS_BACKEND) != 0 ? "backend" : "device");
    json_words(&json, "arch", c->arch != NULL ? c->arch : "x86_64 arm64 riscv64");
    json_string(&json, "bus", c->bus);
    json_string(&json, "transport", transport);
    json_string(&json, "dt_name", c->dt_name);
    json_string(&json, "acpi_hid", c->acpi_hid);
    json_u64(&json, "state_version", c->state_version);
    json_u64(&json, "state_fields", c->state.n_rows);
    put_lists(&json, c);
    put_regions(&json, c);
    put_lines(&json, c);
    put_links(&json, c);
    put_properties(&json, c);
    json_end(&json);
}
