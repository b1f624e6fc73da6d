/* Seeded files for the fuzz target of machine files: the same ones each time. BP_FUZZ_RUNS in the
 * environment makes more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fuzz/ini_fuzz.h"

#define RUNS 5000u

static void random_machine_files_give_a_machine_or_a_sentence(void **state)
{
    (void)state;
    const char *wanted = getenv("BP_FUZZ_RUNS");
    fuzz_machine_files(0x9e3779b97f4a7c15u, wanted == NULL ? RUNS : strtoul(wanted, NULL, 10));
}

static void random_bytes_give_a_sentence(void **state)
{
    (void)state;
    static uint8_t bytes[2048];
    uint64_t seed = 7;
    for (int i = 0; i < 500; i++) {
        size_t size = fuzz_next(&seed) % sizeof(bytes);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)(fuzz_next(&seed) >> 32);
        fuzz_machine_file(bytes, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_machine_files_give_a_machine_or_a_sentence),
        cmocka_unit_test(random_bytes_give_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
