/*
 * Tests of riscv64 guests on KVM: accesses, the firmware's calls that come out, the supervisor's
 * interrupt input, registers, reset, and what is said of the processor. Guests run in supervisor
 * mode without paging. RISC-V privileged specification, chapter 4; RISC-V SBI 2.0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "accel/kvm_riscv64.h"
#include "kvm_board.h"

#define A0       REG_RISCV64_X(10)
#define A1       REG_RISCV64_X(11)
#define TIME_CSR REG_RISCV64_CSR(0xc01)

static struct board board;

static int end_board(void **state)
{
    (void)state;
    board_end(&board);
    board.vm = NULL;
    return 0;
}

static bool begin(uint32_t n_cpus)
{
    if (board_is_impossible())
        return false;
    board_make_vm(&board, n_cpus, 0);
    board_make_vcpus(&board);
    return true;
}

static void start(const uint8_t *code, const uint8_t *end)
{
    board_reset(&board, code, end);
    board_set(&board, 0, REG_RISCV64_PC, BOARD_RAM_GPA);
    board_set(&board, 0, REG_RISCV64_MODE, 1);
    board_set(&board, 0, A1, BOARD_PORT_GPA);
}

/* System reset: shutdown; cold reboot. */
#define SBI(ext, function) "li a7, " #ext "\n li a6, " #function "\n ecall\n"
#define OFF                "li a0, 0\n li a1, 0\n" SBI(0x53525354, 0) "j .\n"
#define RESET              "li a0, 1\n li a1, 0\n" SBI(0x53525354, 0) "j .\n"

/* --- Accesses and power ----------------------------------------------------------------------- */

BOARD_GUEST(access_guest, "li t0, 0x41\n sb t0, 0(a1)\n"
                          "lwu t1, 8(a1)\n sd t1, 16(a1)\n" OFF);

static void guest_reads_and_writes_devices_and_powers_off(void **state)
{
    (void)state;
    if (!begin(1))
        skip();
    start(access_guest, access_guest_end);
    assert_int_equal(board_run(&board, 0), RUN_HALTED);
    assert_int_equal(board.power, RUN_HALTED);
    assert_int_equal(board.n_log, 2);
    board_check(&board, 0, 0, 0x41);
    assert_int_equal(board.widths[0], 1);
    board_check(&board, 1, 16, 8 << 8 | 4);
    assert_int_equal(board.widths[1], 8);
}

BOARD_GUEST(lost_guest, "jr a1\n");

static void jump_to_where_no_memory_is_crashes_the_guest_alone(void **state)
{
    struct err err = {{0}};
    (void)state;
    if (!begin(1))
        skip();
    start(lost_guest, lost_guest_end);
    assert_int_equal(accel_kvm.vcpu_run(board.vcpus[0], &err), RUN_CRASHED);
    assert_string_equal(err.text,
                        "vCPU 0: an instruction is fetched where no memory is, at 0x10000000");
    start(access_guest, access_guest_end);
    assert_int_equal(board_run(&board, 0), RUN_HALTED);
}

/* --- Console ---------------------------------------------------------------------------------- */

/* Six bytes of the debug console, one of it; a character of version 0.1, which some kernels do not
 * pass on; then reads of both kinds. */
#define DBCN_WRITE      SBI(0x4442434e, 0)
#define DBCN_READ       SBI(0x4442434e, 1)
#define DBCN_WRITE_BYTE SBI(0x4442434e, 2)
#define DBCN_UNKNOWN    SBI(0x4442434e, 9)
#define PUTCHAR         SBI(1, 0)
#define GETCHAR         SBI(2, 0)

BOARD_GUEST(console_guest,
            "mv s1, a1\n"
            "li a0, 6\n lla a1, 1f\n li a2, 0\n" DBCN_WRITE "sd a0, 0(s1)\n sd a1, 8(s1)\n"
            "li a0, 0x21\n" DBCN_WRITE_BYTE "sd a0, 16(s1)\n"
            "li a0, 0x3f\n" PUTCHAR GETCHAR "sd a0, 24(s1)\n"
            "li a0, 4\n lla a1, 1f\n li a2, 0\n" DBCN_READ
            "sd a0, 32(s1)\n sd a1, 40(s1)\n lbu t0, 1f\n sd t0, 48(s1)\n"
            "li a0, 4\n li a1, 0\n li a2, 0\n" DBCN_WRITE "sd a0, 56(s1)\n"
            "li a0, 4\n li a1, 0\n li a2, 0\n" DBCN_UNKNOWN "sd a0, 64(s1)\n" OFF
            "1: .ascii \"hello\\n\"\n.balign 4");

