/* Everything that a machine author needs to know of a plugin, from its class's tables. */
#ifndef VMM_CLI_PLUGIN_INFO_H
#define VMM_CLI_PLUGIN_INFO_H

#include "cli/plugin_view.h"

void plugin_info_text(const struct plugin_view *view);
void plugin_info_json(const struct plugin_view *view);

/* One row of a table as a sentence: "level, high; pin with irq.out = NUMBER". */
void plugin_region_describe(const struct bp_region *region, char *out, size_t size);
void plugin_line_describe(const struct bp_line *line, char *out, size_t size);
void plugin_link_describe(const struct plugin_view *view, const struct bp_link *link, char *out,
                          size_t size);

/* A JSON schema (draft 2020-12) for a section of this plugin. */
void plugin_schema(const struct plugin_view *view);

/* Its page of the manual, section 7, as roff. */
void plugin_man(const struct plugin_view *view);

#define PLUGIN_SECTION_MAX 8192u

/* A section of a machine file with every key, those that may be left out as comments, and sections
 * for what it cannot do without. As it stands it is right; what is in capitals is to be filled in.
 */
void plugin_section(const struct plugin_view *view, char *out, size_t size);

#endif
