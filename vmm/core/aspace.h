/*
 * The guest-physical address space: RAM, fixed regions, and regions placed above RAM. Every pair is
 * checked for overlap, every end for wrap-around and for the guest's physical address width.
 * Finding an owner or an overlap is O(log n); placing looks only at gaps beyond what is packed
 * already.
 *
 * What is mapped is what is described: the bus, the device tree, the map and E820 read this.
 */
#ifndef VMM_CORE_ASPACE_H
#define VMM_CORE_ASPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "util/err.h"

#define ASPACE_PAGE_BYTES 4096u
#define ASPACE_4G         0x100000000u

/* x86 RAM beyond this much continues at 4 GiB. */
#define ASPACE_X86_LOW_BYTES 0xC0000000u

struct aspace_region {
    const char *name; /* owned by the address space */
    uint64_t base;
    uint64_t size; /* as placed: a multiple of the alignment */
    bool fixed;    /* registered by address; otherwise allocated */
};

struct aspace_request {
    const char *name;
    uint64_t size;      /* 0 is an error */
    uint64_t alignment; /* a power of two; 0 means 4 KiB; size is rounded up to it */
    bool below_4g;
};

struct aspace;

/* RAM [ram_base, ram_base + ram_size); dynamic regions start at align_up(RAM end, 4 KiB).
 * `gpa_bits` is the guest's physical address width. */
int32_t aspace_create(enum arch arch, uint64_t ram_base, uint64_t ram_size, uint32_t gpa_bits,
                      struct aspace **out, struct err *err);

/* Two RAM ranges, low before high; the RAM size is their sum, the RAM end the end of the high one
 * (of the low one when high_size is 0). */
int32_t aspace_create_split(enum arch arch, uint64_t low_base, uint64_t low_size,
                            uint64_t high_base, uint64_t high_size, uint32_t gpa_bits,
                            struct aspace **out, struct err *err);
void aspace_destroy(struct aspace *as); /* takes NULL */

/* Places a region around RAM and everything placed before, lowest address first: above RAM, or, for
 * below_4g, in the highest gap below 4 GiB that fits outside RAM. */
int32_t aspace_allocate(struct aspace *as, const struct aspace_request *request,
                        struct aspace_region *out, struct err *err);

/* Registers a region at an address of its own. BP_ERR_EXISTS names what it overlaps. */
int32_t aspace_register_fixed(struct aspace *as, const char *name, uint64_t base, uint64_t size,
                              struct err *err);

/* Frees the region that begins at `base`. */
int32_t aspace_release(struct aspace *as, uint64_t base, struct err *err);

/* The owner of an address: a region, or NULL for RAM and holes. */
const struct aspace_region *aspace_find(const struct aspace *as, uint64_t gpa);

/* All regions sorted by base; valid until the next change. */
const struct aspace_region *aspace_sorted(const struct aspace *as, size_t *n);

/* Copies, in the order in which they were made, of the allocated or of the fixed regions; free().
 * The names stay the address space's. NULL when there are none or memory is short. */
struct aspace_region *aspace_allocations(const struct aspace *as, size_t *n);
struct aspace_region *aspace_fixed_regions(const struct aspace *as, size_t *n);

struct aspace_ram {
    uint64_t base;
    uint64_t size;
};

/* RAM ranges, one or two, ascending. */
size_t aspace_ram(const struct aspace *as, struct aspace_ram out[2]);
uint64_t aspace_ram_base(const struct aspace *as);
uint64_t aspace_ram_size(const struct aspace *as); /* sum of the ranges */
uint64_t aspace_ram_end(const struct aspace *as);
enum arch aspace_arch(const struct aspace *as);
uint32_t aspace_gpa_bits(const struct aspace *as);

#endif
