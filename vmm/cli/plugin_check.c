/* backplane plugin check FILE.so|ID: the arguments. The tests are in vmm/check. */
#include "cli/plugin_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/registry.h"
#include "property.h"

/* Of the arguments; what is given by name lives as long as this. */
struct request {
    struct check_plan plan;
    const char *only[PLUGIN_CHECK_ONLY_MAX];
    char *words; /* what `only` points into */
    struct registry *registry;
};

/* --- Arguments -------------------------------------------------------------------------------- */

static int take_level(const struct cli_command *command, const struct cli_args *args,
                      struct check_plan *plan)
{
    const char *name = cli_value(args, "level");
    plan->level = CHECK_STATE;
    if (name == NULL)
        return 0;
    for (int level = CHECK_LOAD; level <= CHECK_FUZZ; level++)
        if (strcmp(name, check_level_name((enum check_level)level)) == 0) {
            plan->level = (enum check_level)level;
            return 0;
        }
    return cli_usage(command, "--level %s: load, api, state or fuzz is wanted", name);
}

static int take_seed(const struct cli_command *command, const struct cli_args *args,
                     struct check_plan *plan)
{
    const char *text = cli_value(args, "seed");
    plan->seed = 1;
    if (text != NULL && property_parse_number(text, 0, &plan->seed) != BP_OK)
        return cli_usage(command, "--seed %s: a number is wanted", text);
    return 0;
}

/* --only a,b --only c */
static int take_only(const struct cli_command *command, const struct cli_args *args,
                     struct request *request)
{
    size_t n, size = 1;
    const char *const *given = cli_values(args, "only", &n);
    struct err err = {{0}};
    for (size_t i = 0; i < n; i++)
        size += strlen(given[i]) + 1;
    request->words = calloc(1, size);
    if (request->words == NULL)
        return cli_fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        (void)strcat(request->words, given[i]);
        (void)strcat(request->words, ",");
    }
    char *rest = request->words;
    for (char *word = strsep(&rest, ","); word != NULL; word = strsep(&rest, ",")) {
        if (word[0] == '\0')
            continue;
        if (request->plan.n_only == PLUGIN_CHECK_ONLY_MAX)
            return cli_usage(command, "--only: more than %u names", PLUGIN_CHECK_ONLY_MAX);
        request->only[request->plan.n_only++] = word;
    }
    request->plan.only = request->only;
    if (n > 0 && request->plan.n_only == 0)
        return cli_usage(command, "--only: a name is missing; --list shows them");
    if (check_find_only(&request->plan, &err) != BP_OK)
        return cli_usage(command, "--only: %s", err.text);
    return 0;
}

static int take_settings(const struct cli_command *command, const struct cli_args *args,
                         struct check_plan *plan)
{
    plan->settings = cli_values(args, "set", &plan->n_settings);
    for (size_t i = 0; i < plan->n_settings; i++)
        if (strchr(plan->settings[i], '=') == NULL)
            return cli_usage(command, "--set %s: KEY=VALUE is wanted", plan->settings[i]);
    return 0;
}

/* A path has a slash or ends in .so; all else is an id. */
static int take_file(const struct cli_args *args, struct request *request)
{
    const char *name = args->positional[1];
    size_t n = strlen(name);
    struct err err = {{0}};
    request->plan.path = name;
    if (strchr(name, '/') != NULL || (n > 3 && strcmp(name + n - 3, ".so") == 0))
        return 0;
    if (cli_registry_open(args, &request->registry) != 0)
        return EXIT_USAGE;
    const struct plugin_info *info = registry_find(request->registry, name);
    if (info == NULL) {
        (void)registry_class(request->registry, name, &err); /* says why */
        (void)cli_fail("%s", err.text);
        return EXIT_USAGE;
    }
    request->plan.path = info->path;
    return 0;
}

static int take_all(const struct cli_command *command, const struct cli_args *args,
                    struct request *request)
{
    int status = take_level(command, args, &request->plan);
    if (status == 0)
        status = take_seed(command, args, &request->plan);
    if (status == 0)
        status = take_only(command, args, request);
    if (status == 0)
        status = take_settings(command, args, &request->plan);
    if (status == 0)
        status = take_file(args, request);
    return status;
}

/* --- Running ---------------------------------------------------------------------------------- */

static int check(const struct check_plan *plan, bool as_json)
{
    struct check_report report = {.plan = plan, .as_json = as_json};
    struct check_plan told = *plan;
    struct err err = {{0}};
    uint32_t n_failed;
    told.on_result = check_report_result;
    told.context = &report;
    check_report_begin(&report);
    int32_t status = check_run_plan(&told, &n_failed, &err);
    if (status == BP_ERR_STATE && err.text[0] == '\0')
        return EXIT_INTERRUPTED;
    if (status != BP_OK) {
        (void)cli_fail("%s", err.text);
        return EXIT_USAGE;
    }
    check_report_end(&report);
    return cli_finish_output(n_failed > 0 ? EXIT_FAILED : 0);
}

int plugin_check(const struct cli_command *command, const struct cli_args *args)
{
    struct request request = {.plan = {0}};
    bool as_json = cli_has(args, "json");
    if (cli_has(args, "list")) {
        if (args->n_positional > 1)
            return cli_usage(command, "plugin check --list: one argument too many: %s",
                             args->positional[1]);
        check_report_list(as_json);
        return cli_finish_output(0);
    }
    if (args->n_positional < 2)
        return cli_usage(command, "plugin check: FILE.so or ID is missing");
    int status = take_all(command, args, &request);
    if (status == 0)
        status = check(&request.plan, as_json);
    registry_destroy(request.registry);
    free(request.words);
    return status;
}
