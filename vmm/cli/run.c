/* backplane run: a machine file, a guest, and everything between start and exit status. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "accel/accel_list.h"
#include "boot/boot.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "core/reg.h"
#include "core/vm.h"
#include "plugin/stream.h"
#include "tables/fdt.h"
#include "util/hosttime.h"
#include "util/log.h"

struct run {
    struct cli_machine m;
    struct boot *boot;
    struct vm *vm;
    bool realized;
    char *bootargs;
    uint64_t start_ns;
};

/* --- Signals ---------------------------------------------------------------------------------- */

static struct vm *signalled_vm;
static volatile sig_atomic_t n_signals;

/* The first ends the guest's run in good order; the second, when that hangs, ends the program. */
static void on_signal(int number)
{
    (void)number;
    if (n_signals++ > 0) {
        terminal_restore();
        _exit(EXIT_INTERRUPTED);
    }
    vm_interrupt(signalled_vm);
}

/* While the program was stopped, the shell had the terminal. */
static void on_continue(int number)
{
    int error = errno;
    (void)number;
    terminal_continue();
    errno = error;
}

static void catch_signals(struct vm *vm)
{
    signalled_vm = vm;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    struct sigaction again = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
    sigemptyset(&again.sa_mask);
    (void)sigaction(SIGCONT, &again, NULL);
    /* A closed pipe, or a file at its size limit, is an error of the write, which the backend
     * handles. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

static void release_signals(void)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGCONT, SIG_DFL);
    signalled_vm = NULL;
}

/* --- The guest's side of the start ------------------------------------------------------------ */

static int32_t build_tree(const struct run *run, const struct boot_plan *plan, void **blob,
                          size_t *size, struct err *err)
{
    uint8_t seed[64];
    uint64_t kaslr_seed;
    if (getrandom(seed, sizeof(seed), 0) != sizeof(seed) ||
        getrandom(&kaslr_seed, sizeof(kaslr_seed), 0) != sizeof(kaslr_seed))
        return err_set(err, BP_ERR_IO, "random numbers for the guest: %s", strerror(errno));
    struct fdt_chosen chosen = {.bootargs = run->bootargs,
                                .initrd_gpa = plan->initrd_gpa,
                                .initrd_bytes = plan->initrd_bytes,
                                .rng_seed = seed,
                                .rng_seed_bytes = sizeof(seed),
                                .kaslr_seed = kaslr_seed};
    return fdt_build(&run->m.machine->layout, &chosen, blob, size, err);
}

static int32_t set_registers(const struct run *run, struct vm *vm, uint32_t index, struct err *err)
{
    struct boot_register registers[BOOT_REGISTERS_MAX];
    size_t n = boot_registers(run->boot, index, registers);
    for (size_t i = 0; i < n; i++) {
        int32_t status =
            vm_accel(vm)->set_reg(vm_vcpu(vm, index), registers[i].reg, registers[i].value, err);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static int32_t on_load(void *ctx, struct vm *vm, struct err *err)
{
    struct run *run = ctx;
    void *blob;
    size_t size;
    int32_t status = build_tree(run, boot_get_plan(run->boot), &blob, &size, err);
    if (status != BP_OK)
        return status;
    status = boot_load(run->boot, vm_memory(vm), blob, size, err);
    free(blob);
    for (uint32_t i = 0; i < vm_cpu_count(vm) && status == BP_OK; i++)
        status = set_registers(run, vm, i, err);
    if (status != BP_OK)
        return status;
    machine_start(run->m.machine);
    terminal_note_running();
    return BP_OK;
}

static int32_t on_memory(void *ctx, struct vm *vm, struct err *err)
{
    struct run *run = ctx;
    run->realized = true;
    return machine_realize(run->m.machine, vm, err);
}

static void on_reset(void *ctx, struct vm *vm)
{
    struct run *run = ctx;
    memory_clear(vm_memory(vm));
    machine_reset(run->m.machine, BP_RESET_WARM);
}

/* Nobody outside listens for a guest's requests yet: a host service is declined by going on, a
 * pause ends the run. */
static bool on_yield(void *ctx, struct vm *vm, enum run_result what)
{
    (void)ctx;
    (void)vm;
    return what == RUN_USER_YIELD;
}

static size_t on_console_write(void *ctx, const uint8_t *bytes, size_t n)
{
    struct run *run = ctx;
    return stream_write(run->m.machine->console, bytes, n);
}

static size_t on_console_read(void *ctx, uint8_t *bytes, size_t n)
{
    struct run *run = ctx;
    return stream_read(run->m.machine->console, bytes, n);
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static int32_t join_bootargs(struct run *run, const char *append, struct err *err)
{
    const char *own = run->m.machine->append;
    if (own == NULL && append == NULL)
        return BP_OK;
    if (asprintf(&run->bootargs, "%s%s%s", own != NULL ? own : "",
                 own != NULL && append != NULL ? " " : "", append != NULL ? append : "") >= 0)
        return BP_OK;
    run->bootargs = NULL;
    return err_set(err, BP_ERR_NO_MEMORY, "kernel command line: out of memory");
}

static int32_t open_boot(struct run *run, const struct cli_args *args, struct err *err)
{
    /* An initrd beyond 4 GiB makes the largest tree. */
    const struct boot_plan draft = {.initrd_gpa = UINT64_MAX / 2,
                                    .initrd_bytes = cli_has(args, "initrd") ? 1 : 0};
    void *blob;
    size_t size;
    int32_t status = build_tree(run, &draft, &blob, &size, err);
    if (status != BP_OK)
        return status;
    free(blob);
    struct boot_request request = {.arch = run->m.machine->arch,
                                   .kernel = cli_value(args, "kernel"),
                                   .initrd = cli_value(args, "initrd"),
                                   .firmware = cli_value(args, "firmware"),
                                   .dtb_bytes = size};
    request.n_ram = aspace_ram(run->m.machine->aspace, request.ram);
    return boot_open(&request, &run->boot, err);
}

static int32_t set_up(struct run *run, const struct cli_args *args, struct err *err)
{
    const char *wanted = cli_value(args, "accel");
    const struct accel_ops *accel =
        accel_choose(wanted != NULL ? wanted : "auto", run->m.machine->arch, err);
    if (accel == NULL)
        return BP_ERR_UNSUPPORTED;
    int32_t status = join_bootargs(run, cli_value(args, "append"), err);
    if (status == BP_OK)
        status = open_boot(run, args, err);
    if (status != BP_OK)
        return status;
    struct vm_config config = {.arch = run->m.machine->arch,
                               .n_cpus = run->m.machine->n_cpus,
                               .timebase_hz = run->m.machine->timebase_hz,
                               .firmware = boot_get_plan(run->boot)->has_firmware,
                               .accel = accel,
                               .aspace = run->m.machine->aspace,
                               .ctx = run,
                               .on_create_vm_with_memory = on_memory,
                               .load = on_load,
                               .reset = on_reset,
                               .on_yield = on_yield,
                               .console_write = on_console_write,
                               .console_read = on_console_read};
    return vm_create(&config, &run->vm, err);
}

/* --- The end ---------------------------------------------------------------------------------- */

static void print_stats(const struct run *run)
{
    struct vm_stats stats;
    vm_stats_read(run->vm, &stats);
    fprintf(stderr,
            "backplane: start to first guest instruction %.3f ms, whole run %.3f ms\n"
            "backplane: device reads %llu, writes %llu, unclaimed %llu, kicks %llu\n",
            (double)(stats.first_run_ns - run->start_ns) / 1e6,
            (double)(host_monotonic_ns() - run->start_ns) / 1e6,
            (unsigned long long)stats.mmio_reads, (unsigned long long)stats.mmio_writes,
            (unsigned long long)stats.stray, (unsigned long long)stats.kicks);
}

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

/* Devices go before the VM they use; and the VM before the address space it reads. */
static void tear_down(struct run *run)
{
    machine_destroy_devices(run->m.machine);
    vm_destroy(run->vm);
    boot_close(run->boot);
    free(run->bootargs);
    cli_machine_close(&run->m);
}

static int run_guest(struct run *run, const struct cli_args *args)
{
    struct err err = {{0}};
    const char *on_reboot = cli_value(args, "on-reboot");
    bool stop_on_reboot = on_reboot != NULL && strcmp(on_reboot, "exit") == 0;
    if (set_up(run, args, &err) != BP_OK)
        return cli_fail("%s", err.text);
    terminal_save();
    catch_signals(run->vm);
    struct vm_outcome outcome = {RUN_ERROR, 0};
    int32_t status = vm_run(run->vm, stop_on_reboot, &outcome, &err);
    if (cli_has(args, "stats"))
        print_stats(run);
    return status == BP_OK ? exit_status(&outcome) : cli_fail("%s", err.text);
}

static int command(const struct cli_command *self, const struct cli_args *args)
{
    struct run run = {.start_ns = host_monotonic_ns()};
    const char *on_reboot = cli_value(args, "on-reboot");
    if (on_reboot != NULL && strcmp(on_reboot, "exit") != 0 && strcmp(on_reboot, "restart") != 0)
        return cli_usage(self, "--on-reboot=%s: restart or exit is allowed", on_reboot);
    if (!cli_has(args, "kernel") && !cli_has(args, "firmware"))
        return cli_usage(self, "nothing to run: give --kernel FILE, or --firmware FILE");
    int status = cli_machine_open(args, &run.m);
    if (status != 0)
        return status;
    status = run_guest(&run, args);
    tear_down(&run);
    release_signals();
    terminal_restore();
    return status;
}

static const struct cli_option options[] = {
    {"kernel", "FILE", "the guest's kernel: an Image or an ELF file", false},
    {"initrd", "FILE", "its initial RAM disk", false},
    {"append", "S", "kernel command line, after the machine file's own", false},
    {"firmware", "FILE", "machine-mode firmware, ELF or raw; runs instead of ours", false},
    {"on-reboot", "WHAT", "restart (default), or exit with status 3", false},
    {"stats", NULL, "at the end, say what the run took", false},
};

const struct cli_command command_run = {
    .name = "run",
    .arguments = "MACHINE",
    .summary = "run a guest on a machine",
    .details =
        "MACHINE is a name that `backplane machines` shows, or the path of an .ini file.\n"
        "With a terminal, Ctrl-A x quits and Ctrl-A h helps; without one, bytes pass unchanged.\n"
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
