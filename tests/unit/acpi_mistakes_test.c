/* Plugins whose describe_acpi is wrong: one sentence with the device's name, whatever they call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backplane/abi.h>

#include "tables/acpi.h"
#include "tables/acpi_sample.h"
#include "tables/aml.h"

static struct err err;

typedef void describe_fn(const struct bp_acpi_writer *w);

static describe_fn *mistake;

static void make_mistake(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    mistake(w);
}

/* The sentence without what is the same in each. */
static void says(describe_fn *fn, const char *expected)
{
    static const char before[] = "device lamp (org.me.lamp): describe_acpi: ";
    static const char after[] = "; this is a mistake in the plugin";
    struct pc_sample pc;
    struct acpi_blob blob;
    pc_init(&pc);
    pc.devices[PC_LAMP].describe_acpi = make_mistake;
    mistake = fn;
    err.text[0] = '\0';
    if (acpi_build(&pc.layout, 0, &blob, &err) != BP_ERR_INVALID)
        fail_msg("it was taken; expected: %s", expected);
    assert_null(blob.tables);
    size_t n = strlen(err.text);
    if (n < sizeof(before) + sizeof(after) || strncmp(err.text, before, sizeof(before) - 1) != 0 ||
        strcmp(err.text + n - (sizeof(after) - 1), after) != 0)
        fail_msg("said: %s", err.text);
    err.text[n - (sizeof(after) - 1)] = '\0';
    if (strcmp(err.text + sizeof(before) - 1, expected) != 0)
        fail_msg("\nsaid:     %s\nexpected: %s", err.text + sizeof(before) - 1, expected);
}

/* --- names and strings ------------------------------------------------------------------------ */
static void m_lower(const struct bp_acpi_writer *w)
{
    w->name_integer(w, "l\namp", 1);
}

static void m_null(const struct bp_acpi_writer *w)
{
    w->name_integer(w, NULL, 1);
}

static void m_twice(const struct bp_acpi_writer *w)
{
    w->name_integer(w, "AB", 1);
    w->name_integer(w, "AB__", 1);
}

static void m_host_name(const struct bp_acpi_writer *w)
{
    w->name_integer(w, "_CRS", 1);
}

static void m_control(const struct bp_acpi_writer *w)
{
    w->name_string(w, "TEXT", "a\x80");
}

static void m_no_string(const struct bp_acpi_writer *w)
{
    w->prop_string(w, "label", NULL);
}

static void m_long_string(const struct bp_acpi_writer *w)
{
    char text[1026];
    memset(text, 'x', 1025);
    text[1025] = '\0';
    w->prop_string(w, "label", text);
}

static void m_id(const struct bp_acpi_writer *w)
{
    w->compatible_id(w, "lamp");
}

static void m_endless_names(const struct bp_acpi_writer *w)
{
    char name[8];
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof(name), "A%03X", i & 0xFFF);
        w->name_integer(w, name, i);
    }
}

static void m_endless_props(const struct bp_acpi_writer *w)
{
    for (unsigned i = 0; i < 100000; i++)
        w->prop_u64(w, "speed", i);
}

static void wrong_names_and_strings_are_refused(void **state)
{
    (void)state;
    says(m_lower, "\"l?amp\" is no name (1-4 of A-Z, 0-9 and _, the first no digit)");
    says(m_null, "\"\" is no name (1-4 of A-Z, 0-9 and _, the first no digit)");
    says(m_twice, "name AB__ is there already");
    says(m_host_name, "name _CRS is there already");
    says(m_control, "TEXT: a string of up to 1024 printable ASCII characters is wanted");
    says(m_no_string, "label: a string of up to 1024 printable ASCII characters is wanted");
    says(m_long_string, "label: a string of up to 1024 printable ASCII characters is wanted");
    says(m_id, "_CID \"lamp\" is no ACPI id: three letters, or four letters and digits, then four "
               "hexadecimal digits, as PNP0501 or ACPI0007");
    says(m_endless_names, "name A0A0 is one too many (limits: 160 names, 262144 bytes)");
    says(m_endless_props, "property speed is one too many (limit 64)");
}

/* --- terms ------------------------------------------------------------------------------------ */
static const uint8_t abcd[] = {0x08, 'A', 'B', 'C', 'D', 0x01};

static void m_short_terms(const struct bp_acpi_writer *w)
{
    w->aml(w, abcd, 5);
}

