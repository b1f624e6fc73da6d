/* The software processor: CSRs, delegation, interrupts, WFI, the timer, counters, xRET. */
#include "unit/rv64_machine.h"

enum {
    SSTATUS = 0x100,
    SIE = 0x104,
    STVEC = 0x105,
    SCOUNTEREN = 0x106,
    SENVCFG = 0x10a,
    SEPC = 0x141,
    SCAUSE = 0x142,
    STVAL = 0x143,
    SIP = 0x144,
    STIMECMP = 0x14d,
    MSTATUS = 0x300,
    MISA = 0x301,
    MEDELEG = 0x302,
    MIDELEG = 0x303,
    MIE = 0x304,
    MTVEC = 0x305,
    MCOUNTEREN = 0x306,
    MENVCFG = 0x30a,
    MCOUNTINHIBIT = 0x320,
    MSCRATCH = 0x340,
    MEPC = 0x341,
    MIP = 0x344,
    MCYCLE = 0xb00,
    MINSTRET = 0xb02,
    CYCLE = 0xc00,
    TIME = 0xc01,
    INSTRET = 0xc02,
};
#define INTERRUPT (UINT64_C(1) << 63)
#define TW        (UINT64_C(1) << 21)
#define TSR       (UINT64_C(1) << 22)
#define STCE      (UINT64_C(1) << 63)
#define MIE_BIT   8u
#define SIE_BIT   2u
#define VECTORS   (RAM_BASE + 0x3000)

static void each_mode_sees_the_registers_of_its_level(void **state)
{
    struct machine *m = *state;
    struct {
        uint32_t csr;
        uint64_t cause[4]; /* by mode */
    } rows[] = {
        {MSCRATCH, {2, 2, 0, 3}}, {SSTATUS, {2, 3, 0, 3}},  {0xf14, {2, 2, 0, 3}},
        {0x7a0, {2, 2, 0, 3}},    {0x123, {2, 2, 0, 2}},    {0x3c0, {2, 2, 0, 2}},
        {0x3a1, {2, 2, 0, 2}},    {STIMECMP, {2, 2, 0, 3}}, {0xb03, {2, 2, 0, 3}},
        {CYCLE, {2, 2, 0, 3}},    {0xc1f, {2, 2, 0, 3}},    {SENVCFG, {2, 3, 0, 3}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PUT(m, CODE, CSRR(A0, (int32_t)rows[i].csr), EBREAK);
        assert_int_equal(run_in(m, MODE_U, CODE), rows[i].cause[MODE_U]);
        assert_int_equal(run_in(m, MODE_S, CODE), rows[i].cause[MODE_S]);
        assert_int_equal(run_in(m, MODE_M, CODE), rows[i].cause[MODE_M]);
    }
}

static void read_only_registers_can_be_read_but_not_written(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, CSRRS(A0, 0xf14, X0), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    PUT(m, CODE, CSRRW(A0, 0xf14, X0), EBREAK);
    assert_int_equal(run_at(m, CODE), 2);
    SET_X(m, A1, 0);
    PUT(m, CODE, CSRRS(A0, 0xc00, A1), EBREAK); /* writes, though the value is 0 */
    assert_int_equal(run_at(m, CODE), 2);
}

static void csr_instructions_swap_set_and_clear(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MSCRATCH, 0xf0);
    SET_X(m, A1, 0xff);
    PUT(m, CODE, CSRRSI(S2, MSCRATCH, 5), CSRRC(S3, MSCRATCH, A1), CSRRW(S4, MSCRATCH, A1),
        CSRRWI(S5, MSCRATCH, 31), CSRR(S6, MSCRATCH), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, S2), 0xf0);
    assert_int_equal(GET_X(m, S3), 0xf5);
    assert_int_equal(GET_X(m, S4), 0);
    assert_int_equal(GET_X(m, S5), 0xff);
    assert_int_equal(GET_X(m, S6), 31);
}

