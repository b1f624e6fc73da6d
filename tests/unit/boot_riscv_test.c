/* Boot of riscv64 guests, with made-up kernels. Offsets are re-typed from boot-image-header.rst. */
#include "tables/boot_sample.h"

#include <backplane/abi.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/reg.h"

#define MIB 0x100000ull

/* A flat kernel of `n` bytes whose header claims `image_size`. */
static void make_image(uint8_t *image, size_t n, uint64_t text_offset, uint64_t image_size)
{
    for (size_t i = 0; i < n; i++)
        image[i] = (uint8_t)(i * 7 + 1);
    memset(image, 0, 64);
    put32(image, 0x0000006f);
    put64(image + 8, text_offset);
    put64(image + 16, image_size);
    put32(image + 32, 2);
    memcpy(image + 48, "RISCV\0\0\0", 8);
    memcpy(image + 56, "RSC\x05", 4);
}

static const char *kernel_file(struct scratch *s, size_t n, uint64_t text_offset, uint64_t size)
{
    uint8_t *image = malloc(n);
    assert_non_null(image);
    make_image(image, n, text_offset, size);
    const char *path = scratch_file(s, "Image", image, n);
    free(image);
    return path;
}

static uint64_t register_of(const struct boot *boot, uint32_t vcpu, uint32_t reg)
{
    struct boot_register regs[BOOT_REGISTERS_MAX];
    size_t n = boot_registers(boot, vcpu, regs);
    for (size_t i = 0; i < n; i++)
        if (regs[i].reg == reg)
            return regs[i].value;
    fail_msg("register 0x%x is not set", reg);
    return 0;
}

static void an_image_goes_two_mib_above_the_ram_base_with_hart_and_tree_in_a0_and_a1(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 64 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 10000, 0x200000, 3 * MIB));
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_int_equal(plan->entry_gpa, RAM_BASE + 0x200000);
    assert_true(plan->dtb_gpa >= RAM_BASE + 5 * MIB); /* not over the BSS */
    assert_int_equal(plan->dtb_gpa % 8, 0);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    assert_memory_equal(s->ram + 0x200000 + 48, "RISCV", 5);
    assert_int_equal(s->ram[0x200000 + 9999], (uint8_t)(9999 * 7 + 1));
    assert_int_equal(s->ram[0x200000 + 10000], 0);
    assert_memory_equal(s->ram + (plan->dtb_gpa - RAM_BASE), "tree", 4);
    assert_int_equal(register_of(boot, 0, REG_RISCV64_PC), RAM_BASE + 0x200000);
    assert_int_equal(register_of(boot, 0, REG_RISCV64_MODE), 1);
    assert_int_equal(register_of(boot, 0, REG_RISCV64_X(10)), 0);
    assert_int_equal(register_of(boot, 0, REG_RISCV64_X(11)), plan->dtb_gpa);
    struct boot_register regs[BOOT_REGISTERS_MAX];
    assert_int_equal(boot_registers(boot, 1, regs), 0);
    boot_close(boot);
}

static void text_offset_is_honoured_and_zero_means_two_mib(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 64 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 4096, 0x600000, 4096));
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, RAM_BASE + 0x600000);
    boot_close(boot);
    r.kernel = kernel_file(s, 4096, 0, 4096);
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, RAM_BASE + 0x200000);
    boot_close(boot);
    r.kernel = kernel_file(s, 4096, 0x201000, 4096);
    refuses(s, &r, BP_ERR_FORMAT, "text_offset 0x201000, no multiple of 2 MiB");
    r.kernel = kernel_file(s, 4096, 0xffffffffffe00000, 4096);
    refuses(s, &r, BP_ERR_RANGE, "text_offset 0xffffffffffe00000, beyond the last address");
}

static void a_kernel_cut_anywhere_in_its_header_is_named_truncated(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    uint8_t image[64];
    make_image(image, sizeof(image), 0x200000, 4096);
    for (size_t n = 1; n < 64; n++) {
        struct boot_request r = scratch_request(s, scratch_file(s, "Image", image, n));
        refuses(s, &r, BP_ERR_FORMAT, "is truncated");
    }
    struct boot_request r = scratch_request(s, scratch_file(s, "Image", image, 64));
    boot_close(opens(s, &r));
}

