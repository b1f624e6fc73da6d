/* The longer tests of the life cycle: a part of check_life_tests each. */
#ifndef VMM_CHECK_LIFE_PARTS_H
#define VMM_CHECK_LIFE_PARTS_H

#include "check/check.h"

void life_leaves_nothing(struct check_run *run);
void life_is_quiet(struct check_run *run);
void life_starts_no_process(struct check_run *run);

#endif