static void fields_take_only_legal_values(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MSTATUS, UINT64_C(1) << 11);
    SET_CSR(m, MSTATUS, UINT64_C(2) << 11);
    assert_int_equal(GET_CSR(m, MSTATUS) >> 11 & 3, 1);
    SET_CSR(m, MSTATUS, UINT64_MAX);
    assert_int_equal(GET_CSR(m, MSTATUS), UINT64_C(0x8000000a007e79aa));
    SET_CSR(m, MSTATUS, 0);
    assert_int_equal(GET_CSR(m, MSTATUS), UINT64_C(0xa00000000));
    SET_CSR(m, MTVEC, 0x1001);
    SET_CSR(m, MTVEC, 0x2002);
    assert_int_equal(GET_CSR(m, MTVEC), 0x2001);
    SET_CSR(m, MEPC, 0x1003);
    assert_int_equal(GET_CSR(m, MEPC), 0x1002);
    SET_CSR(m, MEDELEG, UINT64_MAX);
    assert_int_equal(GET_CSR(m, MEDELEG), 0xb3ff);
    SET_CSR(m, MIDELEG, UINT64_MAX);
    assert_int_equal(GET_CSR(m, MIDELEG), 0x222);
    SET_CSR(m, MIE, UINT64_MAX);
    assert_int_equal(GET_CSR(m, MIE), 0xaaa);
    assert_int_equal(GET_CSR(m, MISA), UINT64_C(0x800000000014112d));
    SET_CSR(m, SENVCFG, 0x20); /* CBIE = 2 is reserved */
    assert_int_equal(GET_CSR(m, SENVCFG), 0);
}

static void sstatus_sie_and_sip_are_views(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, SSTATUS, UINT64_MAX);
    assert_int_equal(GET_CSR(m, MSTATUS) & ~UINT64_C(0x80000002000c6122), UINT64_C(0x800000000));
    SET_CSR(m, MIDELEG, 0x200);
    SET_CSR(m, SIE, UINT64_MAX);
    assert_int_equal(GET_CSR(m, MIE), 0x200);
    SET_CSR(m, MIP, 0x222);
    assert_int_equal(GET_CSR(m, SIP), 0x200);
    SET_CSR(m, MIDELEG, 0x222);
    SET_CSR(m, SIP, 0); /* only SSIP can be written from S */
    assert_int_equal(GET_CSR(m, MIP), 0x220);
}

static void exceptions_go_to_s_when_delegated(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MEDELEG, 1 << 8 | 1 << 2);
    SET_CSR(m, STVEC, VECTORS);
    SET_CSR(m, SSTATUS, 2);
    PUT(m, VECTORS, CSRR(A0, SCAUSE), CSRR(A1, SEPC), CSRR(A2, STVAL), CSRR(A3, SSTATUS), EBREAK);
    PUT(m, CODE, NOP, ECALL);
    assert_int_equal(run_in(m, MODE_U, CODE), 3);
    assert_int_equal(GET_X(m, A0), 8);
    assert_int_equal(GET_X(m, A1), CODE + 4);
    assert_int_equal(GET_X(m, A2), 0);
    assert_int_equal(GET_X(m, A3) & 0x122, 0x20); /* SPP = U, SPIE, no SIE */
    PUT(m, CODE, 0x0000007f);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, A2), 0x7f);
    assert_int_equal(GET_X(m, A3) & 0x100, 0x100);
    assert_int_equal(run_in(m, MODE_M, CODE), 2); /* never downwards */
}

static void ecalls_tell_the_mode(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, ECALL);
    assert_int_equal(run_in(m, MODE_U, CODE), 8);
    assert_int_equal(run_in(m, MODE_S, CODE), 9);
    assert_int_equal(run_in(m, MODE_M, CODE), 11);
}

static void returns_restore_the_mode_and_interrupt_enables(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MSTATUS, UINT64_C(1) << 11 | 0x80 | UINT64_C(1) << 17); /* MPP S, MPIE, MPRV */
    SET_CSR(m, MEPC, CODE + 0x100);
    PUT(m, CODE, MRET);
    PUT(m, CODE + 0x100, LI(A0, 1), ECALL);
    assert_int_equal(run_in(m, MODE_M, CODE), 9);
    assert_int_equal(GET_X(m, A0), 1);
    assert_int_equal(GET_CSR(m, MSTATUS) & (UINT64_C(1) << 17), 0);
    SET_CSR(m, SSTATUS, 0x20); /* SPP U */
    SET_CSR(m, SEPC, CODE + 0x100);
    PUT(m, CODE, SRET);
    assert_int_equal(run_in(m, MODE_S, CODE), 8);
    assert_int_equal(GET_CSR(m, SSTATUS) & 0x122, 0x22);
}