static void a_wrong_magic_zero_size_or_byte_order_is_refused(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    uint8_t image[128];
    make_image(image, sizeof(image), 0x200000, 4096);
    image[59] = 4;
    struct boot_request r = scratch_request(s, scratch_file(s, "Image", image, sizeof(image)));
    refuses(s, &r, BP_ERR_FORMAT, "is no riscv64 kernel: neither a Linux Image nor an ELF file");
    make_image(image, sizeof(image), 0x200000, 0);
    r.kernel = scratch_file(s, "Image", image, sizeof(image));
    refuses(s, &r, BP_ERR_FORMAT, "image_size 0");
    make_image(image, sizeof(image), 0x200000, 4096);
    image[24] = 1;
    r.kernel = scratch_file(s, "Image", image, sizeof(image));
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is a big-endian kernel");
}

/* The EFI header's sections tell how long the file was. */
static void a_kernel_shorter_than_its_efi_sections_is_truncated(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    uint8_t image[8192];
    make_image(image, sizeof(image), 0x200000, 16384);
    memcpy(image, "MZ", 2);
    put32(image + 60, 64);
    memset(image + 64, 0, 1024);
    memcpy(image + 64, "PE\0\0", 4);
    put16(image + 64 + 6, 2);                  /* sections */
    put16(image + 64 + 20, 160);               /* size of the optional header */
    put32(image + 64 + 24 + 160 + 16, 4096);   /* first section: bytes in the file */
    put32(image + 64 + 24 + 160 + 20, 4096);   /* and where */
    put32(image + 64 + 24 + 200 + 16, 0x1000); /* second */
    put32(image + 64 + 24 + 200 + 20, 0x1001);
    struct boot_request r = scratch_request(s, scratch_file(s, "Image", image, 8192));
    refuses(s, &r, BP_ERR_FORMAT, "is truncated: it has 8192 bytes and its header says 8193");
    put32(image + 64 + 24 + 200 + 20, 0x1000);
    r.kernel = scratch_file(s, "Image", image, 8192);
    boot_close(opens(s, &r));
    for (size_t n = 64; n < 64 + 24 + 160 + 2 * 40; n++) { /* within the EFI headers */
        r.kernel = scratch_file(s, "Image", image, n);
        refuses(s, &r, BP_ERR_FORMAT, "is truncated");
    }
    r.kernel = scratch_file(s, "Image", image, 8191);
    refuses(s, &r, BP_ERR_FORMAT, "is truncated: it has 8191 bytes");
    put32(image + 60, 0xffffffff); /* the EFI header itself lies outside: not one */
    r.kernel = scratch_file(s, "Image", image, 8192);
    boot_close(opens(s, &r));
}

static void other_kinds_of_kernels_are_recognised_and_named(void **state)
{
    static const struct {
        unsigned at;
        const char *magic;
        size_t n;
        const char *text;
    } kinds[] = {
        {0, "\x1f\x8b\x08", 3, "compressed with gzip: unpack it first (gunzip -c FILE > Image)"},
        {0,
         "\xfd"
         "7zXZ",
         5, "compressed with xz: unpack it first (xz -dc FILE > Image)"},
        {0, "\x28\xb5\x2f\xfd", 4, "compressed with zstd"},
        {0, "BZh9", 4, "compressed with bzip2"},
        {0, "\x02\x21\x4c\x18", 4, "compressed with lz4"},
        {0, "\x27\x05\x19\x56", 4, "U-Boot image"},
        {0, "\xd0\x0d\xfe\xed", 4, "device tree or a FIT image"},
        {0, "#!/bin/sh", 9, "is a script"},
        {0x202, "HdrS", 4, "is an x86_64 kernel (bzImage), but the machine is riscv64"},
        {0x38, "ARM\x64", 4, "is an arm64 kernel (Image), but the machine is riscv64"},
        {0x24, "\x18\x28\x6f\x01", 4, "32-bit ARM kernel"},
    };
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint8_t image[1024] = {0};
        memcpy(image + kinds[i].at, kinds[i].magic, kinds[i].n);
        struct boot_request r = scratch_request(s, scratch_file(s, "Image", image, sizeof(image)));
        refuses(s, &r, BP_ERR_UNSUPPORTED, kinds[i].text);
    }
}

