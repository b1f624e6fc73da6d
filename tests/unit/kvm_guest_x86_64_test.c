/* Tiny x86_64 guests on accel/kvm: modes, ports, memory that is not there, crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/kvm_rig.h"
#include "unit/kvm_guests_x86_64.h"

static struct rig rig;

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
    rig_check(&rig, 0, 'o', 0x3f8, 1, 0x41);
    rig_check(&rig, 1, 'o', 0x3f8, 2, 0xbeef);
    rig_check(&rig, 2, 'o', 0x3f8, 4, 0xdeadbeef);
    rig_check(&rig, 3, 'i', 0x3f8, 1, 0x11223344);
    rig_check(&rig, 4, 'i', 0x3f8, 4, 0x11223345);
    assert_int_equal(rig.n_log, 5);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RBX) & 0xff, 0x44);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RCX), 0x11223345);
}

/* --- Ports ------------------------------------------------------------------------------------ */

GUEST(string, ".code16\n"
              "mov $0x3f8, %dx\n mov $text - guest_string + 0x1000, %si\n mov $5, %cx\n"
              "cld\n rep outsb\n"
              "mov $0x2000, %di\n mov $3, %cx\n mov $0x300, %dx\n rep insw\n"
              "out %al, $0xf4\n"
              "1: jmp 1b\n"
              "text: .ascii \"hello\"\n");

static void every_element_of_a_string_instruction_is_an_access(void **state)
{
    (void)state;
    begin(1);
    rig.answer = 0x1000;
    guest_start_real(&rig, GUEST_OF(string));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    for (size_t i = 0; i < 5; i++)
        rig_check(&rig, i, 'o', 0x3f8, 1, (uint64_t) "hello"[i]);
    for (size_t i = 0; i < 3; i++)
        rig_check(&rig, 5 + i, 'i', 0x300, 2, 0x1000 + i);
    assert_int_equal(rig.n_log, 8);
    assert_memory_equal(rig.ram + 0x2000, "\x00\x10\x01\x10\x02\x10", 6);
}

/* --- Memory that is not there ----------------------------------------------------------------- */

GUEST(memory, ".code64\n"
              "mov $0xc0000000, %edi\n"
              "movb $0x11, 1(%rdi)\n"
              "movw $0x2233, 2(%rdi)\n"
              "movl $0x44556677, 8(%rdi)\n"
              "mov $0x8899aabbccddeeff, %rax\n mov %rax, 16(%rdi)\n"
              "mov %eax, 0x23(%rdi)\n" /* not aligned */
              "movzbl 1(%rdi), %ebx\n"
              "mov 8(%rdi), %ecx\n"
              "mov 16(%rdi), %rdx\n"
              "out %al, $0xf4\n"
              "1: jmp 1b\n");

static void memory_accesses_have_the_widths_of_the_instruction(void **state)
{
    (void)state;
    begin(1);
    rig.answer = 0x1122334455667788;
    guest_start_long(&rig, GUEST_OF(memory));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    rig_check(&rig, 0, 'w', 0xc0000001, 1, 0x11);
    rig_check(&rig, 1, 'w', 0xc0000002, 2, 0x2233);
    rig_check(&rig, 2, 'w', 0xc0000008, 4, 0x44556677);
    rig_check(&rig, 3, 'w', 0xc0000010, 8, 0x8899aabbccddeeff);
    rig_check(&rig, 4, 'w', 0xc0000023, 4, 0xccddeeff);
    rig_check(&rig, 5, 'r', 0xc0000001, 1, 0x1122334455667788);
    rig_check(&rig, 6, 'r', 0xc0000008, 4, 0x1122334455667789);
    rig_check(&rig, 7, 'r', 0xc0000010, 8, 0x112233445566778a);
    assert_int_equal(rig.n_log, 8);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RBX), 0x88);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RCX), 0x55667789);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RDX), 0x112233445566778a);
}

GUEST(crossing, ".code64\n"
                "mov $0xc0000ffd, %edi\n"
                "mov $0x8877665544332211, %rax\n mov %rax, (%rdi)\n"
                "mov (%rdi), %rbx\n"
                "out %al, $0xf4\n"
                "1: jmp 1b\n");

/* Three bytes before the page's end and five after it. */
static void an_access_across_a_page_comes_in_pieces_that_add_up(void **state)
{
    (void)state;
    begin(1);
    guest_start_long(&rig, GUEST_OF(crossing));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    uint64_t written = 0, end_gpa = 0xc0000ffd;
    size_t i = 0;
    for (; i < rig.n_log && rig.log[i].kind == 'w'; i++) {
        const struct rig_access *a = &rig.log[i];
        assert_true(a->width == 1 || a->width == 2 || a->width == 4);
        assert_int_equal(a->address, end_gpa);
        written |= a->value << 8 * (a->address - 0xc0000ffd);
        end_gpa += a->width;
    }
    assert_int_equal(end_gpa, 0xc0001005);
    assert_int_equal(written, 0x8877665544332211);
    for (end_gpa = 0xc0000ffd; i < rig.n_log; i++) {
        assert_int_equal(rig.log[i].kind, 'r');
        assert_int_equal(rig.log[i].address, end_gpa);
        end_gpa += rig.log[i].width;
    }
    assert_int_equal(end_gpa, 0xc0001005);
}

