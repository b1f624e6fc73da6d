/* The map of a machine as text, and who owns an address or a line. */
#ifndef VMM_TABLES_MAP_H
#define VMM_TABLES_MAP_H

#include <stdio.h>

#include "core/layout.h"
#include "util/err.h"

/* 80 columns; names that are too long for that are cut and end in "..". Errors of the stream are
 * left for ferror(). */
int32_t map_print(const struct layout *layout, FILE *to, struct err *err);

/* `what` is an address ("0x10000000"), a line ("irq10") or a port ("port0x3f8"): the owner, where
 * in it, and which table of the guest says so. An address that nobody owns is an answer, not an
 * error. BP_ERR_INVALID: neither of the three. BP_ERR_RANGE: beyond what the machine has. */
int32_t map_print_who(const struct layout *layout, const char *what, FILE *to, struct err *err);

#endif