static void a_zboot_kernel_is_refused_with_the_command_that_unpacks_it(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    uint8_t image[1024] = "MZ";
    memcpy(image + 4, "zimg", 4);
    put32(image + 8, 0xb200);
    put32(image + 12, 12345);
    memcpy(image + 24, "gzip", 5);
    struct boot_request r = scratch_request(s, scratch_file(s, "Image", image, sizeof(image)));
    refuses(s, &r, BP_ERR_UNSUPPORTED,
            "EFI zboot kernel, compressed inside: unpack it first (tail -c +45569 FILE | head -c "
            "12345 | gunzip -c > Image)");
    memcpy(image + 24, "zstd22", 7);
    r.kernel = scratch_file(s, "Image", image, sizeof(image));
    refuses(s, &r, BP_ERR_UNSUPPORTED, "| zstd -dc > Image)");
}

static void what_does_not_fit_has_its_own_sentence(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 4096, 0x200000, 15 * MIB));
    refuses(s, &r, BP_ERR_RANGE,
            "kernel does not fit: it needs 0x80200000-0x810fffff and RAM ends at 0x80ffffff: give "
            "the machine more memory (--memory)");
    r.kernel = kernel_file(s, 4096, 0x2000000, 4096); /* far behind the end of RAM */
    refuses(s, &r, BP_ERR_RANGE,
            "kernel does not fit: it needs 0x82000000-0x82000fff and RAM ends at 0x80ffffff: give "
            "the machine more memory (--memory)");
    r.kernel = kernel_file(s, 4096, 0x200000, UINT64_MAX);
    refuses(s, &r, BP_ERR_RANGE, "beyond the last address");
    r.kernel = kernel_file(s, 4096, 0x200000, 13 * MIB);
    uint8_t *big = calloc(1, 3 * MIB);
    assert_non_null(big);
    r.initrd = scratch_file(s, "initrd", big, 3 * MIB);
    free(big);
    refuses(s, &r, BP_ERR_NO_SPACE,
            "initrd does not fit: no 3 MiB in one piece are left of the machine's 16 MiB of RAM");
    r.initrd = NULL;
    r.dtb_bytes = 3 * MIB;
    refuses(s, &r, BP_ERR_NO_SPACE, "device tree does not fit");
    r.dtb_bytes = 4096;
    r.n_ram = 0;
    refuses(s, &r, BP_ERR_INVALID, "has no RAM");
    r.n_ram = 1;
    r.arch = ARCH_INVALID;
    refuses(s, &r, BP_ERR_UNSUPPORTED, "no boot protocol for invalid machines");
    r = scratch_request(s, NULL);
    refuses(s, &r, BP_ERR_INVALID, "nothing to boot: name a kernel (--kernel FILE)");
}

static void the_initrd_is_copied_exactly_behind_the_kernel_and_the_tree(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 32 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 4096, 0x200000, 5 * MIB + 1));
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_int_equal(plan->initrd_bytes, 10);
    assert_int_equal(plan->initrd_gpa % 4096, 0);
    assert_true(plan->initrd_gpa >= RAM_BASE + 8 * MIB); /* Linux takes its last 2 MiB whole */
    assert_true(plan->initrd_gpa >= plan->dtb_gpa + plan->dtb_room);
    assert_int_equal(scratch_load(s, boot, "t", 1), BP_OK);
    assert_memory_equal(s->ram + (plan->initrd_gpa - RAM_BASE), "0123456789\0", 11);
    boot_close(boot);
}

static void a_second_load_after_a_reset_gives_the_same_memory(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 300000, 0x200000, MIB));
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    struct boot *boot = opens(s, &r);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    uint8_t *first = malloc(s->ram_bytes);
    assert_non_null(first);
    memcpy(first, s->ram, s->ram_bytes);
    memset(s->ram, 0, s->ram_bytes);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    assert_memory_equal(first, s->ram, s->ram_bytes);
    free(first);
    assert_int_equal(scratch_load(s, boot, s->ram, 4097), BP_ERR_NO_SPACE);
    assert_non_null(strstr(s->err.text, "only 4096 were announced"));
    assert_int_equal(truncate(r.kernel, 1000), 0);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_ERR_IO);
    assert_non_null(strstr(s->err.text, "has become shorter since it was opened"));
    boot_close(boot);
}

