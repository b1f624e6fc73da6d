/* ELF kernels on x86_64: the PVH entry, plain 64-bit and 32-bit files. Offsets are re-typed from
 * the ELF standard and from Xen's start_info.h. */
#include "tables/bzimage_sample.h"

#include <backplane/abi.h>

#include "core/reg.h"

struct sample_elf {
    uint8_t bytes[16384];
};

#define NOTE_AT 0x800

/* One segment of 4 KiB, 0x55 in it, at 1 MiB; entry at its 16th byte. */
static void make_elf64(struct sample_elf *e)
{
    memset(e->bytes, 0x55, sizeof(e->bytes));
    memset(e->bytes, 0, 4096);
    memcpy(e->bytes, "\177ELF\x02\x01\x01", 7);
    put16(e->bytes + 16, 2);
    put16(e->bytes + 18, 62);
    put32(e->bytes + 20, 1);
    put64(e->bytes + 24, MIB + 16);
    put64(e->bytes + 32, 64);
    put16(e->bytes + 54, 56);
    put16(e->bytes + 56, 1);
    uint8_t *p = e->bytes + 64;
    put32(p, 1);
    put64(p + 8, 4096);
    put64(p + 16, MIB);
    put64(p + 24, MIB);
    put64(p + 32, 4096);
    put64(p + 40, 8192);
}

static void make_elf32(struct sample_elf *e)
{
    memset(e->bytes, 0x55, sizeof(e->bytes));
    memset(e->bytes, 0, 4096);
    memcpy(e->bytes, "\177ELF\x01\x01\x01", 7);
    put16(e->bytes + 16, 2);
    put16(e->bytes + 18, 3);
    put32(e->bytes + 20, 1);
    put32(e->bytes + 24, MIB + 16);
    put32(e->bytes + 28, 52);
    put16(e->bytes + 42, 32);
    put16(e->bytes + 44, 1);
    uint8_t *p = e->bytes + 52;
    put32(p, 1);
    put32(p + 4, 4096);
    put32(p + 8, MIB);
    put32(p + 12, MIB);
    put32(p + 16, 4096);
    put32(p + 20, 8192);
}

/* A second program header for the notes at NOTE_AT. */
static void add_notes(struct sample_elf *e, uint64_t bytes)
{
    put16(e->bytes + 56, 2);
    uint8_t *p = e->bytes + 64 + 56;
    put32(p, 4);
    put64(p + 8, NOTE_AT);
    put64(p + 32, bytes);
    put64(p + 40, bytes);
}

/* Another's note, then Xen's note 18 with a description of 8 bytes. */
static void add_pvh(struct sample_elf *e, uint64_t entry)
{
    uint8_t *n = e->bytes + NOTE_AT;
    add_notes(e, 20 + 24);
    put32(n, 4);
    put32(n + 4, 3);
    put32(n + 8, 18);
    memcpy(n + 12, "GNU", 4);
    n += 20;
    put32(n, 4);
    put32(n + 4, 8);
    put32(n + 8, 18);
    memcpy(n + 12, "Xen", 4);
    put64(n + 16, entry);
}

static struct boot_request elf_request(struct scratch *s, const struct sample_elf *e)
{
    return x86_request(s, scratch_file(s, "vmlinux", e->bytes, sizeof(e->bytes)));
}

static void a_pvh_note_gives_the_entry_and_ebx_points_at_the_start_information(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    make_elf64(&e);
    add_pvh(&e, MIB + 0x123);
    struct boot_request r = elf_request(s, &e);
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    r.cmdline = "console=ttyS0";
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_int_equal(plan->mode, BOOT_MODE_PROTECTED);
    assert_int_equal(plan->entry_gpa, MIB + 0x123);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    assert_int_equal(register_of(boot, REG_X86_64_RIP), MIB + 0x123);
    uint64_t gpa = register_of(boot, REG_X86_64_RBX);
    assert_true(gpa != 0 && gpa < 0xa0000);
    const uint8_t *info = s->ram + gpa;
    assert_int_equal(get32(info), 0x336ec578);
    assert_int_equal(get32(info + 4), 1);
    assert_int_equal(get32(info + 8), 0);
    assert_int_equal(get32(info + 12), 1);
    const uint8_t *module = s->ram + get64(info + 16);
    assert_int_equal(get64(module), plan->initrd_gpa);
    assert_int_equal(get64(module + 8), 10);
    assert_memory_equal(s->ram + plan->initrd_gpa, "0123456789", 10);
    assert_string_equal((const char *)s->ram + get64(info + 24), "console=ttyS0");
    assert_int_equal(get64(info + 32), 0xe0000);
    const uint8_t *map = s->ram + get64(info + 40);
    assert_int_equal(get32(info + 48), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get64(map + 24 * i), sample_e820[i].base);
        assert_int_equal(get64(map + 24 * i + 8), sample_e820[i].size);
        assert_int_equal(get32(map + 24 * i + 16), sample_e820[i].type);
        assert_int_equal(get32(map + 24 * i + 20), 0);
    }
    boot_close(boot);
}

