/* The tests in the order in which they run. */
#ifndef VMM_CHECK_LIST_H
#define VMM_CHECK_LIST_H

#include "check/check.h"

#define CHECK_TESTS_MAX 200u

/* Without what it tests nothing that loads the plugin can be tried. */
bool check_is_gate(const struct check_test *test);

#endif
