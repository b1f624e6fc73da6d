/*
 * The software processor: pairs of instructions done as one operation. Every pair is run twice, as
 * it is and with a NOP between, which keeps the two apart; all registers must come out the same.
 */
#include "unit/rv64_machine.h"

#define ROUNDS 4000

static uint64_t seed = 1234567890123456789u;

static uint64_t noise(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Few registers, so that operands often are the same one, and x0 among them. */
static uint32_t reg(void)
{
    static const uint32_t regs[] = {X0, A0, A1, A2, A3};
    return regs[noise() % 5];
}

static int32_t imm12(void)
{
    return (int32_t)(noise() % 4096) - 2048;
}

#define ADDW(rd, a, b)  asm_r(0x3b, 0, 0, rd, a, b)
#define MULW(rd, a, b)  asm_r(0x3b, 0, 1, rd, a, b)
#define OR(rd, a, b)    asm_r(0x33, 6, 0, rd, a, b)
#define SLLIW(rd, a, n) asm_i(0x1b, 1, rd, a, n)
#define SRLIW(rd, a, n) asm_i(0x1b, 5, rd, a, n)
#define TAKEN           8 /* from the branch to the instruction behind "not taken" */

static uint32_t first_insn(void)
{
    uint32_t rd = reg(), a = reg(), b = reg();
    int32_t shift = (int32_t)(noise() % 64);
    switch (noise() % 11) {
    case 0:
        return ADDI(rd, a, imm12());
    case 1:
        return ADDIW(rd, a, imm12());
    case 2:
        return ANDI(rd, a, imm12());
    case 3:
        return LI(rd, (int32_t)(noise() % 5));
    case 4:
        return ADDW(rd, a, b);
    case 5:
        return MULW(rd, a, b);
    case 6:
        return SLLI(rd, a, shift);
    case 7:
        return SLLIW(rd, a, shift & 31);
    case 8:
        return SRLIW(rd, a, shift & 31);
    case 9:
        return MV(rd, a);
    default:
        return LUI(rd, noise() & 0xfffff);
    }
}

static uint32_t second_insn(void)
{
    uint32_t rd = reg(), a = reg(), b = reg();
    switch (noise() % 9) {
    case 0:
        return ADDI(rd, a, imm12());
    case 1:
        return ADDIW(rd, a, imm12());
    case 2:
        return ADD(rd, a, b);
    case 3:
        return OR(rd, a, b);
    case 4:
        return ADDW(rd, a, b);
    case 5:
        return SRLI(rd, a, (int32_t)(noise() % 64));
    case 6:
        return BEQ(a, b, TAKEN);
    case 7:
        return BNE(a, b, TAKEN);
    default:
        return MV(rd, a);
    }
}

struct outcome {
    uint64_t x[32];
    uint64_t cause, tval, mepc;
};

static struct outcome outcome_of(struct machine *m, const uint64_t *x, uint64_t mode)
{
    struct outcome out = {0};
    for (uint32_t i = 1; i < 32; i++)
        SET_X(m, i, x[i]);
    out.cause = run_in(m, mode, CODE);
    for (uint32_t i = 0; i < 31; i++) /* the last is the handler's */
        out.x[i] = GET_X(m, i);
    out.tval = GET_CSR(m, CSR_MTVAL);
    out.mepc = GET_CSR(m, CSR_MEPC);
    return out;
}

/* Runs a and b together and apart from the same registers. */
static void compare(struct machine *m, uint32_t a, uint32_t b, const uint64_t *x)
{
    PUT(m, CODE, a, b, LI(S2, 1), LI(S3, 1), EBREAK);
    struct outcome together = outcome_of(m, x, MODE_M);
    PUT(m, CODE, a, NOP, b, LI(S2, 1), LI(S3, 1), EBREAK);
    struct outcome apart = outcome_of(m, x, MODE_M);
    assert_int_equal(together.cause, apart.cause);
    if (memcmp(together.x, apart.x, sizeof(apart.x)) != 0)
        fail_msg("%08x %08x differ from the same two apart", a, b);
}

static void noisy_registers(uint64_t *x)
{
    for (uint32_t i = 0; i < 32; i++)
        x[i] = noise() % 3 == 0 ? noise() % 4 : noise();
    x[S2] = x[S3] = 0;
}

static void pairs_of_computations_and_branches_do_what_two_instructions_do(void **state)
{
    struct machine *m = *state;
    uint64_t x[32];
    for (int round = 0; round < ROUNDS; round++) {
        noisy_registers(x);
        compare(m, first_insn(), second_insn(), x);
    }
}

/* The destination of the first is the operand of the second, as compilers write it. */
static void chained_pairs_do_what_two_instructions_do(void **state)
{
    struct machine *m = *state;
    uint64_t x[32];
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t a = first_insn(), b = second_insn();
        uint32_t rd = a >> 7 & 31;
        if (noise() % 2 == 0 || (b & 0x7f) == 0x13 || (b & 0x7f) == 0x1b)
            b = (b & ~(31u << 15)) | rd << 15;
        else
            b = (b & ~(31u << 20)) | rd << 20;
        noisy_registers(x);
        compare(m, a, b, x);
    }
}

