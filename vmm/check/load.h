/* The plugin's file in the test's process. */
#ifndef VMM_CHECK_LOAD_H
#define VMM_CHECK_LOAD_H

#include "check/check.h"

/* Sets run->plugin and run->class_, or ends the test. Of the class only its address is known then.
 */
void check_load(struct check_run *run);

extern const struct check_table check_load_tests; /* loading, and the class against the note */

#endif
