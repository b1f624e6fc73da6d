/* Reset of accel/kvm: whatever the guest has done, the machine begins as at power-on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <backplane/device.h>

#include "unit/kvm_guests_x86_64.h"
#include "unit/kvm_rig.h"

static struct rig rig;

static void begin(uint32_t n_cpus, uint32_t ioapic_pins)
{
    if (rig_is_impossible())
        skip();
    rig_make(&rig, n_cpus, ioapic_pins);
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    memset(&rig, 0, sizeof(rig));
    return 0;
}

/* Leaves traces everywhere: model-specific registers, floating point, local APIC with its timer
 * running, I/O APIC, 8259, 8254, x2APIC mode, debug registers; interrupts on. */
GUEST(mess, ".code64\n"
            "mov $0xfee00000, %edi\n movl $0x1ff, 0xf0(%rdi)\n movl $0x20030, 0x320(%rdi)\n"
            "movl $0x10, 0x80(%rdi)\n movl $0x10000, 0x350(%rdi)\n"
            "movl $10000000, 0x380(%rdi)\n"
            "mov $0xfec00000, %esi\n movl $0x1a, (%rsi)\n movl $0x31, 0x10(%rsi)\n"
            "mov $0x11, %al\n out %al, $0x20\n mov $0x40, %al\n out %al, $0x21\n"
            "mov $0xff, %al\n out %al, $0x21\n"
            "mov $0x34, %al\n out %al, $0x43\n mov $7, %al\n out %al, $0x40\n out %al, $0x40\n"
            "xor %edx, %edx\n"
            "mov $0x2ff, %ecx\n mov $0xc00, %eax\n wrmsr\n"
            "mov $0x200, %ecx\n mov $0x10000006, %eax\n wrmsr\n"
            "mov $0x277, %ecx\n mov $0x0606, %eax\n mov %eax, %edx\n wrmsr\n"
            "mov $0xc0000082, %ecx\n mov $0x1234, %eax\n xor %edx, %edx\n wrmsr\n"
            "mov $0xc0000102, %ecx\n wrmsr\n"
            "mov $0x174, %ecx\n wrmsr\n"
            "mov %cr4, %rax\n or $0x680, %rax\n mov %rax, %cr4\n"
            "mov $0x1b, %ecx\n rdmsr\n or $0xc00, %eax\n wrmsr\n" /* x2APIC */
            "mov $0x1234, %rax\n mov %rax, %dr0\n"
            "movdqu 0x1000, %xmm3\n"
            "sti\n out %al, $0xf4\n 1: jmp 1b\n");

/* Says what it finds: the values of a fresh machine. */
GUEST(look,
      ".code64\n"
      "mov $0x300, %r9d\n"
      "mov $0x1b, %ecx\n call msr\n"
      "mov $0x2ff, %ecx\n call msr\n"
      "mov $0x250, %ecx\n call msr\n"
      "mov $0x200, %ecx\n call msr\n"
      "mov $0x277, %ecx\n call msr\n"
      "mov $0xc0000082, %ecx\n call msr\n"
      "mov $0xc0000102, %ecx\n call msr\n"
      "mov $0x174, %ecx\n call msr\n"
      "mov $0x1a0, %ecx\n call msr\n"
      "mov $0xfee00000, %edi\n"
      "mov 0x20(%rdi), %eax\n call put\n mov 0xf0(%rdi), %eax\n call put\n"
      "mov 0x320(%rdi), %eax\n call put\n mov 0x380(%rdi), %eax\n call put\n"
      "mov 0x350(%rdi), %eax\n call put\n mov 0x360(%rdi), %eax\n call put\n"
      "mov 0x80(%rdi), %eax\n call put\n"
      "mov $0xfec00000, %esi\n movl $0x1a, (%rsi)\n mov 0x10(%rsi), %eax\n call put\n"
      "in $0x21, %al\n movzbl %al, %eax\n call put\n"
      "mov $0x4d0, %dx\n in %dx, %al\n movzbl %al, %eax\n call put\n"
      "mov $0x4d1, %dx\n in %dx, %al\n movzbl %al, %eax\n call put\n"
      "mov %dr0, %rax\n call put\n"
      "mov %cr4, %rax\n call put\n"
      "or $0x600, %eax\n mov %rax, %cr4\n movdqu %xmm3, 0x6000\n mov 0x6000, %eax\n call put\n"
      "out %al, $0xf4\n 1: jmp 1b\n"
      "msr: rdmsr\n"
      "put: mov %r9d, %edx\n out %eax, %dx\n ret\n");