static void indexed_loads_do_what_two_instructions_do(void **state)
{
    struct machine *m = *state;
    uint64_t x[32];
    for (uint64_t i = 0; i < 1024; i++)
        poke64(m, DATA + 8 * i, noise());
    for (int round = 0; round < ROUNDS / 4; round++) {
        uint32_t t = A0 + (uint32_t)(noise() % 3), d = reg();
        int32_t offset = (int32_t)(noise() % 2048);
        const uint32_t loads[] = {LD(d, t, offset),  LW(d, t, offset),  LH(d, t, offset),
                                  LBU(d, t, offset), LHU(d, t, offset), LB(d, t, offset)};
        noisy_registers(x);
        x[A1] = DATA;
        x[A2] = noise() % 4096;
        compare(m, noise() % 2 == 0 ? ADD(t, A1, A2) : ADD(t, A2, A1), loads[noise() % 6], x);
    }
}

static void a_faulting_indexed_load_has_done_its_addition(void **state)
{
    struct machine *m = *state;
    uint64_t x[32] = {0};
    x[A1] = UINT64_C(1) << 60;
    x[A2] = 0x100;
    PUT(m, CODE, NOP, ADD(A0, A1, A2), LD(A0, A0, 8), EBREAK);
    struct outcome out = outcome_of(m, x, MODE_M);
    assert_int_equal(out.cause, 5);
    assert_int_equal(out.mepc, CODE + 8);
    assert_int_equal(out.tval, (UINT64_C(1) << 60) + 0x108);
    assert_int_equal(out.x[A0], (UINT64_C(1) << 60) + 0x100);
}

static void fused_branches_reach_across_pages_in_both_directions(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, 60);
    SET_X(m, A0, 0);
    /* a loop whose fused branch goes back to the page before */
    PUT(m, CODE + 0xffc, ADDI(A0, A0, 2), ADDI(A1, A1, -1), BNE(A1, X0, -8), EBREAK);
    assert_int_equal(run_at(m, CODE + 0xffc), 3);
    assert_int_equal(GET_X(m, A0), 120);
    /* and one that goes forward to the next */
    PUT(m, CODE + 0xff4, ADDI(A0, A0, 1), LI(A2, 1), BNE(A2, X0, 8), EBREAK, EBREAK);
    assert_int_equal(run_at(m, CODE + 0xff4), 3);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 0x1004);
}

static void constants_and_addresses_in_two_instructions_are_exact(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, LUI(A0, 0x80000), ADDI(A0, A0, -1), LUI(A1, 0x80000), ADDIW(A1, A1, -1),
        LUI(A2, 0x7ffff), ADDI(A2, A2, 0x7ff), AUIPC(A3, 0x12345), ADDI(A3, A3, -5), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), UINT64_C(0xffffffff7fffffff));
    assert_int_equal(GET_X(m, A1), 0x7fffffff);
    assert_int_equal(GET_X(m, A2), 0x7ffff7ff);
    assert_int_equal(GET_X(m, A3), CODE + 24 + 0x12345000 - 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        M_TEST(pairs_of_computations_and_branches_do_what_two_instructions_do),
        M_TEST(chained_pairs_do_what_two_instructions_do),
        M_TEST(indexed_loads_do_what_two_instructions_do),
        M_TEST(a_faulting_indexed_load_has_done_its_addition),
        M_TEST(fused_branches_reach_across_pages_in_both_directions),
        M_TEST(constants_and_addresses_in_two_instructions_are_exact),
    };
    return cmocka_run_group_tests_name("rv64 fused pairs", tests, NULL, NULL);
}
