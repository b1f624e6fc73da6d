/*
 * Variables and constructors. Two devices of one class share nothing, and nothing of a plugin runs
 * before create: so there is nothing to write in the file's data, and nothing to call when it is
 * loaded, but for what the C runtime's own objects (crtbegin) put into every shared object:
 *
 *   .data   __dso_handle; for C++ also DW.ref.* (addresses for unwinding)
 *   .bss    completed.N, one byte
 *   .init_array frame_dummy   .fini_array __do_global_dtors_aux   DT_INIT _init   DT_FINI _fini
 */
#include <stdio.h>
#include <string.h>

#include "check/elf_parts.h"

#define NAMES_MAX 400u

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* --- Relocations ------------------------------------------------------------------------------ */

/* Relocation i of all that are for data; NULL at the end. */
static const Elf64_Rela *relocation(const struct elf_image *image, uint64_t i)
{
    const Elf64_Shdr *section;
    for (uint32_t s = 0; (section = elf_section(image, s)) != NULL; s++) {
        uint64_t n = section->sh_size / sizeof(Elf64_Rela);
        if (section->sh_type != SHT_RELA || (section->sh_flags & SHF_ALLOC) == 0)
            continue;
        if (i < n)
            return section->sh_offset % 8 == 0
                       ? elf_image_at(image, section->sh_offset + i * sizeof(Elf64_Rela),
                                      sizeof(Elf64_Rela))
                       : NULL;
        i -= n;
    }
    return NULL;
}

/* What stands at this address once the file is loaded at 0. */
static uint64_t value_at(const struct elf_image *image, const Elf64_Shdr *section, uint64_t address)
{
    const Elf64_Rela *r;
    for (uint64_t i = 0; (r = relocation(image, i)) != NULL; i++) {
        if (r->r_offset != address)
            continue;
        const char *name;
        const Elf64_Sym *symbol = ELF64_R_SYM(r->r_info) == 0
                                      ? NULL
                                      : elf_symbol(image, elf_section_of_type(image, SHT_DYNSYM),
                                                   ELF64_R_SYM(r->r_info), &name);
        return (symbol != NULL ? symbol->st_value : 0) + (uint64_t)r->r_addend;
    }
    const uint64_t *bytes =
        elf_image_at(image, section->sh_offset + (address - section->sh_addr), sizeof(uint64_t));
    uint64_t value = 0;
    if (bytes != NULL)
        memcpy(&value, bytes, sizeof(value));
    return value;
}

static uint64_t count_relocations(const struct elf_image *image, const Elf64_Shdr *section)
{
    const Elf64_Rela *r;
    uint64_t n = 0;
    for (uint64_t i = 0; (r = relocation(image, i)) != NULL; i++)
        n += r->r_offset >= section->sh_addr && r->r_offset - section->sh_addr < section->sh_size;
    return n;
}

/* --- Variables -------------------------------------------------------------------------------- */

/* Sections that are written only by the loader, whether or not the linker has joined them for it.
 */