/* What `look` writes, in its order. */
static const uint64_t fresh[] = {
    0xfee00900,                         /* local APIC: on, first processor, not x2APIC */
    0xc06,      0x06060606, 0,          /* memory types: all write-back */
    0x00070406,                         /* page attributes */
    0,          0,          0,          /* LSTAR, KERNEL_GS_BASE, SYSENTER_CS */
    1,                                  /* fast strings */
    0,          0xff,       0x10000, 0, /* APIC: id, spurious, timer */
    0x700,      0x400,                  /* ExtINT from the 8259s, NMI */
    0,                                  /* task priority */
    0x10000,                            /* I/O APIC: pin 5 masked */
    0,                                  /* 8259: mask */
    0x20,       0x04,                   /* level-triggered: lines 5 and 10 */
    0,          0x20,       0,          /* DR0, CR4 of 64-bit mode, XMM3 */
};

static void check_fresh(void)
{
    rig.n_log = 0;
    guest_start_long(&rig, GUEST_OF(look));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(rig.n_log, sizeof(fresh) / sizeof(fresh[0]));
    for (size_t i = 0; i < rig.n_log; i++) {
        uint64_t value = rig.log[i].value;
        if (i == 8)
            value &= 1; /* the rest of MISC_ENABLE is the host's */
        if (value != fresh[i])
            fail_msg("value %zu: 0x%llx, 0x%llx is wanted", i, (unsigned long long)value,
                     (unsigned long long)fresh[i]);
    }
}

static void a_reset_brings_back_power_on(void **state)
{
    (void)state;
    begin(1, 0);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 5, BP_LEVEL_HIGH, NULL), BP_OK);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 10, BP_LEVEL_HIGH, NULL), BP_OK);
    assert_int_equal(accel_kvm.connect_line(rig.vm, 11, BP_EDGE_RISING, NULL), BP_OK);
    check_fresh();
    for (unsigned i = 0; i < 3; i++) {
        guest_start_long(&rig, GUEST_OF(mess));
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_APICBASE), 0xfee00d00);
        check_fresh();
    }
}

static void the_reset_state_is_the_architectures(void **state)
{
    (void)state;
    begin(2, 0);
    for (unsigned round = 0; round < 2; round++) {
        accel_kvm.vcpu_reset(rig.vcpus[0], ENTRY_BOOT_VCPU);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_RIP), 0xfff0);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_RFLAGS), 2);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_CR0), 0x60000010);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_CR3), 0);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_CR4), 0);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_EFER), 0);
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_APICBASE), 0xfee00900);
        assert_int_equal(rig_get(&rig, 1, REG_X86_64_APICBASE), 0xfee00800);
        for (uint32_t i = 0; i < 16; i++)
            if (i != 2) /* RDX: the processor's model */
                assert_int_equal(rig_get(&rig, 0, REG_X86_64_GPR(i)), 0);
        guest_start_long(&rig, GUEST_OF(mess));
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    }
}

static void hundreds_of_resets_do_no_harm(void **state)
{
    (void)state;
    begin(1, 0);
    for (unsigned i = 0; i < 300; i++) {
        guest_start_long(&rig, GUEST_OF(mess));
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    }
    assert_int_equal(rig.n_done, 300);
}

GUEST(crash, ".code64\n ud2\n");
GUEST(done, ".code64\n out %al, $0xf4\n 1: jmp 1b\n");

static void a_crashed_guest_starts_again_after_a_reset(void **state)
{
    (void)state;
    struct err err;
    begin(1, 0);
    for (unsigned i = 0; i < 20; i++) {
        guest_start_long(&rig, GUEST_OF(crash));
        assert_int_equal(accel_kvm.vcpu_run(rig.vcpus[0], &err), RUN_CRASHED);
        guest_start_long(&rig, GUEST_OF(done));
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    }
}

static void a_machine_with_its_own_ioapic_resets_too(void **state)
{
    (void)state;
    begin(1, 24);
    for (unsigned i = 0; i < 3; i++) {
        guest_start_long(&rig, GUEST_OF(done));
        assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    }
    assert_int_equal(rig.n_done, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_reset_brings_back_power_on, end),
        cmocka_unit_test_teardown(the_reset_state_is_the_architectures, end),
        cmocka_unit_test_teardown(hundreds_of_resets_do_no_harm, end),
        cmocka_unit_test_teardown(a_crashed_guest_starts_again_after_a_reset, end),
        cmocka_unit_test_teardown(a_machine_with_its_own_ioapic_resets_too, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
