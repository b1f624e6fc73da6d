/*
 * Tests of arm64 guests on KVM: accesses, PSCI, interrupts of both kinds, the virtual timer,
 * registers, reset. Guests run at EL1 with the MMU off. Arm ARM DDI 0487; Arm IHI 0069 (GICv3),
 * IHI 0048 (GICv2); Arm DEN 0022 (PSCI).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <backplane/device.h>

#include "kvm_board.h"

#define PSTATE_EL1H 0x3c5u
#define LEVEL_LINE  5u
#define EDGE_LINE   7u

static struct board board;

static int end_board(void **state)
{
    (void)state;
    board_end(&board);
    board.vm = NULL;
    return 0;
}

static void start(const uint8_t *code, const uint8_t *end)
{
    board_reset(&board, code, end);
    board_set(&board, 0, REG_ARM64_PC, BOARD_RAM_GPA);
    board_set(&board, 0, REG_ARM64_X(0), BOARD_PORT_GPA);
    board_set(&board, 0, REG_ARM64_PSTATE, PSTATE_EL1H);
}

/* Both versions of the interrupt controller, as far as this host's KVM has them. */
static bool has_gic(uint32_t version)
{
    struct accel_limits limits;
    accel_kvm.limits(ARCH_ARM64, &limits);
    return (limits.gic_versions & 1u << version) != 0;
}

static bool begin(uint32_t n_cpus)
{
    if (board_is_impossible())
        return false;
    board_make_vm(&board, n_cpus, has_gic(PLATFORM_GIC_V3) ? PLATFORM_GIC_V3 : PLATFORM_GIC_V2);
    return true;
}

/* The same guest for each. */
struct guest {
    uint32_t gic_version;
    const uint8_t *code, *end;
};

static void check_each(const struct guest guests[2], void (*check)(const struct guest *guest))
{
    if (board_is_impossible())
        skip();
    for (size_t i = 0; i < 2; i++) {
        if (!has_gic(guests[i].gic_version)) {
            printf("this host's KVM has no GICv%u\n", guests[i].gic_version);
            continue;
        }
        board_make_vm(&board, 1, guests[i].gic_version);
        check(&guests[i]);
        board_end(&board);
        board.vm = NULL;
    }
}

#define OFF   "ldr w0, =0x84000008\n hvc #0\n b .\n.ltorg\n"
#define RESET "ldr w0, =0x84000009\n hvc #0\n b .\n.ltorg\n"

/* --- Accesses and power ----------------------------------------------------------------------- */

BOARD_GUEST(access_guest, "mov w1, #0x41\n"
                          "strb w1, [x0]\n"
                          "ldr w2, [x0, #8]\n"
                          "str x2, [x0, #16]\n" OFF);

static void guest_reads_and_writes_devices_and_powers_off(void **state)
{
    (void)state;
    if (!begin(1))
        skip();
    board_make_vcpus(&board);
    start(access_guest, access_guest_end);
    assert_int_equal(board_run(&board, 0), RUN_HALTED);
    assert_int_equal(board.power, RUN_HALTED);
    assert_int_equal(board.n_log, 2);
    board_check(&board, 0, 0, 0x41);
    assert_int_equal(board.widths[0], 1);
    board_check(&board, 1, 16, 8 << 8 | 4);
    assert_int_equal(board.widths[1], 8);
}

BOARD_GUEST(pair_guest, "stp x1, x2, [x0]\n b .\n");

static void access_that_the_processor_does_not_explain_is_a_crash_with_a_sentence(void **state)
{
    struct err err = {{0}};
    (void)state;
    if (!begin(1))
        skip();
    board_make_vcpus(&board);
    start(pair_guest, pair_guest_end);
    assert_int_equal(accel_kvm.vcpu_run(board.vcpus[0], &err), RUN_CRASHED);
    assert_non_null(strstr(err.text, "does not explain"));
    assert_non_null(strstr(err.text, "0x10000000"));
    assert_string_not_equal(board.guest_log, "");
}

/* The jump is the guest's own fault, and comes back to it: at 0x200 of its vectors. */
BOARD_GUEST(lost_guest, "mov x20, x0\n adr x1, 1f\n msr vbar_el1, x1\n br x0\n"
                        ".balign 2048\n1: .space 0x200\n"
                        "mrs x1, elr_el1\n str x1, [x20]\n" OFF);

