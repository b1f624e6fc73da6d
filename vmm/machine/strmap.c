/* Hash table of strings: see strmap.h. FNV-1a, linear probing, at most half full. */
#include "machine/strmap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash(const char *key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *key != '\0'; key++)
        h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
    return h;
}

static struct strmap_slot *slot_of(struct strmap_slot *slots, size_t n_slots, const char *key)
{
    size_t i = (size_t)hash(key) & (n_slots - 1);
    while (slots[i].key != NULL && strcmp(slots[i].key, key) != 0)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static bool grow(struct strmap *map)
{
    size_t n_slots = map->n_slots == 0 ? 32 : map->n_slots * 2;
    struct strmap_slot *slots = calloc(n_slots, sizeof(*slots));
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < map->n_slots; i++) {
        if (map->slots[i].key != NULL)
            *slot_of(slots, n_slots, map->slots[i].key) = map->slots[i];
    }
    free(map->slots);
    map->slots = slots;
    map->n_slots = n_slots;
    return true;
}

void strmap_fini(struct strmap *map)
{
    free(map->slots);
    *map = (struct strmap){NULL, 0, 0};
}

void *strmap_find(const struct strmap *map, const char *key)
{
    return map->n == 0 ? NULL : slot_of(map->slots, map->n_slots, key)->value;
}

bool strmap_put(struct strmap *map, const char *key, void *value)
{
    if (map->n >= map->n_slots / 2 && !grow(map))
        return false;
    struct strmap_slot *slot = slot_of(map->slots, map->n_slots, key);
    if (slot->key == NULL) {
        slot->key = key;
        map->n++;
    }
    slot->value = value;
    return true;
}
