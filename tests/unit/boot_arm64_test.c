/* Boot of arm64 guests, with made-up kernels. Offsets are re-typed from booting.rst. */
#include "tables/boot_sample.h"

#include <backplane/abi.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include "core/reg.h"

#define MIB        0x100000ull
#define GIB        0x40000000ull
#define ARM64_BASE 0x40000000ull

/* A flat kernel of `n` bytes whose header claims `image_size`. */
static void make_image(uint8_t *image, size_t n, uint64_t text_offset, uint64_t image_size)
{
    for (size_t i = 0; i < n; i++)
        image[i] = (uint8_t)(i * 7 + 1);
    memset(image, 0, 64);
    put32(image, 0x14000010); /* b . + 64 */
    put64(image + 8, text_offset);
    put64(image + 16, image_size);
    put64(image + 24, 0xa); /* little-endian, 4 KiB pages, anywhere */
    memcpy(image + 56, "ARM\x64", 4);
}

static uint8_t *new_image(size_t n, uint64_t text_offset, uint64_t image_size)
{
    uint8_t *image = malloc(n);
    assert_non_null(image);
    make_image(image, n, text_offset, image_size);
    return image;
}

static const char *kernel_file(struct scratch *s, size_t n, uint64_t text_offset, uint64_t size)
{
    uint8_t *image = new_image(n, text_offset, size);
    const char *path = scratch_file(s, "Image", image, n);
    free(image);
    return path;
}

static struct boot_request request(struct scratch *s, const char *kernel)
{
    struct boot_request r = scratch_request(s, kernel);
    r.arch = ARCH_ARM64;
    return r;
}

/* A machine that is only planned for: nothing is loaded. */
static struct boot_request large_request(struct scratch *s, const char *kernel, uint64_t ram_bytes)
{
    struct boot_request r = request(s, kernel);
    r.ram[0] = (struct aspace_ram){ARM64_BASE, ram_bytes};
    return r;
}

static uint64_t register_of(const struct boot *boot, uint32_t reg)
{
    struct boot_register regs[BOOT_REGISTERS_MAX];
    size_t n = boot_registers(boot, 0, regs);
    for (size_t i = 0; i < n; i++)
        if (regs[i].reg == reg)
            return regs[i].value;
    fail_msg("register 0x%x is not set", reg);
    return 0;
}

/* --- Where things go -------------------------------------------------------------------------- */

static void an_image_begins_at_text_offset_at_el1_with_the_tree_in_x0(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 64 * MIB);
    struct boot_request r = request(s, kernel_file(s, 10000, 0, 3 * MIB));
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_int_equal(plan->entry_gpa, ARM64_BASE);
    assert_true(plan->dtb_gpa >= ARM64_BASE + 3 * MIB); /* not over the BSS */
    assert_int_equal(plan->dtb_gpa % 8, 0);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    assert_memory_equal(s->ram + 56, "ARM\x64", 4);
    assert_int_equal(s->ram[9999], (uint8_t)(9999 * 7 + 1));
    assert_int_equal(s->ram[10000], 0);
    assert_memory_equal(s->ram + (plan->dtb_gpa - ARM64_BASE), "tree", 4);
    assert_int_equal(register_of(boot, REG_ARM64_PC), ARM64_BASE);
    assert_int_equal(register_of(boot, REG_ARM64_PSTATE), 0x3c5);
    assert_int_equal(register_of(boot, REG_ARM64_X(0)), plan->dtb_gpa);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(register_of(boot, REG_ARM64_X(i)), 0);
    struct boot_register regs[BOOT_REGISTERS_MAX];
    assert_int_equal(boot_registers(boot, 1, regs), 0);
    boot_close(boot);
}

static void text_offset_is_honoured(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 64 * MIB);
    struct boot_request r = request(s, kernel_file(s, 4096, 0x80000, 2 * MIB));
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, ARM64_BASE + 0x80000);
    assert_true(boot_get_plan(boot)->dtb_gpa >= ARM64_BASE + 0x80000 + 2 * MIB);
    boot_close(boot);
    r.kernel = kernel_file(s, 4096, 0x80800, 4096);
    refuses(s, &r, BP_ERR_FORMAT, "text_offset 0x80800, no multiple of 4096");
    r.kernel = kernel_file(s, 4096, 64 * MIB, 4096);
    refuses(s, &r, BP_ERR_RANGE,
            "text_offset 0x4000000, and the machine has only 0x4000000 bytes of RAM");
    r.kernel = kernel_file(s, 4096, 0xfffffffffffff000, 4096);
    refuses(s, &r, BP_ERR_RANGE, "text_offset 0xfffffffffffff000, and the machine has only");
}