static void jump_to_where_no_memory_is_faults_in_the_guest(void **state)
{
    (void)state;
    if (!begin(1))
        skip();
    board_make_vcpus(&board);
    start(lost_guest, lost_guest_end);
    assert_int_equal(board_run(&board, 0), RUN_HALTED);
    board_check(&board, 0, 0, BOARD_PORT_GPA);
}

/* --- More than one processor ------------------------------------------------------------------ */

BOARD_GUEST(smp_guest, "mov x20, x0\n"
                       "ldr w0, =0xc4000003\n" /* CPU_ON */
                       "mov x1, #1\n"
                       "adr x2, 1f\n"
                       "ldr x3, =0x1234\n"
                       "hvc #0\n"
                       "str w0, [x20]\n"
                       "adr x1, 3f\n str x1, [x1]\n"
                       "2: wfi\n b 2b\n"
                       "1: ldr x20, =0x10000000\n"
                       "adr x1, 3f\n4: ldr x2, [x1]\n cbz x2, 4b\n"
                       "str x0, [x20, #8]\n"
                       "mrs x1, mpidr_el1\n"
                       "str x1, [x20, #16]\n" OFF ".balign 8\n3: .quad 0\n");

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
    board_make_vcpus(&board);
    for (int round = 0; round < 2; round++) { /* the second time after a reset */
        start(smp_guest, smp_guest_end);
        assert_int_equal(pthread_create(&second, NULL, run_second, &result), 0);
        assert_int_equal(board_run(&board, 0), RUN_INTERRUPTED);
        assert_int_equal(pthread_join(second, NULL), 0);
        assert_int_equal(result, RUN_HALTED);
        assert_true(board_has(&board, 0, 0));
        assert_true(board_has(&board, 8, 0x1234));
        assert_true(board_has(&board, 16, 0x80000001));
    }
}

/* --- Interrupts ------------------------------------------------------------------------------- */

/* x20: the port. Ends with interrupts open. Line n is INTID 32 + n; all go to this processor. */
#define V3_UP                                                                                      \
    "mov x20, x0\n"                                                                                \
    "ldr x1, =0x80000800\n msr vbar_el1, x1\n"                                                     \
    "mov x1, #7\n msr s3_0_c12_c12_5, x1\n isb\n" /* ICC_SRE_EL1 */                                \
    "ldr x2, =0x08000000\n mov w1, #0x12\n str w1, [x2]\n"                                         \
    "ldr x3, =0x080a0000\n str wzr, [x3, #0x14]\n" /* GICR_WAKER */                                \
    "mov w1, #0xffffffff\n"                                                                        \
    "add x4, x3, #0x10000\n str w1, [x4, #0x80]\n" /* GICR_IGROUPR0 */                             \
    "mov w5, #0x08000000\n str w5, [x4, #0x100]\n" /* PPI 27 */                                    \
    "str w1, [x2, #0x84]\n"                        /* GICD_IGROUPR1 */                             \
    "mov w5, #0x8000\n str w5, [x2, #0xc08]\n"     /* line 7, INTID 39, is an edge */              \
    "mov w5, #0xa0\n str w5, [x2, #0x104]\n"       /* lines 5 and 7 */                             \
    "mov x1, #0xff\n msr s3_0_c4_c6_0, x1\n"       /* ICC_PMR_EL1 */                               \
    "mov x1, #1\n msr s3_0_c12_c12_7, x1\n isb\n"  /* ICC_IGRPEN1_EL1 */                           \
    "msr daifclr, #2\n"

/* At 0x80000800 + 0x280: notes the number, quietens the timer, says that it is done. */
#define V3_VECTORS                                                                                 \
    ".ltorg\n.balign 2048\n.space 0x280\n"                                                         \
    "mrs x1, s3_0_c12_c12_0\n" /* ICC_IAR1_EL1 */                                                  \
    "msr cntv_ctl_el0, xzr\n"                                                                      \
    "str w1, [x20]\n"                                                                              \
    "msr s3_0_c12_c12_1, x1\n" /* ICC_EOIR1_EL1 */                                                 \
    "eret\n"

