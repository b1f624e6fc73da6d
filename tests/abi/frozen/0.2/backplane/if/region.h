/* bp.region/1 - sizes of the device's own regions. A device never learns where they lie. */
#ifndef BACKPLANE_IF_REGION_H
#define BACKPLANE_IF_REGION_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_REGION_ID "bp.region/1"

struct bp_region_if {
    uint32_t struct_size;
    uint32_t pad;
    /* [setup], in plan only: another size in bytes for a region of the table. BP_ERR_STATE when
     * the map is frozen, BP_ERR_INVALID for 0, BP_ERR_NOT_FOUND for an index beyond the table. */
    int32_t (*resize)(const struct bp_host *host, uint32_t region, uint64_t size);
    /* [any] The size in bytes as asked for (placement may round it up); 0: no such region. */
    uint64_t (*size)(const struct bp_host *host, uint32_t region);
};

#ifdef __cplusplus
}
#endif
#endif
