/*
 * The software processor: corners of the specifications. Bit manipulation 1.0.0, CMO 1.0.1, fences
 * of the unprivileged ISA, read-modify-write of mip, physical memory protection of instruction
 * halves, resets of SBI 2.0.
 */
#include "unit/rv64_machine.h"

enum {
    SIP = 0x144,
    MIDELEG = 0x303,
    MIP = 0x344,
    PMPCFG0 = 0x3a0,
    PMPADDR0 = 0x3b0,
};
#define CTZW(rd, rs1) asm_i(0x1b, 1, rd, rs1, 0x601)
#define SSIP          2u
#define STIP          0x20u
#define SEIP          0x200u
#define PMP_RWX       7u
#define PMP_TOR       8u
#define PMP_LOCK      0x80u

static void bit_counts_of_words_ignore_the_upper_half(void **state)
{
    struct machine *m = *state;
    static const struct {
        uint64_t operand, zeros;
    } rows[] = {
        {UINT64_C(0x0020000000000000), 32}, {UINT64_C(0x0000000100000000), 32},
        {UINT64_C(0xffffffff00000000), 32}, {0, 32},
        {UINT64_C(0xffffffff80000000), 31}, {1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        SET_X(m, A0, rows[i].operand);
        PUT(m, CODE, CTZW(A1, A0), EBREAK);
        assert_int_equal(run_at(m, CODE), 3);
        assert_int_equal(GET_X(m, A1), rows[i].zeros);
    }
}

static void fences_of_reserved_modes_are_fences(void **state)
{
    struct machine *m = *state;
    static const uint32_t fences[] = {0x0ff0000f, 0x8330000f, 0x8ff0000f,
                                      0x1330000f, 0xf330000f, 0x0330828f};
    for (size_t i = 0; i < sizeof(fences) / sizeof(fences[0]); i++) {
        PUT(m, CODE, fences[i], EBREAK);
        assert_int_equal(run_at(m, CODE), 3);
        assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 4);
    }
}

static void clearing_a_bit_of_mip_leaves_the_others_alone(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, MIDELEG, 0x222);
    SET_CSR(m, MIP, SSIP | STIP | SEIP);
    SET_X(m, A1, STIP);
    PUT(m, CODE, CSRRC(A0, MIP, A1), CSRR(A2, MIP), CSRRC(X0, SIP, A1), CSRRSI(X0, SIP, 4),
        CSRR(A3, MIP), CSRRS(X0, SIP, A2), CSRRS(A4, MIP, A1), CSRR(A5, MIP), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), SSIP | STIP | SEIP);
    assert_int_equal(GET_X(m, A2), SSIP | SEIP);
    assert_int_equal(GET_X(m, A3), SSIP | SEIP);
    assert_int_equal(GET_X(m, A5), SSIP | STIP | SEIP);
    SET_X(m, A1, STIP | SEIP);
    PUT(m, CODE, CSRRC(X0, SIP, A1), CSRR(A2, MIP), CSRRSI(X0, SIP, 2), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A2), SSIP | STIP | SEIP); /* only SSIP is writable through sip */
}

struct interrupter {
    struct machine *m;
    bool stop; /* atomic */
};

/* Raises SSIP again and again, as a device does. */
static void *raise_ssip(void *arg)
{
    struct interrupter *r = arg;
    while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST)) {
        accel_rv64.set_irq(r->m->cpu[0], CPU_IRQ_S_SOFT, true);
        accel_rv64.set_irq(r->m->cpu[0], CPU_IRQ_S_SOFT, false);
    }
    return NULL;
}

/* SSIP rises while other bits are set and cleared. The guest never clears it, so once seen it must
 * stay; before a write-back of what was read could undo it. */
