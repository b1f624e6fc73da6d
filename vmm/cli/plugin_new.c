/*
 * backplane plugin new: a directory with a small working plugin of some kind, its test, fuzz
 * target, machine file and build files, made from the templates that the SDK installs.
 */
#include "cli/plugin_new.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classcheck_tables.h"
#include "cli/scaffold.h"
#include "util/nearest.h"
#include "util/paths.h"

#include <backplane/plugin.h>

static const char *const kinds[] = {"mmio", "port", "virtio", "irqchip", "block", "char", "net"};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
    const char *name;
    const char *extension;
    const char *meson; /* what project() names */
} languages[] = {
    {"c", "c", "'c'"},
    {"c++", "cc", "'c', 'cpp'"},
};

static const struct scaffold_file files[] = {
    {"@KIND@/device.@EXT@", "@ID@.@EXT@"}, {"@KIND@/device_test.c", "@ID@_test.c"},
    {"@KIND@/machine.ini", "machine.ini"}, {"common/fuzz.c", "fuzz.c"},
    {"common/Makefile", "Makefile"},       {"common/meson.build", "meson.build"},
    {"common/README.md", "README.md"},     {"common/gitignore", ".gitignore"},
};
#define N_FILES (sizeof(files) / sizeof(files[0]))

/* --- what was asked for ----------------------------------------------------------------------- */

/* The id that was probably meant: small letters, '-' for what may not be. "" if that is none. */
static void mend_id(const char *id, char out[BP_ID_MAX])
{
    size_t n = 0;
    for (; *id != '\0' && n < BP_ID_MAX - 1; id++) {
        char c = (char)tolower((unsigned char)*id);
        if (!isalnum((unsigned char)c) && c != '.' && c != '-')
            c = '-';
        if (n > 0 || isalnum((unsigned char)c))
            out[n++] = c;
    }
    while (n > 0 && !isalnum((unsigned char)out[n - 1]))
        n--;
    out[n] = '\0';
}

static int check_id(const char *id)
{
    char mended[BP_ID_MAX];
    if (class_is_word(id, ".-", BP_ID_MAX - 1))
        return 0;
    mend_id(id, mended);
    if (mended[0] == '\0')
        return cli_fail("\"%s\" is no plugin id: up to 63 of a-z, 0-9, '-' and '.' are, such as "
                        "org.example.sensor",
                        id);
    return cli_fail("\"%s\" is no plugin id, up to 63 of a-z, 0-9, '-' and '.' that begin and end "
                    "with a letter or a digit: \"%s\" would be one",
                    id, mended);
}

/* An id that a plugin here has already could never be loaded beside it. */
static int check_is_free(const struct cli_args *args, const char *id)
{
    struct registry *registry;
    int status = cli_registry_open(args, &registry);
    if (status != 0)
        return status;
    const struct plugin_info *other = registry_find(registry, id);
    if (other != NULL)
        status = cli_fail("there is a plugin %s already, %s: choose an id in a domain that is "
                          "yours, such as org.example.%s",
                          id, other->path, id);
    registry_destroy(registry);
    return status;
}

static int check_kind(const struct cli_command *command, const char *kind)
{
    if (kind == NULL)
        return cli_usage(command, "plugin new: --kind is missing: mmio, port, virtio, irqchip, "
                                  "block, char or net");
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return 0;
    const char *near = nearest_word(kind, kinds, N_KINDS);
    if (near != NULL)
        return cli_usage(command, "--kind %s: there is none; did you mean %s?", kind, near);
    return cli_usage(command,
                     "--kind %s: mmio, port, virtio, irqchip, block, char or net is "
                     "allowed",
                     kind);
}

static int find_language(const struct cli_command *command, const char *name, size_t *out)
{
    for (*out = 0; *out < sizeof(languages) / sizeof(languages[0]); ++*out)
        if (strcmp(name, languages[*out].name) == 0)
            return 0;
    return cli_usage(command, "--lang %s: c or c++ is allowed", name);
}

/* --- making it -------------------------------------------------------------------------------- */

static void tell(const char *id, const char *dir)
{
    printf("made %s, a plugin that works: %zu files\n\n", dir, N_FILES);
    printf("    cd %s\n", dir);
    puts("    make test");
    printf("    backplane plugin check %s.so\n", id);
    puts("    backplane check machine.ini --plugin-dir .");
    if (strchr(id, '.') == NULL)
        printf("\nIds without a dot are the project's own: before you hand it out, name it in a "
               "domain\nthat is yours, such as org.example.%s.\n",
               id);
}

static int make(const char *id, const char *kind, size_t language, const char *dir)
{
    char templates[PATH_MAX];
    struct scaffold_value values[] = {
        {"ID", id},
        {"KIND", kind},
        {"EXT", languages[language].extension},
        {"MESON_LANGUAGES", languages[language].meson},
        {"ABOUT", NULL},
    };
    struct scaffold s = {templates, dir, values, sizeof(values) / sizeof(values[0]) - 1};
    struct err err;
    if (!paths_templates(templates, sizeof(templates)))
        return cli_fail("the path of the templates is too long");
    char *about = scaffold_read(&s, "@KIND@/about", &err);
    if (about == NULL)
        return cli_fail("%s: install the development files of Backplane's SDK", err.text);
    values[s.n_values++].value = about;
    int32_t status = scaffold_make(&s, files, N_FILES, &err);
    free(about);
    if (status != BP_OK)
        return cli_fail("%s", err.text);
    tell(id, dir);
    return 0;
}

int plugin_new(const struct cli_command *command, const struct cli_args *args)
{
    size_t language;
    if (args->n_positional < 2)
        return cli_usage(command, "plugin new: ID is missing, such as org.example.sensor");
    const char *id = args->positional[1];
    const char *kind = cli_value(args, "kind");
    const char *lang = cli_has(args, "lang") ? cli_value(args, "lang") : "c";
    const char *dir = cli_has(args, "dir") ? cli_value(args, "dir") : id;
    int status = check_kind(command, kind);
    if (status == 0)
        status = find_language(command, lang, &language);
    if (status == 0)
        status = check_id(id);
    if (status == 0)
        status = check_is_free(args, id);
    if (status == 0)
        status = make(id, kind, language, dir);
    return cli_finish_output(status);
}
