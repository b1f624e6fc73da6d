/* The boot fuzz target on seeded input: images that are nearly right, a few bytes changed, some
 * cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/boot_fuzz.c"

#define IMAGES 10000

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void make_elf(uint8_t *image)
{
    memcpy(image, "\177ELF\x02\x01\x01", 7);
    put(image + 16, 4, 243u << 16 | 2);
    put(image + 20, 4, 1);
    put(image + 24, 8, RAM_BASE + 0x200000);
    put(image + 32, 8, 64);
    put(image + 54, 2, 56);
    put(image + 56, 2, 2);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *p = image + 64 + i * 56;
        put(p, 4, 1);
        put(p + 8, 8, 256 * i);
        put(p + 16, 8, RAM_BASE + 0x200000 + 0x100000 * i);
        put(p + 24, 8, RAM_BASE + 0x200000 + 0x100000 * i);
        put(p + 32, 8, 256);
        put(p + 40, 8, 4096);
    }
}

static void make_linux(uint8_t *image)
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
        uint8_t input[1 + 1024] = {0};
        input[0] = (uint8_t)random_next(&random);
        if (i % 2 == 0)
            make_elf(input + 1);
        else
            make_linux(input + 1);
        for (uint64_t n = random_next(&random) % 4; n > 0; n--)
            input[1 + random_next(&random) % 260] = (uint8_t)random_next(&random);
        size_t size = random_next(&random) % 8 == 0 ? random_next(&random) % 1025 : 1025;
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
