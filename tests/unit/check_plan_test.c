/* Which tests `plugin check` runs, what a gate closes, and in which order results come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/list.h"
#include "check/run.h"

#define BROKEN(name) BUILD_DIR "/tests/broken/" name ".so"

struct seen {
    size_t n;
    struct check_result results[CHECK_TESTS_MAX];
};

static void on_result(void *context, const struct check_result *result)
{
    struct seen *seen = context;
    assert_true(seen->n < CHECK_TESTS_MAX);
    seen->results[seen->n++] = *result;
}

static struct seen seen;

static uint32_t check(const char *path, enum check_level level, const char *only)
{
    const char *const names[] = {only, NULL};
    const struct check_plan plan = {.path = path,
                                    .level = level,
                                    .seed = 1,
                                    .only = names,
                                    .n_only = only != NULL,
                                    .on_result = on_result,
                                    .context = &seen};
    struct err err;
    uint32_t n_failed;
    seen.n = 0;
    assert_int_equal(check_run_plan(&plan, &n_failed, &err), BP_OK);
    return n_failed;
}

static const struct check_result *result_of(const char *name)
{
    for (size_t i = 0; i < seen.n; i++)
        if (strcmp(seen.results[i].test->name, name) == 0)
            return &seen.results[i];
    fail_msg("%s has no result", name);
    return NULL;
}

static void names_are_unique_and_have_their_group(void **state)
{
    (void)state;
    const struct check_test *test;
    size_t n = 0;
    for (; (test = check_test_at(n)) != NULL; n++) {
        assert_non_null(strchr(test->name, '.'));
        assert_true(strlen(test->title) > 0 && strlen(test->title) <= 80);
        assert_true(strlen(test->name) < 20);
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(check_test_at(i)->name, test->name);
    }
    assert_in_range(n, 1, CHECK_TESTS_MAX);
}

static void levels_do_not_fall_within_the_list_of_those_that_load(void **state)
{
    (void)state;
    const struct check_test *test;
    bool is_loaded = false;
    for (size_t i = 0; (test = check_test_at(i)) != NULL; i++) {
        is_loaded |= !test->is_unloaded;
        assert_true(!is_loaded || !test->is_unloaded); /* files first */
    }
}

static void a_plan_has_its_level_and_those_below(void **state)
{
    (void)state;
    const char *const only[] = {"state", "load.elf"};
    struct check_plan plan = {.level = CHECK_API};
    const struct check_test api = {.name = "api.x", .level = CHECK_API};
    const struct check_test one = {.name = "state.x", .level = CHECK_STATE};
    const struct check_test like = {.name = "statements.x", .level = CHECK_LOAD};
    assert_true(check_is_planned(&plan, &api));
    assert_false(check_is_planned(&plan, &one));
    plan.only = only;
    plan.n_only = 2;
    assert_false(check_is_planned(&plan, &api));
    assert_true(check_is_planned(&plan, &one)); /* of any level, by its group */
    assert_false(check_is_planned(&plan, &like));
}

static void unknown_names_are_told_with_the_nearest(void **state)
{
    (void)state;
    const char *only[] = {"load.symbol"};
    struct check_plan plan = {.only = only, .n_only = 1};
    struct err err;
    assert_int_equal(check_find_only(&plan, &err), BP_ERR_NOT_FOUND);
    assert_string_equal(err.text, "there is no test \"load.symbol\"; did you mean "
                                  "\"load.symbols\"?");
    only[0] = "nothing-like-it";
    assert_int_equal(check_find_only(&plan, &err), BP_ERR_NOT_FOUND);
    only[0] = "load";
    assert_int_equal(check_find_only(&plan, &err), BP_OK);
}

static void results_come_in_the_order_of_the_list(void **state)
{
    (void)state;
    assert_int_equal(check(BROKEN("symbol"), CHECK_LOAD, NULL), 1);
    assert_true(seen.n > 5);
    size_t at = 0;
    for (size_t i = 0; i < seen.n; i++, at++)
        while (check_test_at(at) != seen.results[i].test)
            assert_non_null(check_test_at(at++));
    assert_int_equal(result_of("load.symbols")->outcome, CHECK_FAILED);
    assert_non_null(strstr(result_of("load.symbols")->text, "broken_call_me"));
}

static void what_needs_a_gate_that_failed_is_not_tried(void **state)
{
    (void)state;
    assert_int_equal(check(BROKEN("crash"), CHECK_API, NULL), 1);
    assert_int_equal(result_of("load.symbols")->outcome, CHECK_PASSED);
    assert_int_equal(result_of("life.setup")->outcome, CHECK_FAILED);
    assert_int_equal(result_of("life.leaks")->outcome, CHECK_SKIPPED);
    assert_string_equal(result_of("life.leaks")->text, "not tried, as life.setup failed");
}

static void one_test_alone_is_tried_whatever_the_gates_would_say(void **state)
{
    (void)state;
    assert_int_equal(check(BROKEN("crash"), CHECK_LOAD, "life.orders"), 1);
    assert_int_equal(seen.n, 1);
    assert_non_null(strstr(seen.results[0].text, "set up"));
}

static void a_file_that_is_not_there_is_an_error_and_no_result(void **state)
{
    (void)state;
    const struct check_plan plan = {.path = "/nonexistent/a.so", .on_result = on_result};
    struct err err;
    uint32_t n_failed;
    assert_int_equal(check_run_plan(&plan, &n_failed, &err), BP_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/a.so: cannot be read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_have_their_group),
        cmocka_unit_test(levels_do_not_fall_within_the_list_of_those_that_load),
        cmocka_unit_test(a_plan_has_its_level_and_those_below),
        cmocka_unit_test(unknown_names_are_told_with_the_nearest),
        cmocka_unit_test(results_come_in_the_order_of_the_list),
        cmocka_unit_test(what_needs_a_gate_that_failed_is_not_tried),
        cmocka_unit_test(one_test_alone_is_tried_whatever_the_gates_would_say),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error_and_no_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
