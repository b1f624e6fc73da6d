/* The memory map of an x86_64 guest as its firmware would give it (ACPI 6.5, chapter 15). */
#ifndef VMM_CORE_E820_H
#define VMM_CORE_E820_H

#include <stdint.h>

#define E820_RAM      1u
#define E820_RESERVED 2u
#define E820_ACPI     3u /* tables; the guest may use the memory once it has read them */
#define E820_NVS      4u /* the FACS */

struct e820_entry {
    uint64_t base;
    uint64_t size; /* never 0 */
    uint32_t type; /* E820_* */
};

#endif