/* The device side: raises its lines when the guest is ready, lowers a level once it is served. */
static void on_lines(struct board *b, uint64_t offset, uint64_t value)
{
    if (offset == 8) {
        accel_kvm.set_line(b->vm, LEVEL_LINE, true);
    } else if (value == 32 + LEVEL_LINE) {
        accel_kvm.set_line(b->vm, LEVEL_LINE, false);
        accel_kvm.set_line(b->vm, EDGE_LINE, true);
        accel_kvm.set_line(b->vm, EDGE_LINE, false);
    } else {
        accel_kvm.vcpu_kick(b->vcpus[0]);
    }
}

static void connect_lines(void)
{
    struct err err = {{0}};
    board_expect_ok(accel_kvm.connect_line(board.vm, LEVEL_LINE, BP_LEVEL_HIGH, &err), &err);
    board_expect_ok(accel_kvm.connect_line(board.vm, EDGE_LINE, BP_EDGE_RISING, &err), &err);
}

/* GICv2: x21 is the CPU interface. */
#define V2_UP                                                                                      \
    "mov x20, x0\n"                                                                                \
    "ldr x1, =0x80000800\n msr vbar_el1, x1\n"                                                     \
    "ldr x2, =0x08000000\n ldr x21, =0x08010000\n"                                                 \
    "mov w1, #1\n str w1, [x2]\n str w1, [x21]\n"                                                  \
    "mov w5, #0x08000000\n str w5, [x2, #0x100]\n"                                                 \
    "mov w5, #0x8000\n str w5, [x2, #0xc08]\n"                                                     \
    "ldr w5, =0x01010101\n str w5, [x2, #0x824]\n" /* to this processor */                         \
    "mov w5, #0xa0\n str w5, [x2, #0x104]\n"                                                       \
    "mov w1, #0xff\n str w1, [x21, #4]\n"                                                          \
    "msr daifclr, #2\n"

#define V2_VECTORS                                                                                 \
    ".ltorg\n.balign 2048\n.space 0x280\n"                                                         \
    "ldr w1, [x21, #0xc]\n"                                                                        \
    "msr cntv_ctl_el0, xzr\n"                                                                      \
    "str w1, [x20]\n"                                                                              \
    "str w1, [x21, #0x10]\n"                                                                       \
    "eret\n"

#define LINES "str wzr, [x20, #8]\n1: wfi\n b 1b\n"
BOARD_GUEST(lines_v2, V2_UP LINES V2_VECTORS);
BOARD_GUEST(lines_v3, V3_UP LINES V3_VECTORS);

/* More than once: each time after a reset. */
static void check_lines(const struct guest *guest)
{
    connect_lines(); /* before there are vCPUs */
    board_make_vcpus(&board);
    board.on_write = on_lines;
    for (int round = 0; round < 3; round++) {
        start(guest->code, guest->end);
        assert_int_equal(board_run(&board, 0), RUN_INTERRUPTED);
        board_check(&board, 0, 8, 0);
        board_check(&board, 1, 0, 32 + LEVEL_LINE);
        board_check(&board, 2, 0, 32 + EDGE_LINE);
        assert_int_equal(board.n_log, 3);
    }
}

static void level_and_edge_lines_reach_the_guest_also_after_a_reset(void **state)
{
    const struct guest guests[] = {{PLATFORM_GIC_V2, lines_v2, lines_v2_end},
                                   {PLATFORM_GIC_V3, lines_v3, lines_v3_end}};
    (void)state;
    check_each(guests, check_lines);
}

#define TIMER                                                                                      \
    "mov x1, #1000\n msr cntv_tval_el0, x1\n mov x1, #1\n msr cntv_ctl_el0, x1\n"                  \
    "1: wfi\n b 1b\n"
BOARD_GUEST(timer_v2, V2_UP TIMER V2_VECTORS);
BOARD_GUEST(timer_v3, V3_UP TIMER V3_VECTORS);

static void check_timer(const struct guest *guest)
{
    board_make_vcpus(&board);
    board.on_write = on_lines;
    start(guest->code, guest->end);
    assert_int_equal(board_run(&board, 0), RUN_INTERRUPTED);
    board_check(&board, 0, 0, 27);
}