static void what_is_no_readable_regular_file_is_named(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    struct boot_request r = scratch_request(s, "/nonexistent/Image");
    refuses(s, &r, BP_ERR_NOT_FOUND, "kernel /nonexistent/Image: there is no such file");
    r.kernel = s->dir;
    refuses(s, &r, BP_ERR_INVALID, "is a directory: name a file");
    r.kernel = "/dev/null";
    refuses(s, &r, BP_ERR_INVALID, "is a pipe, socket or device");
    r.kernel = scratch_path(s, "fifo");
    assert_int_equal(mkfifo(r.kernel, 0600), 0);
    refuses(s, &r, BP_ERR_INVALID, "is a pipe, socket or device");
    r.kernel = scratch_file(s, "empty", "", 0);
    refuses(s, &r, BP_ERR_FORMAT, "is empty");
    r.kernel = kernel_file(s, 4096, 0x200000, 4096);
    r.initrd = "/nonexistent/initrd";
    refuses(s, &r, BP_ERR_NOT_FOUND, "initrd /nonexistent/initrd: there is no such file");
    r.initrd = NULL;
    r.firmware = "/nonexistent/fw.bin";
    refuses(s, &r, BP_ERR_NOT_FOUND, "firmware /nonexistent/fw.bin: there is no such file");
}

static void an_unreadable_file_says_how_to_mend_it(void **state)
{
    struct scratch *s = *state;
    if (geteuid() == 0) {
        print_message("skipped: root may read every file\n");
        skip();
    }
    scratch_ram(s, 16 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 4096, 0x200000, 4096));
    assert_int_equal(chmod(r.kernel, 0), 0);
    refuses(s, &r, BP_ERR_PERMISSION, "you may not read it: change its permissions (chmod a+r)");
}

/* OpenSBI's fw_dynamic.h: magic, version, next_addr, next_mode, options, boot_hart. */
static void
firmware_begins_in_machine_mode_on_every_hart_and_is_told_where_the_kernel_is(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 64 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 4096, 0x200000, 30 * MIB));
    r.firmware = scratch_file(s, "fw.bin", "firmware", 8);
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_true(plan->has_firmware);
    assert_int_equal(plan->entry_gpa, RAM_BASE);
    assert_int_equal(plan->kernel_gpa, RAM_BASE + 0x200000);
    assert_int_equal(plan->dtb_gpa, RAM_BASE + 0x2200000);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    assert_memory_equal(s->ram, "firmware", 8);
    const uint8_t *info = s->ram + (plan->info_gpa - RAM_BASE);
    assert_int_equal(get64(info), 0x4942534f);
    assert_int_equal(get64(info + 8), 2);
    assert_int_equal(get64(info + 16), RAM_BASE + 0x200000);
    assert_int_equal(get64(info + 24), 1);
    assert_int_equal(get64(info + 32), 0);
    assert_int_equal(get64(info + 40), 0);
    for (uint32_t hart = 0; hart < 3; hart++) {
        assert_int_equal(register_of(boot, hart, REG_RISCV64_PC), RAM_BASE);
        assert_int_equal(register_of(boot, hart, REG_RISCV64_MODE), 3);
        assert_int_equal(register_of(boot, hart, REG_RISCV64_X(10)), hart);
        assert_int_equal(register_of(boot, hart, REG_RISCV64_X(11)), plan->dtb_gpa);
        assert_int_equal(register_of(boot, hart, REG_RISCV64_X(12)), plan->info_gpa);
    }
    boot_close(boot);
}

static void a_large_kernel_pushes_the_tree_away_from_where_fw_jump_wants_it(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 64 * MIB);
    struct boot_request r = scratch_request(s, kernel_file(s, 4096, 0x200000, 40 * MIB));
    r.firmware = scratch_file(s, "fw.bin", "firmware", 8);
    struct boot *boot = opens(s, &r);
    assert_true(boot_get_plan(boot)->dtb_gpa >= RAM_BASE + 42 * MIB);
    boot_close(boot);
}

static void firmware_with_a_payload_needs_no_kernel_and_keeps_the_payloads_bss_free(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 96 * MIB);
    uint8_t *fw = calloc(1, 2 * MIB + 4096);
    assert_non_null(fw);
    make_image(fw + 2 * MIB, 4096, 0x200000, 50 * MIB);
    struct boot_request r = scratch_request(s, NULL);
    r.firmware = scratch_file(s, "fw.bin", fw, 2 * MIB + 4096);
    r.initrd = scratch_file(s, "initrd", "0123456789", 10);
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_int_equal(plan->info_gpa, 0);
    assert_true(plan->dtb_gpa >= RAM_BASE + 52 * MIB);
    assert_true(plan->initrd_gpa >= plan->dtb_gpa + plan->dtb_room);
    boot_close(boot);
    free(fw);
}

