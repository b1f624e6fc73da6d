/* "Did you mean": near enough to be a slip, and nothing otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "util/nearest.h"

static const char *const known[] = {"memory", "cpus", "append", "summary", "console", "arch"};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static const char *nearest(const char *word)
{
    return nearest_word(word, known, N_KNOWN);
}

static void one_slip_is_recognised(void **state)
{
    (void)state;
    assert_string_equal(nearest("memry"), "memory");
    assert_string_equal(nearest("memorry"), "memory");
    assert_string_equal(nearest("memoru"), "memory");
    assert_string_equal(nearest("mmeory"), "memory");
    assert_string_equal(nearest("cpu"), "cpus");
    assert_string_equal(nearest("acrh"), "arch");
}

static void word_itself_is_nearest_to_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KNOWN; i++)
        assert_string_equal(nearest(known[i]), known[i]);
}

static void nothing_is_offered_for_another_word(void **state)
{
    (void)state;
    assert_null(nearest("bootloader"));
    assert_null(nearest("x"));
    assert_null(nearest(""));
    assert_null(nearest_word("memory", known, 0));
}

static void long_words_are_no_trouble(void **state)
{
    (void)state;
    char word[5000];
    memset(word, 'm', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_null(nearest(word));
    const char *const odd[] = {"", word};
    assert_null(nearest_word("memory", odd, 2));
}

static void first_of_equally_near_words_wins(void **state)
{
    (void)state;
    const char *const two[] = {"block-file", "block-fire"};
    assert_string_equal(nearest_word("block-fide", two, 2), "block-file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_is_recognised),
        cmocka_unit_test(word_itself_is_nearest_to_itself),
        cmocka_unit_test(nothing_is_offered_for_another_word),
        cmocka_unit_test(long_words_are_no_trouble),
        cmocka_unit_test(first_of_equally_near_words_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
