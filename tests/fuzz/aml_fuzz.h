/* Fuzz target: AML that a plugin gives. What is taken is taken again, and is not longer. */
#ifndef TESTS_AML_FUZZ_H
#define TESTS_AML_FUZZ_H

#include <backplane/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/aml.h"

/* In exactly as many bytes as there are, so that a sanitizer sees a read beyond them. */
static inline void fuzz_aml(const uint8_t *data, size_t size)
{
    static struct aml_term_names names;
    struct aml a;
    struct aml again;
    struct err err;
    uint8_t *exact = malloc(size + (size == 0));
    if (exact == NULL)
        return;
    if (size > 0)
        memcpy(exact, data, size);
    aml_init(&a);
    aml_init(&again);
    if (aml_terms(&a, exact, size, &names, &err) == BP_OK &&
        (a.size > size || aml_terms(&again, a.bytes, a.size, &names, &err) != BP_OK ||
         again.size != a.size)) {
        (void)fprintf(stderr, "what was taken is not taken again: %s\n", err.text);
        abort();
    }
    aml_fini(&a);
    aml_fini(&again);
    free(exact);
}

#endif