static void a_kernel_that_does_not_tell_its_size_has_its_neighbours_far_away(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 64 * MIB);
    struct boot_request r = request(s, kernel_file(s, 4096, 0x1234567, 0));
    r.initrd = scratch_file(s, "initrd", "initrd", 6);
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_int_equal(plan->entry_gpa, ARM64_BASE + 0x80000);
    assert_int_equal(plan->dtb_gpa, ARM64_BASE + 64 * MIB - 4096);
    assert_int_equal(plan->initrd_gpa, ARM64_BASE + 64 * MIB - 8192);
    boot_close(boot);
    const char *kernel = r.kernel;
    r = large_request(s, kernel, 4 * GIB);
    boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->dtb_gpa, ARM64_BASE + 512 * MIB - 4096);
    boot_close(boot);
}

static void initrd_and_tree_lie_behind_all_that_the_kernel_clears(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    struct boot_request r = request(s, kernel_file(s, 4096, 0, 15 * MIB));
    r.initrd = scratch_file(s, "initrd", "the initrd", 10);
    struct boot *boot = opens(s, &r);
    const struct boot_plan *plan = boot_get_plan(boot);
    assert_true(plan->dtb_gpa >= ARM64_BASE + 15 * MIB);
    assert_true(plan->initrd_gpa >= plan->dtb_gpa + plan->dtb_room);
    assert_int_equal(plan->initrd_bytes, 10);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    assert_memory_equal(s->ram + (plan->initrd_gpa - ARM64_BASE), "the initrd", 10);
    boot_close(boot);
}

/* --- What cannot go anywhere ------------------------------------------------------------------ */

static void each_range_that_does_not_fit_has_its_own_sentence(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    struct boot_request r = request(s, kernel_file(s, 4096, 0, 17 * MIB));
    refuses(s, &r, BP_ERR_RANGE,
            "Image (text_offset 0x0, image_size 0x1100000): kernel does not fit: it needs "
            "0x40000000-0x410fffff and RAM ends at 0x40ffffff");
    r.kernel = kernel_file(s, 4096, 2 * MIB, 15 * MIB);
    refuses(s, &r, BP_ERR_RANGE, "Image (text_offset 0x200000, image_size 0xf00000): kernel does");
    r.kernel = kernel_file(s, 4096, 0, UINT64_MAX);
    refuses(s, &r, BP_ERR_RANGE, "go beyond the last address");
    r.kernel = kernel_file(s, 4096, 0, 16 * MIB);
    refuses(s, &r, BP_ERR_NO_SPACE,
            "Image, which takes 0x40000000-0x40ffffff: device tree does not fit: no 1 MiB");
    r.kernel = kernel_file(s, 4096, 0, 16 * MIB - 4096);
    r.initrd = scratch_file(s, "initrd", "initrd", 6);
    refuses(s, &r, BP_ERR_NO_SPACE, "initrd: beside kernel ");
    refuses(s, &r, BP_ERR_NO_SPACE,
            "which takes 0x40000000-0x40ffefff: initrd does not fit: no 1 MiB in one piece are "
            "left of the machine's 16 MiB");
    r.dtb_bytes = 2 * MIB + 1;
    refuses(s, &r, BP_ERR_NO_SPACE, "device tree: 2097153 bytes, and kernels map no more than 2");
}

static void an_initrd_lies_within_32_gib_of_the_kernel(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, MIB);
    const char *initrd = scratch_path(s, "initrd");
    int fd = open(initrd, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    struct boot_request r = large_request(s, kernel_file(s, 4096, 0, 4 * MIB), 64 * GIB);
    r.initrd = initrd;
    /* Kernel and tree come first: what is left of the window is 32 GiB without them. */
    uint64_t most = 32 * GIB - 4 * MIB - 4096;
    if (ftruncate(fd, (off_t)most) != 0) {
        close(fd);
        skip(); /* no files of this size here */
    }
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->initrd_gpa + most, ARM64_BASE + 32 * GIB);
    boot_close(boot);
    assert_int_equal(ftruncate(fd, (off_t)most + 1), 0);
    refuses(s, &r, BP_ERR_RANGE, "does not lie within 32 GiB of the kernel: use a smaller one");
    close(fd);
}