static void firmware_console_is_the_machines(void **state)
{
    (void)state;
    if (!begin(1))
        skip();
    start(console_guest, console_guest_end);
    assert_int_equal(board_run(&board, 0), RUN_HALTED);
    assert_true(board.n_log >= 9);
    const bool has_legacy = board.values[3] != (uint64_t)-2;
    assert_string_equal(board.console, has_legacy ? "hello\n!?" : "hello\n!");
    board_check(&board, 0, 0, 0);
    board_check(&board, 1, 8, 6);
    board_check(&board, 2, 16, 0);
    board_check(&board, 3, 24, has_legacy ? 'k' : (uint64_t)-2);
    board_check(&board, 4, 32, 0);
    board_check(&board, 5, 40, 1);
    board_check(&board, 6, 48, 'k');
    board_check(&board, 7, 56, (uint64_t)-3); /* no memory there */
    board_check(&board, 8, 64, (uint64_t)-2); /* no such function */
}

/* --- More than one processor ------------------------------------------------------------------ */

#define HART_START SBI(0x48534d, 0)

/* The second one waits until the first has spoken: the end of the machine ends it too. */
BOARD_GUEST(smp_guest, "mv s1, a1\n"
                       "li a0, 1\n lla a1, 1f\n li a2, 0x1234\n" HART_START "sd a0, 0(s1)\n"
                       "lla t0, 3f\n sd t0, 0(t0)\n"
                       "2: wfi\n j 2b\n.balign 4\n"
                       "1: li s1, 0x10000000\n lla t0, 3f\n"
                       "4: ld t1, 0(t0)\n beqz t1, 4b\n"
                       "sd a0, 8(s1)\n sd a1, 16(s1)\n" OFF ".balign 8\n3: .dword 0\n");

/* The first one sleeps until somebody stops it. */
static void *run_second(void *ctx)
{
    struct err err = {{0}};
    enum run_result *result = ctx;
    *result = accel_kvm.vcpu_run(board.vcpus[1], &err);
    accel_kvm.vcpu_kick(board.vcpus[0]);
    return NULL;
}

static void second_processor_waits_for_its_start_and_ends_the_machine(void **state)
{
    pthread_t second;
    enum run_result result = RUN_HANDLED;
    (void)state;
    if (!begin(2))
        skip();
    for (int round = 0; round < 2; round++) { /* the second time after a reset */
        start(smp_guest, smp_guest_end);
        assert_int_equal(pthread_create(&second, NULL, run_second, &result), 0);
        assert_int_equal(board_run(&board, 0), RUN_INTERRUPTED);
        assert_int_equal(pthread_join(second, NULL), 0);
        assert_int_equal(result, RUN_HALTED);
        assert_true(board_has(&board, 0, 0));
        assert_true(board_has(&board, 8, 1));
        assert_true(board_has(&board, 16, 0x1234));
    }
}

/* --- Interrupts ------------------------------------------------------------------------------- */

/* Says that it is ready; the handler says why it was called. */
BOARD_GUEST(external_guest, "lla t0, 1f\n csrw stvec, t0\n"
                            "li t0, 0x200\n csrs sie, t0\n csrsi sstatus, 2\n"
                            "sd zero, 8(a1)\n"
                            "2: wfi\n j 2b\n.balign 4\n"
                            "1: csrr t0, scause\n sd t0, 0(a1)\n sret\n");

static void on_ready(struct board *b, uint64_t offset, uint64_t value)
{
    (void)value;
    accel_kvm.set_irq(b->vcpus[0], CPU_IRQ_M_EXTERNAL, true); /* nobody there */
    accel_kvm.set_irq(b->vcpus[0], CPU_IRQ_S_EXTERNAL, offset == 8);
    if (offset != 8)
        accel_kvm.vcpu_kick(b->vcpus[0]);
}

static void external_interrupt_comes_while_the_line_is_up(void **state)
{
    (void)state;
    if (!begin(1))
        skip();
    board.on_write = on_ready;
    for (int round = 0; round < 2; round++) {
        start(external_guest, external_guest_end);
        assert_int_equal(board_run(&board, 0), RUN_INTERRUPTED);
        assert_int_equal(board.n_log, 2);
        board_check(&board, 1, 0, UINT64_C(1) << 63 | 9);
    }
}

#define SET_TIMER SBI(0x54494d45, 0)

