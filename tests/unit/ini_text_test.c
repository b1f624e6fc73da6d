/* The reader of INI text: what it hands on is what the author wrote, or nothing and a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/ini.h"

static char heard[65536]; /* "[section]" "key=value" "!" each with its line, in order */
static char said[65536];

static void hear(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void hear(const char *format, ...)
{
    size_t n = strlen(heard);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(heard + n, sizeof(heard) - n, format, args);
    va_end(args);
}

static void on_section(void *ctx, const char *name, uint32_t line)
{
    (void)ctx;
    if (name != NULL)
        hear("%u[%s] ", line, name);
    else
        hear("%u[?] ", line);
}

static void on_key(void *ctx, const char *key, const char *value, uint32_t line)
{
    (void)ctx;
    hear("%u %s=<%s> ", line, key, value);
}

static void on_refused(void *ctx)
{
    (void)ctx;
    hear("! ");
}

static void parse_bytes(const char *text, size_t size)
{
    struct diag diag;
    struct ini_handler handler = {NULL, on_section, on_key, on_refused};
    char *copy = malloc(size + 1); /* exactly as long as said: a sanitizer sees reads beyond */
    memcpy(copy, text, size);
    heard[0] = '\0';
    diag_init(&diag);
    copy = realloc(copy, size == 0 ? 1 : size);
    ini_text_parse("f", copy, size, &handler, &diag);
    free(copy);
    char *lines = diag_text(&diag);
    (void)snprintf(said, sizeof(said), "%s", lines);
    free(lines);
    diag_fini(&diag);
}

static void assert_reads(const char *text, const char *expected)
{
    parse_bytes(text, strlen(text));
    assert_string_equal(said, "");
    assert_string_equal(heard, expected);
}

static void assert_refuses(const char *text, const char *expected_said, const char *expected_heard)
{
    parse_bytes(text, strlen(text));
    assert_string_equal(said, expected_said);
    assert_string_equal(heard, expected_heard);
}

static void sections_and_keys_come_with_their_lines(void **state)
{
    (void)state;
    assert_reads("[machine]\narch = riscv64\n\n; comment\n[device a]\nplugin=uart\nx =\n",
                 "1[machine] 2 arch=<riscv64> 5[device a] 6 plugin=<uart> 7 x=<> ");
    assert_reads("", "");
    assert_reads("\n\n", "");
}

static void sections_without_keys_are_told_of(void **state)
{
    (void)state;
    assert_reads("[a]\n[b]\n[c]", "1[a] 2[b] 3[c] ");
}

static void last_line_needs_no_newline(void **state)
{
    (void)state;
    assert_reads("[a]\nk = v", "1[a] 2 k=<v> ");
    assert_reads("[a]\nk = v\r", "1[a] 2 k=<v> ");
}

static void comments_of_any_length_and_indentation_are_skipped(void **state)
{
    (void)state;
    char text[600] = "[a]\n;";
    memset(text + 5, 'x', 500);
    memcpy(text + 505, "\n   # y\n\t;\nk = v\n", 18);
    assert_reads(text, "1[a] 5 k=<v> ");
}

static void carriage_returns_and_byte_order_mark_are_dropped(void **state)
{
    (void)state;
    assert_reads("\xef\xbb\xbf[a]\r\nk = v\r\n\r\n", "1[a] 2 k=<v> ");
}

static void blanks_around_are_stripped_and_within_kept(void **state)
{
    (void)state;
    assert_reads("[  device   a ] \t\nkey \t=\t  a  b \t \n", "1[device   a] 2 key=<a  b> ");
}

static void quotes_keep_blanks_semicolons_and_hashes(void **state)
{
    (void)state;
    assert_reads("[a]\nk = \" a ; b # c;d \"\nl = \"\"\nm = \"a \\\"b\\\" \\\\\"\n",
                 "1[a] 2 k=< a ; b # c;d > 3 l=<> 4 m=<a \"b\" \\> ");
}

static void unquoted_values_keep_what_inih_keeps(void **state)
{
    (void)state;
    assert_reads("[a]\nk = a=b:c\nl = a\"b;c\" d\"\nm = C:\\x#y\nn = a;b\n",
                 "1[a] 2 k=<a=b:c> 3 l=<a\"b;c\" d\"> 4 m=<C:\\x#y> 5 n=<a;b> ");
}

static void values_that_inih_would_cut_are_refused(void **state)
{
    (void)state;
    static const char cut[] = "f:2: a value is cut at ; or # after a blank: put the value in "
                              "\"quotes\", or the comment on a line of its own\n";
    assert_refuses("[a]\nk = 2 ; two\n", cut, "1[a] ! ");
    assert_refuses("[a]\nk = 2 # two\n", cut, "1[a] ! ");
    assert_refuses("[a]\nk = 2\t;two\n", cut, "1[a] ! ");
    assert_refuses("[a]\nk = ; nothing\n", cut, "1[a] ! ");
    assert_refuses("[a]\nk =;nothing\n", cut, "1[a] ! ");
    assert_refuses("[a]\nk = a\" ; b\"\n", cut, "1[a] ! ");
}

static void wrong_quotes_are_refused(void **state)
{
    (void)state;
    assert_refuses("[a]\nk = \"a\n",
                   "f:2: a value that begins with \" and does not end with one: close the quotes\n",
                   "1[a] ! ");
    assert_refuses("[a]\nk = \"\n",
                   "f:2: a value that begins with \" and does not end with one: close the quotes\n",
                   "1[a] ! ");
    assert_refuses("[a]\nk = \"a\\\"\n",
                   "f:2: a value that begins with \" and does not end with one: close the quotes\n",
                   "1[a] ! ");
    assert_refuses("[a]\nk = \"a\" b\n",
                   "f:2: text after the closing quote: quote the whole value, put a comment on a "
                   "line of its own\n",
                   "1[a] ! ");
    assert_refuses("[a]\nk = \"a\\n\"\n",
                   "f:2: a \\ inside quotes stands before \" or \\ only: write \\\\ for one \\\n",
                   "1[a] ! ");
}

static void lines_up_to_the_limit_are_whole_and_longer_ones_refused(void **state)
{
    (void)state;
    char text[300] = "[a]\nk = ";
    memset(text + 8, 'x', 193);
    text[201] = '\0';
    parse_bytes(text, strlen(text));
    assert_string_equal(said, "");
    assert_int_equal(strlen(heard), strlen("1[a] 2 k=<> ") + 193);
    memcpy(text + 201, "y\nl = m\n", 9);
    assert_refuses(text,
                   "f:2: a line of more than 197 bytes: shorten it, or give the long part with "
                   "--set\n",
                   "1[a] ! 3 l=<m> ");
}

static void section_names_up_to_the_limit_are_whole_and_longer_ones_refused(void **state)
{
    (void)state;
    char text[100] = "[";
    char expected[100] = "1[";
    memset(text + 1, 's', 49);
    memcpy(text + 50, "]\nk = v\n", 9);
    memset(expected + 2, 's', 49);
    memcpy(expected + 51, "] 2 k=<v> ", 11);
    assert_reads(text, expected);
    memcpy(text + 50, "s]\nk = v\n", 10);
    assert_refuses(text,
                   "f:1: a section header of more than 49 characters between its brackets: shorten "
                   "the name\n",
                   "1[?] 2 k=<v> ");
}

static void continuation_lines_are_refused(void **state)
{
    (void)state;
    static const char why[] = "f:3: a line that begins with blanks continues the line before in "
                              "other INI files: move it to the first column\n";
    assert_refuses("[a]\nk = v\n  more\nl = m\n", why, "1[a] 2 k=<v> ! 4 l=<m> ");
    assert_refuses("[a]\nk = v\n\tx = y\n", why, "1[a] 2 k=<v> ! ");
    assert_refuses("[a]\nk = v\n [b]\nl = m\n", why, "1[a] 2 k=<v> 3[?] 4 l=<m> ");
}

static void wrong_headers_are_refused_and_what_follows_belongs_nowhere(void **state)
{
    (void)state;
    assert_refuses("[a\nk = v\n", "f:1: a section header without its ]: write [device NAME]\n",
                   "1[?] 2 k=<v> ");
    assert_refuses("[a] k = v\n", "f:1: text after the section's ]: put it on a line of its own\n",
                   "1[?] ");
    assert_refuses("[a] ; b\n", "f:1: text after the section's ]: put it on a line of its own\n",
                   "1[?] ");
    assert_refuses("[a ;b]\n", "f:1: a section header with [, ; or # in it: write [device NAME]\n",
                   "1[?] ");
}

static void lines_that_are_nothing_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "word", "= v", "two words = v", "k\xc3\xa4 = v", "{\"k\": 1}",
        "<k>",  "k",   "k ~ v",         "$k = v",        "\"k\" = v"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_refuses(lines[i], "f:1: neither [section] nor key = value nor a comment\n", "! ");
    assert_refuses("k: v\n", "f:1: write = instead of : after the key\n", "! ");
    assert_refuses("k : v = w\n", "f:1: write = instead of : after the key\n", "! ");
}

