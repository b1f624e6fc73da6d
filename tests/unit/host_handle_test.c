/* Handles of sdk/host/handle.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "handle.h"

static void a_handle_finds_its_object_until_it_is_removed(void **state)
{
    struct handle_table table;
    int object;
    bp_handle h;

    (void)state;
    handle_table_init(&table);
    h = handle_add(&table, &object);
    assert_true(h != BP_NO_HANDLE);
    assert_ptr_equal(handle_find(&table, h), &object);
    assert_ptr_equal(handle_remove(&table, h), &object);
    assert_null(handle_find(&table, h));
    assert_null(handle_remove(&table, h));
    handle_table_fini(&table);
}

static void a_slot_used_again_does_not_revive_the_old_handle(void **state)
{
    struct handle_table table;
    int a, b;
    bp_handle first, second;

    (void)state;
    handle_table_init(&table);
    first = handle_add(&table, &a);
    handle_remove(&table, first);
    second = handle_add(&table, &b);
    assert_true(first != second);
    assert_int_equal((uint32_t)first, (uint32_t)second);
    assert_null(handle_find(&table, first));
    assert_ptr_equal(handle_find(&table, second), &b);
    handle_table_fini(&table);
}

static void numbers_that_never_were_handles_find_nothing(void **state)
{
    static const bp_handle wrong[] = {0,
                                      1,
                                      UINT32_MAX,
                                      UINT64_MAX,
                                      UINT64_C(1) << 32,
                                      UINT64_C(2) << 32 | 1,
                                      UINT64_C(1) << 32 | 9};
    struct handle_table table;
    int object;

    (void)state;
    handle_table_init(&table);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_null(handle_find(&table, wrong[i]));
    assert_true(handle_add(&table, &object) == (UINT64_C(1) << 32 | 1));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_null(handle_find(&table, wrong[i]));
    handle_table_fini(&table);
}

static void a_thousand_objects_are_all_found_and_walked(void **state)
{
    static int objects[1000];
    static bp_handle handles[1000];
    struct handle_table table;
    uint32_t cursor = 0;
    size_t seen = 0;

    (void)state;
    handle_table_init(&table);
    for (size_t i = 0; i < 1000; i++)
        handles[i] = handle_add(&table, &objects[i]);
    for (size_t i = 0; i < 1000; i++)
        assert_ptr_equal(handle_find(&table, handles[i]), &objects[i]);
    for (size_t i = 0; i < 1000; i += 2)
        handle_remove(&table, handles[i]);
    assert_int_equal(table.n_used, 500);
    while (handle_next(&table, &cursor))
        seen++;
    assert_int_equal(seen, 500);
    handle_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_finds_its_object_until_it_is_removed),
        cmocka_unit_test(a_slot_used_again_does_not_revive_the_old_handle),
        cmocka_unit_test(numbers_that_never_were_handles_find_nothing),
        cmocka_unit_test(a_thousand_objects_are_all_found_and_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