static void without_an_initrd_there_is_no_module(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    make_elf64(&e);
    add_pvh(&e, MIB);
    struct boot_request r = elf_request(s, &e);
    struct boot *boot = opens(s, &r);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    const uint8_t *info = s->ram + register_of(boot, REG_X86_64_RBX);
    assert_int_equal(get32(info + 12), 0);
    assert_int_equal(get64(info + 16), 0);
    boot_close(boot);
}

static void a_pvh_entry_outside_what_the_file_holds_is_an_error(void **state)
{
    static const uint64_t entries[] = {0, MIB - 1, MIB + 4096, 0xffffffff80100000, UINT64_MAX};
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        make_elf64(&e);
        add_pvh(&e, entries[i]);
        struct boot_request r = elf_request(s, &e);
        refuses(s, &r, BP_ERR_FORMAT, "its PVH entry 0x");
        assert_non_null(strstr(s->err.text, "lies in no segment that is loaded"));
    }
}

/* What is no complete note of Xen's is none: the file is a plain one. */
static void broken_notes_are_no_pvh_entry(void **state)
{
    static const struct {
        unsigned at;
        uint32_t value;
    } changes[] = {
        {0, 0xffffffff}, {4, 0xffffffff}, {0, 0x7ffffffc},  {20, 5},  {20, 0xfffffffd},
        {24, 3},         {24, 9},         {24, 0xfffffffe}, {28, 17}, {32, 0x4e455800},
    };
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        make_elf64(&e);
        add_pvh(&e, MIB);
        put32(e.bytes + NOTE_AT + changes[i].at, changes[i].value);
        struct boot_request r = elf_request(s, &e);
        struct boot *boot = opens(s, &r);
        assert_int_equal(boot_get_plan(boot)->mode, BOOT_MODE_LONG);
        boot_close(boot);
    }
    for (unsigned n = 0; n < 44; n++) { /* cut anywhere */
        make_elf64(&e);
        add_pvh(&e, MIB);
        add_notes(&e, n);
        struct boot_request r = elf_request(s, &e);
        struct boot *boot = opens(s, &r);
        assert_int_equal(boot_get_plan(boot)->mode, BOOT_MODE_LONG);
        boot_close(boot);
    }
    make_elf64(&e);
    add_pvh(&e, MIB);
    put64(e.bytes + 64 + 56 + 8, UINT64_MAX - 8); /* far behind the end of the file */
    put64(e.bytes + 64 + 56 + 32, UINT64_MAX);
    struct boot_request r = elf_request(s, &e);
    boot_close(opens(s, &r));
}

static void a_plain_64_bit_file_begins_in_64_bit_mode_with_the_zero_page(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    memset(s->ram, 0xee, s->ram_bytes);
    make_elf64(&e);
    struct boot_request r = elf_request(s, &e);
    r.cmdline = "quiet";
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->mode, BOOT_MODE_LONG);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, MIB + 16);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    assert_int_equal(s->ram[MIB], 0x55);
    assert_int_equal(s->ram[MIB + 4096], 0);
    assert_int_equal(s->ram[MIB + 8192], 0xee);
    const uint8_t *page = s->ram + register_of(boot, REG_X86_64_RSI);
    assert_int_equal(get32(page + 0x1fe) & 0xffff, 0xaa55);
    assert_memory_equal(page + 0x202, "HdrS\x0c\x02", 6);
    assert_int_equal(page[0x210], 0xff);
    assert_int_equal(page[0x211], 1);
    assert_string_equal((const char *)s->ram + get32(page + 0x228), "quiet");
    assert_int_equal(page[0x1e8], 3);
    boot_close(boot);
}