static void privileged_instructions_are_illegal_below_their_mode(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, MRET);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
    PUT(m, CODE, SRET);
    assert_int_equal(run_in(m, MODE_U, CODE), 2);
    PUT(m, CODE, WFI);
    assert_int_equal(run_in(m, MODE_U, CODE), 2);
    PUT(m, CODE, SFENCE_VMA(X0, X0));
    assert_int_equal(run_in(m, MODE_U, CODE), 2);
    PUT(m, CODE, SFENCE_W_INVAL);
    assert_int_equal(run_in(m, MODE_U, CODE), 2);
    SET_CSR(m, MSTATUS, TSR);
    PUT(m, CODE, SRET);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
    SET_CSR(m, MSTATUS, TW);
    PUT(m, CODE, WFI);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), WFI);
}

static void cache_block_instructions_obey_the_environment_registers(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, DATA);
    PUT(m, CODE, CBO_ZERO(A1), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
    SET_CSR(m, MENVCFG, 0x80);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(run_in(m, MODE_U, CODE), 2);
    SET_CSR(m, SENVCFG, 0x80);
    assert_int_equal(run_in(m, MODE_U, CODE), 3);
    PUT(m, CODE, CBO_FLUSH(A1), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
    SET_CSR(m, MENVCFG, 0x40);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
}

static void interrupts_are_vectored_in_the_order_of_urgency(void **state)
{
    struct machine *m = *state;
    const uint64_t order[] = {11, 3, 7, 9, 1};
    SET_CSR(m, MTVEC, VECTORS | 1);
    for (uint32_t i = 0; i < 16; i++)
        PUT(m, VECTORS + 4 * i, J((int32_t)(HANDLER - VECTORS) - 4 * (int32_t)i));
    SET_CSR(m, MIE, 0xaaa);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_M_EXTERNAL, true);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_M_SOFT, true);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_M_TIMER, true);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_EXTERNAL, true);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_SOFT, true);
    PUT(m, CODE, LI(A0, 1), J(0));
    for (size_t i = 0; i < 5; i++) {
        SET_CSR(m, MSTATUS, MIE_BIT);
        assert_int_equal(run_in(m, MODE_M, CODE), INTERRUPT | order[i]);
        assert_int_equal(GET_CSR(m, MEPC), CODE);
        SET_CSR(m, MIE, GET_CSR(m, MIE) & ~(UINT64_C(1) << order[i]));
    }
}

static void lines_are_seen_in_mip_and_go_away(void **state)
{
    struct machine *m = *state;
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_EXTERNAL, true);
    SET_CSR(m, MIP, 0x200);
    assert_int_equal(GET_CSR(m, MIP), 0x200);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_EXTERNAL, false);
    assert_int_equal(GET_CSR(m, MIP), 0x200); /* software has set it, too */
    SET_CSR(m, MIP, 0);
    assert_int_equal(GET_CSR(m, MIP), 0);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_SOFT, true);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_SOFT, false); /* an edge: it stays */
    assert_int_equal(GET_CSR(m, MIP), 2);
}

static void setting_a_bit_of_mip_does_not_latch_the_external_line(void **state)
{
    struct machine *m = *state;
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_EXTERNAL, true);
    PUT(m, CODE, CSRRSI(A0, MIP, 2), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), 0x200);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_EXTERNAL, false);
    assert_int_equal(GET_CSR(m, MIP), 2);
}

static void an_interrupt_is_taken_right_after_it_is_enabled(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MIE, 8);
    SET_CSR(m, MSTATUS, 0);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_M_SOFT, true);
    PUT(m, CODE, LI(A0, 1), CSRRSI(X0, MSTATUS, MIE_BIT), LI(A0, 2), J(0));
    assert_int_equal(run_at(m, CODE), INTERRUPT | 3);
    assert_int_equal(GET_CSR(m, MEPC), CODE + 8);
    assert_int_equal(GET_X(m, A0), 1);
}

