/*
 * backplane/bench_fuzz.h - the entry of a libFuzzer program for one device, in C or C++:
 *
 *     #include <backplane/bench_fuzz.h>
 *     BENCH_FUZZ(BENCH_CLASS)
 *
 * Build it together with the plugin's sources: clang -fsanitize=fuzzer,address,undefined. The bytes
 * drive everything that bench/actions.h has: accesses, RAM, time, links, resets, state, failing
 * calls. BENCH_FUZZ_PRINT=1 in the environment shows an input as the lines of a test:
 *
 *     BENCH_FUZZ_PRINT=1 ./fuzz crash-1234
 */
#ifndef BACKPLANE_BENCH_FUZZ_H
#define BACKPLANE_BENCH_FUZZ_H

#include <backplane/bench.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One input, on a fresh device; returns 0. `setup` is for classes with required properties; NULL:
 * defaults, and the first byte picks processors, kind of disk and doorbells. */
int bench_fuzz_one(const struct bp_class *class_, const struct bench_setup *setup,
                   const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer's name */

#define BENCH_FUZZ(class_)                                                                         \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        return bench_fuzz_one((class_), NULL, data, size);                                         \
    }

#ifdef __cplusplus
}
#endif
#endif