static void m_no_terms(const struct bp_acpi_writer *w)
{
    w->aml(w, NULL, 5);
}

static void m_huge_terms(const struct bp_acpi_writer *w)
{
    w->aml(w, abcd, UINT32_MAX);
}

static void m_terms_twice(const struct bp_acpi_writer *w)
{
    w->aml(w, abcd, sizeof(abcd));
    w->aml(w, abcd, sizeof(abcd));
}

static void m_terms_hid(const struct bp_acpi_writer *w)
{
    static const uint8_t hid[] = {0x08, '_', 'H', 'I', 'D', 0x01};
    w->aml(w, hid, sizeof(hid));
}

static void m_terms_resource_name(const struct bp_acpi_writer *w)
{
    static const uint8_t rg0b[] = {0x08, 'R', 'G', '0', 'B', 0x01};
    w->aml(w, rg0b, sizeof(rg0b));
}

static void m_whole_table(const struct bp_acpi_writer *w)
{
    w->aml(w, "SSDT....................................", 40);
}

static void wrong_terms_are_refused(void **state)
{
    (void)state;
    says(m_short_terms, "aml: 5 bytes of terms, at byte 5: it ends within a term");
    says(m_no_terms, "aml: 5 bytes of terms (1-262144 are wanted)");
    says(m_huge_terms, "aml: 4294967295 bytes of terms (1-262144 are wanted)");
    says(m_terms_twice, "name ABCD is there already");
    says(m_terms_hid, "name _HID is there already");
    says(m_terms_resource_name, "name RG0B is there already");
    says(m_whole_table, "aml: 40 bytes of terms, it begins with a table's header: leave out the "
                        "first 36 bytes");
}

/* --- children --------------------------------------------------------------------------------- */
static void m_not_ended(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", "PNP0303");
}

static void m_ended_twice(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", "PNP0303");
    w->child_end(w);
    w->child_end(w);
}

static void m_deep(const struct bp_acpi_writer *w)
{
    for (unsigned i = 0; i < 1000; i++)
        w->child_begin(w, "KBD", "PNP0303");
}

static void m_endless_children(const struct bp_acpi_writer *w)
{
    char name[8];
    for (unsigned i = 0; i < 4096; i++) {
        (void)snprintf(name, sizeof(name), "A%03X", i);
        w->child_begin(w, name, "PNP0303");
        w->child_end(w);
    }
}

static void m_nobody(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", NULL);
    w->child_end(w);
}

static void m_child_region_alone(const struct bp_acpi_writer *w)
{
    w->child_region(w, 0, 0, 1);
}

static void m_child_line_alone(const struct bp_acpi_writer *w)
{
    w->child_line(w, 0);
}

static void m_child_region_beyond(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", "PNP0303");
    w->child_region(w, 0, 0xFFF, 2);
}

static void m_child_region_wraps(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", "PNP0303");
    w->child_region(w, 0, 8, UINT64_MAX);
}

static void m_no_such_region(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", "PNP0303");
    w->child_region(w, 2, 0, 1);
}

static void m_no_such_line(const struct bp_acpi_writer *w)
{
    w->child_begin(w, "KBD", "PNP0303");
    w->child_line(w, UINT32_MAX);
}

static void wrong_children_are_refused(void **state)
{
    (void)state;
    says(m_not_ended, "1 children are not ended");
    says(m_ended_twice, "child_end without child_begin");
    says(m_deep, "child KBD lies too deep (limit 3)");
    says(m_endless_children, "name A0A0 is one too many (limits: 160 names, 262144 bytes)");
    says(m_nobody, "child KBD has neither an id nor _ADR");
    says(m_child_region_alone, "child_region without child_begin");
    says(m_child_line_alone, "child_line without child_begin, or too often");
    says(m_child_region_beyond, "child_region: region regs has no 0x2 bytes at 0xfff");
    says(m_child_region_wraps, "child_region: region regs has no 0xffffffffffffffff bytes at 0x8");
    says(m_no_such_region, "child_region: there is no region 2 (the class has 2)");
    says(m_no_such_line, "child_line: there is no line 4294967295 (the class has 2)");
}

/* --- other tables ----------------------------------------------------------------------------- */
static void m_block_size(const struct bp_acpi_writer *w)
{
    w->fixed_block(w, BP_ACPI_PM_TIMER, 0, 0, 3);
}

