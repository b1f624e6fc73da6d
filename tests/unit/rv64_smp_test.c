/* The software processor: several harts at once, each on a host thread of its own. */
#include <stdatomic.h>

#include "unit/rv64_machine.h"

#define HARTS      4
#define EXT_IPI    0x735049
#define EXT_RFENCE 0x52464e43
#define EXT_HSM    0x48534d
#define PAUSE      0x0100000fu
#define DONE       (DATA + 0x800) /* how many harts have finished */
#define FLAG       (DATA + 0x880)
#define FINISH                                                                                     \
    LUI(T6, EXIT_GPA >> 12), SW(X0, T6, 0), J(0) /* ends the machine, three instructions */

static int make_smp(void **state)
{
    *state = machine_create(HARTS, false);
    return 0;
}

/* All harts begin at `pc` with a0 = their number, s0 = DATA, s1 = DONE, s2 = FLAG, s3 = 1. */
static void start_all(struct machine *m, uint64_t pc)
{
    for (uint32_t i = 0; i < m->n_cpus; i++) {
        accel_rv64.vcpu_reset(m->cpu[i], ENTRY_BOOT_VCPU);
        set_reg(m, i, REG_RISCV64_PC, pc);
        set_reg(m, i, REG_RISCV64_X(A0), i);
        set_reg(m, i, REG_RISCV64_X(S0), DATA);
        set_reg(m, i, REG_RISCV64_X(S1), DONE);
        set_reg(m, i, REG_RISCV64_X(S2), FLAG);
        set_reg(m, i, REG_RISCV64_X(S3), 1);
    }
    poke64(m, DONE, 0);
    poke64(m, FLAG, 0);
}

/* Every hart counts itself in and sleeps; the last one ends the machine. Five instructions. */
static void put_ending(struct machine *m, uint64_t pc)
{
    PUT(m, pc, AMOADD_D(T0, S3, S1), LI(T1, HARTS - 1), BEQ(T0, T1, 12), PAUSE, J(-4), FINISH);
}

static void set_all(struct machine *m, uint32_t x, uint64_t value)
{
    for (uint32_t i = 0; i < m->n_cpus; i++)
        set_reg(m, i, REG_RISCV64_X(x), value);
}

static void atomic_additions_of_all_harts_add_up(void **state)
{
    struct machine *m = *state;
    const uint64_t rounds = 20000;
    start_all(m, CODE);
    set_all(m, A2, rounds);
    poke64(m, DATA, 0);
    poke64(m, DATA + 8, 0);
    PUT(m, CODE, ADDI(A3, S0, 8), AMOADD_D(X0, S3, S0), AMOADD_W(X0, S3, A3), ADDI(A2, A2, -1),
        BNE(A2, X0, -12));
    put_ending(m, CODE + 20);
    run_all(m);
    assert_int_equal(peek64(m, DATA), rounds * HARTS);
    assert_int_equal(peek64(m, DATA + 8), rounds * HARTS);
}

static void reserved_increments_of_all_harts_add_up(void **state)
{
    struct machine *m = *state;
    const uint64_t rounds = 10000;
    start_all(m, CODE);
    set_all(m, A2, rounds);
    poke64(m, DATA, 0);
    PUT(m, CODE, LR_D(T0, S0), ADDI(T0, T0, 1), SC_D(T1, T0, S0), BNE(T1, X0, -12),
        ADDI(A2, A2, -1), BNE(A2, X0, -20));
    put_ending(m, CODE + 24);
    run_all(m);
    assert_int_equal(peek64(m, DATA), rounds * HARTS);
}

static void a_lock_of_swaps_protects_plain_accesses(void **state)
{
    struct machine *m = *state;
    const uint64_t rounds = 3000;
    start_all(m, CODE);
    set_all(m, A2, rounds);
    set_all(m, A3, DATA + 64);
    poke64(m, DATA, 0);
    poke64(m, DATA + 64, 0);
    PUT(m, CODE, AMOSWAP_W(T0, S3, S0) | 1u << 26, /* acquire */
        BEQ(T0, X0, 12), PAUSE, J(-12), LD(T1, A3, 0), ADDI(T1, T1, 1), SD(T1, A3, 0),
        AMOSWAP_W(X0, X0, S0) | 1u << 25, /* release */
        ADDI(A2, A2, -1), BNE(A2, X0, -36));
    put_ending(m, CODE + 40);
    run_all(m);
    assert_int_equal(peek64(m, DATA + 64), rounds * HARTS);
}

