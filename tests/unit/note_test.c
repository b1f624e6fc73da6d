/* Notes of plugin files: what is read, and what is said of files that are none or are damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "plugin/registry.h"
#include "unit/plugin_files.h"

struct note {
    char id[64], version[32];
    uint32_t abi_major, abi_minor, flags;
    struct err err;
};

static char dir[64];
static struct file_bytes small;

static int begin(void **state)
{
    (void)state;
    files_begin(dir, sizeof(dir));
    small = file_load("small");
    return 0;
}

static int end(void **state)
{
    (void)state;
    files_end(dir);
    free(small.bytes);
    return 0;
}

static int32_t read_note(const char *path, struct note *note)
{
    memset(note, 0, sizeof(*note));
    return plugin_read_note(path, note->id, note->version, &note->abi_major, &note->abi_minor,
                            &note->flags, &note->err);
}

/* Stores `size` of the bytes as a.so, reads the note, and wants this after the path and ": ". */
static void expect_refused(const void *bytes, size_t size, const char *sentence)
{
    char path[128], wanted[1024];
    struct note note;
    file_store(dir, "a.so", bytes, size);
    (void)snprintf(path, sizeof(path), "%s/a.so", dir);
    (void)snprintf(wanted, sizeof(wanted), "%s: %s", path, sentence);
    assert_true(read_note(path, &note) < 0);
    assert_string_equal(note.err.text, wanted);
}

/* A copy of the good file, to be changed. */
static struct file_bytes copy_small(void)
{
    struct file_bytes copy = {.bytes = malloc(small.size), .size = small.size};
    memcpy(copy.bytes, small.bytes, small.size);
    return copy;
}

static Elf64_Ehdr *header_of(struct file_bytes *file)
{
    return (Elf64_Ehdr *)(void *)file->bytes;
}

static void good_note_is_read_without_loading(void **state)
{
    (void)state;
    struct note note;
    assert_int_equal(read_note(BUILD_DIR "/tests/unit/plugins/small.so", &note), BP_OK);
    assert_string_equal(note.id, "small");
    assert_string_equal(note.version, "1.5");
    assert_int_equal(note.abi_major, BP_ABI_MAJOR);
    assert_int_equal(note.abi_minor, BP_ABI_MINOR);
    assert_int_equal(note.flags, 0);
}

static void missing_file_is_named(void **state)
{
    (void)state;
    struct note note;
    assert_int_equal(read_note("/nonexistent/a.so", &note), BP_ERR_NOT_FOUND);
    assert_string_equal(note.err.text,
                        "/nonexistent/a.so: cannot be read: No such file or directory");
}

static void directories_and_pipes_are_no_plugins_and_do_not_block(void **state)
{
    (void)state;
    struct note note;
    char path[128], wanted[256];
    assert_int_equal(read_note("/tmp", &note), BP_ERR_FORMAT);
    assert_string_equal(note.err.text, "/tmp: not a regular file, so not a plugin");
    (void)snprintf(path, sizeof(path), "%s/pipe.so", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_note(path, &note), BP_ERR_FORMAT);
    (void)snprintf(wanted, sizeof(wanted), "%s: not a regular file, so not a plugin", path);
    assert_string_equal(note.err.text, wanted);
}

static void text_is_no_plugin(void **state)
{
    (void)state;
    expect_refused("#!/bin/sh\necho this is a script, and not a short one either\nexit 0\n", 64,
                   "not an ELF file, so not a plugin");
    expect_refused("", 0, "not an ELF file, so not a plugin");
}

static void file_for_32_bits_or_big_endian_is_refused(void **state)
{
    (void)state;
    struct file_bytes file = copy_small();
    const char *sentence = "not a 64-bit little-endian ELF file; build the plugin for this machine";
    file.bytes[EI_CLASS] = ELFCLASS32;
    expect_refused(file.bytes, file.size, sentence);
    file.bytes[EI_CLASS] = ELFCLASS64;
    file.bytes[EI_DATA] = ELFDATA2MSB;
    expect_refused(file.bytes, file.size, sentence);
    free(file.bytes);
}

static void file_for_another_machine_names_both(void **state)
{
    (void)state;
    static const struct {
        uint16_t machine;
        const char *name;
    } others[] = {{EM_X86_64, "x86_64"}, {EM_AARCH64, "arm64"}, {EM_RISCV, "riscv64"},
                  {EM_386, "i386"},      {EM_ARM, "arm"},       {EM_S390, "another machine"}};
    struct file_bytes file = copy_small();
    uint16_t own = header_of(&file)->e_machine;
    const char *own_name = own == EM_X86_64 ? "x86_64" : own == EM_AARCH64 ? "arm64" : "riscv64";
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char sentence[256];
        if (others[i].machine == own)
            continue;
        header_of(&file)->e_machine = others[i].machine;
        (void)snprintf(sentence, sizeof(sentence),
                       "built for %s, this program runs on %s; build the plugin for %s",
                       others[i].name, own_name, own_name);
        expect_refused(file.bytes, file.size, sentence);
    }
    free(file.bytes);
}

