/* backplane help: from the commands' own tables. */
#include <backplane/plugin.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "util/nearest.h"

#define OPTION_AT 24u

static void print_overview(void)
{
    fputs("usage: backplane [--log LEVEL] COMMAND [ARGUMENT]...\n\n", stdout);
    text_wrap(stdout, 0, 0,
              "Backplane runs virtual machines that a machine file describes. Every device is a "
              "plugin; what the guest is told of the machine is made from what it got.");
    fputs("\ncommands:\n", stdout);
    for (size_t i = 0; i < cli_n_commands; i++)
        text_row(stdout, 2, cli_commands[i]->name, 14, cli_commands[i]->summary);
    fputs("\nbefore the command:\n", stdout);
    text_row(stdout, 2, "--log LEVEL", 18,
             "messages to show: error, warn (default), info, guest or debug");
    fputs("\nenvironment:\n", stdout);
    text_row(stdout, 2, "BACKPLANE_PLUGIN_PATH", 26,
             "directories to look for plugins in, with : between them");
    fputs("\nexit status:\n", stdout);
    text_row(stdout, 2, "0", 6, "done; of run: the guest powered off (or its own status)");
    text_row(stdout, 2, "1", 6, "it did not work; a sentence on standard error says why");
    text_row(stdout, 2, "2", 6, "the command line is wrong");
    text_row(stdout, 2, "3", 6, "the guest asked for a reboot, under --on-reboot=exit");
    text_row(stdout, 2, "4", 6, "the guest crashed");
    text_row(stdout, 2, "130", 6, "interrupted");
    fputs("\n`backplane help COMMAND` says more about one of them.\n", stdout);
}

static void print_options(const struct cli_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct cli_option *o = &options[i];
        char label[80];
        (void)snprintf(label, sizeof(label), "--%s%s%s", o->name, o->value != NULL ? " " : "",
                       o->value != NULL ? o->value : "");
        text_row_format(stdout, 2, label, OPTION_AT, "%s%s", o->doc,
                        o->repeats ? " (may be repeated)" : "");
    }
}

static void print_command(const struct cli_command *c)
{
    printf("usage: backplane %s%s%s [OPTION]...\n\n", c->name, c->arguments[0] != '\0' ? " " : "",
           c->arguments);
    text_row(stdout, 0, c->name, (unsigned)strlen(c->name) + 2, c->summary);
    if (c->details != NULL) {
        fputc('\n', stdout);
        text_wrap(stdout, 0, 0, c->details);
    }
    fputs("\noptions:\n", stdout);
    print_options(c->options, c->n_options);
    if (c->is_machine_command)
        print_options(cli_machine_options, cli_n_machine_options);
    text_row(stdout, 2, "--help", OPTION_AT, "this text");
}

static int unknown(const struct cli_command *command, const char *name)
{
    const char *known[32];
    size_t n = cli_n_commands < 32 ? cli_n_commands : 32;
    for (size_t i = 0; i < n; i++)
        known[i] = cli_commands[i]->name;
    const char *near = nearest_word(name, known, n);
    if (near != NULL)
        return cli_usage(command, "unknown command \"%s\"; did you mean \"%s\"?", name, near);
    return cli_usage(command, "unknown command \"%s\"", name);
}

static int run(const struct cli_command *command, const struct cli_args *args)
{
    if (args->n_positional == 0) {
        print_overview();
        return cli_finish_output(0);
    }
    for (size_t i = 0; i < cli_n_commands; i++)
        if (strcmp(cli_commands[i]->name, args->positional[0]) == 0) {
            print_command(cli_commands[i]);
            return cli_finish_output(0);
        }
    return unknown(command, args->positional[0]);
}

const struct cli_command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "list the commands, or say more about one of them",
    .max_positional = 1,
    .run = run,
};
