/* I/O ports of x86: pins, overlaps, the lowest free ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include <backplane/abi.h>

#include "machine/ports.h"

static int make(void **state)
{
    *state = ports_create();
    return *state == NULL ? -1 : 0;
}

static int destroy(void **state)
{
    ports_destroy(*state);
    return 0;
}

static void pinned_ports_do_not_overlap(void **state)
{
    struct err err;
    assert_int_equal(ports_register(*state, "com1.ports", 0x3f8, 8, 8, &err), BP_OK);
    assert_int_equal(ports_register(*state, "com2.ports", 0x2f8, 8, 8, &err), BP_OK);
    assert_int_equal(ports_register(*state, "x.ports", 0x3f0, 16, 1, &err), BP_ERR_EXISTS);
    assert_string_equal(err.text, "x.ports overlaps com1.ports at port 0x3f8");
    assert_int_equal(ports_register(*state, "y.ports", 0x3ff, 1, 1, &err), BP_ERR_EXISTS);
    assert_int_equal(ports_register(*state, "y.ports", 0x400, 1, 1, &err), BP_OK);
}

static void ports_beyond_the_last_are_refused(void **state)
{
    struct err err;
    assert_int_equal(ports_register(*state, "a", 0xffff, 1, 1, &err), BP_OK);
    assert_int_equal(ports_register(*state, "b", 0xfff8, 9, 1, &err), BP_ERR_RANGE);
    assert_non_null(strstr(err.text, "the last port is 0xffff"));
    assert_int_equal(ports_register(*state, "b", 0x10000, 1, 1, &err), BP_ERR_RANGE);
    assert_int_equal(ports_register(*state, "b", 0, UINT64_MAX, 1, &err), BP_ERR_RANGE);
    assert_int_equal(ports_register(*state, "b", 0x3f9, 8, 8, &err), BP_ERR_INVALID);
}

static void unpinned_ports_are_the_lowest_that_fit(void **state)
{
    struct err err;
    uint64_t base = 0;
    assert_int_equal(ports_register(*state, "f", 0xc008, 8, 8, &err), BP_OK);
    assert_int_equal(ports_allocate(*state, "a", 16, 16, &base, &err), BP_OK);
    assert_int_equal(base, 0xc010);
    assert_int_equal(ports_allocate(*state, "b", 8, 8, &base, &err), BP_OK);
    assert_int_equal(base, 0xc000);
    assert_int_equal(ports_allocate(*state, "c", 1, 1, &base, &err), BP_OK);
    assert_int_equal(base, 0xc020);
}

static void running_out_of_ports_is_an_error(void **state)
{
    struct err err;
    uint64_t base = 0;
    assert_int_equal(ports_allocate(*state, "a", 0x4000, 1, &base, &err), BP_OK);
    assert_int_equal(ports_allocate(*state, "b", 1, 1, &base, &err), BP_ERR_NO_SPACE);
    assert_non_null(strstr(err.text, "b: no free 0x1 ports are left from 0xc000 on"));
    ports_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pinned_ports_do_not_overlap, make, destroy),
        cmocka_unit_test_setup_teardown(ports_beyond_the_last_are_refused, make, destroy),
        cmocka_unit_test_setup_teardown(unpinned_ports_are_the_lowest_that_fit, make, destroy),
        cmocka_unit_test_setup_teardown(running_out_of_ports_is_an_error, make, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