static void object_file_is_refused(void **state)
{
    (void)state;
    struct file_bytes file = copy_small();
    header_of(&file)->e_type = ET_REL;
    expect_refused(file.bytes, file.size, "not a shared object; link it with -shared");
    free(file.bytes);
}

static void file_without_sections_is_refused(void **state)
{
    (void)state;
    const char *sentence =
        "no usable section table; do not strip it with sstrip, or build it again";
    struct file_bytes file = copy_small();
    Elf64_Ehdr *h = header_of(&file), good = *h;
    h->e_shnum = 0;
    expect_refused(file.bytes, file.size, sentence);
    *h = good;
    h->e_shnum = 4097;
    expect_refused(file.bytes, file.size, sentence);
    *h = good;
    h->e_shentsize = 63;
    expect_refused(file.bytes, file.size, sentence);
    *h = good;
    h->e_shstrndx = h->e_shnum;
    expect_refused(file.bytes, file.size, sentence);
    *h = good;
    h->e_shoff = UINT64_MAX - 100;
    expect_refused(file.bytes, file.size, "its section table is cut off; build it again");
    h->e_shoff = file.size - sizeof(Elf64_Shdr);
    expect_refused(file.bytes, file.size, "its section table is cut off; build it again");
    free(file.bytes);
}

static void shared_object_without_note_is_no_plugin(void **state)
{
    (void)state;
    struct file_bytes file = file_load("plain");
    expect_refused(file.bytes, file.size,
                   "no Backplane note, so not a plugin; end its source with BP_PLUGIN(...)");
    free(file.bytes);
}

/* Each change of the note that its reader must notice. */
static void break_name_size(struct bp_note *n)
{
    n->name_size = 9;
}
static void break_desc_size(struct bp_note *n)
{
    n->desc_size--;
}
static void break_type(struct bp_note *n)
{
    n->type = 2;
}
static void break_name(struct bp_note *n)
{
    n->name[0] = 'b';
}
static void empty_id(struct bp_note *n)
{
    n->id[0] = '\0';
}
static void endless_id(struct bp_note *n)
{
    memset(n->id, 'a', sizeof(n->id));
}
static void escape_in_id(struct bp_note *n)
{
    n->id[1] = '\033';
}
static void slash_in_id(struct bp_note *n)
{
    n->id[1] = '/';
}
static void empty_version(struct bp_note *n)
{
    n->version[0] = '\0';
}
static void endless_version(struct bp_note *n)
{
    memset(n->version, '1', sizeof(n->version));
}
static void newline_in_version(struct bp_note *n)
{
    n->version[1] = '\n';
}

static void damaged_note_is_refused(void **state)
{
    (void)state;
    static void (*const breaks[])(struct bp_note *) = {
        break_name_size, break_desc_size, break_type,        break_name,
        empty_id,        endless_id,      escape_in_id,      slash_in_id,
        empty_version,   endless_version, newline_in_version};
    for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
        struct file_bytes file = copy_small();
        breaks[i](file_note(&file));
        expect_refused(file.bytes, file.size,
                       "its Backplane note is damaged; build the plugin again");
        free(file.bytes);
    }
}

/* What dlopen would map, and then die of with SIGBUS. */
static void segment_that_reaches_beyond_the_file_is_refused(void **state)
{
    (void)state;
    struct file_bytes file = copy_small();
    Elf64_Phdr *segments = (void *)(file.bytes + header_of(&file)->e_phoff);
    char wanted[128];
    (void)snprintf(wanted, sizeof(wanted),
                   "cut off: it says that it is longer than its %zu bytes; copy or build it again",
                   file.size);
    unsigned i = 0;
    while (segments[i].p_type != PT_LOAD)
        i++;
    const Elf64_Phdr whole = segments[i];
    segments[i].p_filesz = file.size - whole.p_offset + 1;
    expect_refused(file.bytes, file.size, wanted);
    segments[i] = whole;
    segments[i].p_offset = UINT64_MAX - 1;
    expect_refused(file.bytes, file.size, wanted);
    segments[i] = whole;
    header_of(&file)->e_phnum = 65;
    expect_refused(file.bytes, file.size, "no usable program headers; build it again");
    free(file.bytes);
}

