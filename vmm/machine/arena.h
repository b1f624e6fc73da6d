/* Memory that is freed all at once: what reading a machine file makes, and a machine's names. */
#ifndef VMM_MACHINE_ARENA_H
#define VMM_MACHINE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* Zero-initialised is ready to use. */
struct arena {
    struct arena_chunk *chunks;
};

void arena_free(struct arena *arena);

/* Zeroed, aligned for every type; NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t n, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length);
char *arena_string(struct arena *arena, const char *text); /* NULL stays NULL */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
