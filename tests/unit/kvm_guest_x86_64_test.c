/* Tiny x86_64 guests on accel/kvm: modes, ports, memory that is not there, crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/kvm_rig.h"
#include "unit/kvm_guests_x86_64.h"

static struct rig rig;

static int skip_all(void **state)
{
    (void)state;
    return 0;
}

static void begin(uint32_t n_cpus)
{
    if (rig_is_impossible())
        skip();
    rig_make(&rig, n_cpus, 0);
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    memset(&rig, 0, sizeof(rig));
    return 0;
}

static void check_access(size_t at, char kind, uint64_t address, uint32_t width, uint64_t value)
{
    assert_true(at < rig.n_log);
    assert_int_equal(rig.log[at].kind, kind);
    assert_int_equal(rig.log[at].address, address);
    assert_int_equal(rig.log[at].width, width);
    assert_int_equal(rig.log[at].value, value);
}

GUEST(ports, ".code16\n"
             "mov $0x3f8, %dx\n mov $0x41, %al\n out %al, %dx\n"
             "mov $0xbeef, %ax\n out %ax, %dx\n"
             "mov $0xdeadbeef, %eax\n out %eax, %dx\n"
             "in %dx, %al\n mov %al, %bl\n"
             "in %dx, %eax\n mov %eax, %ecx\n"
             "out %al, $0xf4\n"
             "1: jmp 1b\n");

static void ports_have_the_widths_of_the_instruction(void **state)
{
    (void)state;
    begin(1);
    rig.answer = 0x11223344;
    guest_start_real(&rig, GUEST_OF(ports));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    check_access(0, 'o', 0x3f8, 1, 0x41);
    check_access(1, 'o', 0x3f8, 2, 0xbeef);
    check_access(2, 'o', 0x3f8, 4, 0xdeadbeef);
    check_access(3, 'i', 0x3f8, 1, 0x11223344);
    check_access(4, 'i', 0x3f8, 4, 0x11223345);
    assert_int_equal(rig.n_log, 5);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RBX) & 0xff, 0x44);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RCX), 0x11223345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ports_have_the_widths_of_the_instruction, end),
    };
    return cmocka_run_group_tests(tests, skip_all, NULL);
}
