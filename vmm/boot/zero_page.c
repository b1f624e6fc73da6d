/*
 * The zero page, which tells a Linux kernel all that firmware would (Linux,
 * Documentation/arch/x86/zero-page.rst and boot.rst): setup header, memory map, initrd, command
 * line, RSDP, random numbers. There is no screen.
 */
#include <backplane/abi.h>
#include <stdlib.h>
#include <string.h>

#include "boot/protocol.h"

#define PAGE_BYTES 4096u

/* Offsets in the page. */
#define ACPI_RSDP_ADDR 0x070
#define E820_ENTRIES   0x1e8
#define SETUP_HEADER   0x1f1
#define BOOT_FLAG      0x1fe
#define HEADER_MAGIC   0x202
#define VERSION        0x206
#define TYPE_OF_LOADER 0x210
#define LOADFLAGS      0x211
#define RAMDISK_IMAGE  0x218
#define RAMDISK_SIZE   0x21c
#define CMD_LINE_PTR   0x228
#define KERNEL_ALIGN   0x230
#define SETUP_DATA     0x250
#define E820_TABLE     0x2d0

#define LOADER_UNDEFINED 0xffu /* a boot loader without a number of its own */
#define LOADED_HIGH      0x01u

#define E820_ENTRY_BYTES 20u
#define E820_PAGE_MAX    128u

/* struct setup_data: next, type, length, then the data. */
#define SETUP_DATA_BYTES 16u
#define SETUP_E820_EXT   1u
#define SETUP_RNG_SEED   9u

/* What of an ELF kernel the header says: enough for Linux's own entry. */
void boot_zero_page_make_header(struct boot_x86 *x86)
{
    uint8_t page[SETUP_HEADER + sizeof(x86->header)] = {0};
    boot_put32(page + BOOT_FLAG, 0xaa55);
    memcpy(page + HEADER_MAGIC, "HdrS", 4);
    boot_put32(page + VERSION, 0x020c);
    page[LOADFLAGS] = LOADED_HIGH;
    boot_put32(page + KERNEL_ALIGN, 0x1000000);
    x86->header_bytes = HEADER_MAGIC + 0x66 - SETUP_HEADER;
    memcpy(x86->header, page + SETUP_HEADER, x86->header_bytes);
}

static size_t extra_entries(size_t n)
{
    return n > E820_PAGE_MAX ? n - E820_PAGE_MAX : 0;
}

int32_t boot_zero_page_place(struct boot *boot, struct err *err)
{
    struct boot_x86 *x = &boot->x86;
    uint64_t extra = extra_entries(x->e820_max) * (uint64_t)E820_ENTRY_BYTES;
    int32_t status = boot_x86_place_low(boot, "zero page", PAGE_BYTES, &x->zero_page_gpa, err);
    if (status != BP_OK)
        return status;
    return boot_x86_place_low(boot, "setup data",
                              2 * SETUP_DATA_BYTES + BOOT_SEED_BYTES_MAX + extra,
                              &x->setup_data_gpa, err);
}

static void put_entry(uint8_t *to, const struct e820_entry *e)
{
    boot_put64(to, e->base);
    boot_put64(to + 8, e->size);
    boot_put32(to + 16, e->type);
}

/* One node of the list at `at` in the blob, which the guest will find at `gpa`. Returns its data.
 */
static uint8_t *begin_node(uint8_t *at, uint64_t next_gpa, uint32_t type, size_t bytes)
{
    boot_put64(at, next_gpa);
    boot_put32(at + 8, type);
    boot_put32(at + 12, (uint32_t)bytes);
    return at + SETUP_DATA_BYTES;
}

/* The random numbers, then the part of the memory map for which the page has no room. */
static int32_t write_setup_data(const struct boot_x86 *x, struct memory *memory,
                                const struct boot_tables *tables, struct err *err)
{
    size_t n = extra_entries(tables->n_e820);
    size_t second = SETUP_DATA_BYTES + BOOT_SEED_BYTES_MAX;
    size_t bytes = second + SETUP_DATA_BYTES + n * E820_ENTRY_BYTES;
    uint8_t *blob = calloc(1, bytes);
    if (blob == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "setup data: out of memory");
    uint8_t *random = begin_node(blob, n > 0 ? x->setup_data_gpa + second : 0, SETUP_RNG_SEED,
                                 tables->seed_bytes);
    if (tables->seed_bytes > 0)
        memcpy(random, tables->seed, tables->seed_bytes);
    uint8_t *entry = begin_node(blob + second, 0, SETUP_E820_EXT, n * E820_ENTRY_BYTES);
    for (size_t i = 0; i < n; i++, entry += E820_ENTRY_BYTES)
        put_entry(entry, &tables->e820[E820_PAGE_MAX + i]);
    int32_t status = memory_write(memory, x->setup_data_gpa, blob, bytes);
    free(blob);
    return status == BP_OK ? BP_OK
                           : err_set(err, status, "setup data: 0x%llx is not RAM",
                                     (unsigned long long)x->setup_data_gpa);
}

static void fill_header(const struct boot *boot, uint8_t *page)
{
    const struct boot_x86 *x = &boot->x86;
    memcpy(page + SETUP_HEADER, x->header, x->header_bytes);
    page[TYPE_OF_LOADER] = LOADER_UNDEFINED;
    boot_put32(page + CMD_LINE_PTR, (uint32_t)x->cmdline_gpa);
    boot_put32(page + RAMDISK_IMAGE, (uint32_t)boot->plan.initrd_gpa);
    boot_put32(page + RAMDISK_SIZE, (uint32_t)boot->plan.initrd_bytes);
    boot_put64(page + SETUP_DATA, x->setup_data_gpa);
}

int32_t boot_zero_page_write(const struct boot *boot, struct memory *memory,
                             const struct boot_tables *tables, struct err *err)
{
    const struct boot_x86 *x = &boot->x86;
    uint8_t page[PAGE_BYTES] = {0};
    size_t n = tables->n_e820 < E820_PAGE_MAX ? tables->n_e820 : E820_PAGE_MAX;
    fill_header(boot, page);
    boot_put64(page + ACPI_RSDP_ADDR, boot->plan.rsdp_gpa);
    page[E820_ENTRIES] = (uint8_t)n;
    for (size_t i = 0; i < n; i++)
        put_entry(page + E820_TABLE + i * E820_ENTRY_BYTES, &tables->e820[i]);
    if (memory_write(memory, x->zero_page_gpa, page, sizeof(page)) != BP_OK)
        return err_set(err, BP_ERR_RANGE, "zero page: 0x%llx is not RAM",
                       (unsigned long long)x->zero_page_gpa);
    return write_setup_data(x, memory, tables, err);
}
