/*
 * A failing program made small: items are left out as long as it goes on failing.
 */
#ifndef TESTS_DIFF_SHRINK_H
#define TESTS_DIFF_SHRINK_H

#include <stdbool.h>

#include "diff/gen.h"

typedef bool shrink_fails(void *ctx, const struct program *program);

/* `program` fails on entry and on return. */
void shrink_program(struct program *program, shrink_fails *fails, void *ctx);

#endif
