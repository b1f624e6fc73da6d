/*
 * A picture of a machine for documents: the address space from low to high, and the interrupt lines
 * to their controller and the processors. Text colours follow the viewer's light or dark theme, on
 * a background of the picture's own, so that it is legible where only one of the two is known.
 */
#ifndef VMM_TABLES_SVG_H
#define VMM_TABLES_SVG_H

#include <stdio.h>

#include "core/layout.h"
#include "util/err.h"

/* Errors of the stream are left for ferror(). */
int32_t svg_print(const struct layout *layout, FILE *to, struct err *err);

#endif
