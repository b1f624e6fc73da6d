/* ELF kernels and firmware, made up field by field. Offsets are re-typed from the ELF standard. */
#include "tables/boot_sample.h"

#include <backplane/abi.h>

#define MIB 0x100000ull

struct segment {
    uint32_t type;
    uint64_t offset, vaddr, paddr, file_bytes, mem_bytes;
};

struct sample_elf {
    uint8_t bytes[16384];
    size_t n;
};

/* Header, program headers, and 0x55 in all the rest. */
static void make_elf(struct sample_elf *e, uint16_t type, uint64_t entry,
                     const struct segment *segments, uint16_t n)
{
    memset(e->bytes, 0x55, sizeof(e->bytes));
    e->n = sizeof(e->bytes);
    memset(e->bytes, 0, 64);
    memcpy(e->bytes, "\177ELF\x02\x01\x01", 7);
    put16(e->bytes + 16, type);
    put16(e->bytes + 18, 243);
    put32(e->bytes + 20, 1);
    put64(e->bytes + 24, entry);
    put64(e->bytes + 32, 64);
    put16(e->bytes + 52, 64);
    put16(e->bytes + 54, 56);
    put16(e->bytes + 56, n);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *p = e->bytes + 64 + i * 56;
        put32(p, segments[i].type);
        put32(p + 4, 5);
        put64(p + 8, segments[i].offset);
        put64(p + 16, segments[i].vaddr);
        put64(p + 24, segments[i].paddr);
        put64(p + 32, segments[i].file_bytes);
        put64(p + 40, segments[i].mem_bytes);
        put64(p + 48, 4096);
    }
}

static struct boot_request elf_request(struct scratch *s, const struct sample_elf *e)
{
    return scratch_request(s, scratch_file(s, "vmlinux", e->bytes, e->n));
}

static const struct segment two[2] = {
    {1, 4096, 0xffffffff80000000, 0x80200000, 4096, 4096},
    {1, 8192, 0xffffffff80100000, 0x80300000, 4096, 0x10000},
};

static void segments_go_to_their_physical_addresses_and_the_rest_is_cleared(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram(s, 16 * MIB);
    memset(s->ram, 0xee, s->ram_bytes);
    make_elf(&e, 2, 0xffffffff80000010, two, 2);
    struct boot_request r = elf_request(s, &e);
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, 0x80200010);
    assert_true(boot_get_plan(boot)->dtb_gpa >= 0x80310000);
    assert_int_equal(scratch_load(s, boot, "t", 1), BP_OK);
    assert_int_equal(s->ram[0x200000], 0x55);
    assert_int_equal(s->ram[0x201000], 0xee);
    assert_int_equal(s->ram[0x300fff], 0x55);
    for (size_t i = 0x301000; i < 0x310000; i++)
        assert_int_equal(s->ram[i], 0);
    assert_int_equal(s->ram[0x310001], 0xee); /* one byte of tree, then nothing */
    boot_close(boot);
}

static void an_entry_may_be_a_physical_address(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram(s, 16 * MIB);
    make_elf(&e, 2, 0x80200020, two, 2);
    struct boot_request r = elf_request(s, &e);
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, 0x80200020);
    boot_close(boot);
}

static void an_entry_outside_what_the_file_holds_is_an_error(void **state)
{
    static const uint64_t entries[] = {0, 0xffffffff80001000, 0xffffffff80101000, UINT64_MAX};
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram(s, 16 * MIB);
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        make_elf(&e, 2, entries[i], two, 2);
        struct boot_request r = elf_request(s, &e);
        refuses(s, &r, BP_ERR_FORMAT, "lies in no segment that is loaded");
    }
}

static void position_independent_files_move_to_where_an_image_would_be(void **state)
{
    static const struct segment at_zero[2] = {
        {1, 4096, 0xffffffff80000000, 0, 4096, 4096},
        {1, 8192, 0xffffffff80200000, 0x200000, 4096, 8192},
    };
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram(s, 16 * MIB);
    make_elf(&e, 2, 0xffffffff80000000, at_zero, 2);
    struct boot_request r = elf_request(s, &e);
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, 0x80200000);
    assert_int_equal(scratch_load(s, boot, "t", 1), BP_OK);
    assert_int_equal(s->ram[0x400000], 0x55);
    boot_close(boot);
    r.firmware = r.kernel; /* OpenSBI of today is linked at 0 */
    r.kernel = NULL;
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, RAM_BASE);
    boot_close(boot);

    static const struct segment elsewhere[1] = {{1, 4096, 0x10000, 0x10000, 4096, 4096}};
    make_elf(&e, 3, 0x10000, elsewhere, 1);
    r = elf_request(s, &e);
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, 0x80200000);
    boot_close(boot);
    make_elf(&e, 2, 0x10000, elsewhere, 1);
    r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_RANGE,
            "wants to be at 0x10000-0x10fff, which is not RAM: RAM begins at "
            "0x80000000");
}

static void other_architectures_are_named(void **state)
{
    static const struct {
        uint16_t machine;
        const char *text;
    } machines[] = {
        {62, "is an ELF file for x86_64 (machine 62), but the machine is riscv64"},
        {183, "for arm64 (machine 183)"},
        {3, "for i386 (machine 3)"},
        {40, "for arm (machine 40)"},
        {4711, "for an unknown architecture (machine 4711)"},
    };
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram(s, 16 * MIB);
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        make_elf(&e, 2, two[0].vaddr, two, 2);
        put16(e.bytes + 18, machines[i].machine);
        struct boot_request r = elf_request(s, &e);
        refuses(s, &r, BP_ERR_UNSUPPORTED, machines[i].text);
    }
}