static void control_characters_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"k = \x1b[m", "k = \x01", "k = a\rb", "k = \x7f",
                                        "k = \xc2\x9b"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_refuses(lines[i], "f:1: a control character: this is not text\n", "! ");
    assert_reads("k = caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n",
                 "1 k=<caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80> ");
}

static void what_is_no_text_is_refused_as_a_whole(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\xff",         "\xc0\xaf",         "\xe0\x80\xaf",
                                        "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xf4\x90\x80\x80",
                                        "\xe2\x82",     "\xf0\x9f\x98",     "\x80",
                                        "\xc3"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[64];
        int n = snprintf(text, sizeof(text), "[a]\nk = %s", wrong[i]);
        parse_bytes(text, (size_t)n);
        assert_non_null(strstr(said, "f:2: not UTF-8 (byte 0x"));
        assert_string_equal(heard, "");
    }
    parse_bytes("[a]\nk = v\0\n", 11);
    assert_string_equal(said, "f:2: a NUL byte: this is not a text file\n");
    assert_string_equal(heard, "");
}

static void any_line_count_is_counted_right(void **state)
{
    (void)state;
    static char text[400000];
    size_t n = 0;
    for (int i = 0; i < 20000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, i % 3 ? "\n" : "; c\r\n");
    (void)snprintf(text + n, sizeof(text) - n, "k = v\n");
    assert_reads(text, "20001 k=<v> ");
}

