#include "check/list.h"

#include <string.h>

#include "check/load.h"
#include "check/run.h"

/* In the order of the levels. The gates come before what cannot be tried without them. */
static const struct check_table *const tables[] = {
    &check_elf_tests,    &check_load_tests,   &check_life_tests,
    &check_tables_tests, &check_access_tests, &check_describe_tests,
    &check_virtio_tests, &check_state_tests,  &check_fuzz_tests,
};

const struct check_test *check_test_at(size_t i)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        if (i < tables[t]->n_tests)
            return &tables[t]->tests[i];
        i -= tables[t]->n_tests;
    }
    return NULL;
}

bool check_is_gate(const struct check_test *test)
{
    static const char *const gates[] = {"load.elf", "load.note", "load.opens", "tables.sane",
                                        "life.setup"};
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
        if (strcmp(test->name, gates[i]) == 0)
            return true;
    return false;
}
