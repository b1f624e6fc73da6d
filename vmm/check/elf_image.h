/* A plugin's file as bytes. Nothing in it is believed: every offset and size is checked. */
#ifndef VMM_CHECK_ELF_IMAGE_H
#define VMM_CHECK_ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "check/check.h"

#define ELF_IMAGE_MAX (UINT64_C(256) << 20)

struct elf_image {
    uint8_t *bytes; /* kept for as long as the process lives */
    uint64_t size;
    const Elf64_Ehdr *head;
};

/* Ends the test when the file is no shared object for this program's own machine, or damaged. */
void elf_image_open(struct check_run *run, struct elf_image *image);

/* NULL: not in the file. */
const void *elf_image_at(const struct elf_image *image, uint64_t offset, uint64_t size);

/* Section and segment i; NULL at the end. "" for a name that is not there. */
const Elf64_Shdr *elf_section(const struct elf_image *image, uint32_t i);
const char *elf_section_name(const struct elf_image *image, const Elf64_Shdr *section);
const Elf64_Phdr *elf_segment(const struct elf_image *image, uint32_t i);

/* The first section of this type (SHT_*), or NULL. */
const Elf64_Shdr *elf_section_of_type(const struct elf_image *image, uint32_t type);

/* A string of the table that `table` is (SHT_STRTAB); "" when it is not there. */
const char *elf_string(const struct elf_image *image, const Elf64_Shdr *table, uint64_t at);

/* Symbol i of a symbol table and its name; NULL at the end. */
const Elf64_Sym *elf_symbol(const struct elf_image *image, const Elf64_Shdr *table, uint64_t i,
                            const char **name);

/* Entry i of .dynamic, which ends with DT_NULL; NULL at the end. Strings are in its link. */
const Elf64_Dyn *elf_dynamic(const struct elf_image *image, uint32_t i);
const char *elf_dynamic_string(const struct elf_image *image, const Elf64_Dyn *entry);

/* "x86_64", "arm64", "riscv64", or the number. */
const char *elf_machine_name(uint16_t machine, char *room, size_t size);

/* The name of a sanitizer's runtime, or something that its compiler puts into every file. */
bool elf_is_sanitizers(const char *symbol);

/* Whether the plugin was built with one: the compiler then adds data and constructors. */
bool elf_is_sanitized(const struct elf_image *image);

#endif
