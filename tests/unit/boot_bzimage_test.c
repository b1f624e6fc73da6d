/* Linux bzImages on x86_64: the header's every field, and what the kernel finds in memory. */
#include "tables/bzimage_sample.h"

#include <backplane/abi.h>
#include <fcntl.h>

#include "boot/protocol.h"
#include "core/reg.h"

static void the_kernel_goes_to_its_preferred_address_and_begins_in_64_bit_mode(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    struct boot_request r = plain_request(s);
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_int_equal(plan->entry_gpa, 0x200200);
    assert_int_equal(plan->mode, BOOT_MODE_LONG);
    assert_int_equal(plan->long_mode.cs, 0x10);
    assert_int_equal(plan->long_mode.ds, 0x18);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    uint8_t image[SAMPLE_BYTES];
    make_bzimage(image);
    assert_memory_equal(s->ram + 2 * MIB, image + SAMPLE_SETUP_BYTES, SAMPLE_CODE_BYTES);
    assert_int_equal(s->ram[2 * MIB + SAMPLE_CODE_BYTES], 0);
    assert_int_equal(register_of(boot, REG_X86_64_RIP), 0x200200);
    assert_int_equal(register_of(boot, REG_X86_64_RFLAGS), 2);
    uint64_t cr3 = plan->long_mode.cr3;
    assert_true(cr3 != 0 && cr3 % 4096 == 0 && cr3 < 0xa0000);
    assert_int_equal(get64(s->ram + cr3) & 3, 3);
    assert_int_equal(get64(s->ram + plan->long_mode.gdt_gpa + 0x10) >> 40 & 0xff, 0x9b);
    struct boot_register regs[BOOT_REGISTERS_MAX];
    assert_int_equal(boot_registers(boot, 1, regs), 0); /* waits for its start-up message */
    boot_close(boot);
}

static void the_zero_page_says_what_firmware_would(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    struct boot_request r = plain_request(s);
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    r.cmdline = "console=ttyS0 quiet";
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    uint64_t gpa = register_of(boot, REG_X86_64_RSI);
    assert_true(gpa >= 4096 && gpa % 4096 == 0 && gpa < 0xa0000);
    const uint8_t *page = s->ram + gpa;
    uint8_t image[SAMPLE_BYTES];
    make_bzimage(image);
    assert_memory_equal(page + 0x1f1, image + 0x1f1, 0x210 - 0x1f1);
    assert_int_equal(page[0x210], 0xff);
    assert_int_equal(page[0x211], 1);
    assert_string_equal((const char *)s->ram + get32(page + 0x228), "console=ttyS0 quiet");
    assert_int_equal(get32(page + 0x218), plan->initrd_gpa);
    assert_int_equal(get32(page + 0x21c), 10);
    assert_memory_equal(s->ram + plan->initrd_gpa, "0123456789", 10);
    assert_int_equal(get64(page + 0x258), 2 * MIB);
    assert_int_equal(page[0x1ef], 0); /* the sentinel: the page is clean */
    for (size_t i = 0x26c; i < 0x2d0; i++)
        assert_int_equal(page[i], 0); /* nothing behind the header's own end */
    assert_int_equal(get64(page + 0x70), 0xe0000);
    assert_memory_equal(s->ram + 0xe0000, sample_rsdp, 36);
    assert_memory_equal(s->ram + plan->acpi_gpa, sample_acpi, sizeof(sample_acpi));
    assert_int_equal(page[0x1e8], 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get64(page + 0x2d0 + 20 * i), sample_e820[i].base);
        assert_int_equal(get64(page + 0x2d0 + 20 * i + 8), sample_e820[i].size);
        assert_int_equal(get32(page + 0x2d0 + 20 * i + 16), sample_e820[i].type);
    }
    boot_close(boot);
}

static void without_a_command_line_the_kernel_finds_an_empty_one(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    memset(s->ram, 0xee, s->ram_bytes);
    struct boot_request r = plain_request(s);
    struct boot *boot = opens(s, &r);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    const uint8_t *page = s->ram + register_of(boot, REG_X86_64_RSI);
    assert_int_equal(s->ram[get32(page + 0x228)], 0);
    assert_int_equal(get32(page + 0x218), 0);
    assert_int_equal(get32(page + 0x21c), 0);
    boot_close(boot);
}

