/* The software processor: the supervisor binary interface on one hart. */
#include "unit/rv64_machine.h"

#define EXT_BASE   0x10
#define EXT_TIME   0x54494d45
#define EXT_IPI    0x735049
#define EXT_RFENCE 0x52464e43
#define EXT_HSM    0x48534d
#define EXT_SRST   0x53525354
#define EXT_DBCN   0x4442434e
#define EXT_PMU    0x504d55

#define NOT_SUPPORTED     UINT64_C(-2)
#define INVALID_PARAM     UINT64_C(-3)
#define INVALID_ADDRESS   UINT64_C(-5)
#define ALREADY_AVAILABLE UINT64_C(-6)

struct sbi_result {
    uint64_t error, value;
};

/* Makes one call and stops behind it. */
static struct sbi_result call(struct machine *m, uint64_t ext, uint64_t function, uint64_t a0,
                              uint64_t a1, uint64_t a2)
{
    SET_X(m, A7, ext);
    SET_X(m, A6, function);
    SET_X(m, A0, a0);
    SET_X(m, A1, a1);
    SET_X(m, A2, a2);
    PUT(m, CODE, ECALL, LUI(T6, EXIT_GPA >> 12), SW(X0, T6, 0), J(0));
    (void)run_at(m, CODE);
    return (struct sbi_result){.error = GET_X(m, A0), .value = GET_X(m, A1)};
}

static void harts_start_in_s_mode_with_everything_delegated(void **state)
{
    struct machine *m = *state;
    assert_int_equal(get_reg(m, 0, REG_RISCV64_MODE), MODE_S);
    SET_CSR(m, 0x105, DATA); /* stvec */
    PUT(m, DATA, CSRR(A0, 0x142), LUI(T6, EXIT_GPA >> 12), SW(X0, T6, 0), J(0));
    PUT(m, CODE, 0x0000007f);
    (void)run_at(m, CODE);
    assert_int_equal(GET_X(m, A0), 2);
    SET_X(m, A1, UINT64_C(1) << 60);
    PUT(m, CODE, LD(A0, A1, 0));
    (void)run_at(m, CODE);
    assert_int_equal(GET_X(m, A0), 5);
    PUT(m, CODE, CSRR(A0, 0xc00), CSRR(A1, 0x14d), CBO_ZERO(SP), EBREAK); /* cycle, stimecmp */
    SET_X(m, SP, DATA + 0x1000);
    (void)run_at(m, CODE);
    assert_int_equal(GET_X(m, A0), 3);
}

static void base_tells_version_and_extensions(void **state)
{
    struct machine *m = *state;
    const uint64_t there[] = {EXT_BASE, EXT_TIME, EXT_IPI, EXT_RFENCE, EXT_HSM, EXT_SRST, EXT_DBCN};
    assert_int_equal(call(m, EXT_BASE, 0, 0, 0, 0).value, 2u << 24);
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        assert_int_not_equal(call(m, EXT_BASE, 3, there[i], 0, 0).value, 0);
    assert_int_equal(call(m, EXT_BASE, 3, EXT_PMU, 0, 0).value, 0);
    for (uint64_t f = 1; f <= 6; f++)
        assert_int_equal(call(m, EXT_BASE, f, 0, 0, 0).error, 0);
    assert_int_equal(call(m, EXT_BASE, 99, 0, 0, 0).error, NOT_SUPPORTED);
}

static void unknown_calls_are_not_supported(void **state)
{
    struct machine *m = *state;
    assert_int_equal(call(m, EXT_PMU, 0, 0, 0, 0).error, NOT_SUPPORTED);
    assert_int_equal(call(m, 0x12345678, 0, 0, 0, 0).error, NOT_SUPPORTED);
    assert_int_equal(call(m, EXT_TIME, 1, 0, 0, 0).error, NOT_SUPPORTED);
    assert_int_equal(call(m, EXT_RFENCE, 3, 1, 0, 0).error, NOT_SUPPORTED);
    assert_int_equal(call(m, EXT_HSM, 9, 0, 0, 0).error, NOT_SUPPORTED);
    assert_int_equal(call(m, EXT_DBCN, 3, 0, 0, 0).error, NOT_SUPPORTED);
}

