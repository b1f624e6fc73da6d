/* backplane plugin list, plugin info ID. A list reads notes only: nothing of a plugin is run. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/plugin_check.h"
#include "cli/plugin_info.h"
#include "cli/plugin_new.h"
#include "cli/text.h"
#include "plugin/crash.h"
#include "plugin/loader.h"

#define ID_AT 24u

static const struct cli_option options[] = {
    {"json", NULL, "as JSON, for programs", false},
    {"schema", NULL, "of info: a JSON schema of sections with this plugin", false},
    {"man", NULL, "of info: the plugin's page of the manual, for man -l", false},
    {"kind", "KIND", "of new: mmio, port, virtio, irqchip, block, char or net", false},
    {"lang", "LANGUAGE", "of new: c (the default) or c++", false},
    {"dir", "DIR", "of new: the directory to make; default ./ID", false},
    {"level", "LEVEL", "of check: load, api, state (the default) or fuzz", false},
    {"seed", "N", "of check: for what is done at random; default 1", false},
    {"only", "NAME", "of check: this test or group of tests; a,b names two", true},
    {"set", "KEY=VALUE", "of check: a property that cannot be guessed", true},
    {"list", NULL, "of check: show the tests", false},
    {"plugin-dir", "DIR", "look for plugins here first", true},
};

/* --- list ------------------------------------------------------------------------------------- */

static const char *kind_of(const struct plugin_info *p)
{
    return (p->flags & BP_CLASS_BACKEND) != 0 ? "backend" : "device";
}

static void list_text(const struct registry *registry)
{
    struct err why;
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct plugin_info *p = registry_at(registry, i);
        bool is_ours = loader_check_abi(p->path, p->abi_major, p->abi_minor, &why) == BP_OK;
        char label[96];
        (void)snprintf(label, sizeof(label), "%-*s %s", (int)ID_AT - 1, p->id, kind_of(p));
        text_row(stdout, 0, label, ID_AT + 9, p->version);
        if (!is_ours)
            text_row_format(stdout, 2, "refused:", 12, "%s", why.text);
    }
    const char *sentence;
    for (size_t i = 0; (sentence = registry_refused(registry, i)) != NULL; i++)
        text_row(stdout, 0, "refused:", 10, sentence);
    for (size_t i = 0; (sentence = registry_hidden(registry, i)) != NULL; i++)
        text_row(stdout, 0, "hidden:", 10, sentence);
    if (registry_count(registry) == 0)
        puts("no plugins; `backplane doctor` shows where they are looked for");
}

static void list_json(const struct registry *registry)
{
    struct json json;
    struct err why;
    json_begin(&json, stdout);
    json_array(&json, "plugins");
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct plugin_info *p = registry_at(registry, i);
        bool is_ours = loader_check_abi(p->path, p->abi_major, p->abi_minor, &why) == BP_OK;
        json_object(&json, NULL);
        json_string(&json, "id", p->id);
        json_string(&json, "version", p->version);
        json_string(&json, "kind", kind_of(p));
        json_string(&json, "path", p->path);
        json_u64(&json, "abi_major", p->abi_major);
        json_u64(&json, "abi_minor", p->abi_minor);
        json_string(&json, "error", is_ours ? NULL : why.text);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_array(&json, "refused");
    const char *sentence;
    for (size_t i = 0; (sentence = registry_refused(registry, i)) != NULL; i++)
        json_string(&json, NULL, sentence);
    json_close_array(&json);
    json_array(&json, "hidden");
    for (size_t i = 0; (sentence = registry_hidden(registry, i)) != NULL; i++)
        json_string(&json, NULL, sentence);
    json_close_array(&json);
    json_end(&json);
}

/* --- info ------------------------------------------------------------------------------------- */

static int info(struct registry *registry, const char *id, const struct cli_args *args)
{
    struct plugin_view view;
    struct err err;
    crash_watch(NULL);
    if (plugin_view_make(registry, id, &view, &err) != BP_OK)
        return cli_fail("%s", err.text);
    if (cli_has(args, "schema"))
        plugin_schema(&view);
    else if (cli_has(args, "man"))
        plugin_man(&view);
    else if (cli_has(args, "json"))
        plugin_info_json(&view);
    else
        plugin_info_text(&view);
    return 0;
}

static int run(const struct cli_command *command, const struct cli_args *args)
{
    if (strcmp(args->positional[0], "check") == 0)
        return plugin_check(command, args);
    if (strcmp(args->positional[0], "new") == 0)
        return plugin_new(command, args);
    bool is_list = strcmp(args->positional[0], "list") == 0;
    if (!is_list && strcmp(args->positional[0], "info") != 0)
        return cli_usage(command, "plugin %s: list, info, new or check is wanted",
                         args->positional[0]);
    if (is_list && args->n_positional > 1)
        return cli_usage(command, "plugin list: one argument too many: %s", args->positional[1]);
    if (!is_list && args->n_positional < 2)
        return cli_usage(command, "plugin info: ID is missing");
    struct registry *registry;
    int status = cli_registry_open(args, &registry);
    if (status != 0)
        return status;
    if (!is_list)
        status = info(registry, args->positional[1], args);
    else if (cli_has(args, "json"))
        list_json(registry);
    else
        list_text(registry);
    registry_destroy(registry);
    return cli_finish_output(status);
}

const struct cli_command command_plugin = {
    .name = "plugin",
    .arguments = "list | info ID | new ID | check FILE.so",
    .summary = "list plugins, say everything about one, check one, begin a new one",
    .details =
        "`plugin list` reads the notes of the files in the plugin directories and runs "
        "nothing of them. `plugin info ID` loads one plugin and shows its regions, "
        "registers, lines, properties and links, and a section to copy into a machine "
        "file, or writes its schema or manual page. `plugin new ID` makes a directory with a "
        "small working plugin, its test and what builds them. `plugin check` tries what every "
        "plugin must do, each test in a process of its own; see docs/device-author.md.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .min_positional = 1,
    .max_positional = 2,
    .run = run,
};
