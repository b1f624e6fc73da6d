/* What reaches a run from outside: signals, and the power button. */
#include <backplane/if/power_button.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "classcheck.h"
#include "cli/run.h"
#include "cli/terminal.h"
#include "util/log.h"

static struct run *volatile signalled;
static volatile sig_atomic_t n_signals;

/* --- The power button ------------------------------------------------------------------------- */

void run_press_button(void *ctx)
{
    struct run *run = ctx;
    int error = errno;
    uint64_t one = 1;
    ssize_t n = write(run->button_fd, &one, sizeof(one));
    (void)n; /* it is full only when nobody has listened to very many */
    errno = error;
}

static const struct bp_power_button_ops *button_of(const struct device *dev)
{
    const struct bp_power_button_ops *ops = class_service(dev->class_, BP_POWER_BUTTON_ID);
    return ops != NULL && BP_HAS(struct bp_power_button_ops, ops, press) ? ops : NULL;
}

/* All that a machine has are one button: a device need not have it wired. False: it has none. */
static bool press_all(const struct machine *machine)
{
    bool has_button = false;
    for (size_t i = 0; i < machine->n_devices; i++) {
        struct device *dev = machine->devices[i];
        const struct bp_power_button_ops *ops = button_of(dev);
        if (ops == NULL)
            continue;
        has_button = true;
        if (!device_enter(dev, "press of its power button"))
            continue;
        ops->press(dev->instance);
        device_leave(dev);
    }
    return has_button;
}

/* Presses that come together are one. */
static void on_button(void *ctx, uint32_t ready)
{
    struct run *run = ctx;
    uint64_t presses;
    (void)ready;
    if (read(run->button_fd, &presses, sizeof(presses)) != sizeof(presses) ||
        press_all(run->m.machine))
        return;
    log_format(LOG_LEVEL_WARN, run->m.machine->name,
               "no device of this machine has a power button: %s",
               run->ends_without_button ? "it ends at once" : "nothing happens");
    if (run->ends_without_button)
        vm_interrupt(run->vm);
}

static int32_t open_button(struct run *run, struct err *err)
{
    run->button_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (run->button_fd < 0)
        return err_set(err, BP_ERR_IO, "the power button: %s", strerror(errno));
    return loop_watch_add(vm_loop(run->vm), run->button_fd, LOOP_READ, on_button, run,
                          &run->button_watch) == BP_OK
               ? BP_OK
               : err_set(err, BP_ERR_NO_MEMORY, "the power button: the event loop refuses it");
}

/* --- Signals ---------------------------------------------------------------------------------- */

/* The first ends the guest's run in good order; the second, when that hangs, ends the program, as
 * does one that comes when the run is over already. */
static void on_signal(int number)
{
    (void)number;
    if (n_signals++ > 0 || signalled == NULL) {
        terminal_restore();
        _exit(EXIT_INTERRUPTED);
    }
    vm_interrupt(signalled->vm);
}

static void on_press(int number)
{
    (void)number;
    if (signalled != NULL)
        run_press_button(signalled);
}

/* While the program was stopped, the shell had the terminal. */
static void on_continue(int number)
{
    int error = errno;
    (void)number;
    terminal_continue();
    errno = error;
}

static void handle(int number, void (*handler)(int number), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

int32_t run_signals_catch(struct run *run, struct err *err)
{
    int32_t status = open_button(run, err);
    if (status != BP_OK)
        return status;
    signalled = run;
    handle(SIGINT, on_signal, 0);
    handle(SIGTERM, on_signal, 0);
    handle(SIGHUP, on_signal, 0);
    handle(SIGUSR1, on_press, SA_RESTART);
    handle(SIGCONT, on_continue, SA_RESTART);
    /* A closed pipe, or a file at its size limit, is an error of the write, which the backend
     * handles. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    return BP_OK;
}

void run_signals_detach(struct run *run)
{
    signalled = NULL;
    loop_watch_remove(run->button_watch);
    run->button_watch = NULL;
    if (run->button_fd >= 0)
        (void)close(run->button_fd);
    run->button_fd = -1;
}

void run_signals_release(void)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGUSR1, SIG_DFL);
    (void)signal(SIGCONT, SIG_DFL);
}
