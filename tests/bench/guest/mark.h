/* The measuring program that runs alike on the host and in the guest. */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#include <stdint.h>

double mark_seconds(void); /* monotonic */

/* Each prints one line "name: VALUE unit check" and returns the exit status. */
int mark_int(uint32_t rounds);
int mark_sha(uint32_t mib);

#endif
