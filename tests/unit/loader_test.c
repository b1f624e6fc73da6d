/* From a plugin file to its class: what is loaded, and what is said when that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "plugin/loader.h"
#include "unit/plugin_files.h"

#define PLUGINS BUILD_DIR "/tests/unit/plugins/"

static const struct bp_class *load(const char *path, const char *id, const char *version,
                                   struct err *err)
{
    struct plugin_info info = {.id = id,
                               .version = version,
                               .path = path,
                               .abi_major = BP_ABI_MAJOR,
                               .abi_minor = BP_ABI_MINOR};
    err->text[0] = '\0';
    return loader_load(&info, err);
}

static void good_plugin_gives_its_class(void **state)
{
    (void)state;
    struct err err;
    const struct bp_class *c = load(PLUGINS "small.so", "small", "1.5", &err);
    assert_string_equal(err.text, "");
    assert_non_null(c);
    assert_string_equal(c->id, "small");
    assert_int_equal(c->read(NULL, 0, 4, 4), 8);
}

static void same_abi_is_accepted(void **state)
{
    (void)state;
    struct err err = {{0}};
    assert_int_equal(loader_check_abi("a.so", BP_ABI_MAJOR, BP_ABI_MINOR, &err), BP_OK);
    assert_string_equal(err.text, "");
}

/* The message names both versions and the side to be renewed. */
static void expect_abi(uint32_t major, uint32_t minor, const char *cure)
{
    char wanted[512];
    struct err err;
    (void)snprintf(
        wanted, sizeof(wanted),
        "a.so: made for plugin ABI %u.%u, this backplane has %u.%u (before 1.0 they must "
        "be equal): %s",
        major, minor, BP_ABI_MAJOR, BP_ABI_MINOR, cure);
    assert_int_equal(loader_check_abi("a.so", major, minor, &err), BP_ERR_VERSION);
    assert_string_equal(err.text, wanted);
}

static void newer_abi_asks_for_a_newer_program(void **state)
{
    (void)state;
    const char *cure = "update backplane, or build the plugin with this version's headers";
    expect_abi(0, BP_ABI_MINOR + 1, cure);
    expect_abi(1, 0, cure);
    expect_abi(1, 1, cure);
    expect_abi(UINT32_MAX, 1, cure);
}

static void older_abi_asks_for_a_new_build(void **state)
{
    (void)state;
    expect_abi(0, BP_ABI_MINOR - 1, "build the plugin again with this version's headers");
}

static void plugin_of_another_abi_is_not_opened(void **state)
{
    (void)state;
    struct err err;
    struct plugin_info info = {.id = "small",
                               .version = "1.5",
                               .path = "/nonexistent/small.so",
                               .abi_major = BP_ABI_MAJOR,
                               .abi_minor = BP_ABI_MINOR + 1};
    assert_null(loader_load(&info, &err));
    char wanted[512];
    (void)snprintf(wanted, sizeof(wanted),
                   "/nonexistent/small.so: made for plugin ABI %u.%u, this backplane has %u.%u "
                   "(before 1.0 they must be equal): update backplane, or build the plugin "
                   "with this version's headers",
                   BP_ABI_MAJOR, BP_ABI_MINOR + 1, BP_ABI_MAJOR, BP_ABI_MINOR);
    assert_string_equal(err.text, wanted);
}

static void expect_load_error(const char *path, const char *id, const char *version,
                              const char *text)
{
    struct err err;
    assert_null(load(path, id, version, &err));
    assert_string_equal(err.text, text);
}

static void file_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    struct err err;
    assert_null(load("/nonexistent/small.so", "small", "1.5", &err));
    const char *begin = "/nonexistent/small.so: cannot be loaded: ";
    assert_memory_equal(err.text, begin, strlen(begin));
}

static void undefined_symbol_is_named_with_the_cure(void **state)
{
    (void)state;
    expect_load_error(PLUGINS "unlinked.so", "unlinked", "1.0",
                      PLUGINS "unlinked.so: cannot be loaded: " PLUGINS
                              "unlinked.so: undefined symbol: bp_test_nobody_has_this; link it "
                              "with -Wl,-z,defs to find what is missing");
}

static void missing_symbol_is_named(void **state)
{
    (void)state;
    expect_load_error(PLUGINS "no-symbol.so", "no-symbol", "1.0",
                      PLUGINS "no-symbol.so: has no symbol bp_plugin_1; end its source with "
                              "BP_PLUGIN(...) and export the symbol");
}

static void symbol_of_another_abi_is_refused(void **state)
{
    (void)state;
    expect_load_error(PLUGINS "other-abi.so", "other-abi", "1.0",
                      PLUGINS "other-abi.so: its symbol bp_plugin_1 does not agree with its note; "
                              "build it again");
}

static void two_classes_are_refused(void **state)
{
    (void)state;
    expect_load_error(PLUGINS "two-classes.so", "two-classes", "1.0",
                      PLUGINS "two-classes.so: has 2 device classes, one is needed");
}

static void class_that_is_null_is_refused(void **state)
{
    (void)state;
    expect_load_error(PLUGINS "null-class.so", "null-class", "1.0",
                      PLUGINS "null-class.so: its class is NULL: give BP_PLUGIN the address of a "
                              "const class");
}

static void class_with_a_wrong_table_is_refused(void **state)
{
    (void)state;
    struct err err;
    assert_null(load(PLUGINS "bad-table.so", "bad-table", "1.0", &err));
    const char *begin = PLUGINS "bad-table.so: its class table is wrong: region";
    assert_memory_equal(err.text, begin, strlen(begin));
}

static void note_and_class_must_agree(void **state)
{
    (void)state;
    const char *cure = "give BP_PLUGIN the same id, version and kind";
    char wanted[512];
    (void)snprintf(
        wanted, sizeof(wanted),
        PLUGINS "other-id.so: its note says other-id 1.0, its class says first-id 1.0: %s", cure);
    expect_load_error(PLUGINS "other-id.so", "other-id", "1.0", wanted);
    (void)snprintf(wanted, sizeof(wanted),
                   PLUGINS "small.so: its note says small 1.4, its class says small 1.5: %s", cure);
    expect_load_error(PLUGINS "small.so", "small", "1.4", wanted);
    (void)snprintf(wanted, sizeof(wanted),
                   PLUGINS "other-kind.so: its note says other-kind 1.0, its class says other-kind "
                           "1.0: %s",
                   cure);
    expect_load_error(PLUGINS "other-kind.so", "other-kind", "1.0", wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_plugin_gives_its_class),
        cmocka_unit_test(same_abi_is_accepted),
        cmocka_unit_test(newer_abi_asks_for_a_newer_program),
        cmocka_unit_test(older_abi_asks_for_a_new_build),
        cmocka_unit_test(plugin_of_another_abi_is_not_opened),
        cmocka_unit_test(file_that_cannot_be_opened_is_named),
        cmocka_unit_test(undefined_symbol_is_named_with_the_cure),
        cmocka_unit_test(missing_symbol_is_named),
        cmocka_unit_test(symbol_of_another_abi_is_refused),
        cmocka_unit_test(two_classes_are_refused),
        cmocka_unit_test(class_that_is_null_is_refused),
        cmocka_unit_test(class_with_a_wrong_table_is_refused),
        cmocka_unit_test(note_and_class_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
