/* The 65536 I/O ports of an x86 machine: who has which. */
#ifndef VMM_MACHINE_PORTS_H
#define VMM_MACHINE_PORTS_H

#include <stdint.h>

#include "util/err.h"

#define PORTS_COUNT 65536u

/* Unpinned ports lie from here on, above all that PC hardware has at fixed places. */
#define PORTS_DYNAMIC_BASE 0xc000u

struct ports;

struct ports *ports_create(void);        /* NULL: out of memory */
void ports_destroy(struct ports *ports); /* takes NULL */

/* Owners' names are the caller's, for as long as the ports live. `align` is a power of two. */
int32_t ports_register(struct ports *ports, const char *owner, uint64_t base, uint64_t count,
                       uint64_t align, struct err *err);
int32_t ports_allocate(struct ports *ports, const char *owner, uint64_t count, uint64_t align,
                       uint64_t *base, struct err *err);

#endif
