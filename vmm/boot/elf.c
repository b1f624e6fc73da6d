/*
 * ELF files with segments to load (System V ABI, chapters 4 and 5): little-endian executables and
 * position-independent ones, 64-bit, and for x86_64 machines also 32-bit (i386). Not done:
 * relocation (such files relocate themselves), sections, symbols.
 */
#include <backplane/abi.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "boot/image.h"

#define EHDR_BYTES_MAX 64u
#define PHDR_BYTES_MAX 56u
#define PHDRS_MAX      64u

#define CLASS_32 1
#define CLASS_64 2
#define ET_EXEC  2
#define ET_DYN   3
#define PT_LOAD  1
#define PT_NOTE  4
#define EM_386   3

/* Where the two kinds of files keep the same things. */
struct shape {
    unsigned header_bytes, entry, table, entry_bytes, n_entries; /* of the ELF header */
    unsigned phdr_bytes, offset, vaddr, paddr, file_bytes, mem_bytes;
    bool is_wide; /* addresses and sizes have 8 bytes */
};

static const struct shape shape_32 = {52, 24, 28, 42, 44, 32, 4, 8, 12, 16, 20, false};
static const struct shape shape_64 = {64, 24, 32, 54, 56, 56, 8, 16, 24, 32, 40, true};

struct machine_name {
    uint16_t number;
    enum arch arch;
    const char *name;
};

static const struct machine_name machines[] = {
    {243, ARCH_RISCV64, "riscv64"}, {62, ARCH_X86_64, "x86_64"}, {183, ARCH_ARM64, "arm64"},
    {3, ARCH_INVALID, "i386"},      {40, ARCH_INVALID, "arm"},   {8, ARCH_INVALID, "mips"},
    {21, ARCH_INVALID, "ppc64"},    {22, ARCH_INVALID, "s390x"}, {258, ARCH_INVALID, "loongarch"},
};

struct program_header {
    uint32_t type;
    uint64_t offset, vaddr, paddr, file_bytes, mem_bytes;
};

struct elf {
    const struct shape *shape;
    uint8_t header[EHDR_BYTES_MAX];
    struct program_header loads[PHDRS_MAX];
    size_t n_loads;
    struct program_header notes[PHDRS_MAX];
    size_t n_notes;
};

static uint64_t word(const struct shape *shape, const uint8_t *at)
{
    return shape->is_wide ? boot_le64(at) : boot_le32(at);
}

static int32_t check_machine(const struct boot_image *image, enum arch arch, uint16_t number,
                             struct err *err)
{
    const char *name = "an unknown architecture";
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (machines[i].number == number) {
            if (machines[i].arch == arch)
                return BP_OK;
            name = machines[i].name;
        }
    return boot_file_fail(&image->file, err, BP_ERR_UNSUPPORTED,
                          "is an ELF file for %s (machine %u), but the machine is %s", name, number,
                          arch_name(arch));
}

/* x86_64 processors run 32-bit guests as well. */
static bool is_fit_32(const uint8_t *h, enum arch arch)
{
    return arch == ARCH_X86_64 && boot_le16(h + 18) == EM_386;
}

static int32_t check_header(const struct boot_image *image, enum arch arch, const struct elf *elf,
                            struct err *err)
{
    const struct boot_file *f = &image->file;
    const uint8_t *h = elf->header;
    const struct shape *shape = elf->shape;
    uint16_t type = boot_le16(h + 16);
    uint16_t n = boot_le16(h + shape->n_entries);
    if (h[5] != 1)
        return boot_file_fail(f, err, BP_ERR_UNSUPPORTED, "is a big-endian ELF file");
    if (h[4] != CLASS_64 && !is_fit_32(h, arch))
        return boot_file_fail(f, err, BP_ERR_UNSUPPORTED, "is a 32-bit ELF file: use a 64-bit one");
    if (h[4] == CLASS_64) {
        int32_t status = check_machine(image, arch, boot_le16(h + 18), err);
        if (status != BP_OK)
            return status;
    }
    if (type != ET_EXEC && type != ET_DYN)
        return boot_file_fail(f, err, BP_ERR_UNSUPPORTED,
                              "is no executable ELF file (type %u): link it first", type);
    if (h[6] != 1 || boot_le32(h + 20) != 1)
        return boot_file_fail(f, err, BP_ERR_FORMAT, "has an ELF version that does not exist");
    if (boot_le16(h + shape->entry_bytes) != shape->phdr_bytes)
        return boot_file_fail(f, err, BP_ERR_FORMAT, "has ELF program headers of %u bytes, not %u",
                              boot_le16(h + shape->entry_bytes), shape->phdr_bytes);
    if (n == 0 || n > PHDRS_MAX)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "has %u ELF program headers (1-%u can be loaded)", n, PHDRS_MAX);
    return BP_OK;
}