static void delegated_interrupts_reach_s_from_u_and_wait_in_m(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MIDELEG, 0x222);
    SET_CSR(m, MIE, 0x222);
    SET_CSR(m, STVEC, VECTORS);
    PUT(m, VECTORS, CSRR(A0, SCAUSE), EBREAK);
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_S_EXTERNAL, true);
    PUT(m, CODE, NOP, ECALL);
    SET_CSR(m, MSTATUS, 0);
    assert_int_equal(run_in(m, MODE_U, CODE), 3);
    assert_int_equal(GET_X(m, A0), INTERRUPT | 9);
    SET_CSR(m, MSTATUS, MIE_BIT | SIE_BIT);
    assert_int_equal(run_in(m, MODE_M, CODE), 11);
    SET_CSR(m, MSTATUS, 0); /* SIE clear */
    assert_int_equal(run_in(m, MODE_S, CODE), 9);
}

static void the_supervisor_timer_fires_in_a_busy_loop(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MENVCFG, STCE);
    SET_CSR(m, MIE, 0x20);
    SET_CSR(m, MSTATUS, MIE_BIT);
    SET_CSR(m, STIMECMP, machine_ticks(m) + 20000); /* 2 ms */
    PUT(m, CODE, J(0));
    assert_int_equal(run_at(m, CODE), INTERRUPT | 5);
    assert_true(machine_ticks(m) >= GET_CSR(m, STIMECMP));
    SET_CSR(m, STIMECMP, UINT64_MAX);
    assert_int_equal(GET_CSR(m, MIP), 0);
}

static void the_supervisor_timer_ends_wfi(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MENVCFG, STCE);
    SET_CSR(m, MIE, 0x20);
    SET_CSR(m, STIMECMP, machine_ticks(m) + 20000);
    PUT(m, CODE, WFI, CSRR(A0, MIP), EBREAK); /* MIE of mstatus is off: goes on after WFI */
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), 0x20);
}

static void *jump_the_clock(void *arg)
{
    struct machine *m = arg;
    __atomic_store_n(&m->fixed_ticks, 2000000, __ATOMIC_SEQ_CST);
    accel_rv64.ticks_changed(m->vm);
    return NULL;
}

static void a_clock_that_jumps_ends_wfi(void **state)
{
    struct machine *m = *state;
    pthread_t thread;
    m->fixed_ticks = 1000;
    SET_CSR(m, MENVCFG, STCE);
    SET_CSR(m, MIE, 0x20);
    SET_CSR(m, STIMECMP, UINT64_C(2000000)); /* 200 ms that never pass by themselves */
    PUT(m, CODE, WFI, CSRR(A0, TIME), CSRR(A1, MIP), ANDI(A2, A1, 0x20), BEQ(A2, X0, -16), EBREAK);
    pthread_create(&thread, NULL, jump_the_clock, m);
    assert_int_equal(run_at(m, CODE), 3);
    pthread_join(thread, NULL);
    assert_int_equal(GET_X(m, A0), 2000000);
}

static void without_stce_the_timer_bit_belongs_to_machine_mode(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, STIMECMP, 0);
    assert_int_equal(GET_CSR(m, MIP), 0);
    SET_CSR(m, MIP, 0x20);
    assert_int_equal(GET_CSR(m, MIP), 0x20);
    SET_CSR(m, MIP, 0);
    SET_CSR(m, MENVCFG, STCE);
    assert_int_equal(GET_CSR(m, MIP), 0x20); /* the time has long passed */
    SET_CSR(m, STIMECMP, UINT64_MAX);
    SET_CSR(m, MIP, 0x20);
    assert_int_equal(GET_CSR(m, MIP), 0);
}

static void *raise_soon(void *arg)
{
    struct machine *m = arg;
    accel_rv64.set_irq(m->cpu[0], CPU_IRQ_M_EXTERNAL, true);
    return NULL;
}

static void a_line_ends_wfi_even_if_interrupts_are_off(void **state)
{
    struct machine *m = *state;
    pthread_t thread;
    SET_CSR(m, MIE, 0x800);
    PUT(m, CODE, WFI, CSRR(A0, MIP), BEQ(A0, X0, -8), EBREAK);
    pthread_create(&thread, NULL, raise_soon, m);
    assert_int_equal(run_at(m, CODE), 3);
    pthread_join(thread, NULL);
    assert_int_equal(GET_X(m, A0), 0x800);
}