BOARD_GUEST(timer_guest,
            "lla t0, 1f\n csrw stvec, t0\n"
            "li t0, 0x20\n csrs sie, t0\n csrsi sstatus, 2\n"
            "mv s1, a1\n rdtime a0\n addi a0, a0, 1000\n" SET_TIMER "2: wfi\n j 2b\n.balign 4\n"
            "1: csrr t0, scause\n sd t0, 0(s1)\n"
            "li t0, 0x20\n csrc sie, t0\n sret\n");

static void timer_interrupts_the_guest(void **state)
{
    (void)state;
    if (!begin(1))
        skip();
    board.on_write = on_ready;
    start(timer_guest, timer_guest_end);
    assert_int_equal(board_run(&board, 0), RUN_INTERRUPTED);
    board_check(&board, 0, 0, UINT64_C(1) << 63 | 5);
}

/* --- Reset ------------------------------------------------------------------------------------ */

/* Says what it finds, then changes it all, with a timer gone off and its own interrupt pending. */
BOARD_GUEST(dirty_guest, "mv s1, a1\n"
                         "csrr t0, sstatus\n sd t0, 0(s1)\n csrr t0, sie\n sd t0, 8(s1)\n"
                         "csrr t0, stvec\n sd t0, 16(s1)\n csrr t0, sscratch\n sd t0, 24(s1)\n"
                         "csrr t0, sip\n sd t0, 32(s1)\n csrr t0, satp\n sd t0, 40(s1)\n"
                         "sd s11, 48(s1)\n"
                         "li t0, 0x6000\n csrs sstatus, t0\n fmv.x.d t0, f3\n sd t0, 56(s1)\n"
                         "li s11, 77\n fmv.d.x f3, s11\n csrw sscratch, s11\n csrw stvec, s11\n"
                         "li t0, 0x20\n csrs sie, t0\n csrsi sip, 2\n"
                         "rdtime a0\n" SET_TIMER "wfi\n" RESET);

static void reset_leaves_nothing_of_the_guest_before(void **state)
{
    uint64_t at_power_on[8];
    (void)state;
    if (!begin(1))
        skip();
    start(dirty_guest, dirty_guest_end);
    assert_int_equal(board_run(&board, 0), RUN_REBOOT);
    assert_int_equal(board.power, RUN_REBOOT);
    assert_int_equal(board.n_log, 8);
    memcpy(at_power_on, board.values, sizeof(at_power_on));
    assert_int_equal(at_power_on[1], 0);
    assert_int_equal(at_power_on[4], 0);
    for (int round = 0; round < 2; round++) {
        accel_kvm.set_irq(board.vcpus[0], CPU_IRQ_S_EXTERNAL, true);
        accel_kvm.set_irq(board.vcpus[0], CPU_IRQ_S_EXTERNAL, false);
        start(dirty_guest, dirty_guest_end);
        assert_true(board_get(&board, 0, TIME_CSR) < 1000000000);
        assert_int_equal(board_run(&board, 0), RUN_REBOOT);
        assert_int_equal(board.n_log, 8);
        assert_memory_equal(at_power_on, board.values, sizeof(at_power_on));
    }
}

/* --- Registers -------------------------------------------------------------------------------- */

static void check_kept(uint32_t reg, uint64_t value)
{
    board_set(&board, 0, reg, value);
    assert_int_equal(board_get(&board, 0, reg), value);
}

static void registers_have_their_ids(void **state)
{
    struct err err = {{0}};
    uint64_t value;
    (void)state;
    if (!begin(1))
        skip();
    board_reset(&board, access_guest, access_guest_end);
    for (uint32_t n = 1; n <= 31; n++)
        check_kept(REG_RISCV64_X(n), UINT64_C(0x1111111100000000) + n);
    board_set(&board, 0, REG_RISCV64_X(0), 5);
    assert_int_equal(board_get(&board, 0, REG_RISCV64_X(0)), 0);
    check_kept(REG_RISCV64_PC, 0x80000100);
    check_kept(REG_RISCV64_F(3), UINT64_C(0x4000000000000000));
    check_kept(REG_RISCV64_CSR(0x105), 0x80000200); /* stvec */
    check_kept(REG_RISCV64_CSR(0x140), 0x1234);     /* sscratch */
    check_kept(REG_RISCV64_CSR(0x14d), 0x5678);     /* stimecmp */
    assert_int_equal(accel_kvm.get_reg(board.vcpus[0], REG_RISCV64_CSR(0x300), &value, &err),
                     BP_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "mstatus"));
    assert_int_equal(accel_kvm.set_reg(board.vcpus[0], REG_RISCV64_MODE, 3, &err),
                     BP_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "no machine mode"));
}

