/* Everything that a machine author needs to know of a plugin, from its class's tables. */
#ifndef VMM_CLI_PLUGIN_INFO_H
#define VMM_CLI_PLUGIN_INFO_H

#include "plugin/registry.h"

/* `transport` is a plugin that can carry this class's bus, or NULL. */
void plugin_info_text(const struct plugin_info *info, const struct bp_class *class_,
                      const char *transport);
void plugin_info_json(const struct plugin_info *info, const struct bp_class *class_,
                      const char *transport);

/* A section of a machine file with every key, those that may be left out as comments. */
void plugin_info_section(const struct bp_class *class_, const char *transport);

#endif