static void setting_bits_of_mip_loses_no_interrupt(void **state)
{
    struct machine *m = *state;
    struct interrupter r = {.m = m};
    pthread_t thread;
    SET_CSR(m, MIP, 0);
    SET_X(m, A1, STIP);
    SET_X(m, A2, 100000);
    SET_X(m, A3, SSIP);
    PUT(m, CODE, CSRRC(X0, MIP, A3), CSRRS(X0, MIP, A1), CSRRC(X0, MIP, A1), CSRR(A4, MIP),
        CSRRS(X0, MIP, A1), CSRRC(X0, MIP, A1), CSRR(A5, MIP), ANDI(A4, A4, SSIP),
        ANDI(A5, A5, SSIP), ADDI(A2, A2, -1), BGEU(A5, A4, 8), EBREAK, BNE(A2, X0, -48), EBREAK);
    assert_int_equal(pthread_create(&thread, NULL, raise_ssip, &r), 0);
    uint64_t cause = run_at(m, CODE);
    __atomic_store_n(&r.stop, true, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    assert_int_equal(cause, 3);
    assert_int_equal(GET_X(m, A2), 0);
}

/* Everything below `gpa` is granted to all modes, everything above to none. */
static void protect_above(struct machine *m, uint64_t gpa)
{
    SET_CSR(m, PMPADDR0, gpa >> 2);
    SET_CSR(m, PMPADDR0 + 1, UINT64_MAX >> 10);
    SET_CSR(m, PMPCFG0, PMP_TOR | PMP_RWX | (PMP_TOR | PMP_LOCK) << 8);
}

static void a_cache_block_is_protected_as_a_whole(void **state)
{
    struct machine *m = *state;
    protect_above(m, DATA + 32);
    poke64(m, DATA, 0x1111);
    SET_X(m, SP, DATA + 8);
    PUT(m, CODE, CBO_ZERO(SP), EBREAK);
    assert_int_equal(run_at(m, CODE), 7);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), DATA + 8);
    assert_int_equal(peek64(m, DATA), 0x1111);
}

static void the_second_half_of_an_instruction_is_protected_by_itself(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, 0x00000001, EBREAK); /* c.nop, and at CODE + 2 the first half of a nop */
    m->ram[CODE + 2 - RAM_BASE] = 0x13;
    m->ram[CODE + 4 - RAM_BASE] = 0;
    m->ram[CODE + 5 - RAM_BASE] = 0;
    protect_above(m, CODE + 4);
    assert_int_equal(run_in(m, MODE_U, CODE), 1);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 2);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), CODE + 4);
}

/* A debugger in the guest counts the triggers like this. */
static void the_trigger_registers_say_that_there_are_none(void **state)
{
    struct machine *m = *state;
    SET_X(m, A0, UINT64_MAX);
    PUT(m, CODE, CSRRW(X0, 0x7a0, A0), CSRR(A1, 0x7a0), CSRRW(X0, 0x7a1, A0), CSRR(A2, 0x7a1),
        CSRRW(X0, 0x7a2, A0), CSRRW(X0, 0x7a3, A0), CSRR(A3, 0x7a4), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A1), 0);
    assert_int_equal(GET_X(m, A2), 0);
    assert_int_equal(GET_X(m, A3), 1);
    PUT(m, CODE, CSRR(A0, 0x7a5), EBREAK);
    assert_int_equal(run_at(m, CODE), 2);
    PUT(m, CODE, CSRR(A0, 0x7a0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 2);
}

static uint64_t reset_error(struct machine *m, uint64_t type, uint64_t reason)
{
    SET_X(m, A7, 0x53525354);
    SET_X(m, A6, 0);
    SET_X(m, A0, type);
    SET_X(m, A1, reason);
    PUT(m, CODE, ECALL, LUI(T6, EXIT_GPA >> 12), SW(X0, T6, 0), J(0));
    (void)run_at(m, CODE);
    return GET_X(m, A0);
}

static void resets_that_vendors_define_are_not_supported(void **state)
{
    struct machine *m = *state;
    assert_int_equal(reset_error(m, 3, 0), UINT64_C(-3));
    assert_int_equal(reset_error(m, 0xefffffff, 0), UINT64_C(-3));
    assert_int_equal(reset_error(m, 0xf0000000, 0), UINT64_C(-2));
    assert_int_equal(reset_error(m, UINT64_C(0x100000000), 0), UINT64_C(-3));
    assert_int_equal(reset_error(m, 0, 2), UINT64_C(-3));
    assert_int_equal(reset_error(m, 0, 0xe0000000), UINT64_C(-2));
    assert_int_equal(reset_error(m, 0, 0xffffffff), UINT64_C(-2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        M_TEST(bit_counts_of_words_ignore_the_upper_half),
        M_TEST(fences_of_reserved_modes_are_fences),
        M_TEST(clearing_a_bit_of_mip_leaves_the_others_alone),
        M_TEST(setting_bits_of_mip_loses_no_interrupt),
        M_TEST(a_cache_block_is_protected_as_a_whole),
        M_TEST(the_second_half_of_an_instruction_is_protected_by_itself),
        M_TEST(the_trigger_registers_say_that_there_are_none),
        S_TEST(resets_that_vendors_define_are_not_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
