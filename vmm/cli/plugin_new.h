/* backplane plugin new ID --kind KIND [--lang c|c++] [--dir DIR]. */
#ifndef VMM_CLI_PLUGIN_NEW_H
#define VMM_CLI_PLUGIN_NEW_H

#include "cli/cli.h"

/* Makes the directory of a new plugin. Returns the exit status. */
int plugin_new(const struct cli_command *command, const struct cli_args *args);

#endif
