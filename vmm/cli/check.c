/* backplane check: reads a machine file, and the guest's files if they are named, and says what is
 * wrong with them. */
#include <stdio.h>

#include "cli/run.h"

static int run(const struct cli_command *command, const struct cli_args *args)
{
    struct run run = {.button_fd = -1};
    struct err err = {{0}};
    int status = cli_machine_open(args, true, &run.m);
    if (status != 0)
        return status;
    if (cli_has(args, "initrd") && run.m.machine->initrd != NULL && !run_has_files(&run))
        status = cli_usage(command, "--initrd without a kernel: give --kernel FILE, too");
    else if (run_has_files(&run) && run_check_files(&run, args, &err) != BP_OK)
        status = cli_fail("%s", err.text);
    const struct machine *machine = run.m.machine;
    if (status == 0)
        printf("%s: ok: %s, %u processor%s, %llu MiB, %zu devices and backends\n", run.m.path,
               arch_name(machine->arch), machine->n_cpus, machine->n_cpus == 1 ? "" : "s",
               (unsigned long long)(machine->memory_bytes >> 20), machine->n_devices);
    run_tear_down(&run);
    return status != 0 ? status : cli_finish_output(0);
}

static const struct cli_option options[] = {
    {"kernel", "FILE", "also look at this kernel: can the machine boot it", false},
    {"initrd", "FILE", "with this initial RAM disk", false},
    {"append", "S", "and this kernel command line", false},
    {"firmware", "FILE", "or this machine-mode firmware", false},
};

const struct cli_command command_check = {
    .name = "check",
    .arguments = "MACHINE",
    .summary = "say everything that is wrong with a machine file; start nothing",
    .details = "MACHINE is a name that `backplane machines` shows, or the path of an .ini file.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .is_machine_command = true,
    .min_positional = 1,
    .max_positional = 1,
    .run = run,
};
