/*
 * Guest RAM: one reservation of host memory behind one or two guest-physical ranges. Pages exist
 * only once the guest (or a loader) touches them. Access by guest-physical address is checked.
 */
#ifndef VMM_CORE_MEMORY_H
#define VMM_CORE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/aspace.h"
#include "util/err.h"

struct memory_slot {
    uint64_t gpa;
    uint64_t size;
    uint8_t *host;
};

struct memory {
    struct memory_slot slots[2];
    size_t n_slots;
    void *mapping;
    uint64_t mapping_bytes;
};

/* Reserves host memory for the address space's RAM. */
int32_t memory_init(struct memory *memory, const struct aspace *as, struct err *err);
void memory_fini(struct memory *memory);

/* [any] All bytes or none; BP_ERR_RANGE when any is not RAM. Both ranges are crossed only where
 * they touch. Concurrent guest accesses see bytes in any order. */
int32_t memory_read(const struct memory *memory, uint64_t gpa, void *to, uint64_t size);
int32_t memory_write(struct memory *memory, uint64_t gpa, const void *from, uint64_t size);
int32_t memory_fill(struct memory *memory, uint64_t gpa, uint8_t byte, uint64_t size);

/* [any] Host address of a run that lies whole within one slot, or NULL. */
void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t size);

/* Gives every page back to the host: RAM reads as zeroes again. */
void memory_clear(struct memory *memory);

#endif
