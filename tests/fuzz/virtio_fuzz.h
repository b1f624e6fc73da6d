/* The one function of a fuzz target, named by libFuzzer. */
#ifndef TESTS_VIRTIO_FUZZ_H
#define TESTS_VIRTIO_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
