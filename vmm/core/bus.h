/*
 * The bus: from a guest-physical address or port to the handler that owns it. Lookup costs the same
 * with 5 and with 500 devices: a radix tree over pages whose large aligned runs are one entry.
 * Built during set-up, then frozen: lookups take no lock and allocate nothing.
 */
#ifndef VMM_CORE_BUS_H
#define VMM_CORE_BUS_H

#include <stdint.h>

#include "util/err.h"

/* Who handles accesses to one range. `offset` is relative to the range's base. */
struct bus_handler {
    uint64_t base;
    uint64_t size;
    uint32_t widths; /* BP_W* that are allowed; naturally aligned */
    uint32_t region; /* index that is handed on */
    void *owner;
    uint64_t (*read)(void *owner, uint32_t region, uint64_t offset, uint32_t width);
    void (*write)(void *owner, uint32_t region, uint64_t offset, uint32_t width, uint64_t value);
};

/* Called for an access that nobody claims or whose width the region does not allow. */
typedef void bus_stray_fn(void *ctx, uint64_t address, uint32_t width, int is_write,
                          const struct bus_handler *handler);

struct bus;

int32_t bus_create(struct bus **out, bus_stray_fn *on_stray, void *ctx, struct err *err);
void bus_destroy(struct bus *bus); /* takes NULL */

/* Adds a range; ranges never overlap (the address space has seen to that; checked again). The
 * handler is copied. */
int32_t bus_add(struct bus *bus, const struct bus_handler *handler, struct err *err);

/* [any] after set-up. Unclaimed: all-ones for the width, writes vanish. An access across the end
 * of a range or not aligned counts as unclaimed. */
uint64_t bus_read(const struct bus *bus, uint64_t address, uint32_t width);
void bus_write(const struct bus *bus, uint64_t address, uint32_t width, uint64_t value);

#endif
