/*
 * What an x86_64 processor needs in memory to begin in 64-bit mode without firmware: a global
 * descriptor table and page tables that map every address to itself (Intel SDM volume 3, 3.4.5
 * "Segment descriptors" and 4.5 "4-level paging"). Used by the loader and by bare-metal tests.
 */
#ifndef VMM_CORE_X86_TABLES_H
#define VMM_CORE_X86_TABLES_H

#include <stdint.h>

#include "core/accel.h"
#include "core/memory.h"

/* Selectors: those of Linux's 64-bit boot protocol. */
#define X86_SELECTOR_CODE 0x10u /* 64-bit code */
#define X86_SELECTOR_DATA 0x18u /* flat data */
#define X86_SELECTOR_TASK 0x20u /* task state segment, of 104 bytes at 0 */

/* What the tables take that map [0, covered_bytes), at least the first 4 GiB: a multiple of 4096.
 */
uint64_t x86_tables_bytes(uint64_t covered_bytes);

/* Writes them at `gpa`, a multiple of 4096 below 4 GiB, and says in `mode` where they are.
 * BP_ERR_RANGE when that is not RAM, BP_ERR_INVALID for a gpa or a range that cannot be. */
int32_t x86_tables_write(struct memory *memory, uint64_t gpa, uint64_t covered_bytes,
                         struct accel_x86_long_mode *mode);

/* What the processor is told of tables at `gpa`, without writing any. */
struct accel_x86_long_mode x86_tables_mode(uint64_t gpa);

#endif