/* Whatever comes in: no crash, no byte of a value beyond a line, every event from a line. */
static void random_text_never_breaks_it(void **state)
{
    (void)state;
    static const char alphabet[] = "[]=;#\"\\ \t\n\n\nab.@:$-\r\xc3\xa9x";
    uint64_t rng = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        char text[300];
        size_t n = 0;
        rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
        for (size_t length = rng % sizeof(text); n < length; n++) {
            rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
            text[n] = rng % 200 == 0 ? (char)(rng >> 8) : alphabet[rng % (sizeof(alphabet) - 1)];
        }
        parse_bytes(text, n);
        assert_null(strchr(heard, '\n'));
        assert_null(strchr(heard, '\x01'));
        assert_null(strstr(said, "the INI library"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_keys_come_with_their_lines),
        cmocka_unit_test(sections_without_keys_are_told_of),
        cmocka_unit_test(last_line_needs_no_newline),
        cmocka_unit_test(comments_of_any_length_and_indentation_are_skipped),
        cmocka_unit_test(carriage_returns_and_byte_order_mark_are_dropped),
        cmocka_unit_test(blanks_around_are_stripped_and_within_kept),
        cmocka_unit_test(quotes_keep_blanks_semicolons_and_hashes),
        cmocka_unit_test(unquoted_values_keep_what_inih_keeps),
        cmocka_unit_test(values_that_inih_would_cut_are_refused),
        cmocka_unit_test(wrong_quotes_are_refused),
        cmocka_unit_test(lines_up_to_the_limit_are_whole_and_longer_ones_refused),
        cmocka_unit_test(section_names_up_to_the_limit_are_whole_and_longer_ones_refused),
        cmocka_unit_test(continuation_lines_are_refused),
        cmocka_unit_test(wrong_headers_are_refused_and_what_follows_belongs_nowhere),
        cmocka_unit_test(lines_that_are_nothing_are_refused),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(what_is_no_text_is_refused_as_a_whole),
        cmocka_unit_test(any_line_count_is_counted_right),
        cmocka_unit_test(random_text_never_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
