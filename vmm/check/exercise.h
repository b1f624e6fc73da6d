/* What a guest and the outside world can do to any device: exhaustively and at random. */
#ifndef VMM_CHECK_EXERCISE_H
#define VMM_CHECK_EXERCISE_H

#include "check/check.h"

/* The device with the run's settings, running; ends the test when it cannot be made. `copy`: which
 * of the run's setups. */
struct bench *exercise_create(struct check_run *run, uint32_t copy);

/* `n` random actions (action.h) from this seed. */
void exercise(struct check_run *run, struct bench *b, uint64_t seed, uint32_t n);

/* Every offset with every width that a region allows, several values. Returns how many accesses. */
uint64_t exercise_sweep(struct check_run *run, struct bench *b);

#endif