static void firmware_that_is_a_kernel_or_lies_over_the_kernel_is_an_error(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, 16 * MIB);
    struct boot_request r = scratch_request(s, NULL);
    r.firmware = kernel_file(s, 4096, 0x200000, 4096);
    refuses(s, &r, BP_ERR_INVALID, "is a Linux kernel, not firmware: name it with --kernel");
    uint8_t *fw = calloc(1, 3 * MIB);
    assert_non_null(fw);
    r.kernel = kernel_file(s, 4096, 0x200000, MIB);
    r.firmware = scratch_file(s, "fw.bin", fw, 3 * MIB);
    refuses(s, &r, BP_ERR_EXISTS,
            "kernel (0x80200000-0x803fffff) overlaps firmware (0x80000000-0x802fffff)");
    free(fw);
}

struct span {
    uint64_t base, size;
};

static void assert_apart(const struct span *spans, size_t n, uint64_t ram_bytes)
{
    for (size_t i = 0; i < n; i++) {
        if (spans[i].size == 0)
            continue;
        assert_true(spans[i].base >= RAM_BASE);
        assert_true(spans[i].base - RAM_BASE + spans[i].size <= ram_bytes);
        for (size_t k = 0; k < i; k++)
            if (spans[k].size != 0)
                assert_true(spans[i].base + spans[i].size <= spans[k].base ||
                            spans[k].base + spans[k].size <= spans[i].base);
    }
}

/* Whatever sizes the files claim: what is accepted lies in RAM and nothing over anything else. */
static void accepted_plans_never_overlap_whatever_the_sizes(void **state)
{
    struct scratch *s = *state;
    scratch_ram(s, MIB);
    uint64_t seed = 0x9e3779b97f4a7c15;
    unsigned accepted = 0;
    for (unsigned round = 0; round < 400; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t ram = ((seed >> 40) % 64 + 1) * MIB;
        uint64_t image_size = (seed >> 20) % (48 * MIB) + 1;
        uint64_t offset = (seed >> 50) % 8 * 2 * MIB;
        struct boot_request r = scratch_request(s, kernel_file(s, 4096, offset, image_size));
        r.initrd = scratch_file(s, "initrd", "0123456789", 10);
        r.firmware = seed & 1u ? scratch_file(s, "fw.bin", "firmware", 8) : NULL;
        r.ram[0].size = ram;
        r.dtb_bytes = (seed >> 10) % 100000;
        struct boot *boot = NULL;
        if (boot_open(&r, &boot, &s->err) != BP_OK)
            continue;
        accepted++;
        const struct boot_plan *p = boot_get_plan(boot);
        const struct span spans[] = {
            {p->kernel_gpa, image_size > 4096 ? image_size : 4096},
            {p->dtb_gpa, p->dtb_room},
            {p->initrd_gpa, p->initrd_bytes},
            {p->info_gpa, p->info_gpa != 0 ? 4096 : 0},
            {RAM_BASE, r.firmware != NULL ? 2 * MIB : 0},
        };
        assert_apart(spans, sizeof(spans) / sizeof(spans[0]), ram);
        boot_close(boot);
    }
    assert_in_range(accepted, 100, 399);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_goes_two_mib_above_the_ram_base_with_hart_and_tree_in_a0_and_a1),
        TEST(text_offset_is_honoured_and_zero_means_two_mib),
        TEST(a_kernel_cut_anywhere_in_its_header_is_named_truncated),
        TEST(a_wrong_magic_zero_size_or_byte_order_is_refused),
        TEST(a_kernel_shorter_than_its_efi_sections_is_truncated),
        TEST(other_kinds_of_kernels_are_recognised_and_named),
        TEST(a_zboot_kernel_is_refused_with_the_command_that_unpacks_it),
        TEST(what_does_not_fit_has_its_own_sentence),
        TEST(the_initrd_is_copied_exactly_behind_the_kernel_and_the_tree),
        TEST(a_second_load_after_a_reset_gives_the_same_memory),
        TEST(what_is_no_readable_regular_file_is_named),
        TEST(an_unreadable_file_says_how_to_mend_it),
        TEST(firmware_begins_in_machine_mode_on_every_hart_and_is_told_where_the_kernel_is),
        TEST(a_large_kernel_pushes_the_tree_away_from_where_fw_jump_wants_it),
        TEST(firmware_with_a_payload_needs_no_kernel_and_keeps_the_payloads_bss_free),
        TEST(firmware_that_is_a_kernel_or_lies_over_the_kernel_is_an_error),
        TEST(accepted_plans_never_overlap_whatever_the_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