static void a_plain_32_bit_file_begins_in_protected_mode(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    make_elf32(&e);
    struct boot_request r = elf_request(s, &e);
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->mode, BOOT_MODE_PROTECTED);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    assert_int_equal(register_of(boot, REG_X86_64_RIP), MIB + 16);
    assert_int_equal(s->ram[MIB + 100], 0x55);
    assert_int_equal(s->ram[MIB + 4096], 0);
    boot_close(boot);
    put16(e.bytes + 18, 40);
    r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is a 32-bit ELF file: use a 64-bit one");
    make_elf32(&e);
    put16(e.bytes + 42, 56);
    r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_FORMAT, "has ELF program headers of 56 bytes, not 32");
    make_elf32(&e);
    put32(e.bytes + 52 + 12, 0xfffff000);
    put32(e.bytes + 52 + 8, 0xfffff000);
    r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_FORMAT, "its ELF entry 0x100010 lies in no segment that is loaded");
    make_elf32(&e);
    for (size_t n = 4; n < 8192; n += n < 100 ? 1 : 111) {
        r = x86_request(s, scratch_file(s, "vmlinux", e.bytes, n));
        refuses(s, &r, BP_ERR_FORMAT, "is truncated");
    }
}

static void files_linked_at_zero_are_moved_above_1_mib_and_low_ones_are_not(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    make_elf64(&e);
    put64(e.bytes + 24, 16);
    put64(e.bytes + 64 + 16, 0);
    put64(e.bytes + 64 + 24, 0);
    add_pvh(&e, 0x20); /* moves with it */
    struct boot_request r = elf_request(s, &e);
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, 2 * MIB + 0x20);
    boot_close(boot);
    make_elf64(&e);
    put64(e.bytes + 24, 0x1010);
    put64(e.bytes + 64 + 16, 0x1000);
    put64(e.bytes + 64 + 24, 0x1000);
    r = elf_request(s, &e);
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, 0x1010);
    assert_true(boot_get_plan(boot)->long_mode.gdt_gpa >= 0x3000); /* around it */
    boot_close(boot);
    put64(e.bytes + 24, 0x9f010);
    put64(e.bytes + 64 + 16, 0x9f000);
    put64(e.bytes + 64 + 24, 0x9f000);
    r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_EXISTS,
            "kernel (0x9f000-0xa0fff) overlaps area of the PC's firmware (0x9fc00-0xfffff)");
}

static void files_of_other_architectures_are_named(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram_at(s, 0, 16 * MIB);
    make_elf64(&e);
    put16(e.bytes + 18, 243);
    struct boot_request r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_UNSUPPORTED,
            "is an ELF file for riscv64 (machine 243), but the machine is x86_64");
    put16(e.bytes + 18, 183);
    r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_UNSUPPORTED, "for arm64 (machine 183), but the machine is x86_64");
    put16(e.bytes + 18, 3);
    r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_UNSUPPORTED, "for i386 (machine 3), but the machine is x86_64");
}

static void a_command_line_that_linux_would_cut_is_refused(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    char line[2049];
    scratch_ram_at(s, 0, 16 * MIB);
    make_elf64(&e);
    memset(line, 'a', 2048);
    line[2048] = '\0';
    struct boot_request r = elf_request(s, &e);
    r.cmdline = line;
    refuses(s, &r, BP_ERR_RANGE, "it has 2048 bytes and this kernel takes 2047");
    r.cmdline = line + 1;
    boot_close(opens(s, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pvh_note_gives_the_entry_and_ebx_points_at_the_start_information),
        TEST(without_an_initrd_there_is_no_module),
        TEST(a_pvh_entry_outside_what_the_file_holds_is_an_error),
        TEST(broken_notes_are_no_pvh_entry),
        TEST(a_plain_64_bit_file_begins_in_64_bit_mode_with_the_zero_page),
        TEST(a_plain_32_bit_file_begins_in_protected_mode),
        TEST(files_linked_at_zero_are_moved_above_1_mib_and_low_ones_are_not),
        TEST(files_of_other_architectures_are_named),
        TEST(a_command_line_that_linux_would_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
