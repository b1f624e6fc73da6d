/* A plugin and those that it works with: what its tables alone do not say. */
#ifndef VMM_CLI_PLUGIN_VIEW_H
#define VMM_CLI_PLUGIN_VIEW_H

#include "plugin/registry.h"

#define PLUGIN_TRANSPORTS_MAX 8

struct plugin_view {
    struct registry *registry;
    const struct plugin_info *info;
    const struct bp_class *class_;
    /* That can carry it, if it sits on a bus. */
    const struct bp_class *transports[PLUGIN_TRANSPORTS_MAX];
    uint32_t n_transports;
    /* Of a transport: the bus that it carries, and one plugin that needs such a thing; NULL. */
    char carried_bus[32];
    const struct bp_class *carried;
};

/* Loads the plugin, and those whose names say that they may belong to it. */
int32_t plugin_view_make(struct registry *registry, const char *id, struct plugin_view *view,
                         struct err *err);

/* The next plugin, from the registry's *i on, that a link can be given with, or NULL. The word
 * after "KEY = " is its id behind "KEY-" if it needs no settings: *word; NULL: it needs a section.
 */
const struct bp_class *plugin_view_next_target(const struct plugin_view *view,
                                               const struct bp_link *link, size_t *i,
                                               const char **word);

/* The link is that of a transport to what it carries: the core's own, no key of a section. */
bool plugin_link_is_carrying(const struct bp_link *link);

const struct bp_service *plugin_service(const struct bp_class *class_, uint32_t i);
const struct bp_reg *plugin_register(const struct bp_region *region, uint32_t i);

/* "mmio" or "port": how keys that pin a region begin. */
const char *plugin_region_key(const struct bp_region *region);

/* The class is for this architecture alone. */
bool plugin_is_only_for(const struct bp_class *class_, const char *arch);

#endif
