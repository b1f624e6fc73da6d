/* AML as bytes, typed again from ACPI 6.5, chapter 20, and 6.4 for resources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backplane/abi.h>

#include "fuzz/aml_fuzz.h"
#include "tables/acpi_sample.h"
#include "tables/aml.h"

static struct aml a;
static struct aml_term_names names;
static struct err err;

static int begin(void **state)
{
    (void)state;
    aml_init(&a);
    return 0;
}

static int end(void **state)
{
    (void)state;
    aml_fini(&a);
    return 0;
}

static void has(const void *bytes, size_t size)
{
    assert_int_equal(a.status, BP_OK);
    assert_int_equal(a.size, size);
    assert_memory_equal(a.bytes, bytes, size);
}
#define HAS(...) has((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void integers_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    aml_integer(&a, 0);
    aml_integer(&a, 1);
    aml_integer(&a, 2);
    aml_integer(&a, 0xFF);
    aml_integer(&a, 0x100);
    aml_integer(&a, 0xFFFF);
    aml_integer(&a, 0x10000);
    aml_integer(&a, 0xFFFFFFFF);
    aml_integer(&a, 0x100000000);
    aml_integer(&a, UINT64_MAX);
    HAS(0x00, 0x01, 0x0A, 2, 0x0A, 0xFF, 0x0B, 0, 1, 0x0B, 0xFF, 0xFF, 0x0C, 0, 0, 1, 0, 0x0C, 0xFF,
        0xFF, 0xFF, 0xFF, 0x0E, 0, 0, 0, 0, 1, 0, 0, 0, 0xFF);
}

static void names_are_padded_and_strings_end_with_nul(void **state)
{
    (void)state;
    aml_name(&a, "KBD");
    aml_string(&a, "ab");
    HAS(0x08, 'K', 'B', 'D', '_', 0x0D, 'a', 'b', 0);
}

/* EISAID ("PNP0501"): P is 16, N is 14: 10000 01110 10000, then 0501, big-endian. */
static void eisa_identifiers_are_compressed_and_others_are_strings(void **state)
{
    (void)state;
    aml_id(&a, "PNP0501");
    aml_id(&a, "PRP0001");
    aml_id(&a, "LNRO0005");
    HAS(0x0C, 0x41, 0xD0, 0x05, 0x01, 0x0D, 'P', 'R', 'P', '0', '0', '0', '1', 0, 0x0D, 'L', 'N',
        'R', 'O', '0', '0', '0', '5', 0);
}

static void packages_and_buffers_carry_their_lengths(void **state)
{
    (void)state;
    aml_package_begin(&a, 2);
    aml_integer(&a, 7);
    aml_buffer(&a, "xyz", 3);
    aml_end(&a);
    HAS(0x12, 0x0B, 2, 0x0A, 7, 0x11, 0x06, 0x0A, 3, 'x', 'y', 'z');
}

/* One byte up to 63, two up to 4095, three up to 1048575: each with its own bytes counted. */
static void lengths_grow_at_the_right_places(void **state)
{
    static const struct {
        size_t content, bytes;
    } rows[] = {{62 - 4, 1},   {63 - 4, 2},      {4093 - 4, 2},
                {4094 - 4, 3}, {1048572 - 4, 3}, {1048573 - 4, 4}};
    uint8_t *content = calloc(1, 1048576);
    (void)state;
    assert_non_null(content);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        aml_fini(&a);
        aml_scope_begin(&a, "LONG");
        aml_bytes(&a, content, rows[i].content);
        aml_end(&a);
        assert_int_equal(a.status, BP_OK);
        size_t total = a.size - 1;
        assert_int_equal(total, rows[i].bytes + 4 + rows[i].content);
        assert_int_equal(a.bytes[0], 0x10);
        uint8_t lead = a.bytes[1];
        assert_int_equal(lead >> 6, rows[i].bytes - 1);
        size_t length = rows[i].bytes == 1 ? lead & 0x3F : lead & 0x0F;
        for (size_t k = 1; k < rows[i].bytes; k++)
            length |= (size_t)a.bytes[1 + k] << (8 * k - 4);
        assert_int_equal(length, total);
        assert_memory_equal(a.bytes + 1 + rows[i].bytes, "LONG", 4);
    }
    free(content);
}

static void packages_within_packages_move_what_is_behind_them(void **state)
{
    (void)state;
    aml_scope_begin(&a, "_SB");
    aml_device_begin(&a, "D000");
    aml_name(&a, "_ADR");
    aml_integer(&a, 0);
    aml_end(&a);
    aml_end(&a);
    HAS(0x10, 0x12, '_', 'S', 'B', '_', 0x5B, 0x82, 0x0B, 'D', '0', '0', '0', 0x08, '_', 'A', 'D',
        'R', 0);
}

