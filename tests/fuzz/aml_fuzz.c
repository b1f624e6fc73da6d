/*
 * Fuzz target: terms of AML. With libFuzzer (make MODE=fuzz) its main drives it; otherwise this one
 * does:  aml_fuzz [RUNS [SEED]]
 */
#include "fuzz/aml_fuzz.h"

#include "tables/acpi_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_aml(data, size);
    return 0;
}

__attribute__((weak)) int main(int argc, char **argv)
{
    unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000;
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    for (unsigned long i = 0; i < runs; i++) {
        uint8_t bytes[sizeof(sample_terms)];
        memcpy(bytes, sample_terms, sizeof(bytes));
        for (unsigned k = 0; k < 1 + i % 4; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[(seed >> 33) % sizeof(bytes)] = (uint8_t)(seed >> 56);
        }
        fuzz_aml(bytes, sizeof(bytes));
    }
    printf("%lu lists of terms: none did harm\n", runs);
    return 0;
}
