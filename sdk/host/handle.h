/*
 * Handles: a generation and an index in one number, so that a stale one is an error, not a crash.
 * Shared by the real host and the bench. Not thread-safe: the owner locks.
 */
#ifndef SDK_HOST_HANDLE_H
#define SDK_HOST_HANDLE_H

#include <backplane/abi.h>

struct handle_slot {
    void *object;
    uint32_t generation;
    uint32_t next_free;
};

struct handle_table {
    struct handle_slot *slots;
    uint32_t n_slots;
    uint32_t first_free; /* index + 1, 0 when none */
    uint32_t n_used;
};

void handle_table_init(struct handle_table *table);
void handle_table_fini(struct handle_table *table); /* the objects stay the caller's */

/* BP_NO_HANDLE when out of memory. */
bp_handle handle_add(struct handle_table *table, void *object);

/* NULL for a handle that is stale or never was. */
void *handle_find(const struct handle_table *table, bp_handle handle);

/* The object, which the handle no longer names; NULL as above. */
void *handle_remove(struct handle_table *table, bp_handle handle);

/* Walks all live objects: start with *cursor = 0; NULL at the end. */
void *handle_next(const struct handle_table *table, uint32_t *cursor);

#endif
