/* From strings to pointers: an open-addressed hash table that only grows. */
#ifndef VMM_MACHINE_STRMAP_H
#define VMM_MACHINE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>

struct strmap_slot {
    const char *key;
    void *value;
};

/* Zero-initialised is ready to use. */
struct strmap {
    struct strmap_slot *slots;
    size_t n_slots; /* 0 or a power of two */
    size_t n;
};

void strmap_fini(struct strmap *map);

/* NULL when it is not there. */
void *strmap_find(const struct strmap *map, const char *key);

/* Adds or replaces. The key is kept as given: the caller's, for as long as the map lives. False:
 * out of memory. */
bool strmap_put(struct strmap *map, const char *key, void *value);

#endif