static void m_block_number(const struct bp_acpi_writer *w)
{
    w->fixed_block(w, 77, 0, 0, 4);
}

static void m_block_beyond(const struct bp_acpi_writer *w)
{
    w->fixed_block(w, BP_ACPI_PM_TIMER, 0, 0xFFE, 4);
}

static void m_block_taken(const struct bp_acpi_writer *w)
{
    w->fixed_block(w, BP_ACPI_PM1A_EVENT, 0, 0, 4);
}

static void m_sci_taken(const struct bp_acpi_writer *w)
{
    w->fixed_sci(w, 0);
}

static void m_features(const struct bp_acpi_writer *w)
{
    w->fixed_features(w, 0x40);
}

static void m_reset(const struct bp_acpi_writer *w)
{
    w->fixed_reset(w, 0, 0, 256);
}

static void m_sleep(const struct bp_acpi_writer *w)
{
    w->fixed_sleep(w, 6, 0);
}

static void m_rtc(const struct bp_acpi_writer *w)
{
    w->fixed_rtc(w, 0, 256, 0);
}

static void m_pci(const struct bp_acpi_writer *w)
{
    w->pci_config(w, 0, 0, 0, 0);
}

static void m_serial(const struct bp_acpi_writer *w)
{
    w->serial(w, 0, 0, 0, 3, 0, 0);
}

static void wrong_facts_are_refused(void **state)
{
    (void)state;
    says(m_block_size, "fixed_block 3 with 3 bytes: event blocks have 4, control 2, timer 4, GPE0 "
                       "2-30 and even");
    says(m_block_number, "fixed_block 77 with 4 bytes: event blocks have 4, control 2, timer 4, "
                         "GPE0 2-30 and even");
    says(m_block_beyond, "fixed_block: region regs has no 4 bytes at 0xffe");
    says(m_block_taken, "fixed_block: device power has said it already");
    says(m_sci_taken, "fixed_sci: device power has said it already");
    says(m_features, "fixed_features: 0x40 is none");
    says(m_reset, "fixed_reset: 0x100 is no byte");
    says(m_sleep, "fixed_sleep: state 6 with SLP_TYP 0: states are 0-5, each said once, SLP_TYP is "
                  "0-7");
    says(m_rtc, "fixed_rtc: an index is beyond 255, or another clock was before");
    says(m_pci, "pci_config: buses 0-0 of segment 0 do not fit in region regs of 0x1000 bytes (1 "
                "MiB each, memory-mapped)");
    says(m_serial, "serial: subtype 0 (0-255), stride 3 (1, 2, 4 or 8)");
}

static void m_goes_on(const struct bp_acpi_writer *w)
{
    m_block_size(w);
    m_endless_props(w);
    m_deep(w);
    m_huge_terms(w);
}

static void the_first_mistake_is_the_one_that_is_told(void **state)
{
    (void)state;
    says(m_goes_on, "fixed_block 3 with 3 bytes: event blocks have 4, control 2, timer 4, GPE0 "
                    "2-30 and even");
}

/* --- anything at all -------------------------------------------------------------------------- */
static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static const char *any_name(void)
{
    static const char *const names[] = {"ABCD", "KBD", "_ADR", "_STA", "_HID", "LMPR", "X",
                                        "Y",    "ab",  "",     NULL,   "_CID", "RG0B", "Z0"};
    return names[rnd(sizeof(names) / sizeof(names[0]))];
}

static const char *any_id(void)
{
    static const char *const ids[] = {"PNP0303", "LAMP0001", "lamp", NULL, "PRP0001"};
    return ids[rnd(5)];
}

static uint64_t any_number(void)
{
    static const uint64_t numbers[] = {0,   1,   2,     4,      8,          16,
                                       255, 256, 0xFFF, 0x1000, 1ull << 32, ~0ull};
    return numbers[rnd(sizeof(numbers) / sizeof(numbers[0]))];
}

static void any_terms(const struct bp_acpi_writer *w)
{
    uint8_t copy[sizeof(sample_terms)];
    memcpy(copy, sample_terms, sizeof(copy));
    if (rnd(3) == 0)
        copy[rnd(sizeof(copy))] = (uint8_t)rnd(256);
    w->aml(w, copy, rnd(3) == 0 ? rnd(sizeof(copy)) : (uint32_t)sizeof(copy));
}

