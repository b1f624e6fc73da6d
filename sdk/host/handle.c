/* Handle tables: see handle.h. A handle is generation << 32 | index + 1, so that 0 is never one. */
#include "handle.h"

#include <stdlib.h>
#include <string.h>

void handle_table_init(struct handle_table *table)
{
    memset(table, 0, sizeof(*table));
}

void handle_table_fini(struct handle_table *table)
{
    free(table->slots);
    memset(table, 0, sizeof(*table));
}

static int grow(struct handle_table *table)
{
    uint32_t old = table->n_slots;
    uint32_t n = old ? old * 2 : 8;
    struct handle_slot *slots;

    if (old > UINT32_MAX / 4)
        return -1;
    slots = realloc(table->slots, n * sizeof(*slots));
    if (!slots)
        return -1;
    for (uint32_t i = old; i < n; i++)
        slots[i] = (struct handle_slot){NULL, 1, i + 1 < n ? i + 2 : 0};
    table->slots = slots;
    table->n_slots = n;
    table->first_free = old + 1;
    return 0;
}

bp_handle handle_add(struct handle_table *table, void *object)
{
    uint32_t number;
    struct handle_slot *slot;

    if (!object)
        return BP_NO_HANDLE;
    if (!table->first_free && grow(table))
        return BP_NO_HANDLE;
    number = table->first_free;
    slot = &table->slots[number - 1];
    table->first_free = slot->next_free;
    table->n_used++;
    slot->object = object;
    return (bp_handle)slot->generation << 32 | number;
}

static struct handle_slot *slot_of(const struct handle_table *table, bp_handle handle)
{
    uint32_t number = (uint32_t)handle;
    struct handle_slot *slot;

    if (!number || number > table->n_slots)
        return NULL;
    slot = &table->slots[number - 1];
    return slot->object && slot->generation == handle >> 32 ? slot : NULL;
}

void *handle_find(const struct handle_table *table, bp_handle handle)
{
    struct handle_slot *slot = slot_of(table, handle);

    return slot ? slot->object : NULL;
}

void *handle_remove(struct handle_table *table, bp_handle handle)
{
    struct handle_slot *slot = slot_of(table, handle);
    void *object;

    if (!slot)
        return NULL;
    object = slot->object;
    slot->object = NULL;
    slot->generation++;
    if (!slot->generation) /* 2^32 uses of one slot: begin again, but never with 0 */
        slot->generation = 1;
    slot->next_free = table->first_free;
    table->first_free = (uint32_t)handle;
    table->n_used--;
    return object;
}

void *handle_next(const struct handle_table *table, uint32_t *cursor)
{
    while (*cursor < table->n_slots) {
        void *object = table->slots[(*cursor)++].object;

        if (object)
            return object;
    }
    return NULL;
}
