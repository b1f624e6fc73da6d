/* The KVM probe: each way in which a host fails has its own sentence, and none takes long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <backplane/abi.h>

#include "accel/kvm_probe.h"
#include "core/arch.h"
#include "util/hosttime.h"

static void missing_device_asks_for_the_module_or_the_firmware(void **state)
{
    (void)state;
    struct kvm_report report;
    struct err err;
    assert_int_equal(kvm_probe_device("/nonexistent/kvm", &report, &err), BP_ERR_NOT_FOUND);
    assert_string_equal(err.text, "/nonexistent/kvm is missing; load the kvm module, or enable "
                                  "virtualization in the firmware (on a virtual machine: nested "
                                  "virtualization in its host)");
    assert_false(report.is_there);
    assert_false(report.is_usable);
}

static void device_of_another_kind_is_not_taken_for_kvm(void **state)
{
    (void)state;
    struct kvm_report report;
    struct err err;
    assert_int_equal(kvm_probe_device("/dev/null", &report, &err), BP_ERR_UNSUPPORTED);
    assert_string_equal(err.text, "/dev/null: is not KVM's device (Inappropriate ioctl for "
                                  "device); load the kvm module");
    assert_true(report.is_there);
    assert_true(report.is_open);
    assert_int_equal(report.api_version, 0);
    assert_int_equal(kvm_probe_device("/tmp", &report, &err), BP_ERR_UNSUPPORTED);
    assert_string_equal(err.text, "/tmp: cannot be opened: Is a directory; see the kernel's log");
}

static void missing_permission_names_the_group(void **state)
{
    (void)state;
    struct err err;
    const char *sentence = "/dev/kvm: permission denied; add yourself to the group that owns it "
                           "(usermod -aG kvm USER) and log in again";
    assert_int_equal(kvm_probe_explain_open("/dev/kvm", EACCES, &err), BP_ERR_PERMISSION);
    assert_string_equal(err.text, sentence);
    assert_int_equal(kvm_probe_explain_open("/dev/kvm", EPERM, &err), BP_ERR_PERMISSION);
    assert_string_equal(err.text, sentence);
}

static void device_without_a_driver_asks_for_one(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(kvm_probe_explain_open("/dev/kvm", ENODEV, &err), BP_ERR_UNSUPPORTED);
    assert_string_equal(err.text, "/dev/kvm: no driver behind it; load the kvm module, or enable "
                                  "virtualization in the firmware");
}

/* --- The verdict ------------------------------------------------------------------------------ */

static void fast_loop_with_a_timer_is_usable(void **state)
{
    (void)state;
    struct err err = {{0}};
    struct kvm_report report = {.runs_guest = true, .loop_ns = 20000, .has_timer = true};
    assert_int_equal(kvm_probe_judge("/dev/kvm", &report, &err), BP_OK);
    assert_true(report.is_fast);
    assert_true(report.is_usable);
    assert_string_equal(err.text, "");
}

/* Figures that were measured: 0.02 ms on a processor, 1 ms under an emulated host, 29 ms and more
 * where KVM itself emulates. */
static void emulated_host_passes_and_kvms_own_emulation_does_not(void **state)
{
    (void)state;
    char wanted[512];
    struct err err;
    struct kvm_report nested = {.runs_guest = true, .loop_ns = 1000000, .has_timer = true};
    struct kvm_report emulated = {.runs_guest = true, .loop_ns = 29400000};
    assert_int_equal(kvm_probe_judge("/dev/kvm", &nested, &err), BP_OK);
    assert_int_equal(kvm_probe_judge("/dev/kvm", &emulated, &err), BP_ERR_UNSUPPORTED);
    (void)snprintf(wanted, sizeof(wanted),
                   "/dev/kvm works only by emulating instructions: 20000 iterations took 29.4 ms, "
                   "a processor needs 0.05 ms; %s guests cannot run on it; use a host with "
                   "hardware virtualization",
                   arch_name(arch_native()));
    assert_string_equal(err.text, wanted);
    assert_false(emulated.is_fast);
    assert_false(emulated.is_usable);
}

static void guest_that_does_not_end_is_told_from_a_slow_one(void **state)
{
    (void)state;
    char wanted[512];
    struct err err;
    struct kvm_report report = {.makes_vcpus = true};
    assert_int_equal(kvm_probe_judge("/dev/kvm", &report, &err), BP_ERR_UNSUPPORTED);
    (void)snprintf(wanted, sizeof(wanted),
                   "/dev/kvm: a loop of 20000 iterations did not end within 400 ms, a processor "
                   "needs 0.05 ms; %s guests cannot run on it; use a host with hardware "
                   "virtualization",
                   arch_name(arch_native()));
    assert_string_equal(err.text, wanted);
}

static void missing_timer_interrupt_is_told_where_it_is_tested(void **state)
{
    (void)state;
    struct err err;
    struct kvm_report report = {.runs_guest = true, .loop_ns = 20000};
    if (arch_native() != ARCH_X86_64) { /* there it is not tested */
        assert_int_equal(kvm_probe_judge("/dev/kvm", &report, &err), BP_OK);
        assert_true(report.is_usable);
        return;
    }
    assert_int_equal(kvm_probe_judge("/dev/kvm", &report, &err), BP_ERR_UNSUPPORTED);
    assert_string_equal(err.text, "/dev/kvm: no timer interrupt reached a guest; update the "
                                  "host's kernel");
    assert_true(report.is_fast);
    assert_false(report.is_usable);
}

/* --- This host's own ------------------------------------------------------------------------- */

static unsigned count_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void probe_of_this_host_ends_in_time_and_leaves_nothing(void **state)
{
    (void)state;
    struct kvm_report report;
    struct err err = {{0}};
    sigset_t before, after;
    unsigned descriptors = count_descriptors();
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    uint64_t cpu_ns = host_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int32_t status = kvm_probe(&report, &err);
    cpu_ns = host_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    printf("%s\n", status == BP_OK ? "/dev/kvm is usable" : err.text);
    /* Processor time, because other programs may want the host's as well. */
    assert_true(cpu_ns < 900000000);
    assert_int_equal(count_descriptors(), descriptors);
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        assert_int_equal(sigismember(&after, signal), sigismember(&before, signal));
    sigset_t pending;
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGRTMAX), 0);
    /* The report and the verdict are one. */
    assert_int_equal(report.is_usable, status == BP_OK);
    assert_int_equal(err.text[0] == '\0', status == BP_OK);
    if (report.runs_guest)
        assert_true(report.makes_vcpus && report.is_open && report.api_version == 12 &&
                    report.loop_ns > 0);
    if (report.is_usable)
        assert_true(report.is_fast && report.loop_ns <= 5000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_device_asks_for_the_module_or_the_firmware),
        cmocka_unit_test(device_of_another_kind_is_not_taken_for_kvm),
        cmocka_unit_test(missing_permission_names_the_group),
        cmocka_unit_test(device_without_a_driver_asks_for_one),
        cmocka_unit_test(fast_loop_with_a_timer_is_usable),
        cmocka_unit_test(emulated_host_passes_and_kvms_own_emulation_does_not),
        cmocka_unit_test(guest_that_does_not_end_is_told_from_a_slow_one),
        cmocka_unit_test(missing_timer_interrupt_is_told_where_it_is_tested),
        cmocka_unit_test(probe_of_this_host_ends_in_time_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
