/* "Did you mean": the one place that finds the known word nearest to a misspelt one. */
#ifndef VMM_UTIL_NEAREST_H
#define VMM_UTIL_NEAREST_H

#include <stddef.h>

/* By edit distance with transpositions; NULL when none is near enough to be a likely slip. */
const char *nearest_word(const char *word, const char *const *known, size_t n_known);

#endif
