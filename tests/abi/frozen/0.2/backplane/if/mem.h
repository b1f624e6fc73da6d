/*
 * bp.mem/1 - DMA: copies to and from the guest's RAM by guest-physical address.
 *
 * It reaches RAM only, never another device. Data is copied: what a guest changes afterwards does
 * not matter. Byte order is the caller's business.
 */
#ifndef BACKPLANE_IF_MEM_H
#define BACKPLANE_IF_MEM_H

#include <backplane/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_MEM_ID "bp.mem/1"

struct bp_mem {
    uint32_t struct_size;
    uint32_t pad;
    /* [any] All `size` bytes or none: BP_ERR_RANGE if any of them is not RAM. size 0 is BP_OK. */
    int32_t (*read)(const struct bp_host *host, uint64_t gpa, void *to, uint64_t size);
    int32_t (*write)(const struct bp_host *host, uint64_t gpa, const void *from, uint64_t size);
};

#ifdef __cplusplus
}
#endif
#endif
