/* Properties of sdk/host/property.h: texts to values, and the sentences for wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "property.h"

struct instance {
    const char *title;
    uint64_t room;
    uint64_t big;
    uint32_t level;
    uint32_t on;
    uint32_t mode;
    uint32_t guard;
};

static const struct bp_property rows[] = {
    BP_PROP_BOOL(struct instance, on, "on", "no", "A switch."),
    BP_PROP_U32(struct instance, level, "level", "3", 1, 31, "A level."),
    BP_PROP_U64(struct instance, big, "big", NULL, 0, 0, "A number."),
    BP_PROP_SIZE(struct instance, room, "room", "64K", 4096, UINT64_C(1) << 30, "A size."),
    BP_PROP_STRING(struct instance, title, "title", NULL, 5, "A text."),
    BP_PROP_CHOICE(struct instance, mode, "mode", "raw", "raw|cooked|rare", "A choice."),
    BP_PROP_PATH_REQUIRED(struct instance, title, "path", "A file."),
};
enum { ON, LEVEL, BIG, ROOM, TITLE, MODE, PATH };

static const struct bp_class class_ = {
    .struct_size = sizeof(struct bp_class),
    .id = "x",
    .instance_size = sizeof(struct instance),
    .properties = BP_TABLE(rows),
};

static void number_is(const struct bp_property *p, const char *text, uint64_t wanted)
{
    struct property_value v;
    char why[200] = "";

    assert_int_equal(property_parse(p, text, &v, why, sizeof(why)), BP_OK);
    assert_true(v.number == wanted);
}

static void refused(const struct bp_property *p, const char *text, int32_t status,
                    const char *sentence)
{
    struct property_value v;
    char why[200] = "";

    assert_int_equal(property_parse(p, text, &v, why, sizeof(why)), status);
    assert_string_equal(why, sentence);
}

static void numbers_are_decimal_or_hexadecimal_with_suffixes_where_allowed(void **state)
{
    static const struct {
        const char *text;
        uint32_t suffixes;
        int32_t status;
        uint64_t value;
    } cases[] = {
        {"0", 0, BP_OK, 0},
        {"010", 0, BP_OK, 10},
        {"0x10", 0, BP_OK, 16},
        {"0XfF", 0, BP_OK, 255},
        {"18446744073709551615", 0, BP_OK, UINT64_MAX},
        {"18446744073709551616", 0, BP_ERR_RANGE, 0},
        {"99999999999999999999999", 0, BP_ERR_RANGE, 0},
        {"0xffffffffffffffff", 0, BP_OK, UINT64_MAX},
        {"0x10000000000000000", 0, BP_ERR_RANGE, 0},
        {"64K", 1, BP_OK, 65536},
        {"64k", 1, BP_OK, 65536},
        {"2M", 1, BP_OK, 2097152},
        {"1G", 1, BP_OK, 1073741824},
        {"1T", 1, BP_OK, 1099511627776},
        {"16777216T", 1, BP_ERR_RANGE, 0},
        {"64K", 0, BP_ERR_INVALID, 0},
        {"64KB", 1, BP_ERR_INVALID, 0},
        {"", 1, BP_ERR_INVALID, 0},
        {"K", 1, BP_ERR_INVALID, 0},
        {"0x", 1, BP_ERR_INVALID, 0},
        {"0xK", 1, BP_ERR_INVALID, 0},
        {"-1", 1, BP_ERR_INVALID, 0},
        {" 1", 1, BP_ERR_INVALID, 0},
        {"1 ", 1, BP_ERR_INVALID, 0},
        {"1.5G", 1, BP_ERR_INVALID, 0},
        {"1e3", 1, BP_ERR_INVALID, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = 0;

        assert_int_equal(property_parse_number(cases[i].text, cases[i].suffixes, &value),
                         cases[i].status);
        assert_true(value == cases[i].value);
    }
}

static void every_word_for_yes_and_no_is_known(void **state)
{
    (void)state;
    number_is(&rows[ON], "yes", 1);
    number_is(&rows[ON], "true", 1);
    number_is(&rows[ON], "on", 1);
    number_is(&rows[ON], "1", 1);
    number_is(&rows[ON], "no", 0);
    number_is(&rows[ON], "false", 0);
    number_is(&rows[ON], "off", 0);
    number_is(&rows[ON], "0", 0);
    refused(&rows[ON], "maybe", BP_ERR_INVALID,
            "yes or no is wanted (also true, false, on, off, 1, 0)");
}

static void limits_are_kept_and_told(void **state)
{
    (void)state;
    number_is(&rows[LEVEL], "1", 1);
    number_is(&rows[LEVEL], "31", 31);
    refused(&rows[LEVEL], "0", BP_ERR_RANGE, "1-31 are allowed");
    refused(&rows[LEVEL], "32", BP_ERR_RANGE, "1-31 are allowed");
    refused(&rows[LEVEL], "4294967297", BP_ERR_RANGE, "1-31 are allowed");
    refused(&rows[LEVEL], "x", BP_ERR_INVALID, "a number is wanted, decimal or with 0x");
    number_is(&rows[BIG], "18446744073709551615", UINT64_MAX);
    refused(&rows[BIG], "18446744073709551616", BP_ERR_RANGE, "0-18446744073709551615 are allowed");
    number_is(&rows[ROOM], "4K", 4096);
    refused(&rows[ROOM], "2G", BP_ERR_RANGE, "4K-1G are allowed");
    refused(&rows[ROOM], "4KiB", BP_ERR_INVALID,
            "a size is wanted: bytes, or with K, M, G or T, such as 64K");
}

static void a_choice_gives_its_position_and_must_match_whole_words(void **state)
{
    (void)state;
    number_is(&rows[MODE], "raw", 0);
    number_is(&rows[MODE], "cooked", 1);
    number_is(&rows[MODE], "rare", 2);
    refused(&rows[MODE], "ra", BP_ERR_INVALID, "one of raw|cooked|rare is wanted");
    refused(&rows[MODE], "", BP_ERR_INVALID, "one of raw|cooked|rare is wanted");
    refused(&rows[MODE], "raw|cooked", BP_ERR_INVALID, "one of raw|cooked|rare is wanted");
}

static void texts_have_a_length_and_paths_are_not_empty(void **state)
{
    struct property_value v;
    char why[100];
    const char *text = "12345";

    (void)state;
    assert_int_equal(property_parse(&rows[TITLE], text, &v, why, sizeof(why)), BP_OK);
    assert_ptr_equal(v.string, text);
    refused(&rows[TITLE], "123456", BP_ERR_RANGE, "at most 5 bytes are allowed");
    refused(&rows[PATH], "", BP_ERR_INVALID, "a file name is wanted");
}

static void a_value_is_stored_in_its_member_and_nowhere_else(void **state)
{
    struct instance s;
    struct property_value v = {0x1122334455667788, "abc"};

    (void)state;
    memset(&s, 0xee, sizeof(s));
    property_store(&rows[LEVEL], &s, &v);
    assert_int_equal(s.level, 0x55667788);
    assert_int_equal(s.on, 0xeeeeeeee);
    property_store(&rows[ROOM], &s, &v);
    assert_true(s.room == 0x1122334455667788);
    property_store(&rows[TITLE], &s, &v);
    assert_string_equal(s.title, "abc");
    assert_int_equal(s.guard, 0xeeeeeeee);
}

static void a_row_describes_itself_in_one_line(void **state)
{
    static const char *const wanted[] = {
        "yes or no, default no",
        "number, 1-31, default 3",
        "number, 0-18446744073709551615",
        "size, 4K-1G, default 64K",
        "text, at most 5 bytes",
        "one of raw|cooked|rare, default raw",
        "file, required",
    };
    char text[200];

    (void)state;
    for (uint32_t i = 0; i < class_.properties.n_rows; i++) {
        property_describe(property_at(&class_, i), text, sizeof(text));
        assert_string_equal(text, wanted[i]);
    }
}

static void rows_are_found_by_name_whatever_their_stride(void **state)
{
    struct wide {
        struct bp_property row;
        uint64_t later;
    } wide[2] = {{rows[ON], 1}, {rows[MODE], 2}};
    struct bp_class c = class_;
    uint32_t i = 99;

    (void)state;
    c.properties.rows = &wide[0].row;
    c.properties.n_rows = 2;
    c.properties.stride = sizeof(wide[0]);
    assert_ptr_equal(property_find(&c, "mode", &i), &wide[1].row);
    assert_int_equal(i, 1);
    assert_null(property_find(&c, "room", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_decimal_or_hexadecimal_with_suffixes_where_allowed),
        cmocka_unit_test(every_word_for_yes_and_no_is_known),
        cmocka_unit_test(limits_are_kept_and_told),
        cmocka_unit_test(a_choice_gives_its_position_and_must_match_whole_words),
        cmocka_unit_test(texts_have_a_length_and_paths_are_not_empty),
        cmocka_unit_test(a_value_is_stored_in_its_member_and_nowhere_else),
        cmocka_unit_test(a_row_describes_itself_in_one_line),
        cmocka_unit_test(rows_are_found_by_name_whatever_their_stride),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
