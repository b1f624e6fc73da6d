/*
 * Reads the note of a plugin file, ELF-64 little-endian, without running anything of it. Every
 * offset and size in the file is taken for hostile.
 */
#include <backplane/plugin.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/registry.h"

#define SECTIONS_MAX     4096u
#define SEGMENTS_MAX     64u
#define SECTIONS_AT_ONCE 64u /* the whole table of most plugins */

struct elf_file {
    int fd;
    uint64_t size;
    Elf64_Ehdr header;
};

static bool read_at(const struct elf_file *file, uint64_t offset, void *to, size_t size)
{
    if (size > file->size || offset > file->size - size)
        return false;
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(file->fd, (char *)to + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* What this program is, from the linker: there may be no /proc to read it from. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static const char *machine_name(uint16_t machine)
{
    switch (machine) {
    case EM_X86_64:
        return "x86_64";
    case EM_AARCH64:
        return "arm64";
    case EM_RISCV:
        return "riscv64";
    case EM_386:
        return "i386";
    case EM_ARM:
        return "arm";
    default:
        return "another machine";
    }
}

static int32_t check_header(struct elf_file *file, const char *path, struct err *err)
{
    const Elf64_Ehdr *h = &file->header;
    if (!read_at(file, 0, &file->header, sizeof(file->header)) ||
        memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return err_set(err, BP_ERR_FORMAT, "%s: not an ELF file, so not a plugin", path);
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
        return err_set(err, BP_ERR_FORMAT,
                       "%s: not a 64-bit little-endian ELF file; build the plugin for this machine",
                       path);
    uint16_t machine = __ehdr_start.e_machine;
    if (h->e_machine != machine)
        return err_set(err, BP_ERR_FORMAT,
                       "%s: built for %s, this program runs on %s; build the plugin for %s", path,
                       machine_name(h->e_machine), machine_name(machine), machine_name(machine));
    if (h->e_type != ET_DYN)
        return err_set(err, BP_ERR_FORMAT, "%s: not a shared object; link it with -shared", path);
    if (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shnum == 0 || h->e_shnum > SECTIONS_MAX ||
        h->e_shstrndx >= h->e_shnum)
        return err_set(
            err, BP_ERR_FORMAT,
            "%s: no usable section table; do not strip it with sstrip, or build it again", path);
    return BP_OK;
}

/* All of a segment must be there: the loader maps it unseen, and beyond the file's end lies SIGBUS.
 */
static int32_t check_segments(const struct elf_file *file, const char *path, struct err *err)
{
    const Elf64_Ehdr *h = &file->header;
    Elf64_Phdr segments[SEGMENTS_MAX];
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > SEGMENTS_MAX ||
        !read_at(file, h->e_phoff, segments, h->e_phnum * sizeof(Elf64_Phdr)))
        return err_set(err, BP_ERR_FORMAT, "%s: no usable program headers; build it again", path);
    for (uint32_t i = 0; i < h->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD &&
            (segments[i].p_filesz > file->size ||
             segments[i].p_offset > file->size - segments[i].p_filesz))
            return err_set(err, BP_ERR_FORMAT,
                           "%s: cut off: it says that it is longer than its %llu bytes; copy or "
                           "build it again",
                           path, (unsigned long long)file->size);
    return BP_OK;
}

/* Up to SECTIONS_AT_ONCE rows of the section table, from row `first` on. */
static bool sections_at(const struct elf_file *file, uint32_t first, uint32_t n,
                        Elf64_Shdr *sections)
{
    uint64_t offset = (uint64_t)first * sizeof(*sections);
    return file->header.e_shoff <= UINT64_MAX - offset &&
           read_at(file, file->header.e_shoff + offset, sections, n * sizeof(*sections));
}

/* True when the section's name is `name`; the name table is the file's, so read bounded. */
static bool section_is(const struct elf_file *file, const Elf64_Shdr *names,
                       const Elf64_Shdr *section, const char *name)
{
    char found[sizeof(BP_NOTE_SECTION)];
    size_t size = strlen(name) + 1;
    if (section->sh_name >= names->sh_size || names->sh_size - section->sh_name < size)
        return false;
    return read_at(file, names->sh_offset + section->sh_name, found, size) &&
           memcmp(found, name, size) == 0;
}

/* Not empty, ended within its bytes, and all of it a-z, 0-9, '-' and '.', as class_check wants. */
static bool is_id(const char *id)
{
    size_t n = strnlen(id, BP_ID_MAX);
    return n > 0 && n < BP_ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n;
}

static bool is_version(const char *version)
{
    size_t n = strnlen(version, BP_VERSION_MAX);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)version[i] <= ' ' || version[i] == 0x7f)
            return false;
    return n > 0 && n < BP_VERSION_MAX;
}