/* struct setup_data: next, type, length, data. Types 9 (RNG seed) and 1 (E820 beyond 128). */
static void random_numbers_and_the_rest_of_a_long_memory_map_hang_on_the_zero_page(void **state)
{
    static struct e820_entry many[300];
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    for (size_t i = 0; i < 300; i++)
        many[i] = (struct e820_entry){i * 0x2000, 0x1000, 1 + (uint32_t)(i % 2)};
    struct boot_tables tables = sample_tables();
    static const size_t counts[] = {1, 128, 129, 300};
    for (size_t k = 0; k < 4; k++) {
        struct boot_request r = plain_request(s);
        r.e820_max = counts[k];
        struct boot *boot = opens(s, &r);
        tables.e820 = many;
        tables.n_e820 = counts[k];
        loads(s, boot, &tables);
        const uint8_t *page = s->ram + register_of(boot, REG_X86_64_RSI);
        assert_int_equal(page[0x1e8], counts[k] < 128 ? counts[k] : 128);
        const uint8_t *node = s->ram + get64(page + 0x250);
        assert_int_equal(get32(node + 8), 9);
        assert_int_equal(get32(node + 12), 64);
        assert_memory_equal(node + 16, sample_seed, 64);
        if (counts[k] <= 128) {
            assert_int_equal(get64(node), 0);
        } else {
            const uint8_t *more = s->ram + get64(node);
            size_t n = counts[k] - 128;
            assert_int_equal(get64(more), 0);
            assert_int_equal(get32(more + 8), 1);
            assert_int_equal(get32(more + 12), n * 20);
            assert_int_equal(get64(more + 16), 128 * 0x2000);
            assert_int_equal(get64(more + 16 + (n - 1) * 20), many[counts[k] - 1].base);
            assert_int_equal(get32(more + 16 + (n - 1) * 20 + 16), many[counts[k] - 1].type);
        }
        boot_close(boot);
    }
}

static void the_acpi_tables_lie_at_the_top_of_ram_and_the_initrd_below_them(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    struct boot_request r = plain_request(s);
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->acpi_gpa, 16 * MIB - 8192);
    assert_int_equal(boot_get_plan(boot)->initrd_gpa, 16 * MIB - 8192 - 4096);
    boot_close(boot);
    r.acpi_bytes = 0;
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->acpi_gpa, 0);
    assert_int_equal(boot_get_plan(boot)->rsdp_gpa, 0);
    assert_int_equal(boot_get_plan(boot)->initrd_gpa, 16 * MIB - 4096);
    boot_close(boot);
    /* RAM on both sides of the hole: neither goes beyond 4 GiB. */
    r.acpi_bytes = 8192;
    r.ram[0] = (struct aspace_ram){0, 0xc0000000};
    r.ram[1] = (struct aspace_ram){0x100000000, 0x80000000};
    r.n_ram = 2;
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->acpi_gpa, 0xc0000000 - 8192);
    assert_int_equal(boot_get_plan(boot)->initrd_gpa, 0x7ffff000); /* initrd_addr_max */
    boot_close(boot);
}

static void initrd_addr_max_is_honoured_and_named(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    struct boot_request r = changed_request(s, 0x22c, 4, 0x7fffff);
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->initrd_gpa, 0x7ff000);
    boot_close(boot);
    uint8_t *big = calloc(1, 6 * MIB);
    assert_non_null(big);
    r.initrd = scratch_file(s, "initrd", big, 6 * MIB);
    refuses(s, &r, BP_ERR_NO_SPACE,
            "initrd does not fit: no 6 MiB in one piece are free up to 0x7fffff, the last address "
            "where it may lie");
    r = plain_request(s);
    r.initrd = scratch_file(s, "initrd", big, 6 * MIB);
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->initrd_gpa, 16 * MIB - 8192 - 6 * MIB);
    boot_close(boot);
    r = changed_request(s, 0x260, 4, 8 * MIB);
    r.initrd = scratch_path(s, "initrd");
    refuses(s, &r, BP_ERR_NO_SPACE,
            "initrd does not fit: no 6 MiB in one piece are left of the machine's 16 MiB of RAM: "
            "give it more (--memory)");
    free(big);
}

