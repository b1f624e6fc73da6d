/*
 * The PVH entry (Xen, docs/misc/pvh.pandoc and xen/include/public/arch-x86/hvm/start_info.h): an
 * ELF note says where a kernel wants to begin in 32-bit protected mode, and EBX points at a
 * structure with initrd, command line, RSDP and memory map. Linux has it with CONFIG_PVH.
 */
#include <backplane/abi.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "boot/protocol.h"

#define NOTE_PHYS32_ENTRY 18u
#define NOTE_HEADER_BYTES 12u
#define NOTES_BYTES_MAX   0x10000u /* a kernel has some 1000 */

#define GIB_4 0x100000000ull

#define START_MAGIC        0x336ec578u
#define START_VERSION      1u
#define START_BYTES        56u
#define MODULE_BYTES       32u
#define MEMORY_ENTRY_BYTES 24u

/* Offsets in the structure. */
#define START_N_MODULES 12
#define START_MODULES   16
#define START_CMDLINE   24
#define START_RSDP      32
#define START_MEMMAP    40
#define START_N_MEMMAP  48

/* --- The note --------------------------------------------------------------------------------- */

static size_t padded(uint32_t bytes)
{
    return ((size_t)bytes + 3) & ~(size_t)3;
}

/* Looks through one range of notes; what does not fit in it ends it. */
static bool find_note(const uint8_t *at, size_t n, uint64_t *entry)
{
    while (n >= NOTE_HEADER_BYTES) {
        size_t name = padded(boot_le32(at));
        uint32_t desc_bytes = boot_le32(at + 4);
        size_t desc = padded(desc_bytes);
        size_t left = n - NOTE_HEADER_BYTES;
        if (name > left || desc_bytes > left - name)
            return false;
        const uint8_t *text = at + NOTE_HEADER_BYTES;
        if (boot_le32(at) == 4 && memcmp(text, "Xen", 4) == 0 &&
            boot_le32(at + 8) == NOTE_PHYS32_ENTRY && desc_bytes >= 4) {
            *entry = desc_bytes >= 8 ? boot_le64(text + name) : boot_le32(text + name);
            return true;
        }
        if (desc > left - name)
            return false;
        at = text + name + desc;
        n = left - name - desc;
    }
    return false;
}

static int32_t search_range(const struct boot_image *image, const struct boot_note_range *range,
                            bool *found, uint64_t *entry, struct err *err)
{
    size_t n = range->bytes < NOTES_BYTES_MAX ? (size_t)range->bytes : NOTES_BYTES_MAX;
    size_t got;
    uint8_t *notes = malloc(n > 0 ? n : 1);
    if (notes == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "kernel %.300s: out of memory", image->file.path);
    int32_t status = boot_file_head(&image->file, range->offset, notes, n, &got, err);
    if (status == BP_OK)
        *found = find_note(notes, got, entry);
    free(notes);
    return status;
}

int32_t boot_pvh_find(const struct boot_image *image, uint64_t *entry_gpa, struct err *err)
{
    uint64_t entry = 0;
    bool found = false;
    *entry_gpa = 0;
    for (size_t i = 0; i < image->n_notes && !found; i++) {
        int32_t status = search_range(image, &image->notes[i], &found, &entry, err);
        if (status != BP_OK)
            return status;
    }
    if (!found)
        return BP_OK;
    entry += image->bias;
    if (entry >= GIB_4 || !boot_image_has(image, entry))
        return boot_file_fail(&image->file, err, BP_ERR_FORMAT,
                              "its PVH entry 0x%" PRIx64 " lies in no segment that is loaded",
                              entry);
    *entry_gpa = entry;
    return BP_OK;
}

/* --- The start information -------------------------------------------------------------------- */

int32_t boot_pvh_place(struct boot *boot, struct err *err)
{
    uint64_t bytes = START_BYTES + MODULE_BYTES + boot->x86.e820_max * (uint64_t)MEMORY_ENTRY_BYTES;
    return boot_x86_place_low(boot, "start information", bytes, &boot->x86.start_info_gpa, err);
}

static void fill_start_info(const struct boot *boot, size_t n_entries, uint8_t *to)
{
    uint64_t gpa = boot->x86.start_info_gpa;
    bool has_initrd = boot->plan.initrd_bytes > 0;
    boot_put32(to, START_MAGIC);
    boot_put32(to + 4, START_VERSION);
    boot_put32(to + START_N_MODULES, has_initrd ? 1 : 0);
    boot_put64(to + START_MODULES, has_initrd ? gpa + START_BYTES : 0);
    boot_put64(to + START_CMDLINE, boot->x86.cmdline_gpa);
    boot_put64(to + START_RSDP, boot->plan.rsdp_gpa);
    boot_put64(to + START_MEMMAP, gpa + START_BYTES + MODULE_BYTES);
    boot_put32(to + START_N_MEMMAP, (uint32_t)n_entries);
    boot_put64(to + START_BYTES, boot->plan.initrd_gpa);
    boot_put64(to + START_BYTES + 8, boot->plan.initrd_bytes);
}

int32_t boot_pvh_write(const struct boot *boot, struct memory *memory,
                       const struct boot_tables *tables, struct err *err)
{
    size_t bytes = START_BYTES + MODULE_BYTES + tables->n_e820 * MEMORY_ENTRY_BYTES;
    uint8_t *info = calloc(1, bytes);
    if (info == NULL)
        return err_set(err, BP_ERR_NO_MEMORY, "start information: out of memory");
    fill_start_info(boot, tables->n_e820, info);
    uint8_t *entry = info + START_BYTES + MODULE_BYTES;
    for (size_t i = 0; i < tables->n_e820; i++, entry += MEMORY_ENTRY_BYTES) {
        boot_put64(entry, tables->e820[i].base);
        boot_put64(entry + 8, tables->e820[i].size);
        boot_put32(entry + 16, tables->e820[i].type);
    }
    int32_t status = memory_write(memory, boot->x86.start_info_gpa, info, bytes);
    free(info);
    return status == BP_OK ? BP_OK
                           : err_set(err, status, "start information: 0x%llx is not RAM",
                                     (unsigned long long)boot->x86.start_info_gpa);
}