/* --- Modes ------------------------------------------------------------------------------------ */

GUEST(protected, ".code32\n"
                 "mov %cr0, %eax\n mov $0x300, %dx\n out %eax, %dx\n"
                 "mov %cs, %eax\n out %ax, %dx\n"
                 "movl $0x12345678, 0x80000\n mov 0x80000, %eax\n out %eax, %dx\n"
                 "out %al, $0xf4\n"
                 "1: jmp 1b\n");

static void protected_mode_is_flat_and_without_paging(void **state)
{
    (void)state;
    begin(1);
    guest_start_protected(&rig, GUEST_OF(protected));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    rig_check(&rig, 0, 'o', 0x300, 4, 0x11); /* PE, ET: as PVH wants it */
    rig_check(&rig, 1, 'o', 0x300, 2, 0x10);
    rig_check(&rig, 2, 'o', 0x300, 4, 0x12345678);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_CR4), 0);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_EFER), 0);
}

GUEST(long_mode, ".code64\n"
                 "mov %rsi, %rax\n shr $32, %rax\n mov $0x300, %dx\n out %eax, %dx\n"
                 "mov %cs, %eax\n out %ax, %dx\n mov %ds, %eax\n out %ax, %dx\n"
                 "push $0x18\n pop %rax\n mov %ax, %ss\n" /* the table is the guest's to use */
                 "out %al, $0xf4\n"
                 "1: jmp 1b\n");

static void long_mode_has_the_selectors_and_tables_that_were_given(void **state)
{
    (void)state;
    begin(1);
    guest_start_long(&rig, GUEST_OF(long_mode));
    rig_set(&rig, 0, REG_X86_64_RSI, 0xabcdef0100000000);
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    rig_check(&rig, 0, 'o', 0x300, 4, 0xabcdef01);
    rig_check(&rig, 1, 'o', 0x300, 2, GUEST_CS);
    rig_check(&rig, 2, 'o', 0x300, 2, GUEST_DS);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_EFER) & 0x500, 0x500);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_CR3), GUEST_PML4_GPA);
}

static void registers_are_read_back_and_unknown_ones_are_named(void **state)
{
    (void)state;
    begin(1);
    guest_start_long(&rig, GUEST_OF(long_mode));
    for (uint32_t i = 0; i < 16; i++)
        rig_set(&rig, 0, REG_X86_64_GPR(i), UINT64_C(0x1111111111111111) * i);
    for (uint32_t i = 0; i < 16; i++)
        assert_int_equal(rig_get(&rig, 0, REG_X86_64_GPR(i)), UINT64_C(0x1111111111111111) * i);
    rig_set(&rig, 0, REG_X86_64_RFLAGS, 0);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_RFLAGS), 2);
    rig_set(&rig, 0, REG_X86_64_CR2, 0xdead000);
    assert_int_equal(rig_get(&rig, 0, REG_X86_64_CR2), 0xdead000);
    struct err err = {{0}};
    uint64_t value;
    assert_int_equal(accel_kvm.get_reg(rig.vcpus[0], REG_RISCV64_X(10), &value, &err),
                     BP_ERR_UNSUPPORTED);
    assert_string_equal(err.text, "accelerator kvm: register x10 (0x300a): this processor has none "
                                  "of that name");
    assert_int_equal(accel_kvm.set_reg(rig.vcpus[0], REG_X86_64_CR0, 0x80000000, &err),
                     BP_ERR_INVALID); /* paging without protection */
    assert_string_equal(err.text,
                        "accelerator kvm: cr0: a value that this processor does not take");
}

/* --- The guest's end -------------------------------------------------------------------------- */

GUEST(triple_fault, ".code64\n"
                    "mov $0x80, %dx\n"
                    "mov $3, %ecx\n"
                    "1: mov %ecx, %eax\n out %al, %dx\n dec %ecx\n jnz 1b\n"
                    "mov $0x77, %ebx\n"
                    "ud2\n"); /* there is no interrupt table */

static void a_triple_fault_is_a_crash_with_the_last_exits(void **state)
{
    (void)state;
    struct err err = {{0}};
    struct trace_entry trace[40];
    size_t n = 40;
    begin(1);
    guest_start_long(&rig, GUEST_OF(triple_fault));
    assert_int_equal(accel_kvm.vcpu_run(rig.vcpus[0], &err), RUN_CRASHED);
    assert_string_equal(err.text, "vCPU 0: triple fault");
    assert_string_equal(rig.guest_log, "0: triple fault");
    assert_int_equal(accel_kvm.read_trace(rig.vcpus[0], trace, &n, &err), BP_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(accel_kvm.cause_name(trace[i].cause), "port write, 1 byte");
        assert_int_equal(trace[i].value, 0x80);
        assert_in_range(trace[i].pc, RIG_CODE_GPA, RIG_CODE_GPA + 64);
    }
    assert_string_equal(accel_kvm.cause_name(trace[3].cause), "shutdown");
    /* It stays so, and a reset brings it back. */
    guest_start_real(&rig, GUEST_OF(ports));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
}

