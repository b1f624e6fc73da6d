#include "cli/commands.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/options.h"
#include "util/log.h"
#include "util/nearest.h"

const struct cli_command *const cli_commands[] = {
    &command_run,    &command_check,  &command_describe, &command_machines,
    &command_plugin, &command_doctor, &command_version,  &command_help,
};
const size_t cli_n_commands = sizeof(cli_commands) / sizeof(cli_commands[0]);

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < cli_n_commands; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *known[16];
    for (size_t i = 0; i < cli_n_commands; i++)
        known[i] = cli_commands[i]->name;
    const char *near = nearest_word(name, known, cli_n_commands);
    if (near != NULL)
        return cli_usage(NULL, "unknown command \"%s\"; did you mean \"%s\"?", name, near);
    return cli_usage(NULL, "unknown command \"%s\"", name);
}

/* --log LEVEL may stand before the command. */
static int take_global(int argc, char **argv, int *used)
{
    *used = 1;
    while (*used < argc && strncmp(argv[*used], "--log", 5) == 0) {
        const char *name = argv[*used] + 5;
        if (name[0] == '=')
            name++;
        else if (name[0] == '\0' && *used + 1 < argc)
            name = argv[++*used];
        int level = log_level_from_name(name);
        if (level < 0)
            return cli_usage(NULL, "--log %s: error, warn, info, guest or debug is allowed", name);
        log_set_level((enum log_level)level);
        ++*used;
    }
    return 0;
}

int commands_main(int argc, char **argv)
{
    int used;
    int status = take_global(argc, argv, &used);
    if (status != 0)
        return status;
    if (used >= argc)
        return cli_usage(NULL, "no command given");
    const char *name = argv[used];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    if (strcmp(name, "complete") == 0)
        return complete_run(argc - used - 1, argv + used + 1);
    const struct cli_command *command = find_command(name);
    if (command == NULL)
        return unknown_command(name);
    for (int i = used + 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0) {
            char *help[] = {argv[used]};
            return options_run(&command_help, command == &command_help ? 0 : 1, help);
        }
    return options_run(command, argc - used - 1, argv + used + 1);
}