static void a_command_line_may_be_as_long_as_the_kernel_says_and_no_longer(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    char line[2049];
    memset(line, 'a', sizeof(line));
    line[2047] = '\0';
    struct boot_request r = plain_request(s);
    r.cmdline = line;
    boot_close(opens(s, &r));
    line[2047] = 'a';
    line[2048] = '\0';
    refuses(s, &r, BP_ERR_RANGE,
            "kernel command line: it has 2048 bytes and this kernel takes 2047: shorten --append "
            "or the machine file's own");
    r = changed_request(s, 0x238, 4, 255);
    r.cmdline = line;
    refuses(s, &r, BP_ERR_RANGE, "it has 2048 bytes and this kernel takes 255");
}

static void a_kernel_cut_anywhere_is_named_truncated(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    uint8_t image[SAMPLE_BYTES];
    make_bzimage(image);
    char text[80];
    for (size_t n = 1; n < 0x264; n++) {
        struct boot_request r = x86_request(s, scratch_file(s, "bzImage", image, n));
        (void)snprintf(text, sizeof(text),
                       "is truncated: %zu bytes are less than a kernel's header", n);
        refuses(s, &r, BP_ERR_FORMAT, text);
    }
    for (size_t n = 0x264; n < SAMPLE_BYTES - 15; n += n < 0x280 ? 1 : 97) {
        struct boot_request r = x86_request(s, scratch_file(s, "bzImage", image, n));
        (void)snprintf(text, sizeof(text), "is truncated: it has %zu bytes and its header says %u",
                       n, SAMPLE_BYTES);
        refuses(s, &r, BP_ERR_FORMAT, text);
    }
    for (size_t n = SAMPLE_BYTES - 15; n <= SAMPLE_BYTES; n++) { /* syssize is rounded up */
        struct boot_request r = x86_request(s, scratch_file(s, "bzImage", image, n));
        struct boot *boot = opens(s, &r);
        struct boot_tables tables = sample_tables();
        loads(s, boot, &tables);
        boot_close(boot);
    }
}

static void what_follows_the_kernel_in_its_file_is_not_loaded(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    uint8_t image[SAMPLE_BYTES + 100];
    make_bzimage(image);
    memset(image + SAMPLE_BYTES, 0x77, 100); /* a signature */
    struct boot_request r = x86_request(s, scratch_file(s, "bzImage", image, sizeof(image)));
    struct boot *boot = opens(s, &r);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    assert_int_equal(s->ram[2 * MIB + SAMPLE_CODE_BYTES], 0);
    boot_close(boot);
}