static int32_t check_load(const struct boot_image *image, const struct program_header *p,
                          unsigned n, struct err *err)
{
    const struct boot_file *f = &image->file;
    if (p->file_bytes > p->mem_bytes)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "ELF segment %u has more bytes in the file than in memory", n);
    if (p->offset > f->size || p->file_bytes > f->size - p->offset)
        return boot_file_fail(f, err, BP_ERR_FORMAT,
                              "is truncated: ELF segment %u needs %" PRIu64 " bytes at %" PRIu64
                              ", the file has %" PRIu64,
                              n, p->file_bytes, p->offset, f->size);
    if (p->mem_bytes - 1 > UINT64_MAX - p->paddr || p->mem_bytes - 1 > UINT64_MAX - p->vaddr)
        return boot_file_fail(f, err, BP_ERR_FORMAT, "ELF segment %u goes beyond the last address",
                              n);
    return BP_OK;
}

static struct program_header take_program_header(const struct shape *shape, const uint8_t *at)
{
    return (struct program_header){.type = boot_le32(at),
                                   .offset = word(shape, at + shape->offset),
                                   .vaddr = word(shape, at + shape->vaddr),
                                   .paddr = word(shape, at + shape->paddr),
                                   .file_bytes = word(shape, at + shape->file_bytes),
                                   .mem_bytes = word(shape, at + shape->mem_bytes)};
}

static int32_t read_program_headers(const struct boot_image *image, struct elf *elf,
                                    struct err *err)
{
    const struct shape *shape = elf->shape;
    uint8_t table[PHDRS_MAX * PHDR_BYTES_MAX];
    uint64_t offset = word(shape, elf->header + shape->table);
    unsigned n = boot_le16(elf->header + shape->n_entries);
    size_t got;
    int32_t status = boot_file_head(&image->file, offset, table, n * shape->phdr_bytes, &got, err);
    if (status != BP_OK)
        return status;
    if (got < n * shape->phdr_bytes)
        return boot_file_fail(&image->file, err, BP_ERR_FORMAT,
                              "is truncated: its ELF program headers lie beyond its end");
    for (unsigned i = 0; i < n; i++) {
        struct program_header p = take_program_header(shape, table + i * shape->phdr_bytes);
        if (p.type == PT_NOTE)
            elf->notes[elf->n_notes++] = p;
        if (p.type != PT_LOAD || p.mem_bytes == 0)
            continue;
        status = check_load(image, &p, i, err);
        if (status != BP_OK)
            return status;
        elf->loads[elf->n_loads++] = p;
    }
    if (elf->n_loads == 0 || elf->n_loads > BOOT_SEGMENTS_MAX)
        return boot_file_fail(&image->file, err, BP_ERR_FORMAT,
                              "has %zu ELF segments to load (1-%u can be)", elf->n_loads,
                              BOOT_SEGMENTS_MAX);
    return BP_OK;
}

/* The distance by which the file is moved; 0 when it can stay where it was linked. */
static uint64_t bias_of(const struct elf *elf, const struct aspace_ram *ram, uint64_t load_gpa)
{
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < elf->n_loads; i++)
        if (elf->loads[i].paddr < lowest)
            lowest = elf->loads[i].paddr;
    if (lowest >= ram->base && lowest - ram->base < ram->size)
        return 0;
    if (boot_le16(elf->header + 16) != ET_DYN && lowest != 0)
        return 0;
    return load_gpa - (lowest & ~(uint64_t)(ASPACE_PAGE_BYTES - 1));
}

/* The entry is a virtual address in one of the segments (its part that is in the file), or, in
 * files linked for another virtual address, a physical one. */
static bool find_entry(const struct elf *elf, uint64_t bias, uint64_t *entry_gpa)
{
    uint64_t entry = word(elf->shape, elf->header + elf->shape->entry);
    for (size_t i = 0; i < elf->n_loads; i++) {
        const struct program_header *p = &elf->loads[i];
        if (entry >= p->vaddr && entry - p->vaddr < p->file_bytes) {
            *entry_gpa = p->paddr + bias + (entry - p->vaddr);
            return true;
        }
    }
    for (size_t i = 0; i < elf->n_loads; i++) {
        const struct program_header *p = &elf->loads[i];
        if (entry >= p->paddr && entry - p->paddr < p->file_bytes) {
            *entry_gpa = bias + entry;
            return true;
        }
    }
    return false;
}

