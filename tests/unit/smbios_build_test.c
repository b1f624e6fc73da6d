/* SMBIOS (DSP0134 3.0), structure by structure, as a guest walks through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "tables/smbios.h"

static uint64_t get(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* The structure of a type, NULL if there is none; checks the chain on the way. */
static const uint8_t *find(const struct smbios_blob *blob, uint8_t type, unsigned nth)
{
    const uint8_t *at = blob->bytes + SMBIOS_TABLE_AT;
    const uint8_t *end = blob->bytes + blob->size;
    while (at < end) {
        if (at[0] == type && nth-- == 0)
            return at;
        assert_true(at[1] >= 4);
        const uint8_t *text = at + at[1];
        while (text[0] != 0 || text[1] != 0)
            assert_true(++text < end - 1);
        if (at[0] == 127)
            assert_ptr_equal(text + 2, end);
        at = text + 2;
    }
    return NULL;
}

static const char *string(const uint8_t *structure, size_t offset)
{
    const char *text = (const char *)structure + structure[1];
    for (uint8_t n = structure[offset]; n > 1; n--)
        text += strlen(text) + 1;
    return structure[offset] == 0 ? NULL : text;
}

static struct layout machine(uint32_t cpus, uint64_t low, uint64_t high)
{
    return (struct layout){.arch = ARCH_X86_64,
                           .name = "board",
                           .n_cpus = cpus,
                           .ram = {{0, low}, {1ull << 32, high}},
                           .n_ram = high > 0 ? 2 : 1};
}

static void the_entry_point_leads_to_the_table(void **state)
{
    struct layout layout = machine(1, 64 << 20, 0);
    struct smbios_blob blob;
    uint8_t sum = 0;
    (void)state;
    smbios_build(&layout, SMBIOS_GPA, &blob);
    assert_memory_equal(blob.bytes, "_SM3_", 5);
    assert_int_equal(blob.bytes[6], 24);
    for (size_t i = 0; i < 24; i++)
        sum = (uint8_t)(sum + blob.bytes[i]);
    assert_int_equal(sum, 0);
    assert_int_equal(get(blob.bytes + 16, 8), SMBIOS_GPA + SMBIOS_TABLE_AT);
    assert_int_equal(get(blob.bytes + 12, 4), blob.size - SMBIOS_TABLE_AT);
    assert_int_equal(SMBIOS_GPA % 16, 0);
    assert_true(SMBIOS_GPA + blob.size <= 0x100000);
    assert_non_null(find(&blob, 127, 0));
}

static void what_the_file_does_not_say_has_no_string(void **state)
{
    struct layout layout = machine(1, 64 << 20, 0);
    struct smbios_blob blob;
    static const uint8_t none[16] = {0};
    (void)state;
    smbios_build(&layout, SMBIOS_GPA, &blob);
    const uint8_t *system = find(&blob, 1, 0);
    assert_string_equal(string(system, 4), "Backplane");
    assert_string_equal(string(system, 5), "board");
    assert_null(string(system, 6));
    assert_null(string(system, 7));
    assert_memory_equal(system + 8, none, 16);
}

static void the_identity_is_that_of_the_layout(void **state)
{
    struct layout layout = machine(1, 64 << 20, 0);
    struct smbios_blob blob;
    static const uint8_t little[16] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                       0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    (void)state;
    layout.identity = (struct layout_identity){"Works", "Board 7", "rev C", "0042", {0}};
    for (uint8_t i = 0; i < 16; i++)
        layout.identity.uuid[i] = (uint8_t)(i * 0x11);
    smbios_build(&layout, SMBIOS_GPA, &blob);
    const uint8_t *system = find(&blob, 1, 0);
    assert_string_equal(string(system, 4), "Works");
    assert_string_equal(string(system, 5), "Board 7");
    assert_string_equal(string(system, 6), "rev C");
    assert_string_equal(string(system, 7), "0042");
    assert_memory_equal(system + 8, little, 16);
    assert_string_equal(string(find(&blob, 3, 0), 7), "0042");
}

static void long_strings_fit(void **state)
{
    char text[65];
    struct layout layout = machine(1, 64 << 20, 0);
    struct smbios_blob blob;
    (void)state;
    memset(text, 'x', 64);
    text[64] = '\0';
    layout.identity = (struct layout_identity){text, text, text, text, {0}};
    smbios_build(&layout, SMBIOS_GPA, &blob);
    assert_string_equal(string(find(&blob, 1, 0), 7), text);
    assert_non_null(find(&blob, 127, 0));
}

static void memory_is_that_of_the_layout(void **state)
{
    struct layout layout = machine(4, 3ull << 30, 61ull << 30);
    struct smbios_blob blob;
    (void)state;
    smbios_build(&layout, SMBIOS_GPA, &blob);
    assert_int_equal(get(find(&blob, 16, 0) + 15, 8), 64ull << 30);
    assert_int_equal(get(find(&blob, 17, 0) + 12, 2), 0x7fff); /* the extended size has it */
    assert_int_equal(get(find(&blob, 17, 0) + 28, 4), 65536);
    assert_int_equal(get(find(&blob, 19, 0) + 23, 8), (3ull << 30) - 1);
    assert_int_equal(get(find(&blob, 19, 1) + 15, 8), 1ull << 32);
    assert_int_equal(get(find(&blob, 19, 1) + 23, 8), (65ull << 30) - 1);
    assert_null(find(&blob, 19, 2));

    layout = machine(4, 64 << 20, 0);
    smbios_build(&layout, SMBIOS_GPA, &blob);
    assert_int_equal(get(find(&blob, 17, 0) + 12, 2), 64);
    assert_int_equal(get(find(&blob, 17, 0) + 28, 4), 0);
}

static void many_processors_are_counted(void **state)
{
    static const uint32_t counts[] = {1, 255, 256, 512};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct layout layout = machine(counts[i], 64 << 20, 0);
        struct smbios_blob blob;
        smbios_build(&layout, SMBIOS_GPA, &blob);
        const uint8_t *processor = find(&blob, 4, 0);
        assert_int_equal(processor[35], counts[i] < 256 ? counts[i] : 255);
        assert_int_equal(get(processor + 42, 2), counts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entry_point_leads_to_the_table),
        cmocka_unit_test(what_the_file_does_not_say_has_no_string),
        cmocka_unit_test(the_identity_is_that_of_the_layout),
        cmocka_unit_test(long_strings_fit),
        cmocka_unit_test(memory_is_that_of_the_layout),
        cmocka_unit_test(many_processors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
