/* backplane check: reads a machine file and says everything that is wrong with it. */
#include <stdio.h>

#include "cli/cli.h"

static int run(const struct cli_command *command, const struct cli_args *args)
{
    (void)command;
    struct cli_machine m;
    int status = cli_machine_open(args, &m);
    if (status != 0)
        return status;
    const struct machine *machine = m.machine;
    printf("%s: ok: %s, %u processor%s, %llu MiB, %zu devices and backends\n", m.path,
           arch_name(machine->arch), machine->n_cpus, machine->n_cpus == 1 ? "" : "s",
           (unsigned long long)(machine->memory_bytes >> 20), machine->n_devices);
    cli_machine_close(&m);
    return cli_finish_output(0);
}

const struct cli_command command_check = {
    .name = "check",
    .arguments = "MACHINE",
    .summary = "say everything that is wrong with a machine file; start nothing",
    .details = "MACHINE is a name that `backplane machines` shows, or the path of an .ini file.",
    .is_machine_command = true,
    .min_positional = 1,
    .max_positional = 1,
    .run = run,
};
