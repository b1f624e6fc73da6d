/* Everything that a guest and the world can do to the device, picked by a fuzzer: `make fuzz`. */
#include <backplane/bench_fuzz.h>

BENCH_FUZZ(BENCH_CLASS)