static void a_conditional_store_fails_without_its_reservation(void **state)
{
    struct machine *m = *state;
    start_all(m, CODE);
    m->n_cpus = 1;
    poke64(m, DATA, 5);
    set_all(m, A1, DATA + 8);
    PUT(m, CODE, SC_D(S4, S3, S0),                     /* none */
        LR_D(T0, S0), SC_D(S5, S3, A1),                /* another address */
        SC_D(S6, S3, S0),                              /* used up */
        LR_D(T0, S0), SD(X0, S0, 0), SC_D(S7, S3, S0), /* overwritten */
        LR_D(T0, S0), SC_D(S8, S3, S0), FINISH);
    run_all(m);
    m->n_cpus = HARTS;
    assert_int_equal(GET_X(m, S4), 1);
    assert_int_equal(GET_X(m, S5), 1);
    assert_int_equal(GET_X(m, S6), 1);
    assert_int_equal(GET_X(m, S7), 1);
    assert_int_equal(GET_X(m, S8), 0);
    assert_int_equal(peek64(m, DATA), 1);
}

/* Hart 0 starts the others three times over; each adds its opaque argument and stops itself. */
static void harts_start_stop_and_start_again(void **state)
{
    struct machine *m = *state;
    const uint64_t body = CODE + 0x400;
    start_all(m, CODE);
    for (uint32_t i = 1; i < HARTS; i++)
        accel_rv64.vcpu_reset(m->cpu[i], ENTRY_SECONDARY);
    poke64(m, DATA, 0);
    poke64(m, DATA + 8, 0);
    set_all(m, S4, 3); /* rounds */
    set_all(m, S5, body);
    PUT(m, CODE, LUI(A7, EXT_HSM >> 12), ADDIW(A7, A7, EXT_HSM & 0xfff), /* 0x48534d: +0x34d */
        LI(S6, 1),                                                       /* hart */
        /* 0x0c */ LI(A6, 0), MV(A0, S6), MV(A1, S5), ADDI(A2, S6, 100), ECALL,
        /* 0x20 */ LI(A6, 2), MV(A0, S6), ECALL, LI(T0, 1), PAUSE, BNE(A1, T0, -20),
        /* 0x38 */ ADDI(S6, S6, 1), LI(T0, HARTS), BLT(S6, T0, -0x34), ADDI(S4, S4, -1),
        BNE(S4, X0, -0x40), FINISH);
    PUT(m, body, LUI(S0, DATA >> 12 & 0xfffff), SLLI(S0, S0, 32), SRLI(S0, S0, 32),
        AMOADD_D(X0, A1, S0), ADDI(S0, S0, 8), AMOADD_D(X0, A0, S0), LUI(A7, EXT_HSM >> 12),
        ADDIW(A7, A7, EXT_HSM & 0xfff), LI(A6, 1), ECALL, J(0));
    run_all(m);
    assert_int_equal(peek64(m, DATA), 3 * (101 + 102 + 103));
    assert_int_equal(peek64(m, DATA + 8), 3 * (1 + 2 + 3));
}

/* The others sleep with their software interrupt enabled in sie; hart 0 wakes all of them. */
static void interprocessor_interrupts_end_wfi(void **state)
{
    struct machine *m = *state;
    start_all(m, CODE);
    for (uint32_t i = 0; i < HARTS; i++)
        set_reg(m, i, REG_RISCV64_CSR(0x104), 2);
    set_all(m, A7, EXT_IPI);
    set_all(m, A6, 0);
    PUT(m, CODE, BEQ(A0, X0, 24),                          /* hart 0: below */
        WFI, CSRR(T0, 0x144), BEQ(T0, X0, -8), NOP, J(24), /* others */
        LI(A0, 15), LI(A1, 0), ECALL, NOP, NOP);           /* 0x18: to all */
    put_ending(m, CODE + 0x2c);
    run_all(m);
    for (uint32_t i = 0; i < HARTS; i++)
        assert_int_equal(get_reg(m, i, REG_RISCV64_CSR(0x144)), 2);
}

/* Hart 1 calls a function over and over; hart 0 rewrites it and fences instructions remotely. */
static void a_remote_fence_i_makes_new_code_visible(void **state)
{
    struct machine *m = *state;
    const uint64_t function = DATA + 0x2000;
    start_all(m, CODE);
    m->n_cpus = 2;
    set_all(m, A7, EXT_RFENCE);
    set_all(m, A6, 0);
    set_all(m, A3, function);
    set_all(m, A4, LI(A5, 2));
    PUT(m, function, LI(A5, 1), RET);
    PUT(m, CODE, BEQ(A0, X0, 28),
        /* hart 1 */ JALR(RA, A3, 0), SD(A5, S0, 0), LI(T0, 2), BNE(A5, T0, -12), J(64), NOP,
        /* 0x1c hart 0: until hart 1 runs */ LD(T0, S0, 0), BEQ(T0, X0, -4), SW(A4, A3, 0),
        LI(A0, 2), LI(A1, 0), ECALL, J(0x54 - 0x34));
    poke64(m, DATA, 0);
    /* only hart 1 ends the machine: it must see the new code */
    PUT(m, CODE + 0x54, FINISH);
    PUT(m, CODE + 0x34, PAUSE, J(-4));
    run_all(m);
    m->n_cpus = HARTS;
    assert_int_equal(get_reg(m, 1, REG_RISCV64_X(A5)), 2);
}