static void a_kernel_cut_anywhere_in_its_header_is_named_truncated(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    uint8_t image[64];
    make_image(image, sizeof(image), 0, 4096);
    for (size_t n = 1; n < 64; n++) {
        struct boot_request r = request(s, scratch_file(s, "Image", image, n));
        refuses(s, &r, BP_ERR_FORMAT, "is truncated");
    }
    struct boot_request r = request(s, scratch_file(s, "Image", image, 64));
    boot_close(opens(s, &r));
}

static void a_wrong_magic_or_byte_order_is_refused(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    uint8_t image[128];
    make_image(image, sizeof(image), 0, 4096);
    image[59] = 0x63;
    struct boot_request r = request(s, scratch_file(s, "Image", image, sizeof(image)));
    refuses(s, &r, BP_ERR_FORMAT, "is no arm64 kernel: neither a Linux Image nor an ELF file");
    make_image(image, sizeof(image), 0, 4096);
    image[24] |= 1;
    r.kernel = scratch_file(s, "Image", image, sizeof(image));
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is a big-endian kernel");
}

static void a_kernel_for_another_architecture_is_named_as_such(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    uint8_t image[1024];
    make_image(image, sizeof(image), 0, 4096);
    memcpy(image + 56, "RSC\x05", 4);
    struct boot_request r = request(s, scratch_file(s, "Image", image, sizeof(image)));
    refuses(s, &r, BP_ERR_UNSUPPORTED,
            "is a riscv64 kernel (Image), but the machine is arm64: use one for arm64");
    memset(image, 0, sizeof(image));
    memcpy(image + 0x202, "HdrS", 4);
    r.kernel = scratch_file(s, "Image", image, sizeof(image));
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is an x86_64 kernel (bzImage), but the machine is arm64");
    memset(image, 0, sizeof(image));
    put32(image + 0x24, 0x016f2818);
    r.kernel = scratch_file(s, "Image", image, sizeof(image));
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is a 32-bit ARM kernel (zImage)");
    /* And the other way round. */
    make_image(image, sizeof(image), 0, 4096);
    r.kernel = scratch_file(s, "Image", image, sizeof(image));
    r.arch = ARCH_RISCV64;
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is an arm64 kernel (Image), but the machine is riscv64");
}

static void firmware_is_refused_with_a_sentence(void **state)
{
    struct scratch *s = *state;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    struct boot_request r = request(s, kernel_file(s, 4096, 0, 4096));
    r.firmware = r.kernel;
    refuses(s, &r, BP_ERR_UNSUPPORTED, "arm64 machines run no firmware yet");
}

static void a_command_line_that_linux_would_cut_is_refused(void **state)
{
    struct scratch *s = *state;
    char line[2049];
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    memset(line, 'a', sizeof(line));
    line[2048] = '\0';
    struct boot_request r = request(s, kernel_file(s, 4096, 0, 4096));
    r.cmdline = line;
    refuses(s, &r, BP_ERR_RANGE, "kernel command line: 2048 bytes, and the kernel takes 2047");
    line[2047] = '\0';
    boot_close(opens(s, &r));
}

/* --- ELF -------------------------------------------------------------------------------------- */

/* One segment at `paddr`, of which 256 bytes are in the file. */
static void make_elf(uint8_t elf[512], uint16_t machine, uint64_t paddr, uint64_t mem_bytes)
{
    memset(elf, 0, 512);
    memcpy(elf, "\177ELF\2\1\1", 7);
    put16(elf + 16, 2);
    put16(elf + 18, machine);
    put32(elf + 20, 1);
    put64(elf + 24, paddr + 16); /* entry */
    put64(elf + 32, 64);
    put16(elf + 54, 56);
    put16(elf + 56, 1);
    put32(elf + 64, 1);
    put64(elf + 64 + 8, 256);
    put64(elf + 64 + 16, paddr);
    put64(elf + 64 + 24, paddr);
    put64(elf + 64 + 32, 256);
    put64(elf + 64 + 40, mem_bytes);
    memset(elf + 256, 0x5a, 256);
}

