/*
 * Guest RAM: one reservation of host memory behind one or two guest-physical ranges, and memory
 * that devices bring (regions of kind RAM). Pages exist only once the guest (or a loader) touches
 * them. Access by guest-physical address is checked.
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

#define MEMORY_SLOTS_MAX 32

struct memory_mapping {
    void *start;
    uint64_t bytes;
};

struct memory {
    struct memory_slot slots[MEMORY_SLOTS_MAX];
    size_t n_slots;
    struct memory_mapping mappings[MEMORY_SLOTS_MAX];
    size_t n_mappings;
};

/* Reserves host memory for the address space's RAM. */
int32_t memory_init(struct memory *memory, const struct aspace *as, struct err *err);
void memory_fini(struct memory *memory);

/* A further slot, zeroed, that no other overlaps (the address space has seen to that). *slot is its
 * index. During set-up only. */
int32_t memory_add(struct memory *memory, uint64_t gpa, uint64_t size, size_t *slot,
                   struct err *err);

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
