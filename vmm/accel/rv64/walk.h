/* The page-table walk. Only mmu.c uses it. */
#ifndef VMM_ACCEL_RV64_WALK_H
#define VMM_ACCEL_RV64_WALK_H

#include "accel/rv64/parts.h"

enum walk_result { WALK_OK, WALK_PAGE_FAULT, WALK_ACCESS_FAULT, WALK_AGAIN };

struct walk_request {
    uint64_t va;
    enum access access;
    enum priv priv; /* S or U */
};

struct walk {
    uint64_t gpa;
    uint32_t level; /* 0: a 4 KiB page; above: larger, a flush of one page must find all of it */
    bool user;
};

/* Translates by satp, which is in a paged mode. Never returns WALK_AGAIN. */
enum walk_result walk_translate(struct hart *h, const struct walk_request *ask, struct walk *out);

#endif
