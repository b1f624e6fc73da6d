/* The conformance program's parts. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <backplane/bench.h>

/* One plugin under test. */
struct subject {
    const struct bp_class *class_;
    const char *settings[3][8]; /* the required properties of each copy, NULL-ended */
    struct bench_setup setup[3];
};

/* A result line; `problem` is NULL or why it failed. */
void report(const char *check, const char *problem);

/* Deterministic random numbers. */
uint64_t random_next(uint64_t *seed);

/* Everything that a guest and the outside can do to a device, at random. */
void exercise(struct bench *b, const struct bp_class *class_, uint64_t seed, uint32_t steps);

/* Every offset with every width that a region allows, several values. Returns how many accesses. */
uint64_t sweep(struct bench *b, const struct bp_class *class_);

#endif
