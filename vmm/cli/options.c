/* One parser for all commands: --name VALUE, --name=VALUE, flags, and positional arguments. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "util/nearest.h"

#define OPTIONS_MAX 32

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("backplane: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILED;
}

int cli_usage(const struct cli_command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("backplane: ", stderr);
    vfprintf(stderr, format, args);
    if (command != NULL)
        fprintf(stderr, "\nusage: backplane %s%s%s [OPTION]...; see: backplane help %s\n",
                command->name, command->arguments[0] != '\0' ? " " : "", command->arguments,
                command->name);
    else
        fputs("\nusage: backplane COMMAND [ARGUMENT]...; see: backplane help\n", stderr);
    va_end(args);
    return EXIT_USAGE;
}

int cli_finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return cli_fail("standard output: cannot be written; is the disk full, or the pipe closed?");
}

static size_t index_of(const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->n_options; i++)
        if (strcmp(args->options[i].name, name) == 0)
            return i;
    return args->n_options;
}

const char *const *cli_values(const struct cli_args *args, const char *name, size_t *n)
{
    size_t i = index_of(args, name);
    *n = i < args->n_options ? args->n_values[i] : 0;
    return i < args->n_options ? args->values[i] : NULL;
}

const char *cli_value(const struct cli_args *args, const char *name)
{
    size_t n;
    const char *const *values = cli_values(args, name, &n);
    return n > 0 ? values[0] : NULL;
}

bool cli_has(const struct cli_args *args, const char *name)
{
    return cli_value(args, name) != NULL;
}

/* The command's own options, then those that every machine command has. */
static size_t merge_options(const struct cli_command *command, struct cli_option *out)
{
    size_t n = 0;
    for (size_t i = 0; i < command->n_options && n < OPTIONS_MAX; i++)
        out[n++] = command->options[i];
    for (size_t i = 0; command->is_machine_command && i < cli_n_machine_options; i++)
        if (n < OPTIONS_MAX)
            out[n++] = cli_machine_options[i];
    return n;
}

static int unknown_option(const struct cli_command *command, const struct cli_args *args,
                          const char *name, size_t len)
{
    char given[64];
    (void)snprintf(given, sizeof(given), "%.*s", (int)len, name);
    const char *known[OPTIONS_MAX];
    for (size_t i = 0; i < args->n_options; i++)
        known[i] = args->options[i].name;
    const char *near = nearest_word(given, known, args->n_options);
    if (near != NULL)
        return cli_usage(command, "unknown option --%s; did you mean --%s?", given, near);
    return cli_usage(command, "unknown option --%s", given);
}

static int take_option(const struct cli_command *command, struct cli_args *args, int *i, int argc,
                       char **argv)
{
    const char *name = argv[*i] + 2;
    size_t len = strcspn(name, "=");
    size_t o = 0;
    while (o < args->n_options &&
           (strlen(args->options[o].name) != len || strncmp(args->options[o].name, name, len) != 0))
        o++;
    if (o == args->n_options)
        return unknown_option(command, args, name, len);
    const struct cli_option *option = &args->options[o];
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    if (option->value == NULL && value != NULL)
        return cli_usage(command, "--%s takes no value", option->name);
    if (option->value != NULL && value == NULL) {
        if (*i + 1 >= argc)
            return cli_usage(command, "--%s needs a value: --%s %s", option->name, option->name,
                             option->value);
        value = argv[++*i];
    }
    if (args->n_values[o] > 0 && !option->repeats)
        return cli_usage(command, "--%s is given twice", option->name);
    if (args->n_values[o] == CLI_VALUES_MAX)
        return cli_usage(command, "--%s is given more than %d times", option->name, CLI_VALUES_MAX);
    args->values[o][args->n_values[o]++] = value != NULL ? value : "";
    return 0;
}

static int take_positional(const struct cli_command *command, struct cli_args *args,
                           const char *word)
{
    if (args->n_positional == command->max_positional)
        return cli_usage(command, "%s: one argument too many: %s", command->name, word);
    args->positional[args->n_positional++] = word;
    return 0;
}

static int parse(const struct cli_command *command, struct cli_args *args, int argc, char **argv)
{
    bool only_positional = false;
    for (int i = 0; i < argc; i++) {
        int status;
        if (!only_positional && strcmp(argv[i], "--") == 0) {
            only_positional = true;
            continue;
        }
        if (!only_positional && strncmp(argv[i], "--", 2) == 0)
            status = take_option(command, args, &i, argc, argv);
        else if (!only_positional && argv[i][0] == '-' && argv[i][1] != '\0')
            status =
                cli_usage(command, "unknown option %s; options begin with two dashes", argv[i]);
        else
            status = take_positional(command, args, argv[i]);
        if (status != 0)
            return status;
    }
    if (args->n_positional < command->min_positional)
        return cli_usage(command, "%s: %s is missing", command->name, command->arguments);
    return 0;
}

int options_run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_option options[OPTIONS_MAX];
    struct cli_args *args = calloc(1, sizeof(*args));
    if (args == NULL)
        return cli_fail("out of memory");
    args->options = options;
    args->n_options = merge_options(command, options);
    int status = parse(command, args, argc, argv);
    if (status == 0)
        status = command->run(command, args);
    free(args);
    return status;
}