static void nesting_without_end_is_an_error_that_sticks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AML_DEPTH_MAX + 1; i++)
        aml_scope_begin(&a, "DEEP");
    assert_int_equal(a.status, BP_ERR_NO_SPACE);
    size_t size = a.size;
    aml_integer(&a, 5);
    for (unsigned i = 0; i < AML_DEPTH_MAX + 1; i++)
        aml_end(&a);
    assert_int_equal(a.size, size);
}

static void strings_for_people_have_two_bytes_a_character(void **state)
{
    (void)state;
    aml_unicode(&a, "ab");
    HAS(0x11, 0x09, 0x0A, 6, 'a', 0, 'b', 0, 0, 0);
}

/* --- resources -------------------------------------------------------------------------------- */
static void resources_of_32_bits(void **state)
{
    struct aml r;
    (void)state;
    aml_init(&r);
    aml_resource_memory(&r, 0xfed00000, 0x1000, false);
    aml_resource_ports(&r, 0x3f8, 8);
    aml_resource_interrupt(&r, 4, true);
    aml_resource_interrupt(&r, 0x10, false);
    aml_resources(&a, &r);
    aml_fini(&r);
    HAS(0x11, 0x2B, 0x0A, 0x28, 0x86, 9, 0, 1, 0, 0, 0xd0, 0xfe, 0, 0x10, 0, 0, 0x47, 1, 0xf8, 3,
        0xf8, 3, 1, 8, 0x89, 6, 0, 0x03, 1, 4, 0, 0, 0, 0x89, 6, 0, 0x01, 1, 0x10, 0, 0, 0, 0x79,
        0);
}

static void memory_above_4_gib_takes_64_bits(void **state)
{
    (void)state;
    aml_resource_memory(&a, 0x140000000, 0x2000, false);
    HAS(0x8A, 0x2B, 0, 0, 0x0D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0, 0, 0xFF, 0x1F, 0,
        0x40, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0);
}

static void memory_that_ends_at_4_gib_takes_32_bits_and_one_that_crosses_64(void **state)
{
    (void)state;
    aml_resource_memory(&a, 0xFFFFF000, 0x1000, false);
    assert_int_equal(a.bytes[0], 0x86);
    aml_fini(&a);
    aml_resource_memory(&a, 0xFFFFF000, 0x1001, true);
    assert_int_equal(a.bytes[0], 0x8A);
    assert_int_equal(a.bytes[5], 0x03); /* cacheable, writable */
    aml_fini(&a);
    aml_resource_memory(&a, 0, 0x100000000, false);
    assert_int_equal(a.bytes[0], 0x8A);
}

static void more_ports_than_a_byte_counts_are_an_address_space(void **state)
{
    (void)state;
    aml_resource_ports(&a, 0x1000, 0x100);
    HAS(0x88, 0x0D, 0, 1, 0x0D, 3, 0, 0, 0, 0x10, 0xFF, 0x10, 0, 0, 0, 1);
    aml_fini(&a);
    aml_resource_ports(&a, 0, 0x10000);
    HAS(0x87, 0x17, 0, 1, 0x0D, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        0);
}

