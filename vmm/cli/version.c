/* backplane version: the program, the plugin ABI that it has, and the libraries it runs with. */
#include <backplane/plugin.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/text.h"

static const struct cli_option options[] = {
    {"json", NULL, "as JSON, for programs", false},
};

#define LIBRARIES_MAX 32

struct libraries {
    char names[LIBRARIES_MAX][64];
    size_t n;
};

/* The file behind the link names the exact version ("libfdt-1.6.1.so"). */
static int add_library(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct libraries *list = data;
    char path[PATH_MAX];
    if (info->dlpi_name == NULL || strchr(info->dlpi_name, '/') == NULL ||
        realpath(info->dlpi_name, path) == NULL)
        return 0;
    const char *name = strrchr(path, '/') + 1;
    if (list->n < LIBRARIES_MAX && strncmp(name, "ld-", 3) != 0)
        (void)snprintf(list->names[list->n++], sizeof(list->names[0]), "%.63s", name);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void print_json(const struct libraries *list)
{
    struct json json;
    json_begin(&json, stdout);
    json_string(&json, "version", BP_VERSION);
    json_object(&json, "plugin_abi");
    json_u64(&json, "major", BP_ABI_MAJOR);
    json_u64(&json, "minor", BP_ABI_MINOR);
    json_close_object(&json);
    json_string(&json, "host", arch_name(arch_native()));
    json_array(&json, "libraries");
    for (size_t i = 0; i < list->n; i++)
        json_string(&json, NULL, list->names[i]);
    json_close_array(&json);
    json_end(&json);
}

static void print_text(const struct libraries *list)
{
    char names[LIBRARIES_MAX * 66];
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < list->n; i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? " " : "",
                                 list->names[i]);
    printf("backplane %s\n", BP_VERSION);
    text_row_format(stdout, 0, "plugin ABI", 12, "%u.%u (before 1.0 a plugin's must be equal)",
                    BP_ABI_MAJOR, BP_ABI_MINOR);
    text_row(stdout, 0, "host", 12, arch_name(arch_native()));
    text_row(stdout, 0, "libraries", 12, used > 0 ? names : "none, all are linked in");
}

static int run(const struct cli_command *command, const struct cli_args *args)
{
    (void)command;
    struct libraries list = {.n = 0};
    (void)dl_iterate_phdr(add_library, &list);
    qsort(list.names, list.n, sizeof(list.names[0]), compare_names);
    if (cli_has(args, "json"))
        print_json(&list);
    else
        print_text(&list);
    return cli_finish_output(0);
}

const struct cli_command command_version = {
    .name = "version",
    .arguments = "",
    .summary = "the program's version, its plugin ABI and its libraries",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .run = run,
};