static void each_wrong_header_field_has_its_sentence(void **state)
{
    static const struct {
        unsigned at, bytes;
        uint64_t value;
        int32_t status;
        const char *text;
    } fields[] = {
        {0x1f4, 4, 0, BP_ERR_FORMAT, "its header says syssize 0"},
        {0x1f4, 4, 0xffffffff, BP_ERR_FORMAT,
         "is truncated: it has 10752 bytes and its header says 68719479280"},
        {0x1f1, 1, 255, BP_ERR_FORMAT,
         "is truncated: it has 10752 bytes and its header says 139264"},
        {0x1fe, 2, 0x55aa, BP_ERR_FORMAT, "its header says boot_flag 0x55aa, not 0xaa55"},
        {0x201, 1, 0x61, BP_ERR_FORMAT,
         "its header ends at 0x263, but that of its protocol at 0x264"},
        {0x202, 4, 0x53726449, BP_ERR_FORMAT,
         "is no x86_64 kernel: neither a Linux bzImage nor an ELF file"},
        {0x206, 2, 0x020b, BP_ERR_UNSUPPORTED,
         "speaks boot protocol 2.11, and 2.12 is needed: use a kernel of Linux 3.8 or later"},
        {0x206, 2, 0x0000, BP_ERR_UNSUPPORTED, "speaks boot protocol 0.0, and 2.12 is needed"},
        {0x206, 2, 0x0300, BP_ERR_UNSUPPORTED, "speaks boot protocol 3.0, and 2.12 is needed"},
        {0x211, 1, 0, BP_ERR_UNSUPPORTED,
         "is a kernel that is loaded below 640 KiB (zImage): use a bzImage"},
        {0x230, 4, 0, BP_ERR_FORMAT, "its header says kernel_alignment 0x0, no power of two"},
        {0x230, 4, 0x300000, BP_ERR_FORMAT,
         "its header says kernel_alignment 0x300000, no power of two"},
        {0x236, 2, 0xfffe, BP_ERR_UNSUPPORTED, "is a 32-bit x86 kernel: use an x86_64 one"},
        {0x248, 4, 8193, BP_ERR_FORMAT,
         "its header says that its payload has 2048 bytes at 8193, and there are 8192 in all"},
        {0x24c, 4, 0xffffffff, BP_ERR_FORMAT,
         "its header says that its payload has 4294967295 bytes at 1024, and there are 8192"},
        {0x258, 8, 0x100000000, BP_ERR_RANGE,
         "its header says pref_address 0x100000000, beyond 4 GiB"},
        {0x258, 8, UINT64_MAX, BP_ERR_RANGE,
         "its header says pref_address 0xffffffffffffffff, beyond 4 GiB"},
        {0x258, 8, 0x1000000, BP_ERR_RANGE,
         "kernel does not fit: it needs 0x1000000-0x10fffff and RAM ends at 0xffffff: give the "
         "machine more memory (--memory)"},
        {0x260, 4, 0, BP_ERR_FORMAT,
         "its header says init_size 0, less than the 8192 bytes that are loaded"},
        {0x260, 4, 8191, BP_ERR_FORMAT, "its header says init_size 8191, less than the 8192"},
        {0x260, 4, 0xffffffff, BP_ERR_RANGE,
         "kernel does not fit: it needs 0x200000-0x1001ffffe and RAM ends at 0xffffff: give the "
         "machine more memory (--memory)"},
    };
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct boot_request r = changed_request(s, fields[i].at, fields[i].bytes, fields[i].value);
        refuses(s, &r, fields[i].status, fields[i].text);
        assert_non_null(strstr(s->err.text, "bzImage: ")); /* which file */
    }
}

static void zero_setup_sectors_mean_four_and_255_are_legal(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    struct boot_request r = changed_request(s, 0x1f1, 1, 0);
    struct boot *boot = opens(s, &r);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    uint8_t small[SAMPLE_BYTES];
    make_bzimage(small);
    assert_memory_equal(s->ram + 2 * MIB, small + SAMPLE_SETUP_BYTES, SAMPLE_CODE_BYTES);
    boot_close(boot);
    size_t setup = 256 * 512;
    uint8_t *large = malloc(setup + SAMPLE_CODE_BYTES);
    assert_non_null(large);
    memset(large, 0, setup);
    make_bzimage(large);
    large[0x1f1] = 255;
    memset(large + setup, 0x42, SAMPLE_CODE_BYTES);
    r.kernel = scratch_file(s, "bzImage", large, setup + SAMPLE_CODE_BYTES);
    free(large);
    boot = opens(s, &r);
    loads(s, boot, &tables);
    assert_int_equal(s->ram[2 * MIB], 0x42);
    assert_int_equal(s->ram[2 * MIB + SAMPLE_CODE_BYTES - 1], 0x42);
    boot_close(boot);
}

static void a_relocatable_kernel_is_aligned_and_never_below_1_mib(void **state)
{
    static const struct {
        uint64_t pref, entry;
    } pairs[] = {{0, 0x200200}, {0x180000, 0x200200}, {0x200001, 0x400200}, {0x600000, 0x600200}};
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    for (size_t i = 0; i < 4; i++) {
        struct boot_request r = changed_request(s, 0x258, 8, pairs[i].pref);
        struct boot *boot = opens(s, &r);
        assert_int_equal(boot_get_plan(boot)->entry_gpa, pairs[i].entry);
        boot_close(boot);
    }
}

static void a_kernel_that_cannot_move_goes_exactly_where_it_says(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    uint8_t image[SAMPLE_BYTES];
    make_bzimage(image);
    image[0x234] = 0;
    put32(image + 0x230, 0);
    put64(image + 0x258, 0x123000);
    struct boot_request r = x86_request(s, scratch_file(s, "bzImage", image, sizeof(image)));
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, 0x123200);
    boot_close(boot);
    put64(image + 0x258, 0x80000);
    r.kernel = scratch_file(s, "bzImage", image, sizeof(image));
    refuses(s, &r, BP_ERR_EXISTS,
            "kernel (0x80000-0x17ffff) overlaps area of the PC's firmware (0x9fc00-0xfffff)");
}

