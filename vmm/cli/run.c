/* backplane run: a machine file, a guest, and everything between start and exit status. */
#include "cli/run.h"

#include <string.h>

#include "cli/terminal.h"
#include "property.h"
#include "util/hosttime.h"

/* Kept always, for the report of a crash. */
#define TRACE_ENTRIES     16u
#define TRACE_ENTRIES_MAX 1000000u

static int exit_status(const struct vm_outcome *outcome)
{
    switch (outcome->result) {
    case RUN_HALTED:
        return (int)outcome->code;
    case RUN_REBOOT:
        return EXIT_REBOOT;
    case RUN_CRASHED:
        return EXIT_CRASHED;
    case RUN_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case RUN_YIELD:
    case RUN_USER_YIELD:
    case RUN_HANDLED:
        return EXIT_POWERED_OFF;
    case RUN_ERROR:
        return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

/* The terminal is put back first, so that the lines come out straight. */
static void report(const struct run *run, const struct cli_args *args,
                   const struct vm_outcome *outcome)
{
    if (outcome->result == RUN_CRASHED || run->shows_trace)
        terminal_restore();
    if (outcome->result == RUN_CRASHED)
        run_report_crash(run, outcome);
    for (uint32_t i = 0; run->shows_trace && i < vm_cpu_count(run->vm); i++)
        run_report_trace(run, i);
    if (cli_has(args, "stats"))
        run_report_stats(run);
}

static int run_guest(struct run *run, const struct cli_args *args)
{
    struct err err = {{0}};
    const char *on_reboot = cli_value(args, "on-reboot");
    bool stop_on_reboot = on_reboot != NULL && strcmp(on_reboot, "exit") == 0;
    if (run_set_up(run, args, &err) != BP_OK)
        return cli_fail("%s", err.text);
    terminal_save();
    if (run_signals_catch(run, &err) != BP_OK)
        return cli_fail("%s", err.text);
    struct vm_outcome outcome = {.result = RUN_ERROR};
    int32_t status = vm_run(run->vm, stop_on_reboot, &outcome, &err);
    run_notify("STOPPING=1");
    report(run, args, &outcome);
    return status == BP_OK ? exit_status(&outcome) : cli_fail("%s", err.text);
}

static int check_usage(const struct cli_command *self, const struct cli_args *args, struct run *run)
{
    const char *on_reboot = cli_value(args, "on-reboot");
    const char *no_button = cli_value(args, "without-button");
    const char *trace = cli_value(args, "trace");
    uint64_t entries = TRACE_ENTRIES;
    if (on_reboot != NULL && strcmp(on_reboot, "exit") != 0 && strcmp(on_reboot, "restart") != 0)
        return cli_usage(self, "--on-reboot=%s: restart or exit is allowed", on_reboot);
    if (no_button != NULL && strcmp(no_button, "nothing") != 0 && strcmp(no_button, "end") != 0)
        return cli_usage(self, "--without-button=%s: nothing or end is allowed", no_button);
    if (trace != NULL && (property_parse_number(trace, 0, &entries) != BP_OK || entries == 0 ||
                          entries > TRACE_ENTRIES_MAX))
        return cli_usage(self, "--trace %s: 1 to %u entries are allowed", trace, TRACE_ENTRIES_MAX);
    run->trace_entries = (size_t)entries;
    run->shows_trace = trace != NULL;
    run->ends_without_button = no_button != NULL && strcmp(no_button, "end") == 0;
    return 0;
}

static int command(const struct cli_command *self, const struct cli_args *args)
{
    struct run run = {.start_ns = host_monotonic_ns(), .button_fd = -1};
    int status = check_usage(self, args, &run);
    if (status == 0)
        status = cli_machine_open(args, true, &run.m);
    if (status != 0)
        return status;
    if (run_has_files(&run))
        status = run_guest(&run, args);
    else
        status = cli_usage(self, "nothing to run: give --kernel FILE, or --firmware FILE, or write "
                                 "kernel = FILE to [boot] in the machine file");
    run_signals_detach(&run);
    run_tear_down(&run);
    run_signals_release();
    terminal_restore();
    return status;
}

static const struct cli_option options[] = {
    {"kernel", "FILE", "the guest's kernel (Image, bzImage, ELF); instead of the file's", false},
    {"initrd", "FILE", "its initial RAM disk; instead of the file's", false},
    {"append", "S", "kernel command line, after the machine file's own", false},
    {"firmware", "FILE", "machine-mode firmware, ELF or raw; runs instead of ours", false},
    {"on-reboot", "WHAT", "restart (default), or exit with status 3", false},
    {"without-button", "WHAT",
     "what pressing a power button that is not there does: nothing (default), or end the run",
     false},
    {"stats", NULL, "at the end, say what the run took", false},
    {"trace", "N", "at the end, show the last N traps and exits of each processor", false},
};

const struct cli_command command_run = {
    .name = "run",
    .arguments = "MACHINE",
    .summary = "run a guest on a machine",
    .details =
        "MACHINE is a name that `backplane machines` shows, or the path of an .ini file.\n"
        "With a terminal, Ctrl-A x quits and Ctrl-A h helps; without one, bytes pass unchanged.\n"
        "Ctrl-A p, or the signal SIGUSR1, presses the power button of a machine that has one.\n"
        "Exit status: 0 the guest powered off (or the status it asked for), 1 an error, "
        "2 wrong usage, 3 the guest asked for a reboot under --on-reboot=exit, 4 it crashed, "
        "130 interrupted.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .is_machine_command = true,
    .min_positional = 1,
    .max_positional = 1,
    .run = command,
};
