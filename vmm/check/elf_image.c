#include "check/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *elf_machine_name(uint16_t machine, char *room, size_t size)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } known[] = {{EM_X86_64, "x86_64"}, {EM_AARCH64, "arm64"}, {EM_RISCV, "riscv64"},
                 {EM_386, "i386"},      {EM_ARM, "arm"},       {EM_PPC64, "ppc64"},
                 {EM_S390, "s390"},     {EM_MIPS, "mips"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].machine == machine)
            return known[i].name;
    (void)snprintf(room, size, "machine %u", machine);
    return room;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void read_file(struct check_run *run, struct elf_image *image)
{
    struct stat st;
    int fd = open(run->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        check_fail(run, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > ELF_IMAGE_MAX)
        check_fail(run, "not a regular file of up to %u MiB", (unsigned)(ELF_IMAGE_MAX >> 20));
    image->bytes = malloc((size_t)st.st_size + 1);
    if (image->bytes == NULL)
        check_fail(run, "out of memory");
    while (image->size < (uint64_t)st.st_size) {
        ssize_t n = read(fd, image->bytes + image->size, (size_t)st.st_size - image->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        image->size += (uint64_t)n;
    }
    (void)close(fd);
}

/* What this program itself is, from the linker: a plugin must be the same. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static void check_head(struct check_run *run, const struct elf_image *image)
{
    const Elf64_Ehdr *h = image->head;
    const Elf64_Ehdr self = __ehdr_start;
    char room[2][32];
    if (h->e_ident[EI_CLASS] != self.e_ident[EI_CLASS] ||
        h->e_ident[EI_DATA] != self.e_ident[EI_DATA] || h->e_machine != self.e_machine)
        check_fail(run, "built for %s%s, this program runs on %s: build the plugin for that",
                   elf_machine_name(h->e_machine, room[0], sizeof(room[0])),
                   h->e_ident[EI_CLASS] == ELFCLASS32 ? " (32-bit)" : "",
                   elf_machine_name(self.e_machine, room[1], sizeof(room[1])));
    if (h->e_type != ET_DYN)
        check_fail(run, "not a shared object: link it with -shared");
}

void elf_image_open(struct check_run *run, struct elf_image *image)
{
    *image = (struct elf_image){0};
    read_file(run, image);
    image->head = elf_image_at(image, 0, sizeof(Elf64_Ehdr));
    if (image->head == NULL || memcmp(image->head->e_ident, ELFMAG, SELFMAG) != 0)
        check_fail(run, "not an ELF file, so not a plugin");
    check_head(run, image);
    if (elf_section(image, 0) == NULL || elf_segment(image, 0) == NULL ||
        elf_section_of_type(image, SHT_DYNSYM) == NULL || elf_dynamic(image, 0) == NULL)
        check_fail(run, "its tables of sections, segments or dynamic symbols are not there: it is "
                        "damaged, or sstrip has been at it; build it again");
}

const void *elf_image_at(const struct elf_image *image, uint64_t offset, uint64_t size)
{
    if (size > image->size || offset > image->size - size)
        return NULL;
    return image->bytes + offset;
}

/* --- Tables ----------------------------------------------------------------------------------- */

/* Row i of a table of `n` rows; NULL. Rows are aligned in any file that a linker wrote. */
static const void *row(const struct elf_image *image, uint64_t table, uint64_t n, uint64_t i,
                       size_t size)
{
    if (i >= n || i > image->size / size || table % sizeof(uint64_t) != 0 || table > image->size)
        return NULL;
    return elf_image_at(image, table + i * size, size);
}

const Elf64_Shdr *elf_section(const struct elf_image *image, uint32_t i)
{
    if (image->head->e_shentsize != sizeof(Elf64_Shdr))
        return NULL;
    return row(image, image->head->e_shoff, image->head->e_shnum, i, sizeof(Elf64_Shdr));
}

const Elf64_Phdr *elf_segment(const struct elf_image *image, uint32_t i)
{
    if (image->head->e_phentsize != sizeof(Elf64_Phdr))
        return NULL;
    return row(image, image->head->e_phoff, image->head->e_phnum, i, sizeof(Elf64_Phdr));
}

const char *elf_string(const struct elf_image *image, const Elf64_Shdr *table, uint64_t at)
{
    const char *strings = table != NULL && table->sh_type == SHT_STRTAB
                              ? elf_image_at(image, table->sh_offset, table->sh_size)
                              : NULL;
    if (strings == NULL || at >= table->sh_size ||
        memchr(strings + at, '\0', (size_t)(table->sh_size - at)) == NULL)
        return "";
    return strings + at;
}

const char *elf_section_name(const struct elf_image *image, const Elf64_Shdr *section)
{
    return elf_string(image, elf_section(image, image->head->e_shstrndx), section->sh_name);
}

const Elf64_Shdr *elf_section_of_type(const struct elf_image *image, uint32_t type)
{
    const Elf64_Shdr *section;
    for (uint32_t i = 0; (section = elf_section(image, i)) != NULL; i++)
        if (section->sh_type == type)
            return section;
    return NULL;
}

const Elf64_Sym *elf_symbol(const struct elf_image *image, const Elf64_Shdr *table, uint64_t i,
                            const char **name)
{
    const Elf64_Sym *symbol = table == NULL
                                  ? NULL
                                  : row(image, table->sh_offset, table->sh_size / sizeof(Elf64_Sym),
                                        i, sizeof(Elf64_Sym));
    if (symbol != NULL)
        *name = elf_string(image, elf_section(image, table->sh_link), symbol->st_name);
    return symbol;
}

const Elf64_Dyn *elf_dynamic(const struct elf_image *image, uint32_t i)
{
    const Elf64_Shdr *table = elf_section_of_type(image, SHT_DYNAMIC);
    const Elf64_Dyn *entry = table == NULL
                                 ? NULL
                                 : row(image, table->sh_offset, table->sh_size / sizeof(Elf64_Dyn),
                                       i, sizeof(Elf64_Dyn));
    return entry != NULL && entry->d_tag != DT_NULL ? entry : NULL;
}

const char *elf_dynamic_string(const struct elf_image *image, const Elf64_Dyn *entry)
{
    const Elf64_Shdr *table = elf_section_of_type(image, SHT_DYNAMIC);
    return elf_string(image, elf_section(image, table->sh_link), entry->d_un.d_val);
}

/* --- Sanitizers ------------------------------------------------------------------------------- */

bool elf_is_sanitizers(const char *symbol)
{
    static const char *const beginnings[] = {"__asan_",      "__ubsan_",  "__tsan_",    "__lsan_",
                                             "__sanitizer_", "__sancov_", "__odr_asan", "__msan_"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(symbol, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

bool elf_is_sanitized(const struct elf_image *image)
{
    const Elf64_Shdr *table = elf_section_of_type(image, SHT_DYNSYM);
    const Elf64_Sym *symbol;
    const char *name;
    for (uint64_t i = 0; (symbol = elf_symbol(image, table, i, &name)) != NULL; i++)
        if (symbol->st_shndx == SHN_UNDEF && elf_is_sanitizers(name))
            return true;
    return false;
}
