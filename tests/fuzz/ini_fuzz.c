/*
 * Fuzz target: machine files. With libFuzzer (make MODE=fuzz) its main drives it; otherwise this
 * one does:  ini_fuzz [RUNS [SEED]]
 */
#include "fuzz/ini_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_machine_file(data, size);
    return 0;
}

__attribute__((weak)) int main(int argc, char **argv)
{
    unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000;
    unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    fuzz_machine_files(seed * 0x9e3779b97f4a7c15u, runs);
    printf("%lu machine files from seed %lu: none did harm\n", runs, seed);
    return 0;
}
