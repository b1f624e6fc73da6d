/* What a device's describe_acpi has said, before it becomes AML: for acpi_device.c and the writer.
 */
#ifndef VMM_TABLES_ACPI_WRITER_H
#define VMM_TABLES_ACPI_WRITER_H

#include <backplane/if/acpi.h>

#include "tables/acpi_parts.h"

#define ACPI_LEVELS_MAX  4u /* the device's own and three within it */
#define ACPI_NAMES_MAX   160u
#define ACPI_PROPS_MAX   64u
#define ACPI_REGIONS_MAX 64u
#define ACPI_LINES_MAX   64u
#define ACPI_TERMS_MAX   0x40000u /* bytes of one device's terms */
#define ACPI_STRING_MAX  1024u

/* A Device () that is being collected. */
struct acpi_level {
    char name[5];
    char hid[9]; /* "": none; _ADR says what it is */
    uint32_t uid;
    struct aml resources;
    struct aml props; /* elements of _DSD */
    uint32_t n_props;
    struct aml terms;
    char names[ACPI_NAMES_MAX][5]; /* defined in terms, 4 characters */
    uint32_t n_names;
};

struct acpi_writer {
    struct bp_acpi_writer face;
    struct acpi_build *build;
    const struct layout_device *dev;
    uint32_t depth; /* of the open level */
    bool has_resource_names;
    bool region_is_taken[ACPI_REGIONS_MAX]; /* by row: named in a child's _CRS */
    bool line_is_taken[ACPI_LINES_MAX];
    struct acpi_level levels[ACPI_LEVELS_MAX];
};

/* NULL when memory is short. */
struct acpi_writer *acpi_writer_create(struct acpi_build *b, const struct layout_device *dev);
void acpi_writer_destroy(struct acpi_writer *w);

/* The functions that say something about tables other than the DSDT. */
void acpi_writer_set_facts(struct bp_acpi_writer *face);

/* A region or line of the device is described there, not in its own _CRS. */
void acpi_writer_note(struct acpi_writer *w, bool is_line, uint32_t row, const char *where);

/* A mistake of the plugin: sticks, with the device's name. */
void acpi_writer_fail(struct acpi_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline struct acpi_writer *acpi_writer_of(const struct bp_acpi_writer *face)
{
    return face->ctx;
}

/* By row of the class's table: NULL when it was not placed, when something is wrong already, and,
 * with an error, when the table has no such row. */
const struct layout_region *acpi_writer_region(struct acpi_writer *w, const char *what,
                                               uint32_t row);
const struct layout_line *acpi_writer_line(struct acpi_writer *w, const char *what, uint32_t row);

bool acpi_level_has(const struct acpi_level *level, const char *name);
bool acpi_level_add_name(struct acpi_writer *w, struct acpi_level *level, const char *name);
void acpi_level_resource(struct acpi_level *level, const struct layout_region *region);
void acpi_level_prop_string(struct acpi_level *level, const char *name, const char *value);

/* The Device () with all that was collected. */
void acpi_level_write(const struct acpi_level *level, struct aml *to);

#endif
