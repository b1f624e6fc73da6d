/* Which plugins go together. Only those are loaded whose ids say that they may: BUS-X carries what
 * sits on BUS, and WORD-X is for links of the interface bp.WORD/N. */
#include "cli/plugin_view.h"

#include <stdio.h>
#include <string.h>

#include "classcheck.h"
#include "property.h"

const struct bp_service *plugin_service(const struct bp_class *class_, uint32_t i)
{
    const char *rows = (const char *)class_->services.rows;
    return (const void *)(rows + (size_t)i * class_->services.stride);
}

const struct bp_reg *plugin_register(const struct bp_region *region, uint32_t i)
{
    const char *rows = (const char *)region->regs.rows;
    return (const void *)(rows + (size_t)i * region->regs.stride);
}

const char *plugin_region_key(const struct bp_region *region)
{
    return region->kind == BP_PIO ? "port" : "mmio";
}

bool plugin_is_only_for(const struct bp_class *class_, const char *arch)
{
    return class_->arch != NULL && strcmp(class_->arch, arch) == 0;
}

/* --- transports ------------------------------------------------------------------------------- */
/* The bus of "bp.BUS-device/1"; false: it is another interface. */
static bool bus_of_interface(const char *interface, char *bus, size_t size)
{
    const char *end = strstr(interface, "-device/");
    if (strncmp(interface, "bp.", 3) != 0 || end == NULL)
        return false;
    return snprintf(bus, size, "%.*s", (int)(end - interface - 3), interface + 3) < (int)size;
}

bool plugin_link_is_carrying(const struct bp_link *link)
{
    char bus[32];
    return (link->flags & BP_LINK_REQUIRED) != 0 &&
           bus_of_interface(link->interface, bus, sizeof(bus));
}

/* False when the class carries nothing. */
static bool carried_bus(const struct bp_class *class_, char *bus, size_t size)
{
    for (uint32_t i = 0; i < class_->links.n_rows; i++)
        if (plugin_link_is_carrying(class_link(class_, i)))
            return bus_of_interface(class_link(class_, i)->interface, bus, size);
    return false;
}

/* The class of plugin i if its id begins with "WORD-"; NULL. */
static const struct bp_class *class_named(struct registry *registry, size_t i, const char *word,
                                          size_t length)
{
    const char *id = registry_at(registry, i)->id;
    struct err ignored;
    if (strncmp(id, word, length) != 0 || id[length] != '-')
        return NULL;
    return registry_class(registry, id, &ignored);
}

static void find_transports(struct plugin_view *v)
{
    const char *bus = v->class_->bus;
    for (size_t i = 0; bus != NULL && i < registry_count(v->registry); i++) {
        char carries[sizeof(v->carried_bus)];
        const struct bp_class *c = class_named(v->registry, i, bus, strlen(bus));
        if (c != NULL && carried_bus(c, carries, sizeof(carries)) && strcmp(carries, bus) == 0 &&
            v->n_transports < PLUGIN_TRANSPORTS_MAX)
            v->transports[v->n_transports++] = c;
    }
}

static bool needs_section(const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->properties.n_rows; i++)
        if ((property_at(c, i)->flags & BP_PROPERTY_REQUIRED) != 0)
            return true;
    for (uint32_t i = 0; i < c->links.n_rows; i++)
        if ((class_link(c, i)->flags & BP_LINK_REQUIRED) != 0)
            return true;
    return false;
}

/* An example of what a transport carries: one that needs no settings if there is one. */
static void find_carried(struct plugin_view *v)
{
    if (!carried_bus(v->class_, v->carried_bus, sizeof(v->carried_bus))) {
        v->carried_bus[0] = '\0';
        return;
    }
    for (size_t i = 0; i < registry_count(v->registry); i++) {
        const struct bp_class *c =
            class_named(v->registry, i, v->carried_bus, strlen(v->carried_bus));
        if (c == NULL || c->bus == NULL || strcmp(c->bus, v->carried_bus) != 0)
            continue;
        if (v->carried == NULL || (needs_section(v->carried) && !needs_section(c)))
            v->carried = c;
    }
}

int32_t plugin_view_make(struct registry *registry, const char *id, struct plugin_view *view,
                         struct err *err)
{
    *view = (struct plugin_view){.registry = registry};
    view->class_ = registry_class(registry, id, err);
    if (view->class_ == NULL)
        return BP_ERR_NOT_FOUND;
    view->info = registry_find(registry, id);
    find_transports(view);
    find_carried(view);
    return BP_OK;
}

/* --- links ------------------------------------------------------------------------------------ */
const struct bp_class *plugin_view_next_target(const struct plugin_view *view,
                                               const struct bp_link *link, size_t *i,
                                               const char **word)
{
    size_t name = strlen(link->name);
    const char *kind = strncmp(link->interface, "bp.", 3) == 0 ? link->interface + 3 : "";
    for (; *i < registry_count(view->registry); ++*i) {
        const struct bp_class *c = class_named(view->registry, *i, link->name, name);
        bool has_word = c != NULL;
        if (c == NULL)
            c = class_named(view->registry, *i, kind, strcspn(kind, "/"));
        if (c == NULL || (c->flags & BP_CLASS_BACKEND) == 0 ||
            class_service(c, link->interface) == NULL)
            continue;
        *word = has_word && !needs_section(c) ? c->id + name + 1 : NULL;
        ++*i;
        return c;
    }
    return NULL;
}