static void virtual_timer_interrupts_the_guest(void **state)
{
    const struct guest guests[] = {{PLATFORM_GIC_V2, timer_v2, timer_v2_end},
                                   {PLATFORM_GIC_V3, timer_v3, timer_v3_end}};
    (void)state;
    check_each(guests, check_timer);
}

/* --- Reset ------------------------------------------------------------------------------------ */

/* Say what is enabled, its priority, the control register and more; then change it all and reset.
 * x4: the private interrupts' redistributor, or the CPU interface. */
BOARD_GUEST(dirty_v2, "mov x20, x0\n"
                      "ldr x2, =0x08000000\n ldr x4, =0x08010000\n"
                      "ldr w1, [x2, #0x104]\n str w1, [x20]\n"
                      "ldr w1, [x2, #0x424]\n str w1, [x20, #4]\n"
                      "ldr w1, [x2]\n str w1, [x20, #8]\n"
                      "ldr w1, [x2, #0x100]\n str w1, [x20, #12]\n"
                      "ldr w1, [x2, #0x204]\n str w1, [x20, #16]\n"
                      "ldr w1, [x4, #4]\n str w1, [x20, #20]\n"
                      "ldr w1, [x2, #0x824]\n str w1, [x20, #24]\n"
                      "ldr w1, [x4]\n str w1, [x20, #28]\n"
                      "ldr w1, =0xf0f0f0f0\n str w1, [x2, #0x104]\n str w1, [x2, #0x204]\n"
                      "str w1, [x2, #0x424]\n str w1, [x4, #4]\n"
                      "ldr w1, =0x01010101\n str w1, [x2, #0x824]\n"
                      "mov w1, #1\n str w1, [x2]\n str w1, [x4]\n"
                      "mov w1, #0x08000000\n str w1, [x2, #0x100]\n" RESET);

BOARD_GUEST(dirty_v3, "mov x20, x0\n"
                      "ldr x2, =0x08000000\n ldr x4, =0x080b0000\n"
                      "ldr w1, [x2, #0x104]\n str w1, [x20]\n"
                      "ldr w1, [x2, #0x424]\n str w1, [x20, #4]\n"
                      "ldr w1, [x2]\n and w1, w1, #3\n str w1, [x20, #8]\n"
                      "ldr w1, [x4, #0x100]\n str w1, [x20, #12]\n"
                      "ldr w1, [x2, #0x204]\n str w1, [x20, #16]\n"
                      "mrs x1, s3_0_c4_c6_0\n str w1, [x20, #20]\n"
                      "mrs x1, vbar_el1\n str w1, [x20, #24]\n"
                      "mrs x1, cntv_ctl_el0\n str w1, [x20, #28]\n"
                      "mov w1, #0xa0\n str w1, [x2, #0x104]\n str w1, [x2, #0x204]\n"
                      "str w1, [x2, #0x424]\n mov w1, #0x12\n str w1, [x2]\n"
                      "mov w1, #0x08000000\n str w1, [x4, #0x100]\n"
                      "mov x1, #0xf0\n msr s3_0_c4_c6_0, x1\n"
                      "ldr x1, =0x80000800\n msr vbar_el1, x1\n"
                      "mov x1, #1\n msr cntv_ctl_el0, x1\n" RESET);

static void check_reset(const struct guest *guest)
{
    uint64_t at_power_on[8];
    board_make_vcpus(&board);
    for (int round = 0; round < 3; round++) {
        start(guest->code, guest->end);
        assert_int_equal(board_run(&board, 0), RUN_REBOOT);
        assert_int_equal(board.power, RUN_REBOOT);
        assert_int_equal(board.n_log, 8);
        if (round == 0)
            memcpy(at_power_on, board.values, sizeof(at_power_on));
        assert_memory_equal(at_power_on, board.values, sizeof(at_power_on));
    }
    assert_int_equal(at_power_on[0], 0);
}

