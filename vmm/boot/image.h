/*
 * What a loadable file comes down to, whatever its format: pieces of the file, where each goes, and
 * where execution begins.
 */
#ifndef VMM_BOOT_IMAGE_H
#define VMM_BOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/file.h"
#include "core/arch.h"

#define BOOT_SEGMENTS_MAX 32

struct boot_segment {
    uint64_t offset; /* in the file */
    uint64_t file_bytes;
    uint64_t gpa;
    uint64_t zero_bytes; /* cleared behind them */
};

/* Where an ELF file keeps notes: not checked yet. */
struct boot_note_range {
    uint64_t offset;
    uint64_t bytes;
};

#define BOOT_NOTES_MAX 8

struct boot_image {
    struct boot_file file;
    struct boot_segment segments[BOOT_SEGMENTS_MAX];
    size_t n_segments;
    uint64_t entry_gpa;
    uint64_t base; /* the range that it uses, with what it clears by itself */
    uint64_t size;
    bool is_32bit; /* ELF files: for i386 */
    uint64_t bias; /* ELF files: the distance by which they were moved */
    struct boot_note_range notes[BOOT_NOTES_MAX];
    size_t n_notes;
};

/* The file is this architecture's ELF: fills in segments, entry, base and size. Segments whose
 * addresses are not within RAM are moved, all by the same distance, to begin at `load_gpa`, if the
 * file is position independent (type DYN, or linked at 0). */
int32_t boot_elf_read(struct boot_image *image, enum arch arch, const struct aspace_ram *ram,
                      uint64_t load_gpa, struct err *err);

/* The file's first bytes say ELF. */
int boot_is_elf(const uint8_t *head, size_t n);

/* They say that it is an EFI zboot kernel, packed as `kind` ("gzip"; NULL: in any way). */
bool boot_is_zboot(const uint8_t *head, size_t n, const char *kind);

/* An Image does not say how long its file is, but one that is also an EFI program does: its
 * sections' ends. BP_ERR_FORMAT when the file is shorter. `head` are its first `n` bytes. */
int32_t boot_check_efi_sections(const struct boot_file *file, const uint8_t *head, size_t n,
                                struct err *err);

/* The address lies in what the file itself fills of a segment: code can begin there. */
bool boot_image_has(const struct boot_image *image, uint64_t gpa);

/* BP_ERR_UNSUPPORTED and what it is, when the first bytes are those of something that cannot be
 * booted here: compressed, for another architecture, another kind of file. */
int32_t boot_refuse_foreign(const struct boot_file *file, enum arch arch, const uint8_t *head,
                            size_t n, struct err *err);

/* Enough of a file for boot_refuse_foreign and every header. */
#define BOOT_HEAD_BYTES 4096

int32_t boot_image_load(const struct boot_image *image, struct memory *memory, struct err *err);

/* Little-endian numbers in a header. */
uint16_t boot_le16(const uint8_t *at);
uint32_t boot_le32(const uint8_t *at);
uint64_t boot_le64(const uint8_t *at);
void boot_put32(uint8_t *to, uint32_t value);
void boot_put64(uint8_t *to, uint64_t value);

#endif