static void note_that_reaches_beyond_the_file_is_damaged(void **state)
{
    (void)state;
    struct file_bytes file = copy_small();
    const uint64_t offset = (uint64_t)((uint8_t *)file_note(&file) - file.bytes);
    Elf64_Shdr *sections = (void *)(file.bytes + header_of(&file)->e_shoff);
    unsigned found = 0;
    for (unsigned i = 0; i < header_of(&file)->e_shnum; i++)
        if (sections[i].sh_type == SHT_NOTE && sections[i].sh_offset == offset) {
            found++;
            sections[i].sh_offset = UINT64_MAX - 8;
        }
    assert_int_equal(found, 1);
    expect_refused(file.bytes, file.size, "its Backplane note is damaged; build the plugin again");
    free(file.bytes);
}

/* --- Files as an enemy or a broken disk makes them -------------------------------------------- */

/* The reader opens the memory file by its name under /proc. */
static int memory_file(char *path, size_t size)
{
    int fd = memfd_create("plugin", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, small.bytes, small.size), small.size);
    (void)snprintf(path, size, "/proc/self/fd/%d", fd);
    return fd;
}

static void file_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    char path[64];
    int fd = memory_file(path, sizeof(path));
    for (size_t size = small.size; size-- > 0;) {
        struct note note;
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        assert_true(read_note(path, &note) < 0);
        assert_memory_equal(note.err.text, path, strlen(path));
    }
    close(fd);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Most changes hit what the reader looks at: header, section table, names, note. */
static size_t random_place(uint64_t *seed)
{
    const Elf64_Ehdr *h = (const void *)small.bytes;
    size_t note = (size_t)((uint8_t *)file_note(&small) - small.bytes);
    switch (next_random(seed) % 4) {
    case 0:
        return next_random(seed) % sizeof(Elf64_Ehdr);
    case 1:
        return h->e_shoff + next_random(seed) % (h->e_shnum * sizeof(Elf64_Shdr));
    case 2:
        return note + next_random(seed) % sizeof(struct bp_note);
    default:
        return next_random(seed) % small.size;
    }
}

static void no_change_of_bytes_makes_the_reader_fail(void **state)
{
    (void)state;
    static const uint8_t odd[] = {0x00, 0xff, 0x7f, 0x80, 0x01};
    char path[64];
    int fd = memory_file(path, sizeof(path));
    uint64_t seed = 20240607;
    unsigned n_read = 0, n_refused = 0;
    for (unsigned round = 0; round < 20000; round++) {
        size_t places[4], n = 1 + next_random(&seed) % 4;
        for (size_t i = 0; i < n; i++) {
            uint64_t r = next_random(&seed);
            uint8_t byte = r % 2 ? odd[r / 2 % sizeof(odd)] : (uint8_t)(r >> 8);
            places[i] = random_place(&seed);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)places[i]), 1);
        }
        struct note note;
        if (read_note(path, &note) == BP_OK) {
            n_read++;
            assert_true(strnlen(note.id, sizeof(note.id)) < sizeof(note.id));
            assert_true(strnlen(note.version, sizeof(note.version)) < sizeof(note.version));
        } else {
            n_refused++;
            assert_memory_equal(note.err.text, path, strlen(path));
        }
        for (size_t i = 0; i < n; i++)
            assert_int_equal(pwrite(fd, small.bytes + places[i], 1, (off_t)places[i]), 1);
    }
    /* Both happened often: the changes hit what matters, and not only that. */
    assert_in_range(n_read, 2000, 18000);
    assert_in_range(n_refused, 2000, 18000);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_note_is_read_without_loading),
        cmocka_unit_test(missing_file_is_named),
        cmocka_unit_test(directories_and_pipes_are_no_plugins_and_do_not_block),
        cmocka_unit_test(text_is_no_plugin),
        cmocka_unit_test(file_for_32_bits_or_big_endian_is_refused),
        cmocka_unit_test(file_for_another_machine_names_both),
        cmocka_unit_test(object_file_is_refused),
        cmocka_unit_test(file_without_sections_is_refused),
        cmocka_unit_test(shared_object_without_note_is_no_plugin),
        cmocka_unit_test(damaged_note_is_refused),
        cmocka_unit_test(note_that_reaches_beyond_the_file_is_damaged),
        cmocka_unit_test(segment_that_reaches_beyond_the_file_is_refused),
        cmocka_unit_test(file_cut_off_anywhere_is_refused),
        cmocka_unit_test(no_change_of_bytes_makes_the_reader_fail),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