/* --- names and identifiers -------------------------------------------------------------------- */
static void names_that_acpi_does_not_know_are_refused(void **state)
{
    static const char *const good[] = {"A", "_", "_HID", "D000", "KBD"};
    static const char *const bad[] = {"", "0ABC", "abcd", "TOOLONG", "A-B", "A B", "\xC4", NULL};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(aml_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(aml_name_is_valid(bad[i]));
}

static void identifiers_are_three_letters_or_four_signs_and_four_digits(void **state)
{
    static const char *const good[] = {"PNP0501", "ACPI0007", "PRP0001", "QEMU0001", "1AF40022"};
    static const char *const bad[] = {"",          "PNP",      "PNP050G",  "pnp0501",   "1NP0501",
                                      "PNP0501\n", "ACPI000g", "A_PI0007", "ACPI00077", NULL};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(aml_id_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (aml_id_is_valid(bad[i]))
            fail_msg("%s was taken", bad[i]);
}

/* --- terms of others -------------------------------------------------------------------------- */
static void takes(const void *terms, size_t size)
{
    aml_fini(&a);
    if (aml_terms(&a, terms, size, &names, &err) != BP_OK)
        fail_msg("refused: %s", err.text);
}

static void refuses(const void *terms, size_t size, const char *why)
{
    aml_fini(&a);
    err.text[0] = '\0';
    assert_int_equal(aml_terms(&a, terms, size, &names, &err), BP_ERR_INVALID);
    if (strstr(err.text, why) == NULL)
        fail_msg("said: %s", err.text);
}
#define REFUSES(why, ...)                                                                          \
    refuses((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), why)

static void terms_go_in_whole_and_their_names_are_known(void **state)
{
    (void)state;
    takes(sample_terms, sizeof(sample_terms));
    has(sample_terms + 7, sizeof(sample_terms) - 7); /* without External */
    assert_int_equal(names.n, 2);
    assert_string_equal(names.names[0], "LMPR");
    assert_string_equal(names.names[1], "_STA");
}

static void terms_cut_anywhere_are_refused(void **state)
{
    /* After External, OperationRegion and Field a list may end. */
    static const size_t ends[] = {0, 7, 22, 35};
    (void)state;
    for (size_t n = 0; n < sizeof(sample_terms); n++) {
        bool is_end = false;
        uint8_t *copy = malloc(n + 1); /* so that a sanitizer sees a read beyond it */
        assert_non_null(copy);
        memcpy(copy, sample_terms, n);
        for (size_t i = 0; i < 4; i++)
            is_end = is_end || n == ends[i];
        if (is_end)
            takes(copy, n);
        else
            refuses(copy, n, "at byte");
        free(copy);
    }
}

static void declarations_within_if_zero_are_left_out(void **state)
{
    static const uint8_t terms[] = {0xA0, 0x0A, 0x00, 0x15, 0x5C, 'R', 'G', '0', 'B',
                                    0x01, 0x00, 0x08, 'A',  'B',  'C', 'D', 0x01};
    (void)state;
    takes(terms, sizeof(terms));
    HAS(0x08, 'A', 'B', 'C', 'D', 0x01);
}

static void what_cannot_stand_in_a_scope_is_refused(void **state)
{
    (void)state;
    REFUSES("a term has no place", 0x70, 0x01, 'A', 'B', 'C', 'D');      /* Store */
    REFUSES("outside of a method", 0xA0, 0x03, 0x01, 0x00);              /* If (One) */
    REFUSES("a name is none", 0x08, 'a', 'b', 'c', 'd', 0x01);           /* lower case */
    REFUSES("a package's length", 0x10, 0x40, 0x01, 'A', 'B', 'C', 'D'); /* 16 bytes */
    REFUSES("a package's length", 0x10, 0x00, 'A', 'B', 'C', 'D');
    REFUSES("a string has no end", 0x08, 'A', 'B', 'C', 'D', 0x0D, 'x');
    REFUSES("neither a constant", 0x08, 'A', 'B', 'C', 'D', 0x60); /* Local0 */
    REFUSES("header", 'S', 'S', 'D', 'T', 0, 0, 0, 0);
}

static void scopes_within_scopes_are_looked_into_but_not_without_end(void **state)
{
    static const uint8_t one[] = {0x10, 0x05, 'A', 'B', 'C', 'D'};
    uint8_t nest[60];
    (void)state;
    takes(one, sizeof(one));
    REFUSES("a term has no place", 0x10, 0x06, 'A', 'B', 'C', 'D', 0x70);
    for (size_t i = 0; i < 10; i++) {
        nest[6 * i] = 0x10;
        nest[6 * i + 1] = (uint8_t)(60 - 6 * i - 1);
        memcpy(nest + 6 * i + 2, "ABCD", 4);
    }
    refuses(nest, sizeof(nest), "too deep");
}

static void random_bytes_never_do_harm(void **state)
{
    uint32_t seed = 12345;
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t copy[sizeof(sample_terms)];
        memcpy(copy, sample_terms, sizeof(copy));
        for (unsigned i = 0; i < 1 + round % 4; i++) {
            seed = seed * 1664525 + 1013904223;
            copy[(seed >> 8) % sizeof(copy)] = (uint8_t)(seed >> 24);
        }
        fuzz_aml(copy, sizeof(copy));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(integers_are_as_short_as_they_can_be),
        TEST(names_are_padded_and_strings_end_with_nul),
        TEST(eisa_identifiers_are_compressed_and_others_are_strings),
        TEST(packages_and_buffers_carry_their_lengths),
        TEST(lengths_grow_at_the_right_places),
        TEST(packages_within_packages_move_what_is_behind_them),
        TEST(strings_for_people_have_two_bytes_a_character),
        TEST(nesting_without_end_is_an_error_that_sticks),
        TEST(resources_of_32_bits),
        TEST(memory_above_4_gib_takes_64_bits),
        TEST(memory_that_ends_at_4_gib_takes_32_bits_and_one_that_crosses_64),
        TEST(more_ports_than_a_byte_counts_are_an_address_space),
        TEST(names_that_acpi_does_not_know_are_refused),
        TEST(identifiers_are_three_letters_or_four_signs_and_four_digits),
        TEST(terms_go_in_whole_and_their_names_are_known),
        TEST(terms_cut_anywhere_are_refused),
        TEST(declarations_within_if_zero_are_left_out),
        TEST(what_cannot_stand_in_a_scope_is_refused),
        TEST(scopes_within_scopes_are_looked_into_but_not_without_end),
        TEST(random_bytes_never_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
