/* Which accelerator runs a guest, and what a host's KVM must have: a sentence for each reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <backplane/abi.h>

#include "accel/accel_list.h"
#include "accel/kvm_arch.h"
#include "util/hosttime.h"

/* --- Capabilities ------------------------------------------------------------------------------
 */

/* A kernel that has everything but one. */
static uint32_t all_but(void *missing, int cap)
{
    return cap == *(const int *)missing ? 0 : 1;
}

static void each_missing_capability_has_its_sentence(void **state)
{
    (void)state;
    struct err err = {{0}};
    int missing = -1;
    if (kvm_arch.arch == ARCH_INVALID) {
        printf("no guests on KVM on this architecture\n");
        skip();
    }
    assert_int_equal(
        kvm_check_needs("/dev/kvm", kvm_arch.needs, kvm_arch.n_needs, all_but, &missing, &err),
        BP_OK);
    assert_true(kvm_arch.n_needs >= (kvm_arch.arch == ARCH_X86_64 ? 15 : 7));
    for (size_t i = 0; i < kvm_arch.n_needs; i++) {
        char wanted[256];
        missing = kvm_arch.needs[i].cap;
        assert_int_equal(
            kvm_check_needs("/dev/kvm", kvm_arch.needs, kvm_arch.n_needs, all_but, &missing, &err),
            BP_ERR_UNSUPPORTED);
        (void)snprintf(wanted, sizeof(wanted),
                       "/dev/kvm: this kernel's KVM lacks %s (%s); update the host's kernel",
                       kvm_arch.needs[i].name, kvm_arch.needs[i].what);
        assert_string_equal(err.text, wanted);
        assert_memory_equal(kvm_arch.needs[i].name, "KVM_CAP_", 8);
    }
}

static void a_file_that_is_not_kvm_is_refused_and_closed(void **state)
{
    (void)state;
    struct err err = {{0}};
    int fd = 0;
    int32_t version = 5;
    assert_int_equal(kvm_open("/nonexistent/kvm", &fd, &version, &err), BP_ERR_NOT_FOUND);
    assert_int_equal(version, -1);
    assert_int_equal(kvm_open("/dev/null", &fd, &version, &err), BP_ERR_UNSUPPORTED);
    assert_int_equal(version, 0);
    assert_int_equal(fd, -1);
}

/* --- Choice --------------------------------------------------------------------------------------
 */

static enum arch foreign(void)
{
    return arch_native() == ARCH_X86_64 ? ARCH_ARM64 : ARCH_X86_64;
}

static void riscv64_guests_always_have_the_software_processor(void **state)
{
    (void)state;
    struct err err = {{0}};
    assert_ptr_equal(accel_choose("soft", ARCH_RISCV64, &err), &accel_rv64);
    if (arch_native() != ARCH_RISCV64)
        assert_ptr_equal(accel_choose("auto", ARCH_RISCV64, &err), &accel_rv64);
    assert_string_equal(err.text, "");
}

static void guests_of_another_architecture_name_both(void **state)
{
    (void)state;
    char wanted[256];
    struct err err = {{0}};
    assert_null(accel_choose("kvm", foreign(), &err));
    (void)snprintf(wanted, sizeof(wanted),
                   "--accel kvm: KVM runs guests of the host's own architecture, %s, not %s",
                   arch_name(arch_native()), arch_name(foreign()));
    assert_string_equal(err.text, wanted);
    assert_null(accel_choose("auto", foreign(), &err));
    (void)snprintf(wanted, sizeof(wanted),
                   "%s guests need KVM here: KVM runs guests of the host's own architecture, %s, "
                   "not %s; --arch riscv64 runs on the software processor",
                   arch_name(foreign()), arch_name(arch_native()), arch_name(foreign()));
    assert_string_equal(err.text, wanted);
    assert_null(accel_choose("soft", ARCH_X86_64, &err));
    assert_non_null(strstr(err.text, "x86_64"));
}

static void an_unknown_accelerator_lists_those_there_are(void **state)
{
    (void)state;
    struct err err = {{0}};
    assert_null(accel_choose("hax", ARCH_RISCV64, &err));
    assert_string_equal(err.text, "--accel hax: auto, kvm or soft is allowed");
}

/* Whatever this host has: both ways of asking agree, and the second answer is at once. */
static void the_hosts_own_architecture_follows_the_probe(void **state)
{
    (void)state;
    struct err probe = {{0}}, chosen = {{0}}, err = {{0}};
    int32_t status = accel_kvm.probe(arch_native(), &probe);
    uint64_t start_ns = host_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    const struct accel_ops *accel = accel_choose("kvm", arch_native(), &chosen);
    assert_true(host_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns < 20000000);
    printf("%s\n", status == BP_OK ? "KVM is usable" : probe.text);
    if (status == BP_OK) {
        assert_ptr_equal(accel, &accel_kvm);
        assert_ptr_equal(accel_choose("auto", arch_native(), &err), &accel_kvm);
        return;
    }
    assert_null(accel);
    assert_memory_equal(chosen.text, "--accel kvm: ", 13);
    assert_string_equal(chosen.text + 13, probe.text);
    accel = accel_choose("auto", arch_native(), &err);
    if (accel == NULL)
        assert_non_null(strstr(err.text, probe.text));
    else
        assert_ptr_equal(accel, &accel_rv64);
}

static void limits_are_there_wherever_no_guest_could_run(void **state)
{
    (void)state;
    struct accel_limits limits[ARCH_COUNT];
    struct err err = {{0}};
    assert_int_equal(accel_list_limits("auto", limits, &err), BP_OK);
    assert_in_range(limits[ARCH_X86_64].max_cpus, 1, 64);
    assert_true(limits[ARCH_X86_64].gpa_bits == 0 ||
                (limits[ARCH_X86_64].gpa_bits >= 32 && limits[ARCH_X86_64].gpa_bits <= 52));
    assert_non_null(limits[ARCH_RISCV64].isa);
    assert_true(limits[ARCH_RISCV64].max_cpus > 0);
    assert_int_equal(accel_list_limits("fast", limits, &err), BP_ERR_INVALID);
    assert_string_equal(err.text, "--accel fast: auto, kvm or soft is allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_missing_capability_has_its_sentence),
        cmocka_unit_test(a_file_that_is_not_kvm_is_refused_and_closed),
        cmocka_unit_test(riscv64_guests_always_have_the_software_processor),
        cmocka_unit_test(guests_of_another_architecture_name_both),
        cmocka_unit_test(an_unknown_accelerator_lists_those_there_are),
        cmocka_unit_test(the_hosts_own_architecture_follows_the_probe),
        cmocka_unit_test(limits_are_there_wherever_no_guest_could_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
