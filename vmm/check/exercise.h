/* What a guest and the outside world can do to any device: exhaustively and at random. */
#ifndef VMM_CHECK_EXERCISE_H
#define VMM_CHECK_EXERCISE_H

#include "check/check.h"

/* The device with the run's settings, running; ends the test when it cannot be made. `copy`: which
 * of the run's setups. */
struct bench *exercise_create(struct check_run *run, uint32_t copy);

/* `n` random actions (bench/actions.h) from this seed, but for forged states and failing calls,
 * which tests of their own are for; then nothing is held back any more. */
void exercise(struct check_run *run, struct bench *b, uint64_t seed, uint32_t n);

/* Disks, workers and calls do what they do; what was on its way ends. */
void exercise_rest(struct check_run *run, struct bench *b);

/* Every offset with every width that a region allows, several values. Returns how many accesses. */
uint64_t exercise_sweep(struct check_run *run, struct bench *b);

/* So many rounds, or more or fewer as the program is slow (sanitizers) and BP_CHECK_ROUNDS says, in
 * percent; at least one. */
uint32_t exercise_rounds(uint32_t n);

/* Deterministic random numbers. */
uint64_t exercise_random(uint64_t *seed);

/* A device's state; free() the bytes. */
struct saved {
    uint8_t *bytes;
    uint64_t size;
};
struct saved exercise_save(struct check_run *run, struct bench *b);
bool exercise_is_same(const struct saved *a, const struct saved *b);

/* Where two states of a device differ first: "field level: 3 and 0". */
const char *exercise_difference(const struct saved *a, const struct saved *b);

#endif