static void any_fact(const struct bp_acpi_writer *w)
{
    switch (rnd(8)) {
    case 0:
        w->fixed_block(w, rnd(6), rnd(3), any_number(), rnd(5));
        break;
    case 1:
        w->fixed_features(w, rnd(70));
        break;
    case 2:
        w->fixed_sci(w, rnd(3));
        break;
    case 3:
        w->fixed_reset(w, rnd(3), any_number(), rnd(300));
        break;
    case 4:
        w->fixed_sleep(w, rnd(7), rnd(9));
        break;
    case 5:
        w->fixed_rtc(w, rnd(300), rnd(300), rnd(300));
        break;
    case 6:
        w->pci_config(w, rnd(3), rnd(2), rnd(4), (uint32_t)any_number());
        break;
    default:
        w->serial(w, rnd(3), rnd(3), rnd(300), 1u << rnd(5), 0, 9600);
    }
}

static void any_call(const struct bp_acpi_writer *w)
{
    switch (rnd(11)) {
    case 0:
        w->name_integer(w, any_name(), any_number());
        break;
    case 1:
        w->name_string(w, any_name(), any_name());
        break;
    case 2:
        w->compatible_id(w, any_id());
        break;
    case 3:
        w->prop_u64(w, any_name(), any_number());
        break;
    case 4:
        w->prop_string(w, any_name(), any_name());
        break;
    case 5:
        any_terms(w);
        break;
    case 6:
        w->child_begin(w, any_name(), any_id());
        break;
    case 7:
        w->child_region(w, rnd(3), any_number(), any_number());
        break;
    case 8:
        w->child_line(w, rnd(3));
        break;
    case 9:
        w->child_end(w);
        break;
    default:
        any_fact(w);
    }
}

/* Mostly right: a child that is begun is ended. */
static void describe_anything(void *ctx, const struct bp_acpi_writer *w)
{
    unsigned n = rnd(4);
    (void)ctx;
    for (unsigned i = 0; i < n; i++) {
        if (rnd(4) == 0) {
            w->child_begin(w, "PART", "PNP0303");
            any_call(w);
            w->child_end(w);
        }
        any_call(w);
    }
}

static void check_dsdt(const struct acpi_blob *blob, struct aml_term_names *names)
{
    struct acpi_table t;
    struct aml again;
    size_t cursor = 0;
    while (acpi_blob_next(blob, &cursor, &t)) {
        if (strcmp(t.signature, "DSDT") != 0)
            continue;
        aml_init(&again);
        if (aml_terms(&again, t.bytes + 36, t.size - 36, names, &err) != BP_OK)
            fail_msg("seed %u: %s", seed, err.text);
        assert_int_equal(again.size, t.size - 36);
        aml_fini(&again);
    }
}

static void whatever_a_plugin_says_is_a_whole_table_or_one_sentence(void **state)
{
    struct aml_term_names *names = malloc(sizeof(*names));
    unsigned good = 0;
    (void)state;
    assert_non_null(names);
    for (unsigned round = 0; round < 30000; round++) {
        struct pc_sample pc;
        struct acpi_blob blob;
        pc_init(&pc);
        seed = round;
        pc.devices[PC_PM].describe_acpi = round % 2 == 0 ? describe_anything : sample_pm_acpi;
        pc.devices[PC_LAMP].describe_acpi = describe_anything;
        if (round % 3 == 0)
            pc.devices[PC_LAMP].n_regions = 0;
        err.text[0] = '\0';
        if (acpi_build(&pc.layout, 0x10000, &blob, &err) == BP_OK) {
            good++;
            check_dsdt(&blob, names);
            acpi_blob_fini(&blob);
        } else if (strncmp(err.text, "device ", 7) != 0) {
            fail_msg("round %u: %s", round, err.text);
        }
    }
    free(names);
    if (good < 2000 || good > 28000)
        fail_msg("%u of 30000 were good: the test has lost its sense", good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_names_and_strings_are_refused),
        cmocka_unit_test(wrong_terms_are_refused),
        cmocka_unit_test(wrong_children_are_refused),
        cmocka_unit_test(wrong_facts_are_refused),
        cmocka_unit_test(the_first_mistake_is_the_one_that_is_told),
        cmocka_unit_test(whatever_a_plugin_says_is_a_whole_table_or_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
