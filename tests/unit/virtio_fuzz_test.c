/* Seeded programs for the fuzz target of the virtio core: the same ones each time. BP_FUZZ_RUNS in
 * the environment makes more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fuzz/virtio_fuzz.c"

#define RUNS          4000u
#define PROGRAM_BYTES 1024u

static uint64_t xorshift(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void random_drivers_neither_crash_nor_hang_the_device(void **state)
{
    const char *wanted = getenv("BP_FUZZ_RUNS");
    unsigned long runs = wanted == NULL ? RUNS : strtoul(wanted, NULL, 10);
    uint64_t seed = 0x9e3779b97f4a7c15u;
    static uint8_t bytes[PROGRAM_BYTES];
    (void)state;
    for (unsigned long i = 0; i < runs; i++) {
        size_t size = xorshift(&seed) % PROGRAM_BYTES;
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)(xorshift(&seed) >> 32);
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_drivers_neither_crash_nor_hang_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