static void an_elf_file_is_loaded_where_it_was_linked(void **state)
{
    struct scratch *s = *state;
    uint8_t elf[512];
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    make_elf(elf, 183, ARM64_BASE + 0x400000, MIB);
    struct boot_request r = request(s, scratch_file(s, "vmlinux", elf, sizeof(elf)));
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, ARM64_BASE + 0x400010);
    assert_int_equal(boot_get_plan(boot)->dtb_gpa, ARM64_BASE + 0x500000);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    assert_int_equal(s->ram[0x400000], 0x5a);
    assert_int_equal(s->ram[0x400100], 0);
    boot_close(boot);
    make_elf(elf, 243, ARM64_BASE, MIB);
    r.kernel = scratch_file(s, "vmlinux", elf, sizeof(elf));
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is an ELF file for riscv64 (machine 243), but the machine");
}

/* --- Packed ----------------------------------------------------------------------------------- */

/* `in` packed with gzip; the caller frees it. */
static uint8_t *pack(const uint8_t *in, size_t n, size_t *packed)
{
    z_stream z;
    memset(&z, 0, sizeof(z));
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, n) + 64;
    uint8_t *out = malloc(room);
    assert_non_null(out);
    z.next_in = (uint8_t *)(uintptr_t)in;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *packed = room - z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    return out;
}

static const char *packed_file(struct scratch *s, const uint8_t *in, size_t n)
{
    size_t packed;
    uint8_t *bytes = pack(in, n, &packed);
    const char *path = scratch_file(s, "Image.gz", bytes, packed);
    free(bytes);
    return path;
}

static void a_packed_image_is_loaded_at_every_reset_as_the_plain_one(void **state)
{
    struct scratch *s = *state;
    const size_t n = 2 * MIB;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    uint8_t *image = new_image(n, 0x80000, 3 * MIB);
    struct boot_request r = request(s, packed_file(s, image, n));
    struct boot *boot = opens(s, &r);
    assert_int_equal(boot_get_plan(boot)->entry_gpa, ARM64_BASE + 0x80000);
    assert_true(boot_get_plan(boot)->dtb_gpa >= ARM64_BASE + 0x80000 + 3 * MIB);
    for (int reset = 0; reset < 2; reset++) {
        memset(s->ram, 0, s->ram_bytes);
        assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
        assert_memory_equal(s->ram + 0x80000, image, n);
    }
    boot_close(boot);
    free(image);
}

static void a_bomb_is_refused_by_its_header_and_by_the_ram(void **state)
{
    struct scratch *s = *state;
    const size_t n = 40 * MIB;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    uint8_t *image = calloc(1, n);
    assert_non_null(image);
    make_image(image, 64, 0, 2 * MIB);
    struct boot_request r = request(s, packed_file(s, image, n));
    refuses(s, &r, BP_ERR_NO_SPACE,
            "Image.gz: unpacks to more than the 2097152 bytes of its header's image_size");
    make_image(image, 64, 0, 1ull << 60);
    r.kernel = packed_file(s, image, n);
    refuses(s, &r, BP_ERR_NO_SPACE, "unpacks to more than the 16777216 bytes of the machine's RAM");
    make_image(image, 64, 0, 0);
    r.kernel = packed_file(s, image, n);
    refuses(s, &r, BP_ERR_NO_SPACE, "bytes of the machine's RAM");
    make_elf(image, 183, ARM64_BASE, MIB);
    r.kernel = packed_file(s, image, n);
    refuses(s, &r, BP_ERR_NO_SPACE, "bytes of the machine's RAM");
    memset(image, 0, 512);
    r.kernel = packed_file(s, image, n);
    refuses(s, &r, BP_ERR_FORMAT, "unpacks to no arm64 kernel");
    free(image);
}

static void what_is_within_a_packed_file_is_named(void **state)
{
    struct scratch *s = *state;
    uint8_t image[4096];
    size_t n;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    make_image(image, sizeof(image), 0, MIB);
    memcpy(image + 56, "RSC\x05", 4);
    struct boot_request r = request(s, packed_file(s, image, sizeof(image)));
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is a riscv64 kernel (Image), but the machine is arm64");
    uint8_t *once = pack(image, sizeof(image), &n);
    r.kernel = packed_file(s, once, n);
    refuses(s, &r, BP_ERR_UNSUPPORTED, "is compressed with gzip: unpack it first");
    free(once);
    r.kernel = packed_file(s, (const uint8_t *)"short", 5);
    refuses(s, &r, BP_ERR_FORMAT, "unpacks to no arm64 kernel");
}