GUEST(endless, ".code16\n"
               "xor %cx, %cx\n mov $0x80, %dx\n"
               "1: out %al, %dx\n inc %cx\n cmp $100, %cx\n jb 1b\n"
               "out %al, $0xf4\n"
               "2: jmp 2b\n");

static void the_ring_has_the_last_exits_and_a_trace_more(void **state)
{
    (void)state;
    struct err err = {{0}};
    struct trace_entry trace[200];
    size_t n = 200;
    begin(1);
    guest_start_real(&rig, GUEST_OF(endless));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(accel_kvm.read_trace(rig.vcpus[0], trace, &n, &err), BP_OK);
    assert_int_equal(n, 32);
    assert_int_equal(trace[31].value, RIG_PORT_DONE);
    assert_int_equal(trace[0].value, 0x80);
    assert_int_equal(trace[0].ticks, 0);
    assert_int_equal(accel_kvm.enable_trace(rig.vcpus[0], 0, &err), BP_ERR_INVALID);
    assert_int_equal(accel_kvm.enable_trace(rig.vcpus[0], 150, &err), BP_OK);
    guest_start_real(&rig, GUEST_OF(endless));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    n = 200;
    assert_int_equal(accel_kvm.read_trace(rig.vcpus[0], trace, &n, &err), BP_OK);
    assert_int_equal(n, 101);
    assert_int_equal(trace[0].ticks, 1234);
    n = 2;
    assert_int_equal(accel_kvm.read_trace(rig.vcpus[0], trace, &n, &err), BP_OK);
    assert_int_equal(n, 2);
    assert_int_equal(trace[1].value, RIG_PORT_DONE);
}

static uint64_t count_of(const char *name)
{
    struct accel_count counts[32];
    size_t n = accel_kvm.exit_counts(rig.vcpus[0], counts, 32);
    assert_true(n <= 32);
    for (size_t i = 0; i < n; i++)
        if (strcmp(counts[i].name, name) == 0)
            return counts[i].n;
    fail_msg("no exits are counted as %s", name);
    return 0;
}

static void exits_are_counted_by_kind(void **state)
{
    (void)state;
    struct err err;
    begin(1);
    guest_start_real(&rig, GUEST_OF(endless));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(count_of("port"), 101);
    assert_int_equal(count_of("mmio"), 0);
    assert_int_equal(count_of("shutdown"), 0);
    guest_start_long(&rig, GUEST_OF(crossing));
    assert_int_equal(rig_run(&rig), RUN_INTERRUPTED);
    assert_int_equal(count_of("port"), 102);
    assert_int_equal(count_of("mmio"), 4);
    guest_start_long(&rig, GUEST_OF(triple_fault));
    assert_int_equal(accel_kvm.vcpu_run(rig.vcpus[0], &err), RUN_CRASHED);
    assert_int_equal(count_of("shutdown"), 1);
    assert_true(count_of("interrupted") >= 1);
}

/* Code where no memory is: the processor's way out differs, the program's does not. */
static void code_where_nothing_is_ends_as_a_crash(void **state)
{
    (void)state;
    struct err err = {{0}};
    begin(1);
    guest_start_long(&rig, GUEST_OF(long_mode));
    rig_set(&rig, 0, REG_X86_64_RIP, 0x30000000);
    enum run_result result = accel_kvm.vcpu_run(rig.vcpus[0], &err);
    assert_int_equal(result, RUN_CRASHED);
    assert_true(strlen(rig.guest_log) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ports_have_the_widths_of_the_instruction, end),
        cmocka_unit_test_teardown(every_element_of_a_string_instruction_is_an_access, end),
        cmocka_unit_test_teardown(memory_accesses_have_the_widths_of_the_instruction, end),
        cmocka_unit_test_teardown(an_access_across_a_page_comes_in_pieces_that_add_up, end),
        cmocka_unit_test_teardown(protected_mode_is_flat_and_without_paging, end),
        cmocka_unit_test_teardown(long_mode_has_the_selectors_and_tables_that_were_given, end),
        cmocka_unit_test_teardown(registers_are_read_back_and_unknown_ones_are_named, end),
        cmocka_unit_test_teardown(a_triple_fault_is_a_crash_with_the_last_exits, end),
        cmocka_unit_test_teardown(the_ring_has_the_last_exits_and_a_trace_more, end),
        cmocka_unit_test_teardown(exits_are_counted_by_kind, end),
        cmocka_unit_test_teardown(code_where_nothing_is_ends_as_a_crash, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