static void each_wrong_header_field_has_its_sentence(void **state)
{
    static const struct {
        unsigned at, size;
        uint64_t value;
        int32_t status;
        const char *text;
    } fields[] = {
        {4, 1, 1, BP_ERR_UNSUPPORTED, "32-bit ELF file"},
        {5, 1, 2, BP_ERR_UNSUPPORTED, "big-endian ELF file"},
        {6, 1, 0, BP_ERR_FORMAT, "ELF version that does not exist"},
        {16, 2, 1, BP_ERR_UNSUPPORTED, "no executable ELF file (type 1): link it first"},
        {16, 2, 4, BP_ERR_UNSUPPORTED, "no executable ELF file (type 4)"},
        {20, 4, 2, BP_ERR_FORMAT, "ELF version that does not exist"},
        {32, 8, 16384, BP_ERR_FORMAT, "is truncated: its ELF program headers lie beyond its end"},
        {32, 8, UINT64_MAX, BP_ERR_FORMAT, "is truncated: its ELF program headers"},
        {54, 2, 32, BP_ERR_FORMAT, "program headers of 32 bytes, not 56"},
        {56, 2, 0, BP_ERR_FORMAT, "has 0 ELF program headers"},
        {56, 2, 65535, BP_ERR_FORMAT, "has 65535 ELF program headers (1-64"},
        {64, 4, 2, BP_ERR_FORMAT, "lies in no segment"},
        {64 + 8, 8, 16384, BP_ERR_FORMAT, "is truncated: ELF segment 0 needs 4096 bytes at 16384"},
        {64 + 8, 8, UINT64_MAX, BP_ERR_FORMAT, "is truncated: ELF segment 0"},
        {64 + 24, 8, UINT64_MAX - 100, BP_ERR_FORMAT, "goes beyond the last address"},
        {64 + 24, 8, 0x80300000, BP_ERR_FORMAT, "its ELF segments overlap at 0x80300000"},
        {64 + 24, 8, 0x90000000, BP_ERR_RANGE, "RAM ends at 0x80ffffff"},
        {64 + 32, 8, 4097, BP_ERR_FORMAT, "more bytes in the file than in memory"},
        {64 + 40, 8, UINT64_MAX, BP_ERR_FORMAT, "goes beyond the last address"},
        {64 + 56 + 40, 8, 0x10000000, BP_ERR_RANGE, "kernel does not fit: it needs 0x80300000-"},
    };
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct sample_elf e;
        make_elf(&e, 2, two[0].vaddr, two, 2);
        for (unsigned b = 0; b < fields[i].size; b++)
            e.bytes[fields[i].at + b] = (uint8_t)(fields[i].value >> (8 * b));
        struct boot_request r = elf_request(s, &e);
        refuses(s, &r, fields[i].status, fields[i].text);
    }
}

static void a_file_cut_anywhere_is_an_error_and_never_a_crash(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    scratch_ram(s, 16 * MIB);
    make_elf(&e, 2, two[0].vaddr, two, 2);
    for (size_t n = 4; n < 12288; n += n < 300 ? 1 : 111) {
        e.n = n;
        struct boot_request r = elf_request(s, &e);
        refuses(s, &r, BP_ERR_FORMAT, "is truncated");
    }
    e.n = 12288;
    struct boot_request r = elf_request(s, &e);
    boot_close(opens(s, &r));
}

static void more_segments_than_can_be_loaded_are_counted(void **state)
{
    struct scratch *s = *state;
    struct sample_elf e;
    struct segment many[40];
    scratch_ram(s, 16 * MIB);
    for (uint64_t i = 0; i < 40; i++)
        many[i] = (struct segment){1, 4096, RAM_BASE + i * 4096, RAM_BASE + i * 4096, 16, 16};
    make_elf(&e, 2, RAM_BASE, many, 40);
    struct boot_request r = elf_request(s, &e);
    refuses(s, &r, BP_ERR_FORMAT, "has 40 ELF segments to load (1-32 can be)");
    make_elf(&e, 2, RAM_BASE, many, 32);
    r = elf_request(s, &e);
    boot_close(opens(s, &r));
}

/* Any bytes in any field: refused or loaded within RAM, never outside. */
static void random_headers_never_write_outside_ram(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 4 * MIB);
    uint64_t seed = 88172645463325252u;
    for (unsigned round = 0; round < 2000; round++) {
        struct sample_elf e;
        make_elf(&e, round % 2 ? 2 : 3, two[0].vaddr, two, 2);
        for (unsigned change = 0; change < 3; change++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            e.bytes[seed % 176] = (uint8_t)(seed >> 32);
        }
        e.bytes[0] = 0x7f;
        struct boot_request r = elf_request(s, &e);
        struct boot *boot = NULL;
        if (boot_open(&r, &boot, &s->err) == BP_OK)
            assert_int_equal(scratch_load(s, boot, "t", 1), BP_OK);
        boot_close(boot);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(segments_go_to_their_physical_addresses_and_the_rest_is_cleared),
        TEST(an_entry_may_be_a_physical_address),
        TEST(an_entry_outside_what_the_file_holds_is_an_error),
        TEST(position_independent_files_move_to_where_an_image_would_be),
        TEST(other_architectures_are_named),
        TEST(each_wrong_header_field_has_its_sentence),
        TEST(a_file_cut_anywhere_is_an_error_and_never_a_crash),
        TEST(more_segments_than_can_be_loaded_are_counted),
        TEST(random_headers_never_write_outside_ram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
