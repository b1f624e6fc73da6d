/* Text for terminals and JSON for programs: widths, and bytes that must not get through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/text.h"

static char *text;
static size_t text_size;
static FILE *out;

static int begin(void **state)
{
    (void)state;
    out = open_memstream(&text, &text_size);
    return out == NULL;
}

static int end(void **state)
{
    (void)state;
    fclose(out);
    free(text);
    return 0;
}

static void expect(const char *wanted)
{
    fflush(out);
    assert_string_equal(text, wanted);
}

static void short_text_stays_on_its_line(void **state)
{
    (void)state;
    text_wrap(out, 0, 4, "one  two   three ");
    expect("one two three\n");
}

static void no_line_is_longer_than_eighty_columns(void **state)
{
    (void)state;
    for (unsigned indent = 0; indent < 40; indent++) {
        fprintf(out, "%*s", (int)indent, "");
        text_wrap(out, indent, indent,
                  "It was the best of times, it was the worst of times, it was the age of wisdom, "
                  "it was the age of foolishness, it was the epoch of belief.");
    }
    fflush(out);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        assert_in_range(strlen(line), 1, 80);
}

static void line_of_exactly_eighty_columns_is_not_broken(void **state)
{
    (void)state;
    char line[90], wanted[200];
    memset(line, 'a', 40);
    line[40] = ' ';
    memset(line + 41, 'b', 39);
    line[80] = '\0';
    (void)snprintf(wanted, sizeof(wanted), "%s\n", line);
    text_wrap(out, 0, 0, line);
    expect(wanted);
    rewind(out);
    memset(line + 41, 'b', 40);
    line[81] = '\0';
    text_wrap(out, 0, 2, line);
    line[40] = '\0';
    (void)snprintf(wanted, sizeof(wanted), "%s\n  %s\n", line, line + 41);
    expect(wanted);
}

static void word_longer_than_a_line_stays_whole(void **state)
{
    (void)state;
    char word[121], wanted[200];
    memset(word, 'w', 120);
    word[120] = '\0';
    (void)snprintf(wanted, sizeof(wanted), "%s\n", word);
    text_wrap(out, 10, 10, word);
    expect(wanted);
}

static void line_ends_of_the_text_are_kept(void **state)
{
    (void)state;
    text_wrap(out, 0, 2, "one\ntwo three\n");
    expect("one\n  two three\n\n");
}

static void characters_count_not_bytes(void **state)
{
    (void)state;
    /* 40 times two bytes, a blank, 39 times two: 80 columns. */
    char line[200] = "";
    for (unsigned i = 0; i < 40; i++)
        strcat(line, "\xc3\xa4");
    strcat(line, " ");
    for (unsigned i = 0; i < 39; i++)
        strcat(line, "\xc3\xb6");
    text_wrap(out, 0, 0, line);
    strcat(line, "\n");
    expect(line);
}

static void nothing_commands_the_terminal(void **state)
{
    (void)state;
    text_wrap(out, 0, 0,
              "a\033[31m b\x07 c\x7f \xc2\x9b m \xff \xc3 \xed\xa0\x80 \xf4\x90\x80\x80 ok");
    fflush(out);
    assert_string_equal(text, "a?[31m b? c? ? m ? ? ??? ???? ok\n");
}

static void rows_begin_at_their_column_or_on_the_next_line(void **state)
{
    (void)state;
    text_row(out, 2, "name", 10, "text");
    text_row(out, 2, "a-long-name", 10, "text");
    text_row_format(out, 0, "", 4, "%d", 5);
    expect("  name    text\n  a-long-name\n          text\n    5\n");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void nested_values_are_laid_out(void **state)
{
    (void)state;
    struct json json;
    json_begin(&json, out);
    json_string(&json, "a", "x");
    json_array(&json, "list");
    json_u64(&json, NULL, UINT64_MAX);
    json_bool(&json, NULL, true);
    json_object(&json, NULL);
    json_close_object(&json);
    json_close_array(&json);
    json_array(&json, "none");
    json_close_array(&json);
    json_string(&json, "null", NULL);
    json_words(&json, "words", " one  two ");
    json_end(&json);
    expect(
        "{\n  \"a\": \"x\",\n  \"list\": [\n    18446744073709551615,\n    true,\n    {}\n  ],\n"
        "  \"none\": [],\n  \"null\": null,\n  \"words\": [\n    \"one\",\n    \"two\"\n  ]\n}\n");
}

static void strings_are_escaped_and_always_utf8(void **state)
{
    (void)state;
    struct json json;
    json_begin(&json, out);
    json_string(&json, "s", "\"\\\n\033\x7f\xc3\xa4\xff\xc0\x80\xe2\x82\xac\xf0\x9f\x98\x80");
    json_end(&json);
    expect("{\n  \"s\": \"\\\"\\\\\\u000a\\u001b\\u007f\xc3\xa4\\ufffd\\ufffd\\ufffd\xe2\x82\xac"
           "\xf0\x9f\x98\x80\"\n}\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(short_text_stays_on_its_line),
        TEST(no_line_is_longer_than_eighty_columns),
        TEST(line_of_exactly_eighty_columns_is_not_broken),
        TEST(word_longer_than_a_line_stays_whole),
        TEST(line_ends_of_the_text_are_kept),
        TEST(characters_count_not_bytes),
        TEST(nothing_commands_the_terminal),
        TEST(rows_begin_at_their_column_or_on_the_next_line),
        TEST(nested_values_are_laid_out),
        TEST(strings_are_escaped_and_always_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
