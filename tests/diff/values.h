/*
 * A seeded generator of numbers, and operands at which arithmetic breaks.
 */
#ifndef TESTS_DIFF_VALUES_H
#define TESTS_DIFF_VALUES_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

struct rng rng_from_seed(uint64_t seed);
uint64_t rng_next(struct rng *rng);
uint32_t rng_below(struct rng *rng, uint32_t n); /* 0 to n - 1 */
bool rng_one_in(struct rng *rng, uint32_t n);

uint64_t value_integer(struct rng *rng);
uint64_t value_double(struct rng *rng);
uint32_t value_single(struct rng *rng);
/* What an f register may hold: a double, a boxed single, or a single that is boxed badly. */
uint64_t value_f_register(struct rng *rng);

/* Operands that are nasty with each other, as f registers hold them: singles, then doubles. In each
 * format four windows of eight: ties, the underflow border, specials, the overflow border. */
#define VALUE_CORNERS 32u
#define VALUE_WINDOW  8u
uint64_t value_corner(bool is_double, uint32_t index);

#endif