static void a_kick_ends_wfi(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, WFI, J(-4));
    set_reg(m, 0, REG_RISCV64_PC, CODE);
    struct machine_thread t = {.m = m, .cpu = 0};
    pthread_create(&t.thread, NULL, machine_thread_main, &t);
    machine_stop(m);
    pthread_join(t.thread, NULL);
    uint64_t pc = get_reg(m, 0, REG_RISCV64_PC);
    assert_true(pc == CODE || pc == CODE + 4);
}

static void retired_instructions_are_counted_exactly(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, CSRR(A0, MINSTRET), NOP, NOP, HALVES(C_NOP, C_NOP), LUI(A3, 1), ADDI(A3, A3, 1),
        CSRR(A1, MINSTRET), LI(A4, 100), CSRW(MINSTRET, A4), CSRR(A2, MINSTRET), CSRR(A5, MINSTRET),
        EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A1) - GET_X(m, A0), 7);
    assert_int_equal(GET_X(m, A2), 100);
    assert_int_equal(GET_X(m, A5), 101);
}

static void inhibited_counters_stand_still(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, CSRRWI(X0, MCOUNTINHIBIT, 5), CSRR(A0, MINSTRET), CSRR(A1, MCYCLE), NOP, NOP,
        CSRR(A2, MINSTRET), CSRR(A3, MCYCLE), CSRRWI(X0, MCOUNTINHIBIT, 0), NOP, CSRR(A4, MINSTRET),
        EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), GET_X(m, A2));
    assert_int_equal(GET_X(m, A1), GET_X(m, A3));
    assert_in_range(GET_X(m, A4) - GET_X(m, A0), 1, 2);
}

static void counters_are_opened_level_by_level(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, CSRR(A0, INSTRET), CSRR(A1, TIME), EBREAK);
    SET_CSR(m, MCOUNTEREN, 4);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
    assert_int_equal(GET_CSR(m, MEPC), CODE + 4);
    SET_CSR(m, MCOUNTEREN, 7);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(run_in(m, MODE_U, CODE), 2);
    SET_CSR(m, SCOUNTEREN, 7);
    assert_int_equal(run_in(m, MODE_U, CODE), 3);
}

static void stimecmp_needs_both_enables_in_s_mode(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, CSRR(A0, STIMECMP), EBREAK);
    SET_CSR(m, MENVCFG, STCE);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
    SET_CSR(m, MCOUNTEREN, 2);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    SET_CSR(m, MENVCFG, 0);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        M_TEST(each_mode_sees_the_registers_of_its_level),
        M_TEST(read_only_registers_can_be_read_but_not_written),
        M_TEST(csr_instructions_swap_set_and_clear),
        M_TEST(fields_take_only_legal_values),
        M_TEST(sstatus_sie_and_sip_are_views),
        M_TEST(exceptions_go_to_s_when_delegated),
        M_TEST(ecalls_tell_the_mode),
        M_TEST(returns_restore_the_mode_and_interrupt_enables),
        M_TEST(privileged_instructions_are_illegal_below_their_mode),
        M_TEST(cache_block_instructions_obey_the_environment_registers),
        M_TEST(interrupts_are_vectored_in_the_order_of_urgency),
        M_TEST(lines_are_seen_in_mip_and_go_away),
        M_TEST(setting_a_bit_of_mip_does_not_latch_the_external_line),
        M_TEST(an_interrupt_is_taken_right_after_it_is_enabled),
        M_TEST(delegated_interrupts_reach_s_from_u_and_wait_in_m),
        M_TEST(the_supervisor_timer_fires_in_a_busy_loop),
        M_TEST(the_supervisor_timer_ends_wfi),
        M_TEST(a_clock_that_jumps_ends_wfi),
        M_TEST(without_stce_the_timer_bit_belongs_to_machine_mode),
        M_TEST(a_line_ends_wfi_even_if_interrupts_are_off),
        M_TEST(a_kick_ends_wfi),
        M_TEST(retired_instructions_are_counted_exactly),
        M_TEST(inhibited_counters_stand_still),
        M_TEST(counters_are_opened_level_by_level),
        M_TEST(stimecmp_needs_both_enables_in_s_mode),
    };
    return cmocka_run_group_tests_name("rv64 privileged", tests, NULL, NULL);
}
