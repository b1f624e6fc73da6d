/*
 * One device's state as bytes: a section with the class's id, state version, named typed fields and
 * a CRC32C. The same bytes on every host. Shared by the real host and the bench.
 */
#ifndef SDK_HOST_STATE_H
#define SDK_HOST_STATE_H

#include <backplane/device.h>
#include <backplane/if/state.h>

struct state_buffer {
    uint8_t *bytes; /* free() */
    uint64_t size;
};

/* Saves the table's fields and what class->save adds. The device's lock is held by the caller. */
int32_t state_save(const struct bp_class *class_, const void *instance, struct state_buffer *out,
                   char *why, size_t why_size);

/* Checks everything (checksum, id, version, every field's type, count and limit, load_check) and
 * only then writes the fields and calls load_commit. On an error nothing has changed. */
int32_t state_load(const struct bp_class *class_, void *instance, const uint8_t *bytes,
                   uint64_t size, char *why, size_t why_size);

#endif