static void reset_leaves_nothing_of_the_guest_before(void **state)
{
    const struct guest guests[] = {{PLATFORM_GIC_V2, dirty_v2, dirty_v2_end},
                                   {PLATFORM_GIC_V3, dirty_v3, dirty_v3_end}};
    (void)state;
    check_each(guests, check_reset);
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
    if (!begin(2))
        skip();
    board_make_vcpus(&board);
    board_reset(&board, access_guest, access_guest_end);
    for (uint32_t n = 0; n <= 30; n++)
        check_kept(REG_ARM64_X(n), UINT64_C(0x1111111100000000) + n);
    check_kept(REG_ARM64_PC, 0x80000100);
    check_kept(REG_ARM64_VBAR, 0x80000800);
    check_kept(REG_ARM64_SYS(3u, 0u, 2u, 0u, 0u), 0x80001000);         /* TTBR0_EL1 */
    check_kept(REG_ARM64_SYS(3u, 0u, 13u, 0u, 4u), 0xabcdef);          /* TPIDR_EL1 */
    check_kept(REG_ARM64_SYS(3u, 3u, 14u, 3u, 2u), UINT64_C(1) << 62); /* CNTV_CVAL_EL0 */
    check_kept(REG_ARM64_SYS(3u, 0u, 4u, 0u, 1u), 0x80000200);         /* ELR_EL1 */
    board_set(&board, 0, REG_ARM64_PSTATE, PSTATE_EL1H);
    check_kept(REG_ARM64_SP, 0x80008000);
    assert_int_equal(board_get(&board, 0, REG_ARM64_SYS(3u, 4u, 4u, 1u, 0u)), 0x80008000);
    board_set(&board, 0, REG_ARM64_XZR, 5);
    assert_int_equal(board_get(&board, 0, REG_ARM64_XZR), 0);
    if (board.platform.gic_version == PLATFORM_GIC_V3)
        assert_int_equal(board_get(&board, 1, REG_ARM64_GICR_BASE), 0x080c0000);
    assert_int_equal(board_get(&board, 1, REG_ARM64_SYS(3u, 0u, 0u, 0u, 5u)), 0x80000001);
    assert_int_not_equal(accel_kvm.set_reg(board.vcpus[0], REG_ARM64_GICR_BASE, 1, &err), BP_OK);
    assert_int_equal(accel_kvm.get_reg(board.vcpus[0], REG_X86_64_RAX, &value, &err),
                     BP_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "rax"));
}

/* --- What there is ---------------------------------------------------------------------------- */

static void limits_say_what_the_kernel_can_make(void **state)
{
    struct accel_limits limits;
    (void)state;
    if (board_is_impossible())
        skip();
    accel_kvm.limits(ARCH_ARM64, &limits);
    assert_in_range(limits.gpa_bits, 32, 52);
    assert_int_not_equal(limits.gic_versions, 0);
    assert_in_range(limits.max_cpus, 1, 64);
    printf("guest-physical addresses of %u bits, GIC versions 0x%x, ITS %d\n", limits.gpa_bits,
           limits.gic_versions, limits.has_its);
}

static void lines_and_messages_that_there_are_not_are_errors(void **state)
{
    struct err err = {{0}};
    (void)state;
    if (!begin(1))
        skip();
    assert_int_equal(accel_kvm.connect_line(board.vm, 224, BP_LEVEL_HIGH, &err), BP_ERR_RANGE);
    assert_non_null(strstr(err.text, "0-223"));
    assert_int_equal(accel_kvm.send_msi(board.vm, 0x08090040, 1), BP_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(guest_reads_and_writes_devices_and_powers_off, end_board),
        cmocka_unit_test_teardown(
            access_that_the_processor_does_not_explain_is_a_crash_with_a_sentence, end_board),
        cmocka_unit_test_teardown(jump_to_where_no_memory_is_faults_in_the_guest, end_board),
        cmocka_unit_test_teardown(second_processor_waits_for_its_start_and_ends_the_machine,
                                  end_board),
        cmocka_unit_test_teardown(level_and_edge_lines_reach_the_guest_also_after_a_reset,
                                  end_board),
        cmocka_unit_test_teardown(virtual_timer_interrupts_the_guest, end_board),
        cmocka_unit_test_teardown(reset_leaves_nothing_of_the_guest_before, end_board),
        cmocka_unit_test_teardown(registers_have_their_ids, end_board),
        cmocka_unit_test_teardown(limits_say_what_the_kernel_can_make, end_board),
        cmocka_unit_test_teardown(lines_and_messages_that_there_are_not_are_errors, end_board),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