static void a_header_longer_than_any_known_one_is_cut_where_the_page_ends_it(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    uint8_t image[SAMPLE_BYTES];
    make_bzimage(image);
    image[0x201] = 0xff;
    memset(image + 0x26c, 0x99, 0x301 - 0x26c);
    struct boot_request r = x86_request(s, scratch_file(s, "bzImage", image, sizeof(image)));
    struct boot *boot = opens(s, &r);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    const uint8_t *page = s->ram + register_of(boot, REG_X86_64_RSI);
    assert_int_equal(page[0x28f], 0x99);
    assert_int_equal(page[0x290], 0);
    assert_int_equal(get64(page + 0x2d0 + 20), 0xa0000); /* the memory map is untouched */
    boot_close(boot);
}

static void machines_with_too_little_ram_are_told_so(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 4 * MIB);
    struct boot_request r = plain_request(s);
    boot_close(opens(s, &r)); /* 2 MiB + 1 MiB, and the tables */
    r.acpi_bytes = 2 * MIB;
    refuses(s, &r, BP_ERR_NO_SPACE,
            "ACPI table area does not fit: no 2 MiB in one piece are left of the machine's 4 MiB "
            "of RAM: give it more (--memory)");
    r = changed_request(s, 0x258, 8, 16 * MIB);
    refuses(s, &r, BP_ERR_RANGE,
            "kernel does not fit: it needs 0x1000000-0x10fffff and RAM ends at 0x3fffff: give the "
            "machine more memory (--memory)");
    r = plain_request(s);
    r.ram[0].size = MIB;
    refuses(s, &r, BP_ERR_RANGE,
            "kernel does not fit: it needs 0x200000-0x2fffff and RAM ends at 0xfffff: give the "
            "machine more memory (--memory)");
    r.ram[0].size = MIB / 2;
    refuses(s, &r, BP_ERR_RANGE,
            "area of the PC's firmware does not fit: it needs 0x9fc00-0xfffff and RAM ends at "
            "0x7ffff: give the machine more memory (--memory)");
    r.n_ram = 0;
    refuses(s, &r, BP_ERR_INVALID, "nothing can be loaded: the machine has no RAM");
}

static void kernels_of_other_architectures_are_named(void **state)
{
    static const struct {
        unsigned at;
        const char *magic;
        const char *text;
    } kinds[] = {
        {0x38, "ARM\x64",
         "is an arm64 kernel (Image), but the machine is x86_64: use one for "
         "x86_64, or another --arch"},
        {0x38, "RSC\x05", "is a riscv64 kernel (Image), but the machine is x86_64"},
        {0x00, "\x1f\x8b\x08\x00", "is compressed with gzip"},
        {0x00, "#!/b", "is a script"},
    };
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint8_t image[4096] = {0};
        memcpy(image + kinds[i].at, kinds[i].magic, 4);
        struct boot_request r = x86_request(s, scratch_file(s, "Image", image, sizeof(image)));
        refuses(s, &r, BP_ERR_UNSUPPORTED, kinds[i].text);
    }
    struct boot_request r = plain_request(s);
    r.firmware = scratch_file(s, "fw.bin", "firmware", 8);
    refuses(s, &r, BP_ERR_UNSUPPORTED,
            "fw.bin: x86_64 machines have no place for firmware: name a kernel (--kernel) and "
            "leave --firmware out");
}

static void a_second_load_after_a_reset_gives_the_same_memory(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    struct boot_request r = plain_request(s);
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    r.cmdline = "quiet";
    struct boot *boot = opens(s, &r);
    struct boot_tables tables = sample_tables();
    loads(s, boot, &tables);
    uint8_t *first = malloc(s->ram_bytes);
    assert_non_null(first);
    memcpy(first, s->ram, s->ram_bytes);
    memset(s->ram, 0, s->ram_bytes);
    loads(s, boot, &tables);
    assert_memory_equal(first, s->ram, s->ram_bytes);
    free(first);
    boot_close(boot);
}

