/* Tests of level state that are in state_damage.c. */
#ifndef VMM_CHECK_STATE_TESTS_H
#define VMM_CHECK_STATE_TESTS_H

#include "check/check.h"

void state_truncated(struct check_run *run);
void state_flipped(struct check_run *run);
void state_range(struct check_run *run);
void state_fields(struct check_run *run);

#endif
