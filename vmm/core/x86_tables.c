#include "core/x86_tables.h"

#include <backplane/abi.h>
#include <string.h>

#define PAGE_BYTES    4096ull
#define ENTRIES       512ull
#define LARGE_SHIFT   21 /* a page directory's entry maps 2 MiB */
#define GIB_SHIFT     30 /* a page directory maps 1 GiB */
#define POINTER_SHIFT 39 /* a page directory pointer table maps 512 GiB */
#define COVERED_MIN   (4ull << GIB_SHIFT)
#define COVERED_MAX   (ENTRIES << POINTER_SHIFT)

#define ENTRY_TABLE 0x03u /* present, writable */
#define ENTRY_LARGE 0x83u /* and a page by itself */

/* Descriptors with base 0 and limit 4 GiB: accessed, so that the processor writes nothing. */
#define DESCRIPTOR_CODE      0x00af9b000000ffffull /* 64-bit, execute and read */
#define DESCRIPTOR_DATA      0x00cf93000000ffffull /* 32-bit, read and write */
#define DESCRIPTOR_TASK      0x00008b0000000067ull /* busy 64-bit task, 104 bytes at 0 */
#define DESCRIPTOR_TASK_HIGH 0ull

#define N_DESCRIPTORS 6u

/* How many tables there are of each level. */
struct levels {
    uint64_t pointers;    /* page directory pointer tables */
    uint64_t directories; /* one for each GiB */
};

static struct levels count_levels(uint64_t covered_bytes)
{
    if (covered_bytes < COVERED_MIN)
        covered_bytes = COVERED_MIN;
    if (covered_bytes > COVERED_MAX)
        covered_bytes = COVERED_MAX;
    uint64_t directories = ((covered_bytes - 1) >> GIB_SHIFT) + 1;
    return (struct levels){.pointers = (directories + ENTRIES - 1) / ENTRIES,
                           .directories = directories};
}

uint64_t x86_tables_bytes(uint64_t covered_bytes)
{
    struct levels n = count_levels(covered_bytes);
    return (1 + 1 + n.pointers + n.directories) * PAGE_BYTES;
}

static void put64(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

/* `n` entries with targets one step apart, and zeroes up to the end of the table. */
static int32_t write_table(struct memory *memory, uint64_t gpa, uint64_t target, uint64_t step,
                           uint64_t n, uint32_t flags)
{
    uint8_t table[PAGE_BYTES] = {0};
    for (uint64_t i = 0; i < n && i < ENTRIES; i++)
        put64(table + 8 * i, (target + i * step) | flags);
    return memory_write(memory, gpa, table, sizeof(table));
}

static int32_t write_gdt(struct memory *memory, uint64_t gpa)
{
    static const uint64_t descriptors[N_DESCRIPTORS] = {
        0, 0, DESCRIPTOR_CODE, DESCRIPTOR_DATA, DESCRIPTOR_TASK, DESCRIPTOR_TASK_HIGH};
    uint8_t page[PAGE_BYTES] = {0};
    for (unsigned i = 0; i < N_DESCRIPTORS; i++)
        put64(page + 8 * i, descriptors[i]);
    return memory_write(memory, gpa, page, sizeof(page));
}

struct accel_x86_long_mode x86_tables_mode(uint64_t gpa)
{
    return (struct accel_x86_long_mode){.cr3 = gpa + PAGE_BYTES,
                                        .gdt_gpa = gpa,
                                        .gdt_limit = 8 * N_DESCRIPTORS - 1,
                                        .cs = X86_SELECTOR_CODE,
                                        .ds = X86_SELECTOR_DATA};
}

/* The GDT's page, the top level, then the pointer tables, then the directories. */
int32_t x86_tables_write(struct memory *memory, uint64_t gpa, uint64_t covered_bytes,
                         struct accel_x86_long_mode *mode)
{
    struct levels n = count_levels(covered_bytes);
    uint64_t bytes = x86_tables_bytes(covered_bytes);
    if (covered_bytes > COVERED_MAX || gpa % PAGE_BYTES != 0 || gpa > COVERED_MIN - bytes)
        return BP_ERR_INVALID;
    uint64_t top = gpa + PAGE_BYTES;
    uint64_t pointers = top + PAGE_BYTES;
    uint64_t directories = pointers + n.pointers * PAGE_BYTES;
    int32_t status = write_gdt(memory, gpa);
    if (status == BP_OK)
        status = write_table(memory, top, pointers, PAGE_BYTES, n.pointers, ENTRY_TABLE);
    for (uint64_t i = 0; i < n.pointers && status == BP_OK; i++)
        status =
            write_table(memory, pointers + i * PAGE_BYTES, directories + i * ENTRIES * PAGE_BYTES,
                        PAGE_BYTES, n.directories - i * ENTRIES, ENTRY_TABLE);
    for (uint64_t i = 0; i < n.directories && status == BP_OK; i++)
        status = write_table(memory, directories + i * PAGE_BYTES, i << GIB_SHIFT,
                             1ull << LARGE_SHIFT, ENTRIES, ENTRY_LARGE);
    *mode = x86_tables_mode(gpa);
    return status;
}