#define PTE_RWX UINT64_C(0xcf) /* V R W X A D */

/* One space: 1 GiB where it lies, and one page at 8 GiB whose entry the harts change. */
static uint64_t make_space(struct machine *m, uint64_t *satp)
{
    uint64_t root = TABLES, middle = TABLES + 0x1000, leaf = TABLES + 0x2000;
    memset(m->ram + (root - RAM_BASE), 0, 0x3000);
    poke64(m, root + 2 * 8, RAM_BASE >> 12 << 10 | PTE_RWX);
    poke64(m, root, PTE_RWX); /* devices: the exit register */
    poke64(m, root + 8 * 8, middle >> 12 << 10 | 1);
    poke64(m, middle, leaf >> 12 << 10 | 1);
    poke64(m, leaf, (DATA + 0x4000) >> 12 << 10 | PTE_RWX);
    *satp = UINT64_C(8) << 60 | root >> 12;
    return leaf;
}

/* Hart 1 reads through the page; hart 0 points it elsewhere and fences remotely. Once the call is
 * over, hart 1 may not read the old page even once: hart 0 then puts poison there. */
static void a_remote_sfence_is_over_when_the_call_returns(void **state)
{
    struct machine *m = *state;
    uint64_t satp, leaf = make_space(m, &satp);
    const uint64_t rounds = 300;
    start_all(m, CODE);
    m->n_cpus = 2;
    for (uint32_t i = 0; i < 2; i++)
        set_reg(m, i, REG_RISCV64_CSR(0x180), satp);
    set_all(m, A7, EXT_RFENCE);
    set_all(m, A6, 1);
    set_all(m, S4, UINT64_C(8) << 30);                     /* the page */
    set_all(m, S5, leaf);                                  /* its entry */
    set_all(m, S6, (DATA + 0x4000) >> 12 << 10 | PTE_RWX); /* one target */
    set_all(m, S7, (DATA + 0x5000) >> 12 << 10 | PTE_RWX); /* the other */
    set_all(m, S8, DATA + 0x4000);
    set_all(m, S9, DATA + 0x5000);
    set_all(m, S10, rounds);
    set_all(m, S11, 4096);
    poke64(m, DATA + 0x4000, 0);
    poke64(m, DATA + 0x5000, 0);
    poke64(m, DATA, 0);
    poke64(m, DATA + 8, 0); /* how often hart 1 has read */
    PUT(m, CODE, BNE(A0, X0, 0x80),
        /* 0x04 */ SD(X0, S9, 0), SD(S7, S5, 0), /* clean the new page, point to it */
        LI(A0, 2), LI(A1, 0), MV(A2, S4), MV(A3, S11), ECALL,
        /* 0x20 */ SD(S3, S8, 0), /* poison the old page */
        LD(T1, S0, 8),            /* and let hart 1 read twice */
        /* 0x28 */ PAUSE, LD(T2, S0, 8), ADDI(T2, T2, -2), BLT(T2, T1, -12),
        /* 0x38 */ MV(T0, S6), MV(S6, S7), MV(S7, T0), MV(T0, S8), MV(S8, S9), MV(S9, T0),
        /* 0x50 */ ADDI(S10, S10, -1), BNE(S10, X0, -0x50), FINISH);
    PUT(m, CODE + 0x80, LD(T0, S4, 0), BNE(T0, X0, 16), ADDI(T2, T2, 1), SD(T2, S0, 8), J(-16),
        SD(T0, S0, 0), FINISH);
    set_all(m, T2, 0);
    run_all(m);
    m->n_cpus = HARTS;
    assert_int_equal(peek64(m, DATA), 0);
    assert_int_equal(get_reg(m, 0, REG_RISCV64_X(S10)), 0);
}

/* All harts fence all harts at once, again and again. */
static void harts_that_fence_one_another_do_not_deadlock(void **state)
{
    struct machine *m = *state;
    start_all(m, CODE);
    set_all(m, A7, EXT_RFENCE);
    set_all(m, S4, 300);
    PUT(m, CODE, ANDI(A6, S4, 1), LI(A0, 15), LI(A1, 0), LI(A2, 0), LI(A3, -1), ECALL,
        BNE(A0, X0, 20), ADDI(S4, S4, -1), BNE(S4, X0, -32));
    put_ending(m, CODE + 36);
    run_all(m);
    for (uint32_t i = 0; i < HARTS; i++)
        assert_int_equal(get_reg(m, i, REG_RISCV64_X(S4)), 0);
}