static bool is_the_loaders(const char *section)
{
    static const char *const names[] = {
        ".data.rel.ro",         ".dynamic", ".got",   ".init_array", ".fini_array",
        ".preinit_array",       ".ctors",   ".dtors", ".jcr",        ".tm_clone_table",
        ".gnu.build.attributes"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (begins(section, names[i]))
            return true;
    return false;
}

static bool is_writable(const struct elf_image *image, const Elf64_Shdr *section)
{
    const Elf64_Phdr *segment;
    if ((section->sh_flags & (SHF_WRITE | SHF_ALLOC)) != (SHF_WRITE | SHF_ALLOC) ||
        section->sh_size == 0 || is_the_loaders(elf_section_name(image, section)))
        return false;
    for (uint32_t i = 0; (segment = elf_segment(image, i)) != NULL; i++)
        if (segment->p_type == PT_GNU_RELRO && (section->sh_flags & SHF_TLS) == 0 &&
            section->sh_addr >= segment->p_vaddr &&
            section->sh_addr - segment->p_vaddr < segment->p_memsz)
            return false;
    return true;
}

static bool is_the_runtimes(const char *name)
{
    return begins(name, "DW.ref.") || begins(name, "completed.") ||
           strcmp(name, "__dso_handle") == 0 || strcmp(name, "__TMC_END__") == 0;
}

/* What the process has one of (a terminal): told, and allowed. */
static bool is_the_processes(const char *name)
{
    return begins(name, "process_");
}

/* The names of all variables in writable sections: either those of the process or all others. */
static void name_variables(const struct elf_image *image, const Elf64_Shdr *table, bool of_process,
                           char *out, size_t size)
{
    const Elf64_Sym *symbol;
    const char *name;
    size_t used = 0;
    out[0] = '\0';
    for (uint64_t i = 0; (symbol = elf_symbol(image, table, i, &name)) != NULL; i++) {
        uint32_t type = ELF64_ST_TYPE(symbol->st_info);
        const Elf64_Shdr *section = elf_section(image, symbol->st_shndx);
        if ((type != STT_OBJECT && type != STT_TLS && type != STT_COMMON) || symbol->st_size == 0 ||
            section == NULL || !is_writable(image, section) || is_the_runtimes(name) ||
            is_the_processes(name) != of_process || used >= size)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", name);
    }
}

/* Without names: what is in .data has an address in it, or is a variable. */
static void check_sizes(struct check_run *run, const struct elf_image *image)
{
    const Elf64_Shdr *section;
    check_note(run, "stripped: variables of up to 8 bytes would not be seen");
    for (uint32_t i = 0; (section = elf_section(image, i)) != NULL; i++) {
        uint64_t bytes = section->sh_size;
        if (!is_writable(image, section))
            continue;
        if (section->sh_type != SHT_NOBITS)
            bytes -= 8 * count_relocations(image, section) < bytes
                         ? 8 * count_relocations(image, section)
                         : bytes;
        if (bytes > 8 || (section->sh_flags & SHF_TLS) != 0)
            check_fail(run,
                       "%s has %llu bytes that can be written: keep all that changes in the "
                       "instance, make tables const",
                       elf_section_name(image, section), (unsigned long long)section->sh_size);
    }
}

void elf_check_statics(struct check_run *run)
{
    struct elf_image image;
    char names[NAMES_MAX];
    elf_image_open(run, &image);
    if (elf_is_sanitized(&image))
        check_skip(run, "built with a sanitizer, which adds variables of its own");
    const Elf64_Shdr *table = elf_section_of_type(&image, SHT_SYMTAB);
    if (table == NULL) {
        check_sizes(run, &image);
        return;
    }
    name_variables(&image, table, false, names, sizeof(names));
    if (names[0] != '\0')
        check_fail(run,
                   "has variables, which all its devices share: %s; keep what changes in the "
                   "instance, make tables const; one for what a process has once is process_NAME",
                   names);
    name_variables(&image, table, true, names, sizeof(names));
    if (names[0] != '\0')
        check_note(run, "shares what the process has once: %s", names);
}

/* --- Constructors ----------------------------------------------------------------------------- */

/* The function that begins at this address; NULL when the file has no names, or not this one. */
static const char *function_at(const struct elf_image *image, uint64_t address)
{
    const Elf64_Shdr *table = elf_section_of_type(image, SHT_SYMTAB);
    const Elf64_Sym *symbol;
    const char *name;
    for (uint64_t i = 0; (symbol = elf_symbol(image, table, i, &name)) != NULL; i++)
        if (symbol->st_value == address && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
            name[0] != '\0')
            return name;
    return NULL;
}

static void fail_for(struct check_run *run, const char *name, const char *when)
{
    check_fail(run,
               "%s is called when the file is %s: do that in create or destroy, and make C++ "
               "objects constexpr",
               name != NULL ? name : "a function", when);
}

/* The array may have the runtime's own function and no other. */
static void check_array(struct check_run *run, const struct elf_image *image,
                        const Elf64_Shdr *section, const char *runtimes, const char *when)
{
    bool has_names = elf_section_of_type(image, SHT_SYMTAB) != NULL;
    uint64_t n = section->sh_size / sizeof(uint64_t);
    for (uint64_t i = 0; has_names && i < n && i < 1000; i++) {
        const char *name =
            function_at(image, value_at(image, section, section->sh_addr + i * sizeof(uint64_t)));
        if (name == NULL || strcmp(name, runtimes) != 0)
            fail_for(run, name, when);
    }
    if (!has_names && n > 1)
        fail_for(run, NULL, when);
}

/* DT_INIT and DT_FINI are the empty ones of crti.o. */
static void check_entry(struct check_run *run, const struct elf_image *image,
                        const Elf64_Dyn *entry)
{
    bool is_init = entry->d_tag == DT_INIT;
    const char *name = function_at(image, entry->d_un.d_ptr);
    if ((is_init || entry->d_tag == DT_FINI) && name != NULL &&
        strcmp(name, is_init ? "_init" : "_fini") != 0)
        fail_for(run, name, is_init ? "loaded" : "unloaded");
}

void elf_check_constructors(struct check_run *run)
{
    struct elf_image image;
    const Elf64_Shdr *section;
    const Elf64_Dyn *entry;
    elf_image_open(run, &image);
    if (elf_is_sanitized(&image))
        check_skip(run, "built with a sanitizer, which adds constructors of its own");
    for (uint32_t i = 0; (section = elf_section(&image, i)) != NULL; i++) {
        if (section->sh_type == SHT_INIT_ARRAY)
            check_array(run, &image, section, "frame_dummy", "loaded");
        else if (section->sh_type == SHT_FINI_ARRAY)
            check_array(run, &image, section, "__do_global_dtors_aux", "unloaded");
        else if (strcmp(elf_section_name(&image, section), ".ctors") == 0 &&
                 section->sh_size > 2 * sizeof(uint64_t))
            fail_for(run, NULL, "loaded");
    }
    for (uint32_t i = 0; (entry = elf_dynamic(&image, i)) != NULL; i++)
        check_entry(run, &image, entry);
}
