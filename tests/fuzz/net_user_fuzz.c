/* libFuzzer's entry to net_user_fuzz.h. */
#include "fuzz/net_user_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    net_user_fuzz(data, size);
    return 0;
}
