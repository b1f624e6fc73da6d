/*
 * The command line: one table of commands, one parser of options, one file for each command. Only
 * main() exits the process; a command returns its exit status.
 */
#ifndef VMM_CLI_CLI_H
#define VMM_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/machine.h"
#include "plugin/registry.h"

/* Exit status of the program. */
#define EXIT_POWERED_OFF 0
#define EXIT_FAILED      1
#define EXIT_USAGE       2
#define EXIT_REBOOT      3
#define EXIT_CRASHED     4
#define EXIT_INTERRUPTED 130

/* One option of a command. `takes_value` ones are written --name VALUE or --name=VALUE. */
struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what its value is called in the help; NULL: takes none */
    const char *doc;   /* for the help, one line */
    bool repeats;
};

#define CLI_VALUES_MAX 64

/* What was given: options in the order of the table, and the other arguments. */
struct cli_args {
    const struct cli_option *options;
    size_t n_options;
    const char *values[32][CLI_VALUES_MAX]; /* by option, then by occurrence; "" without value */
    size_t n_values[32];
    const char *positional[16];
    size_t n_positional;
};

/* The first value given for an option, or NULL. The name must be in the command's table. */
const char *cli_value(const struct cli_args *args, const char *name);
const char *const *cli_values(const struct cli_args *args, const char *name, size_t *n);
bool cli_has(const struct cli_args *args, const char *name);

struct cli_command {
    const char *name;
    const char *arguments; /* "MACHINE" */
    const char *summary;   /* one line */
    const char *details;   /* more, for `help NAME`; may be NULL */
    const struct cli_option *options;
    size_t n_options;
    bool is_machine_command; /* takes MACHINE and the options of cli_machine_options too */
    uint32_t min_positional, max_positional;
    int (*run)(const struct cli_command *command, const struct cli_args *args);
};

extern const struct cli_command command_run, command_check, command_describe, command_machines,
    command_plugin, command_doctor, command_version, command_help;
extern const struct cli_command *const cli_commands[];
extern const size_t cli_n_commands;

/* Error to stderr: "backplane: sentence". Returns EXIT_FAILED or EXIT_USAGE. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const struct cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends standard output: EXIT_FAILED with a sentence when something could not be written. */
int cli_finish_output(int status);

/* --- Machine commands: run, check, describe --------------------------------------------------- */

/* --arch --accel --memory --cpus --set --plugin-dir: accepted by every machine command. */
extern const struct cli_option cli_machine_options[];
extern const size_t cli_n_machine_options;

struct cli_machine {
    struct registry *registry;
    struct machine *machine;
    char path[4096];
};

/* Finds MACHINE (a name in the machine directories, or a path), and loads it; `will_boot`: the
 * files that it boots must be there. On an error all messages have been written and the exit status
 * is returned; 0 otherwise. */
int cli_machine_open(const struct cli_args *args, bool will_boot, struct cli_machine *out);
void cli_machine_close(struct cli_machine *m);

/* The registry alone, with --plugin-dir when the command has that option. */
int cli_registry_open(const struct cli_args *args, struct registry **out);

/* The file of a machine's name or path; false when there is none (the error has been written). */
bool cli_find_machine(const char *name, char *path, size_t size);

#endif
