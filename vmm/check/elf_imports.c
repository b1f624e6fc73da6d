/* Undefined symbols: each must be in the C library or in a library that the file names. */
#include <gnu/lib-names.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/elf_parts.h"
#include "plugin/loader_library.h"

#define LIBRARIES_MAX 64u

struct libraries {
    void *open[LIBRARIES_MAX];
    size_t n;
};

/* --- The newest symbol version of each library ------------------------------------------------ */

/* "GLIBC_2.34" is newer than "GLIBC_2.4". */
static int compare_versions(const char *a, const char *b)
{
    return strverscmp(a, b);
}

/* The newest version that is asked of `library` and begins with GLIBC_ or the like. */
static void newest_version(const struct elf_image *image, const char *library, char *out,
                           size_t size)
{
    const Elf64_Shdr *table = elf_section_of_type(image, SHT_GNU_verneed);
    uint64_t at = table != NULL ? table->sh_offset : 0;
    out[0] = '\0';
    for (uint32_t i = 0; table != NULL && i < table->sh_info; i++) {
        const Elf64_Verneed *need = elf_image_at(image, at, sizeof(*need));
        const Elf64_Shdr *strings = elf_section(image, table->sh_link);
        if (need == NULL || at % sizeof(uint32_t) != 0)
            return;
        bool is_it = strcmp(elf_string(image, strings, need->vn_file), library) == 0;
        uint64_t row = at + need->vn_aux;
        for (uint32_t j = 0; is_it && j < need->vn_cnt && row % sizeof(uint32_t) == 0; j++) {
            const Elf64_Vernaux *version = elf_image_at(image, row, sizeof(*version));
            const char *name = version != NULL ? elf_string(image, strings, version->vna_name) : "";
            if (out[0] == '\0' || compare_versions(name, out) > 0)
                (void)snprintf(out, size, "%s", name);
            row += version != NULL ? version->vna_next : 0;
        }
        at += need->vn_next;
    }
}

/* --- Libraries -------------------------------------------------------------------------------- */

/* One that lies beside the plugin is not found by its name: $ORIGIN. */
static void *open_library(const struct check_run *run, const char *name)
{
    char beside[PATH_MAX];
    void *library = loader_library_open(name);
    const char *slash = strrchr(run->path, '/');
    if (library != NULL || slash == NULL)
        return library;
    (void)snprintf(beside, sizeof(beside), "%.*s/%s", (int)(slash - run->path), run->path, name);
    return loader_library_open(beside);
}

static void add_library(struct check_run *run, struct libraries *libraries, const char *name)
{
    char error[400];
    void *library = open_library(run, name);
    (void)snprintf(error, sizeof(error), "%s", library == NULL ? loader_library_error() : "");
    if (library == NULL)
        check_fail(run, "needs %s, which cannot be loaded here: %s", name, error);
    if (libraries->n == LIBRARIES_MAX)
        check_fail(run, "needs more than %u libraries", LIBRARIES_MAX - 1);
    libraries->open[libraries->n++] = library;
}

/* A sanitizer's runtime must come first in a process: it is there, or cannot be tried. */
static bool is_runtime(const char *name)
{
    return strncmp(name, "libasan.", 8) == 0 || strncmp(name, "libubsan.", 9) == 0 ||
           strncmp(name, "libtsan.", 8) == 0;
}

static void open_libraries(struct check_run *run, const struct elf_image *image,
                           struct libraries *libraries)
{
    const Elf64_Dyn *entry;
    char version[64];
    add_library(run, libraries, LIBC_SO);
    for (uint32_t i = 0; (entry = elf_dynamic(image, i)) != NULL; i++) {
        if (entry->d_tag != DT_NEEDED)
            continue;
        const char *name = elf_dynamic_string(image, entry);
        newest_version(image, name, version, sizeof(version));
        check_note(run, "needs %s%s%s", name, version[0] != '\0' ? ", " : "", version);
        if (!is_runtime(name))
            add_library(run, libraries, name);
    }
}

static bool is_found(const struct libraries *libraries, const char *name)
{
    for (size_t i = 0; i < libraries->n; i++)
        if (loader_library_has(libraries->open[i], name))
            return true;
    return false;
}

void elf_check_imports(struct check_run *run)
{
    struct elf_image image;
    struct libraries libraries = {.n = 0};
    char missing[400] = "";
    size_t used = 0;
    const Elf64_Sym *symbol;
    const char *name;
    elf_image_open(run, &image);
    open_libraries(run, &image, &libraries);
    if (elf_is_sanitized(&image))
        check_note(run, "built with a sanitizer: its symbols come from the program");
    const Elf64_Shdr *table = elf_section_of_type(&image, SHT_DYNSYM);
    for (uint64_t i = 1; (symbol = elf_symbol(&image, table, i, &name)) != NULL; i++) {
        if (symbol->st_shndx != SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_WEAK ||
            elf_is_sanitizers(name) || is_found(&libraries, name))
            continue;
        if (used < sizeof(missing))
            used += (size_t)snprintf(missing + used, sizeof(missing) - used, " %s", name);
    }
    if (used > 0)
        check_fail(run,
                   "uses what neither the C library nor a library that it names has:%s; link it "
                   "with what has them, and with -Wl,-z,defs, which finds this",
                   missing);
}