static bool note_is_sane(const struct bp_note *note)
{
    return note->name_size == sizeof(BP_NOTE_NAME) && note->type == BP_NOTE_TYPE &&
           note->desc_size >= sizeof(*note) - offsetof(struct bp_note, abi_major) &&
           memcmp(note->name, BP_NOTE_NAME, sizeof(BP_NOTE_NAME)) == 0 && is_id(note->id) &&
           is_version(note->version);
}

/* BP_OK and the note; BP_ERR_NOT_FOUND when none of these sections is it. */
static int32_t find_note_in(const struct elf_file *file, const Elf64_Shdr *names,
                            const Elf64_Shdr *sections, uint32_t n, struct bp_note *note)
{
    for (uint32_t i = 0; i < n; i++) {
        const Elf64_Shdr *section = &sections[i];
        if (section->sh_type != SHT_NOTE || !section_is(file, names, section, BP_NOTE_SECTION))
            continue;
        return section->sh_size >= sizeof(*note) &&
                       read_at(file, section->sh_offset, note, sizeof(*note)) && note_is_sane(note)
                   ? BP_OK
                   : BP_ERR_FORMAT;
    }
    return BP_ERR_NOT_FOUND;
}

static int32_t find_note(const struct elf_file *file, const char *path, struct bp_note *note,
                         struct err *err)
{
    Elf64_Shdr names, sections[SECTIONS_AT_ONCE];
    const uint32_t n_sections = file->header.e_shnum;
    bool is_there = sections_at(file, file->header.e_shstrndx, 1, &names);
    int32_t status = BP_ERR_NOT_FOUND;
    for (uint32_t i = 0; is_there && status == BP_ERR_NOT_FOUND && i < n_sections;) {
        uint32_t n = n_sections - i < SECTIONS_AT_ONCE ? n_sections - i : SECTIONS_AT_ONCE;
        is_there = sections_at(file, i, n, sections);
        if (is_there)
            status = find_note_in(file, &names, sections, n, note);
        i += n;
    }
    if (!is_there)
        return err_set(err, BP_ERR_FORMAT, "%s: its section table is cut off; build it again",
                       path);
    if (status == BP_ERR_NOT_FOUND)
        return err_set(err, BP_ERR_FORMAT,
                       "%s: no Backplane note, so not a plugin; end its source with BP_PLUGIN(...)",
                       path);
    if (status != BP_OK)
        return err_set(err, status, "%s: its Backplane note is damaged; build the plugin again",
                       path);
    return BP_OK;
}

int32_t plugin_read_note_fd(int fd, const struct stat *st, const char *path, char id[64],
                            char version[32], uint32_t *abi_major, uint32_t *abi_minor,
                            uint32_t *flags, struct err *err)
{
    struct elf_file file = {.fd = fd, .size = (uint64_t)st->st_size};
    struct bp_note note;
    if (!S_ISREG(st->st_mode))
        return err_set(err, BP_ERR_FORMAT, "%s: not a regular file, so not a plugin", path);
    int32_t status = check_header(&file, path, err);
    if (status == BP_OK)
        status = find_note(&file, path, &note, err);
    if (status == BP_OK)
        status = check_segments(&file, path, err);
    if (status != BP_OK)
        return status;
    memcpy(id, note.id, BP_ID_MAX);
    memcpy(version, note.version, BP_VERSION_MAX);
    *abi_major = note.abi_major;
    *abi_minor = note.abi_minor;
    *flags = note.flags;
    return BP_OK;
}

int32_t plugin_read_note(const char *path, char id[64], char version[32], uint32_t *abi_major,
                         uint32_t *abi_minor, uint32_t *flags, struct err *err)
{
    /* Not blocking: whoever opens a FIFO waits for its other end. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return err_set(err, BP_ERR_NOT_FOUND, "%s: cannot be read: %s", path, strerror(error));
    }
    int32_t status =
        plugin_read_note_fd(fd, &st, path, id, version, abi_major, abi_minor, flags, err);
    close(fd);
    return status;
}
