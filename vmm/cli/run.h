/* For the files of `backplane run` only: one run in all its parts. */
#ifndef VMM_CLI_RUN_H
#define VMM_CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/boot.h"
#include "cli/cli.h"
#include "core/vm.h"
#include "tables/acpi.h"

struct run {
    struct cli_machine m;
    struct boot *boot;
    struct vm *vm;
    char *bootargs; /* NULL: none */
    uint64_t start_ns;
    size_t trace_entries;     /* of each vCPU */
    bool shows_trace;         /* at the end, however that comes about */
    bool ends_without_button; /* when the power button is pressed and there is none */
    bool is_announced;        /* run_notify has said that the guest runs */
    /* x86_64: made once, the same after each reset. */
    struct acpi_blob acpi;
    struct e820_entry *e820;
    size_t n_e820;
    int button_fd; /* the power button's bell; -1: not there yet */
    struct loop_watch *button_watch;
};

/* --- run_start.c: from a loaded machine to a VM ----------------------------------------------- */

/* There is something to boot: a kernel or a firmware. */
bool run_has_files(const struct run *run);

/* The kernel, initrd and firmware that were named: opens them and decides where all of it goes. */
int32_t run_check_files(struct run *run, const struct cli_args *args, struct err *err);
int32_t run_set_up(struct run *run, const struct cli_args *args, struct err *err);
void run_tear_down(struct run *run); /* takes one that was never set up */

/* --- run_tables.c: what the guest reads about its machine ------------------------------------- */

/* Fills in what the request says of the tables' sizes. */
int32_t run_tables_measure(struct run *run, bool has_initrd, struct boot_request *request,
                           struct err *err);
/* With boot_open done: the tables that depend on its plan. */
int32_t run_tables_make(struct run *run, struct err *err);
/* Everything to guest memory. */
int32_t run_tables_load(struct run *run, struct vm *vm, struct err *err);
void run_tables_fini(struct run *run);

/* --- run_signals.c: what reaches a run from outside ------------------------------------------- */

/* SIGINT, SIGTERM and SIGHUP end the run, SIGUSR1 presses the power button. */
int32_t run_signals_catch(struct run *run, struct err *err);
/* Before the VM goes: from here on a signal ends the program. */
void run_signals_detach(struct run *run);
void run_signals_release(void);

/* [any], also from a signal handler: presses the machine's power button, soon, on the loop's
 * thread. */
void run_press_button(void *run);

/* --- run_notify.c: a service manager, if one started the program -------------------------------
 */

/* What it shall know, as in sd_notify(3): "READY=1". Nothing happens where nobody wants to know. */
void run_notify(const char *state);

/* --- run_report.c: on standard error, after the run ------------------------------------------- */

void run_report_stats(const struct run *run);
void run_report_crash(const struct run *run, const struct vm_outcome *outcome);
void run_report_trace(const struct run *run, uint32_t vcpu);

#endif
