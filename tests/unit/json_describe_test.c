/* The JSON of a layout, read by a small strict reader of our own (RFC 8259). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/describe.h"
#include "tables/layout_sample.h"

/* Each returns the place behind the value, or NULL when it is none. */
static const char *read_value(const char *at);

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \n");
}

static const char *read_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (*at != '"') {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at == '\\') {
            at++;
            if (*at == 'u' && strspn(at + 1, "0123456789abcdef") >= 4)
                at += 4;
            else if (*at == '\0' || strchr("\"\\/bfnrt", *at) == NULL)
                return NULL;
        }
        at++;
    }
    return at + 1;
}

static const char *read_members(const char *at, bool named, char end)
{
    at = skip_blanks(at + 1);
    if (*at == end)
        return at + 1;
    for (;;) {
        if (named) {
            at = read_string(skip_blanks(at));
            if (at == NULL || *at != ':')
                return NULL;
            at++;
        }
        at = read_value(skip_blanks(at));
        if (at == NULL)
            return NULL;
        at = skip_blanks(at);
        if (*at == end)
            return at + 1;
        if (*at++ != ',')
            return NULL;
    }
}

static const char *read_value(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};
    if (*at == '{')
        return read_members(at, true, '}');
    if (*at == '[')
        return read_members(at, false, ']');
    if (*at == '"')
        return read_string(at);
    for (size_t i = 0; i < 3; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    size_t digits = strspn(at, "0123456789");
    return digits > 0 && (digits == 1 || *at != '0') ? at + digits : NULL;
}

static char *json_of(const struct layout *layout)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    describe_json(layout, f);
    assert_int_equal(fclose(f), 0);
    const char *end = read_value(text);
    if (end == NULL || strcmp(end, "\n") != 0)
        fail_msg("not JSON:\n%s", text);
    return text;
}

static void all_of_the_layout_is_in_it(void **state)
{
    static const char *const parts[] = {
        "\"machine\": \"virt\"",
        "\"arch\": \"riscv64\"",
        "\"cpus\": 2",
        "\"timebase_hz\": 10000000",
        "\"address_bits\": 56",
        "\"isa\": \"rv64imafdc_",
        "\"mmu\": \"riscv,sv57\"",
        "\"console\": \"console\"",
        "\"controller\": \"irqchip\"",
        "\"base\": \"0x80000000\"",
        "\"end\": \"0x8fffffff\"",
        "\"size\": 268435456",
        "\"plugin\": \"virtio-blk\"",
        "\"behind\": \"disk0.bus\"",
        "\"node\": \"/soc/serial@10000000\"",
        "\"sifive,clint0\"",
        "\"number\": 11",
        "\"trigger\": \"level\"",
        "\"pinned\": true",
    };
    struct sample s;
    (void)state;
    sample_init(&s);
    char *text = json_of(&s.layout);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strstr(text, parts[i]) == NULL)
            fail_msg("%s is not in:\n%s", parts[i], text);
    free(text);
}

static void strange_names_stay_within_their_strings(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_UART].name = "a\"b\\c\n\t\001\377\303\244";
    s.devices[SAMPLE_RTC].acpi_hid = "\355\240\200"; /* a surrogate is no character */
    s.layout.summary = NULL;
    char *text = json_of(&s.layout);
    assert_non_null(strstr(text, "\"a\\\"b\\\\c\\u000a\\u0009\\u0001\\ufffd\303\244\""));
    assert_non_null(strstr(text, "\"summary\": null"));
    free(text);
}

static void a_machine_without_anything_is_json_too(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.layout.n_devices = 0;
    s.layout.n_ram = 0;
    s.layout.irqchip = NULL;
    s.layout.console = NULL;
    char *text = json_of(&s.layout);
    assert_non_null(strstr(text, "\"devices\": []"));
    assert_non_null(strstr(text, "\"controller\": null"));
    free(text);
}

static void the_reader_of_this_test_is_strict(void **state)
{
    static const char *const wrong[] = {"{",      "{\"a\" 1}", "[1,]", "{\"a\":1,}", "[01]",
                                        "\"\n\"", "\"\\x\"",   "nul",  "[1 2]",      "{a:1}"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_null(read_value(wrong[i]));
    assert_non_null(read_value("{\"a\": [1, \"\\u00e4\", {}, null]}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_layout_is_in_it),
        cmocka_unit_test(strange_names_stay_within_their_strings),
        cmocka_unit_test(a_machine_without_anything_is_json_too),
        cmocka_unit_test(the_reader_of_this_test_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