static void tables_larger_than_announced_are_refused(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, 0, 16 * MIB);
    struct boot_request r = plain_request(s);
    struct boot *boot = opens(s, &r);
    struct boot_tables tables = sample_tables();
    tables.acpi_bytes = 8193;
    assert_int_equal(boot_load(boot, &s->memory, &tables, &s->err), BP_ERR_NO_SPACE);
    assert_string_equal(s->err.text,
                        "ACPI tables: 8193 bytes, but only 8192 were announced for them");
    tables = sample_tables();
    tables.n_e820 = 9;
    assert_int_equal(boot_load(boot, &s->memory, &tables, &s->err), BP_ERR_NO_SPACE);
    assert_string_equal(s->err.text, "memory map: 9 entries, but only 8 were announced for it");
    tables = sample_tables();
    tables.seed_bytes = 65;
    assert_int_equal(boot_load(boot, &s->memory, &tables, &s->err), BP_ERR_NO_SPACE);
    assert_string_equal(s->err.text, "random numbers: 65 bytes, more than 64");
    boot_close(boot);
}

/* Whatever sizes are claimed: what is accepted lies in RAM and nothing over anything else. */
static void accepted_plans_never_overlap_whatever_the_sizes(void **state)
{
    struct scratch *s = *state;
    uint64_t seed = 0x9e3779b97f4a7c15;
    unsigned accepted = 0;
    scratch_ram_at(s, 0, MIB);
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t image[SAMPLE_BYTES];
        uint64_t random[6];
        for (unsigned i = 0; i < 6; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            random[i] = seed >> 24;
        }
        make_bzimage(image);
        put64(image + 0x258, random[0] % (40 * MIB));
        put32(image + 0x260, (uint32_t)(random[1] % (40 * MIB)));
        put32(image + 0x22c, (uint32_t)(random[2] % (80 * MIB)));
        image[0x234] = random[3] & 1;
        struct boot_request r = x86_request(s, scratch_file(s, "bzImage", image, sizeof(image)));
        r.initrd = random[3] & 2 ? r.kernel : NULL;
        r.ram[0].size = random[4] % (64 * MIB);
        r.acpi_bytes = random[5] % (2 * MIB);
        struct boot *boot;
        if (boot_open(&r, &boot, &s->err) != BP_OK)
            continue;
        accepted++;
        const struct boot_space *space = &boot->space;
        for (size_t i = 0; i < space->n_taken; i++) {
            assert_true(space->taken[i].base + space->taken[i].size <= r.ram[0].size);
            for (size_t k = 0; k < i; k++)
                assert_true(space->taken[i].base + space->taken[i].size <= space->taken[k].base ||
                            space->taken[k].base + space->taken[k].size <= space->taken[i].base);
        }
        if (r.initrd != NULL)
            assert_true(boot->plan.initrd_gpa + boot->plan.initrd_bytes - 1 <=
                        get32(image + 0x22c));
        boot_close(boot);
    }
    assert_in_range(accepted, 200, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_kernel_goes_to_its_preferred_address_and_begins_in_64_bit_mode),
        TEST(the_zero_page_says_what_firmware_would),
        TEST(without_a_command_line_the_kernel_finds_an_empty_one),
        TEST(random_numbers_and_the_rest_of_a_long_memory_map_hang_on_the_zero_page),
        TEST(the_acpi_tables_lie_at_the_top_of_ram_and_the_initrd_below_them),
        TEST(initrd_addr_max_is_honoured_and_named),
        TEST(a_command_line_may_be_as_long_as_the_kernel_says_and_no_longer),
        TEST(a_kernel_cut_anywhere_is_named_truncated),
        TEST(what_follows_the_kernel_in_its_file_is_not_loaded),
        TEST(each_wrong_header_field_has_its_sentence),
        TEST(zero_setup_sectors_mean_four_and_255_are_legal),
        TEST(a_relocatable_kernel_is_aligned_and_never_below_1_mib),
        TEST(a_kernel_that_cannot_move_goes_exactly_where_it_says),
        TEST(a_header_longer_than_any_known_one_is_cut_where_the_page_ends_it),
        TEST(machines_with_too_little_ram_are_told_so),
        TEST(kernels_of_other_architectures_are_named),
        TEST(a_second_load_after_a_reset_gives_the_same_memory),
        TEST(tables_larger_than_announced_are_refused),
        TEST(accepted_plans_never_overlap_whatever_the_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
