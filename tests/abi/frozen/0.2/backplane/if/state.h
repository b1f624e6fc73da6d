/*
 * Streams that save, load_check and load_commit get, for what the state table cannot carry: named
 * fields of bytes. The host adds lengths, version and checksum. Numbers in them are little-endian.
 */
#ifndef BACKPLANE_IF_STATE_H
#define BACKPLANE_IF_STATE_H

#include <backplane/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bp_state_writer {
    uint32_t struct_size;
    uint32_t pad;
    void *ctx;
    /* [dev] A field; copied. Names are unique within the device (BP_ERR_EXISTS), up to 63 bytes
     * (BP_ERR_INVALID). An error sticks: the state as a whole is not saved. */
    int32_t (*put)(const struct bp_state_writer *w, const char *name, const void *from,
                   uint64_t size);
};

struct bp_state_reader {
    uint32_t struct_size;
    uint32_t version; /* the class's state_version when it was saved */
    void *ctx;
    /* [dev] The field's size in bytes. BP_ERR_NOT_FOUND. */
    int32_t (*size)(const struct bp_state_reader *r, const char *name, uint64_t *size);
    /* [dev] Exactly `size` bytes: BP_ERR_FORMAT if the field has another size. */
    int32_t (*get)(const struct bp_state_reader *r, const char *name, void *to, uint64_t size);
};

#ifdef __cplusplus
}
#endif
#endif