static void set_timer_raises_stip_at_its_time(void **state)
{
    struct machine *m = *state;
    uint64_t at = machine_ticks(m) + 10000;
    SET_CSR(m, 0x104, 0x20); /* sie */
    SET_X(m, A7, EXT_TIME);
    SET_X(m, A6, 0);
    SET_X(m, A0, at);
    PUT(m, CODE, ECALL, WFI, CSRR(S2, 0x144), BEQ(S2, X0, -8), LUI(T6, EXIT_GPA >> 12),
        SW(X0, T6, 0), J(0));
    (void)run_at(m, CODE);
    assert_int_equal(GET_X(m, A0), 0);
    assert_int_equal(GET_X(m, S2), 0x20);
    assert_true(machine_ticks(m) >= at);
    assert_int_equal(call(m, EXT_TIME, 0, UINT64_MAX, 0, 0).error, 0);
    assert_int_equal(GET_CSR(m, 0x144), 0);
}

static void the_debug_console_writes_and_reads_guest_memory(void **state)
{
    struct machine *m = *state;
    memcpy(m->ram + (DATA - RAM_BASE), "hello", 5);
    struct sbi_result r = call(m, EXT_DBCN, 0, 5, DATA, 0);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.value, 5);
    assert_int_equal(call(m, EXT_DBCN, 2, '!', 0, 0).error, 0);
    assert_string_equal(m->console, "hello!");
    m->input = "abc";
    r = call(m, EXT_DBCN, 1, 2, DATA, 0);
    assert_int_equal(r.value, 2);
    assert_memory_equal(m->ram + (DATA - RAM_BASE), "abllo", 5);
    assert_int_equal(call(m, EXT_DBCN, 1, 10, DATA, 0).value, 1);
    assert_int_equal(call(m, EXT_DBCN, 1, 10, DATA, 0).value, 0);
}

static void the_debug_console_refuses_what_is_not_ram(void **state)
{
    struct machine *m = *state;
    assert_int_equal(call(m, EXT_DBCN, 0, 5, DEVICE_GPA, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_DBCN, 0, 5, RAM_BASE + RAM_BYTES - 4, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_DBCN, 0, 5, DATA, 1).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_DBCN, 1, UINT64_MAX, DATA, 0).error, INVALID_PARAM);
    assert_int_equal(m->n_console, 0);
}

static void a_console_that_accepts_less_says_so(void **state)
{
    struct machine *m = *state;
    memset(m->ram + (DATA - RAM_BASE), 'x', 1000);
    struct sbi_result r = call(m, EXT_DBCN, 0, 1000, DATA, 0);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.value, sizeof(m->console) - 1);
}

static size_t endless_console(void *ctx, const uint8_t *bytes, size_t n)
{
    struct machine *m = ctx;
    (void)bytes;
    m->n_console += n;
    return n;
}

/* A hart in a call cannot be stopped: all of RAM to a slow console must not take one call. */
static void one_call_writes_no_more_than_a_few_pages(void **state)
{
    struct machine *m = *state;
    m->env.console_write = endless_console;
    struct sbi_result r = call(m, EXT_DBCN, 0, RAM_BYTES, RAM_BASE, 0);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.value, m->n_console);
    assert_in_range(r.value, 4096, 65536);
}

static void system_reset_ends_the_run_with_its_reason(void **state)
{
    struct machine *m = *state;
    const struct {
        uint64_t type, reason;
        enum run_result result;
    } rows[] = {{0, 0, RUN_HALTED}, {0, 1, RUN_CRASHED}, {1, 0, RUN_REBOOT}, {2, 0, RUN_REBOOT}};
    for (size_t i = 0; i < 4; i++) {
        m->power = RUN_ERROR;
        m->stopped = 0;
        SET_X(m, A7, EXT_SRST);
        SET_X(m, A6, 0);
        SET_X(m, A0, rows[i].type);
        SET_X(m, A1, rows[i].reason);
        PUT(m, CODE, ECALL, J(0));
        set_reg(m, 0, REG_RISCV64_PC, CODE);
        assert_int_equal(machine_run_cpu(m, 0), rows[i].result);
        assert_int_equal(m->power, rows[i].result);
    }
    assert_int_equal(call(m, EXT_SRST, 0, 3, 0, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_SRST, 0, 0, 2, 0).error, INVALID_PARAM);
}

static void hart_masks_must_name_harts_that_exist(void **state)
{
    struct machine *m = *state;
    assert_int_equal(call(m, EXT_IPI, 0, 2, 0, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_IPI, 0, 1, 5, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_RFENCE, 0, UINT64_MAX, 0, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_RFENCE, 0, 1, 0, 0).error, 0);
    assert_int_equal(call(m, EXT_RFENCE, 1, 0, UINT64_MAX, 0).error, 0);
    assert_int_equal(call(m, EXT_IPI, 0, 1, 0, 0).error, 0);
    assert_int_equal(GET_CSR(m, 0x144), 2); /* sip: to itself */
}