static atomic_int in_device, may_leave_device;

static uint64_t blocking_read(void *ctx, uint64_t gpa, uint32_t width)
{
    (void)ctx;
    (void)gpa;
    (void)width;
    atomic_store(&in_device, 1);
    while (atomic_load(&may_leave_device) == 0)
        sched_yield();
    return 0;
}

static void *run_once(void *arg)
{
    struct machine_thread *t = arg;
    enum run_result result = accel_rv64.vcpu_run(t->m->cpu[t->cpu], NULL);
    return result == RUN_INTERRUPTED ? arg : NULL;
}

/* Hart 1 is inside a device while hart 0 waits for its fence: a kick must still get hart 0 out,
 * with the call to be made again. */
static void a_kick_ends_the_wait_for_a_remote_fence(void **state)
{
    struct machine *m = *state;
    struct machine_thread t[2] = {{.m = m, .cpu = 0}, {.m = m, .cpu = 1}};
    void *interrupted = NULL;
    m->env.mmio_read = blocking_read;
    atomic_store(&in_device, 0);
    atomic_store(&may_leave_device, 0);
    start_all(m, CODE);
    set_all(m, A7, EXT_RFENCE);
    set_all(m, A6, 0);
    set_reg(m, 1, REG_RISCV64_PC, CODE + 0x100);
    set_all(m, A3, DEVICE_GPA);
    PUT(m, CODE, LI(A0, 2), LI(A1, 0), ECALL, SD(S3, S2, 0), J(0));
    PUT(m, CODE + 0x100, LD(T0, A3, 0), J(0));
    pthread_create(&t[1].thread, NULL, run_once, &t[1]);
    while (atomic_load(&in_device) == 0)
        sched_yield();
    pthread_create(&t[0].thread, NULL, run_once, &t[0]);
    accel_rv64.vcpu_kick(m->cpu[0]);
    pthread_join(t[0].thread, &interrupted);
    assert_non_null(interrupted);
    assert_int_equal(peek64(m, FLAG), 0);
    assert_in_range(get_reg(m, 0, REG_RISCV64_PC), CODE, CODE + 8);
    atomic_store(&may_leave_device, 1);
    accel_rv64.vcpu_kick(m->cpu[1]);
    pthread_join(t[1].thread, NULL);
    pthread_create(&t[0].thread, NULL, run_once, &t[0]); /* hart 1 is outside: no waiting */
    while (__atomic_load_n((uint64_t *)(void *)(m->ram + (FLAG - RAM_BASE)), __ATOMIC_SEQ_CST) == 0)
        sched_yield();
    accel_rv64.vcpu_kick(m->cpu[0]);
    pthread_join(t[0].thread, NULL);
}

/* With firmware, all harts begin in M mode at once. */
static void with_firmware_all_harts_run_from_reset(void **state)
{
    (void)state;
    struct machine *m = machine_create(HARTS, true);
    for (uint32_t i = 0; i < HARTS; i++) {
        accel_rv64.vcpu_reset(m->cpu[i], i == 0 ? ENTRY_BOOT_VCPU : ENTRY_SECONDARY);
        assert_int_equal(get_reg(m, i, REG_RISCV64_MODE), MODE_M);
        set_reg(m, i, REG_RISCV64_PC, CODE);
        set_reg(m, i, REG_RISCV64_X(S0), DATA);
        set_reg(m, i, REG_RISCV64_X(S1), DONE);
        set_reg(m, i, REG_RISCV64_X(S3), 1);
    }
    PUT(m, CODE, CSRR(T0, 0xf14), AMOADD_D(X0, T0, S0));
    put_ending(m, CODE + 8);
    run_all(m);
    assert_int_equal(peek64(m, DATA), 0 + 1 + 2 + 3);
    machine_destroy(m);
}

#define SMP_TEST(f) cmocka_unit_test_setup_teardown(f, make_smp, end_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SMP_TEST(atomic_additions_of_all_harts_add_up),
        SMP_TEST(reserved_increments_of_all_harts_add_up),
        SMP_TEST(a_lock_of_swaps_protects_plain_accesses),
        SMP_TEST(a_conditional_store_fails_without_its_reservation),
        SMP_TEST(harts_start_stop_and_start_again),
        SMP_TEST(interprocessor_interrupts_end_wfi),
        SMP_TEST(a_remote_fence_i_makes_new_code_visible),
        SMP_TEST(a_remote_sfence_is_over_when_the_call_returns),
        SMP_TEST(harts_that_fence_one_another_do_not_deadlock),
        SMP_TEST(a_kick_ends_the_wait_for_a_remote_fence),
        cmocka_unit_test(with_firmware_all_harts_run_from_reset),
    };
    return cmocka_run_group_tests_name("rv64 smp", tests, NULL, NULL);
}