/* --- What there is ---------------------------------------------------------------------------- */

static void firmware_of_the_guests_is_refused(void **state)
{
    struct accel_env env = {0};
    struct accel_config config = {.arch = ARCH_RISCV64, .n_cpus = 1, .firmware = true, .env = &env};
    struct accel_vm *vm = NULL;
    struct err err = {{0}};
    (void)state;
    if (board_is_impossible())
        skip();
    assert_int_equal(accel_kvm.vm_create(&config, &vm, &err), BP_ERR_UNSUPPORTED);
    assert_null(vm);
    assert_non_null(strstr(err.text, "--accel soft"));
}

static void limits_say_what_the_kernel_says(void **state)
{
    struct accel_limits limits;
    (void)state;
    if (board_is_impossible())
        skip();
    accel_kvm.limits(ARCH_RISCV64, &limits);
    assert_in_range(limits.gpa_bits, 41, 59);
    assert_non_null(limits.isa);
    assert_memory_equal(limits.isa, "rv64ima", 7);
    assert_non_null(strstr(limits.isa, "_zicsr"));
    assert_int_equal(strstr(limits.isa, "_ssaia") != NULL, limits.aia_ids != 0);
    assert_false(limits.is_aia_assumed);
    assert_non_null(limits.mmu_type);
    assert_true(limits.timebase_hz >= 1000);
    assert_string_equal(accel_kvm.isa_string(NULL), limits.isa);
    printf("%s %s, %u address bits, %llu Hz\n", limits.isa, limits.mmu_type, limits.gpa_bits,
           (unsigned long long)limits.timebase_hz);
}

static void isa_string_names_what_the_guest_has(void **state)
{
    struct kvm_isa_facts facts = {.cbom_bytes = 64, .cboz_bytes = 128};
    char isa[512], little[24];
    static const uint32_t ids[] = {
        KVM_RISCV_ISA_EXT_C,      KVM_RISCV_ISA_EXT_I,      KVM_RISCV_ISA_EXT_A,
        KVM_RISCV_ISA_EXT_M,      KVM_RISCV_ISA_EXT_H,      KVM_RISCV_ISA_EXT_SSAIA,
        KVM_RISCV_ISA_EXT_ZICBOM, KVM_RISCV_ISA_EXT_ZICBOZ, KVM_RISCV_ISA_EXT_SSTC};
    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        facts.has[ids[i]] = true;
    kvm_isa_print(&facts, isa, sizeof(isa));
    assert_memory_equal(isa, "rv64imac_", 9);
    assert_non_null(strstr(isa, "_sstc"));
    assert_non_null(strstr(isa, "_zicbom"));
    assert_non_null(strstr(isa, "_zifencei"));
    assert_null(strstr(isa, "zicboz"));     /* blocks of another size */
    assert_non_null(strstr(isa, "_ssaia")); /* the machine takes it out where it has no AIA */
    assert_null(strchr(isa, 'h'));
    kvm_isa_print(&facts, little, sizeof(little));
    assert_true(strlen(little) < sizeof(little));
    assert_string_equal(kvm_isa_mmu_type(8), "riscv,sv39");
    assert_string_equal(kvm_isa_mmu_type(10), "riscv,sv57");
    assert_null(kvm_isa_mmu_type(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(guest_reads_and_writes_devices_and_powers_off, end_board),
        cmocka_unit_test_teardown(jump_to_where_no_memory_is_crashes_the_guest_alone, end_board),
        cmocka_unit_test_teardown(firmware_console_is_the_machines, end_board),
        cmocka_unit_test_teardown(second_processor_waits_for_its_start_and_ends_the_machine,
                                  end_board),
        cmocka_unit_test_teardown(external_interrupt_comes_while_the_line_is_up, end_board),
        cmocka_unit_test_teardown(timer_interrupts_the_guest, end_board),
        cmocka_unit_test_teardown(reset_leaves_nothing_of_the_guest_before, end_board),
        cmocka_unit_test_teardown(registers_have_their_ids, end_board),
        cmocka_unit_test_teardown(firmware_of_the_guests_is_refused, end_board),
        cmocka_unit_test_teardown(limits_say_what_the_kernel_says, end_board),
        cmocka_unit_test_teardown(isa_string_names_what_the_guest_has, end_board),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