static void hart_state_management_checks_its_arguments(void **state)
{
    struct machine *m = *state;
    assert_int_equal(call(m, EXT_HSM, 0, 0, CODE, 0).error, ALREADY_AVAILABLE);
    assert_int_equal(call(m, EXT_HSM, 0, 1, CODE, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_HSM, 0, 0, DEVICE_GPA, 0).error, INVALID_ADDRESS);
    assert_int_equal(call(m, EXT_HSM, 2, 0, 0, 0).value, 0);
    assert_int_equal(call(m, EXT_HSM, 2, 1, 0, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_HSM, 3, 1, 0, 0).error, INVALID_PARAM);
    assert_int_equal(call(m, EXT_HSM, 3, 0x10000000, 0, 0).error, NOT_SUPPORTED);
    assert_int_equal(call(m, EXT_HSM, 3, 0x80000000, DEVICE_GPA, 0).error, INVALID_ADDRESS);
}

static void a_suspended_hart_resumes_at_an_interrupt(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, 0x104, 2); /* sie: software */
    SET_CSR(m, 0x144, 2); /* pending: does not even sleep */
    assert_int_equal(call(m, EXT_HSM, 3, 0, 0, 0).error, 0);
    SET_CSR(m, 0x144, 2);
    PUT(m, DATA, MV(S2, A0), MV(S3, A1), LUI(T6, EXIT_GPA >> 12), SW(X0, T6, 0), J(0));
    SET_X(m, A0, 0);
    (void)call(m, EXT_HSM, 3, 0x80000000, DATA, 4321);
    assert_int_equal(GET_X(m, S2), 0);
    assert_int_equal(GET_X(m, S3), 4321);
    assert_int_equal(GET_CSR(m, 0x100) & 2, 0);
}

static void calls_of_version_0_1_leave_a1_alone(void **state)
{
    struct machine *m = *state;
    struct sbi_result r = call(m, 1, 0, 'A', 1234, 0);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.value, 1234);
    assert_string_equal(m->console, "A");
    assert_int_equal(call(m, 2, 0, 0, 0, 0).error, UINT64_MAX);
    m->input = "z";
    assert_int_equal(call(m, 2, 0, 0, 0, 0).error, 'z');
    poke64(m, DATA, 1);
    assert_int_equal(call(m, 4, 0, DATA, 0, 0).error, 0);
    assert_int_equal(GET_CSR(m, 0x144), 2);
    assert_int_equal(call(m, 3, 0, 0, 0, 0).error, 0);
    assert_int_equal(GET_CSR(m, 0x144), 0);
    assert_int_equal(call(m, 5, 0, 0, 0, 0).error, 0);
    assert_int_equal(call(m, 6, 0, DATA, 0, 4096).error, 0);
    assert_int_equal(call(m, 0, 0, UINT64_MAX, 0, 0).error, 0);
}

static void ecalls_from_user_mode_stay_with_the_guest(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, 0x105, DATA);
    PUT(m, DATA, CSRR(S2, 0x142), LUI(T6, EXIT_GPA >> 12), SW(X0, T6, 0), J(0));
    SET_X(m, A7, EXT_SRST);
    PUT(m, CODE, ECALL);
    (void)run_in(m, MODE_U, CODE);
    assert_int_equal(GET_X(m, S2), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        S_TEST(harts_start_in_s_mode_with_everything_delegated),
        S_TEST(base_tells_version_and_extensions),
        S_TEST(unknown_calls_are_not_supported),
        S_TEST(set_timer_raises_stip_at_its_time),
        S_TEST(the_debug_console_writes_and_reads_guest_memory),
        S_TEST(the_debug_console_refuses_what_is_not_ram),
        S_TEST(a_console_that_accepts_less_says_so),
        S_TEST(one_call_writes_no_more_than_a_few_pages),
        S_TEST(system_reset_ends_the_run_with_its_reason),
        S_TEST(hart_masks_must_name_harts_that_exist),
        S_TEST(hart_state_management_checks_its_arguments),
        S_TEST(a_suspended_hart_resumes_at_an_interrupt),
        S_TEST(calls_of_version_0_1_leave_a1_alone),
        S_TEST(ecalls_from_user_mode_stay_with_the_guest),
    };
    return cmocka_run_group_tests_name("rv64 sbi", tests, NULL, NULL);
}
