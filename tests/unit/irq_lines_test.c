/* Line numbers at the interrupt controller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <backplane/abi.h>

#include "core/irq.h"

static struct irq_lines *make(uint32_t first, uint32_t count)
{
    struct irq_lines *lines = NULL;
    assert_int_equal(irq_lines_create(first, count, &lines, NULL), BP_OK);
    return lines;
}

static uint32_t allocate(struct irq_lines *lines)
{
    uint32_t number = 0;
    assert_int_equal(irq_lines_allocate(lines, "a.irq", &number, NULL), BP_OK);
    return number;
}

static void lowest_free_line_is_given_first(void **state)
{
    (void)state;
    struct irq_lines *lines = make(1, 31);
    assert_int_equal(irq_lines_pin(lines, "uart.irq", 2, NULL), BP_OK);
    assert_int_equal(allocate(lines), 1);
    assert_int_equal(allocate(lines), 3);
    assert_string_equal(irq_lines_owner(lines, 2), "uart.irq");
    assert_string_equal(irq_lines_owner(lines, 3), "a.irq");
    assert_null(irq_lines_owner(lines, 4));
    assert_null(irq_lines_owner(lines, 0));
    assert_null(irq_lines_owner(lines, 32));
    irq_lines_destroy(lines);
}

static void line_that_another_device_has_is_refused_by_name(void **state)
{
    (void)state;
    struct irq_lines *lines = make(1, 31);
    struct err err;
    assert_int_equal(irq_lines_pin(lines, "uart.irq", 10, &err), BP_OK);
    assert_int_equal(irq_lines_pin(lines, "rtc.alarm", 10, &err), BP_ERR_EXISTS);
    assert_string_equal(err.text, "line 10 belongs to uart.irq: lines are not shared");
    irq_lines_destroy(lines);
}

static void line_outside_the_controller_is_refused(void **state)
{
    (void)state;
    struct irq_lines *lines = make(1, 63);
    struct err err;
    assert_int_equal(irq_lines_pin(lines, "uart.irq", 0, &err), BP_ERR_RANGE);
    assert_string_equal(err.text, "this machine has lines 1-63");
    assert_int_equal(irq_lines_pin(lines, "uart.irq", 63, &err), BP_OK);
    assert_int_equal(irq_lines_pin(lines, "uart.irq", 64, &err), BP_ERR_RANGE);
    assert_int_equal(irq_lines_pin(lines, "uart.irq", UINT32_MAX, &err), BP_ERR_RANGE);
    irq_lines_destroy(lines);
}

static void running_out_of_lines_is_an_error(void **state)
{
    (void)state;
    struct irq_lines *lines = make(32, 3);
    struct err err;
    uint32_t number;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(allocate(lines), 32 + i);
    assert_int_equal(irq_lines_allocate(lines, "b.irq", &number, &err), BP_ERR_NO_SPACE);
    assert_non_null(strstr(err.text, "this machine has lines 32-34, all taken"));
    irq_lines_destroy(lines);
}

static void impossible_controllers_are_refused(void **state)
{
    (void)state;
    struct irq_lines *lines = (void *)1;
    struct err err;
    assert_int_equal(irq_lines_create(1, 0, &lines, &err), BP_ERR_RANGE);
    assert_null(lines);
    assert_int_equal(irq_lines_create(1, UINT32_MAX, &lines, &err), BP_ERR_RANGE);
    assert_non_null(strstr(err.text, "at most 65536"));
    assert_int_equal(irq_lines_create(UINT32_MAX, 2, &lines, &err), BP_ERR_RANGE);
    assert_int_equal(irq_lines_create(UINT32_MAX, 1, &lines, &err), BP_OK);
    assert_int_equal(allocate(lines), UINT32_MAX);
    assert_int_equal(irq_lines_pin(lines, "x", UINT32_MAX, &err), BP_ERR_EXISTS);
    irq_lines_destroy(lines);
    irq_lines_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowest_free_line_is_given_first),
        cmocka_unit_test(line_that_another_device_has_is_refused_by_name),
        cmocka_unit_test(line_outside_the_controller_is_refused),
        cmocka_unit_test(running_out_of_lines_is_an_error),
        cmocka_unit_test(impossible_controllers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