static void a_packed_file_that_is_cut_or_changed_is_damaged(void **state)
{
    struct scratch *s = *state;
    size_t packed;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    uint8_t *image = new_image(20000, 0, MIB);
    uint8_t *bytes = pack(image, 20000, &packed);
    for (size_t n = 2; n < packed; n += n < 40 || n + 40 > packed ? 1 : 61) {
        struct boot_request r = request(s, scratch_file(s, "Image.gz", bytes, n));
        refuses(s, &r, BP_ERR_FORMAT, "is truncated: its gzip data does not end");
    }
    bytes[packed - 8] ^= 1; /* the check sum */
    struct boot_request r = request(s, scratch_file(s, "Image.gz", bytes, packed));
    refuses(s, &r, BP_ERR_FORMAT, "its gzip data is damaged: incorrect data check");
    bytes[2] = 9;
    r.kernel = scratch_file(s, "Image.gz", bytes, packed);
    refuses(s, &r, BP_ERR_FORMAT, "its gzip data is damaged: ");
    free(bytes);
    free(image);
}

/* An EFI zboot kernel: header, stub, payload. */
static uint8_t *make_zboot(const uint8_t *image, size_t n, const char *kind, size_t *size)
{
    size_t packed;
    uint8_t *payload = pack(image, n, &packed);
    uint8_t *file = calloc(1, 512 + packed);
    assert_non_null(file);
    memcpy(file, "MZ\0\0zimg", 8);
    put32(file + 8, 512);
    put32(file + 12, (uint32_t)packed);
    memcpy(file + 24, kind, strlen(kind) + 1);
    memcpy(file + 512, payload, packed);
    free(payload);
    *size = 512 + packed;
    return file;
}

static void the_payload_of_a_zboot_kernel_is_unpacked_if_it_is_gzip(void **state)
{
    struct scratch *s = *state;
    size_t size;
    scratch_ram_at(s, ARM64_BASE, 16 * MIB);
    uint8_t *image = new_image(20000, 0, MIB);
    uint8_t *file = make_zboot(image, 20000, "gzip", &size);
    struct boot_request r = request(s, scratch_file(s, "vmlinuz", file, size));
    struct boot *boot = opens(s, &r);
    assert_int_equal(scratch_load(s, boot, "tree", 4), BP_OK);
    assert_memory_equal(s->ram, image, 20000);
    boot_close(boot);
    put32(file + 12, (uint32_t)size);
    r.kernel = scratch_file(s, "vmlinuz", file, size);
    refuses(s, &r, BP_ERR_FORMAT, "is truncated: its packed kernel ends beyond its");
    put32(file + 12, 10);
    r.kernel = scratch_file(s, "vmlinuz", file, size);
    refuses(s, &r, BP_ERR_FORMAT, "is truncated: its gzip data does not end");
    free(file);
    file = make_zboot(image, 20000, "zstd", &size);
    r.kernel = scratch_file(s, "vmlinuz", file, size);
    refuses(s, &r, BP_ERR_UNSUPPORTED,
            "is an EFI zboot kernel, compressed inside: unpack it first");
    refuses(s, &r, BP_ERR_UNSUPPORTED, "| zstd -dc > Image)");
    free(file);
    free(image);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_begins_at_text_offset_at_el1_with_the_tree_in_x0),
        TEST(text_offset_is_honoured),
        TEST(a_kernel_that_does_not_tell_its_size_has_its_neighbours_far_away),
        TEST(initrd_and_tree_lie_behind_all_that_the_kernel_clears),
        TEST(each_range_that_does_not_fit_has_its_own_sentence),
        TEST(an_initrd_lies_within_32_gib_of_the_kernel),
        TEST(a_kernel_cut_anywhere_in_its_header_is_named_truncated),
        TEST(a_wrong_magic_or_byte_order_is_refused),
        TEST(a_kernel_for_another_architecture_is_named_as_such),
        TEST(firmware_is_refused_with_a_sentence),
        TEST(a_command_line_that_linux_would_cut_is_refused),
        TEST(an_elf_file_is_loaded_where_it_was_linked),
        TEST(a_packed_image_is_loaded_at_every_reset_as_the_plain_one),
        TEST(a_bomb_is_refused_by_its_header_and_by_the_ram),
        TEST(what_is_within_a_packed_file_is_named),
        TEST(a_packed_file_that_is_cut_or_changed_is_damaged),
        TEST(the_payload_of_a_zboot_kernel_is_unpacked_if_it_is_gzip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
