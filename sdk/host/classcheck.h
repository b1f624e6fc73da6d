/* Is a class descriptor sane? Asked by the loader before it is used, by the bench and by checks. */
#ifndef SDK_HOST_CLASSCHECK_H
#define SDK_HOST_CLASSCHECK_H

#include <backplane/device.h>

/* BP_OK, or BP_ERR_FORMAT and in `why` the first thing that is wrong: ids and names well formed and
 * unique, sizes and alignments sane, widths known, properties' defaults valid for their own rows,
 * offsets inside the instance, fields' names unique, strides and struct sizes at least those of
 * this ABI's first version. */
int32_t class_check(const struct bp_class *class_, char *why, size_t why_size);

/* Rows whatever their stride; i < n_rows. */
const struct bp_region *class_region(const struct bp_class *class_, uint32_t i);
const struct bp_line *class_line(const struct bp_class *class_, uint32_t i);
const struct bp_link *class_link(const struct bp_class *class_, uint32_t i);
const struct bp_field *class_field(const struct bp_class *class_, uint32_t i);

/* The service table that the class offers under this interface id; NULL. */
const void *class_service(const struct bp_class *class_, const char *interface);

#endif
