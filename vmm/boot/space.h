/*
 * Which parts of RAM a boot uses: ranges at fixed addresses are claimed, others are placed around
 * them. Nothing ever lies over anything else, and nothing outside RAM.
 */
#ifndef VMM_BOOT_SPACE_H
#define VMM_BOOT_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/aspace.h"
#include "util/err.h"

#define BOOT_SPACE_MAX 64

struct boot_range {
    const char *what; /* "kernel": static */
    uint64_t base;
    uint64_t size;
};

struct boot_space {
    struct aspace_ram ram[2];
    size_t n_ram;
    struct boot_range taken[BOOT_SPACE_MAX];
    size_t n_taken;
};

/* The RAM range that holds all of it, or NULL. size > 0. */
const struct aspace_ram *boot_space_ram(const struct boot_space *space, uint64_t base,
                                        uint64_t size);

/* The first claimed range that shares a byte with this one, or NULL. */
const struct boot_range *boot_space_overlap(const struct boot_space *space, uint64_t base,
                                            uint64_t size);

/* BP_ERR_RANGE: not in RAM; BP_ERR_EXISTS: over something else. The sentence names both. */
int32_t boot_space_claim(struct boot_space *space, const char *what, uint64_t base, uint64_t size,
                         struct err *err);

/* Claims the lowest free range at or above `from`, or below it if there is none. `alignment` is a
 * power of two. BP_ERR_NO_SPACE. */
int32_t boot_space_place(struct boot_space *space, const char *what, uint64_t size,
                         uint64_t alignment, uint64_t from, uint64_t *base, struct err *err);

/* Claims the highest free range whose last byte is at or below `last`. BP_ERR_NO_SPACE: the
 * sentence says whether RAM or that bound is short. */
int32_t boot_space_place_high(struct boot_space *space, const char *what, uint64_t size,
                              uint64_t alignment, uint64_t last, uint64_t *base, struct err *err);

#endif
