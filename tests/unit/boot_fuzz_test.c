/* The boot fuzz target on seeded input: images that are nearly right, a few bytes changed, some
 * cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "fuzz/boot_fuzz.c"

#define IMAGES 10000

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

#define IMAGE_BYTES 4096

static void make_elf(uint8_t *image, unsigned machine, uint64_t gpa)
{
    memcpy(image, "\177ELF\x02\x01\x01", 7);
    put(image + 16, 4, (uint64_t)machine << 16 | 2);
    put(image + 20, 4, 1);
    put(image + 24, 8, gpa);
    put(image + 32, 8, 64);
    put(image + 54, 2, 56);
    put(image + 56, 2, 3);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *p = image + 64 + i * 56;
        put(p, 4, 1);
        put(p + 8, 8, 256 * i);
        put(p + 16, 8, gpa + 0x100000 * i);
        put(p + 24, 8, gpa + 0x100000 * i);
        put(p + 32, 8, 256);
        put(p + 40, 8, 4096);
    }
    uint8_t *note = image + 64 + 2 * 56; /* the header of a note with a PVH entry, and that */
    put(note, 4, 4);
    put(note + 8, 8, 240);
    put(note + 32, 8, 20);
    put(image + 240, 4, 4);
    put(image + 244, 4, 4);
    put(image + 248, 4, 18);
    memcpy(image + 252, "Xen", 4);
    put(image + 256, 4, gpa + 32);
}

static void make_elf32(uint8_t *image)
{
    memcpy(image, "\177ELF\x01\x01\x01", 7);
    put(image + 16, 4, 3u << 16 | 2);
    put(image + 20, 4, 1);
    put(image + 24, 4, 0x200000);
    put(image + 28, 4, 52);
    put(image + 42, 2, 32);
    put(image + 44, 2, 1);
    put(image + 52, 4, 1);
    put(image + 60, 4, 0x200000);
    put(image + 64, 4, 0x200000);
    put(image + 68, 4, 256);
    put(image + 72, 4, 4096);
}

static void make_riscv_linux(uint8_t *image)
{
    memcpy(image, "MZ", 2);
    put(image + 8, 8, 0x200000);
    put(image + 16, 8, 0x10000);
    memcpy(image + 48, "RISCV\0\0\0RSC\x05", 12);
    put(image + 60, 4, 64);
    memcpy(image + 64, "PE\0\0", 4);
    put(image + 70, 2, 1);
    put(image + 84, 2, 160);
    put(image + 64 + 24 + 160 + 16, 4, 256);
    put(image + 64 + 24 + 160 + 20, 4, 256);
}

static void make_bzimage(uint8_t *image)
{
    image[0x1f1] = 1;
    put(image + 0x1f4, 4, 64);
    put(image + 0x1fe, 2, 0xaa55);
    image[0x201] = 0x6a;
    memcpy(image + 0x202, "HdrS", 4);
    put(image + 0x206, 2, 0x20f);
    image[0x211] = 1;
    put(image + 0x22c, 4, 0x7fffffff);
    put(image + 0x230, 4, 0x100000);
    image[0x234] = 1;
    put(image + 0x236, 2, 1);
    put(image + 0x238, 4, 2047);
    put(image + 0x258, 8, 0x100000);
    put(image + 0x260, 4, 0x100000);
}

static void make_arm64_linux(uint8_t *image)
{
    make_riscv_linux(image);
    memset(image + 48, 0, 12);
    put(image + 8, 8, 0x80000);
    memcpy(image + 56, "ARM\x64", 4);
}

/* As it is, or as the payload of a zboot kernel. */
static void make_packed(uint8_t *image, bool is_zboot)
{
    uint8_t plain[2048] = {0};
    uint8_t *to = is_zboot ? image + 512 : image;
    z_stream z = {.next_in = plain, .avail_in = sizeof(plain), .next_out = to, .avail_out = 1024};
    make_arm64_linux(plain);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    if (!is_zboot)
        return;
    memcpy(image, "MZ\0\0zimg", 8);
    put(image + 8, 4, 512);
    put(image + 12, 4, z.total_out);
    memcpy(image + 24, "gzip", 5);
}

/* Where in the image the bytes are that matter. */
struct sample {
    size_t from, bytes;
};

static struct sample make_arm64_sample(unsigned kind, uint8_t *image)
{
    if (kind == 0)
        make_elf(image, 183, 0x40200000);
    else if (kind == 1)
        make_arm64_linux(image);
    else
        make_packed(image, kind == 3);
    return kind == 2 ? (struct sample){0, 64} : (struct sample){0, 264};
}

static struct sample make_sample(unsigned kind, uint8_t flags, uint8_t *image)
{
    if ((flags & (ON_X86 | ON_ARM64)) == ON_ARM64)
        return make_arm64_sample(kind, image);
    bool is_x86 = flags & ON_X86;
    if (kind == 0)
        make_elf(image, is_x86 ? 62 : 243, is_x86 ? 0x200000 : 0x80200000);
    else if (kind == 1 && is_x86)
        make_elf32(image);
    else if (is_x86)
        make_bzimage(image);
    else
        make_riscv_linux(image);
    return kind > 1 && is_x86 ? (struct sample){0x1f1, 0x80} : (struct sample){0, 264};
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void nearly_right_images_do_no_harm(void **state)
{
    uint64_t random = 0x9e3779b97f4a7c15u;
    (void)state;
    for (unsigned i = 0; i < IMAGES; i++) {
        uint8_t input[1 + IMAGE_BYTES] = {0};
        input[0] = (uint8_t)random_next(&random);
        struct sample sample = make_sample(i % 4, input[0], input + 1);
        for (uint64_t n = random_next(&random) % 4; n > 0; n--)
            input[1 + sample.from + random_next(&random) % sample.bytes] =
                (uint8_t)random_next(&random);
        size_t size = random_next(&random) % 8 == 0 ? random_next(&random) % (IMAGE_BYTES + 1)
                                                    : IMAGE_BYTES + 1;
        assert_int_equal(LLVMFuzzerTestOneInput(input, size), 0);
    }
    assert_in_range(n_loaded, IMAGES / 10, IMAGES); /* or it has only looked at refusals */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearly_right_images_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
