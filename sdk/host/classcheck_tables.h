/* What classcheck.c and classcheck_tables.c share. */
#ifndef SDK_HOST_CLASSCHECK_TABLES_H
#define SDK_HOST_CLASSCHECK_TABLES_H

#include "classcheck.h"

#define CLASS_INSTANCE_MAX (64u << 20) /* bytes */
#define CLASS_ROWS_MAX     1024u       /* rows of any table: more is a wrong pointer */

struct class_why {
    char *text;
    size_t size;
};

/* Writes the sentence and returns BP_ERR_FORMAT. */
int32_t class_wrong(struct class_why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Row `i` of a table with this stride. */
const void *class_row(const void *rows, uint32_t stride, uint32_t i);

/* a-z and 0-9 with `also` between them, 1 to max bytes. */
int class_is_word(const char *text, const char *also, size_t max);

/* "bp.mem/1": a word with a dot, a slash, a number from 1. */
int class_is_interface_id(const char *text);

int32_t class_check_regions(const struct bp_class *c, struct class_why *why);
int32_t class_check_lines(const struct bp_class *c, struct class_why *why);
int32_t class_check_properties(const struct bp_class *c, struct class_why *why);
int32_t class_check_links(const struct bp_class *c, struct class_why *why);
int32_t class_check_services(const struct bp_class *c, struct class_why *why);
int32_t class_check_fields(const struct bp_class *c, struct class_why *why);

#endif
