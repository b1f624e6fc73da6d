/*
 * bp.doorbell/1 - guest writes that only say "look": taken off the processor that made them.
 *
 * Such a write does not call the class's write(): the processor goes on at once, and `fn` is called
 * soon, on the loop's thread. Several writes may arrive as one. Where the host cannot do that,
 * write() is called as for every other access: a device works both ways.
 */
#ifndef BACKPLANE_IF_DOORBELL_H
#define BACKPLANE_IF_DOORBELL_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_DOORBELL_ID "bp.doorbell/1"

struct bp_doorbell {
    uint32_t struct_size;
    uint32_t pad;
    /* [setup] in realize, later BP_ERR_STATE: writes of `value` with `width` bytes (1, 2, 4, 8) at
     * `offset` of a region call fn(dev, arg) [dev]. They last until destroy. BP_ERR_UNSUPPORTED:
     * not here, write() will see them; BP_ERR_RANGE, BP_ERR_NOT_FOUND: no such place or region;
     * BP_ERR_EXISTS; BP_ERR_NO_SPACE. */
    int32_t (*add)(const struct bp_host *host, uint32_t region, uint64_t offset, uint32_t width,
                   uint64_t value, void (*fn)(void *dev, uint64_t arg), uint64_t arg);
};

#ifdef __cplusplus
}
#endif
#endif