static void fill_image(struct boot_image *image, const struct elf *elf, uint64_t bias)
{
    uint64_t first = UINT64_MAX;
    uint64_t last = 0;
    image->n_segments = 0;
    for (size_t i = 0; i < elf->n_loads; i++) {
        const struct program_header *p = &elf->loads[i];
        uint64_t gpa = p->paddr + bias;
        image->segments[image->n_segments++] =
            (struct boot_segment){p->offset, p->file_bytes, gpa, p->mem_bytes - p->file_bytes};
        first = gpa < first ? gpa : first;
        last = gpa + (p->mem_bytes - 1) > last ? gpa + (p->mem_bytes - 1) : last;
    }
    image->base = first;
    image->size = last - first + 1;
}

/* Segments that share bytes would depend on the order of loading. */
static int32_t check_overlaps(const struct boot_image *image, struct err *err)
{
    for (size_t i = 0; i < image->n_segments; i++)
        for (size_t k = i + 1; k < image->n_segments; k++) {
            const struct boot_segment *a = &image->segments[i];
            const struct boot_segment *b = &image->segments[k];
            if (a->gpa > b->gpa ? a->gpa - b->gpa < b->file_bytes + b->zero_bytes
                                : b->gpa - a->gpa < a->file_bytes + a->zero_bytes)
                return boot_file_fail(&image->file, err, BP_ERR_FORMAT,
                                      "its ELF segments overlap at 0x%" PRIx64,
                                      a->gpa > b->gpa ? a->gpa : b->gpa);
        }
    return BP_OK;
}

/* Moving must not carry a segment around the end of the address space. */
static bool fits_when_moved(const struct elf *elf, uint64_t bias)
{
    for (size_t i = 0; i < elf->n_loads; i++) {
        uint64_t gpa = elf->loads[i].paddr + bias;
        if (elf->loads[i].mem_bytes - 1 > UINT64_MAX - gpa ||
            (bias <= INT64_MAX && gpa < elf->loads[i].paddr))
            return false;
    }
    return true;
}

static int32_t read_header(const struct boot_image *image, struct elf *elf, struct err *err)
{
    size_t got;
    int32_t status = boot_file_head(&image->file, 0, elf->header, EHDR_BYTES_MAX, &got, err);
    if (status != BP_OK)
        return status;
    elf->shape = got > 4 && elf->header[4] == CLASS_32 ? &shape_32 : &shape_64;
    if (got < elf->shape->header_bytes)
        return boot_file_fail(&image->file, err, BP_ERR_FORMAT,
                              "is truncated: %zu bytes are less than an ELF header", got);
    return BP_OK;
}

/* Where the file's segments go, and where it begins. */
static int32_t place_segments(struct boot_image *image, const struct elf *elf,
                              const struct aspace_ram *ram, uint64_t load_gpa, struct err *err)
{
    uint64_t bias = bias_of(elf, ram, load_gpa);
    if (!fits_when_moved(elf, bias))
        return boot_file_fail(&image->file, err, BP_ERR_FORMAT,
                              "its ELF segments are too far apart to be moved into RAM");
    fill_image(image, elf, bias);
    int32_t status = check_overlaps(image, err);
    if (status != BP_OK)
        return status;
    if (!find_entry(elf, bias, &image->entry_gpa))
        return boot_file_fail(&image->file, err, BP_ERR_FORMAT,
                              "its ELF entry 0x%" PRIx64 " lies in no segment that is loaded",
                              word(elf->shape, elf->header + elf->shape->entry));
    image->is_32bit = elf->header[4] == CLASS_32;
    image->bias = bias;
    return BP_OK;
}

int32_t boot_elf_read(struct boot_image *image, enum arch arch, const struct aspace_ram *ram,
                      uint64_t load_gpa, struct err *err)
{
    struct elf elf = {.n_loads = 0};
    int32_t status = read_header(image, &elf, err);
    if (status == BP_OK)
        status = check_header(image, arch, &elf, err);
    if (status == BP_OK)
        status = read_program_headers(image, &elf, err);
    if (status == BP_OK)
        status = place_segments(image, &elf, ram, load_gpa, err);
    image->n_notes = 0;
    for (size_t i = 0; i < elf.n_notes && i < BOOT_NOTES_MAX; i++)
        image->notes[image->n_notes++] =
            (struct boot_note_range){elf.notes[i].offset, elf.notes[i].file_bytes};
    return status;
}
