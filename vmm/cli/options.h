/* Parses a command's arguments and runs it; see cli.h. */
#ifndef VMM_CLI_OPTIONS_H
#define VMM_CLI_OPTIONS_H

#include "cli/cli.h"

/* argv without the program's and the command's names. Returns the exit status. */
int options_run(const struct cli_command *command, int argc, char **argv);

#endif
