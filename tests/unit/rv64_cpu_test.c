/* The software processor: instructions, exceptions, loads and stores, devices, the run loop. */
#include "unit/rv64_machine.h"

static void a_program_computes_and_ends_at_ebreak(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, LI(A0, 6), LI(A1, 7), MUL(A2, A0, A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A2), 42);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 12);
}

static void x0_stays_zero_whatever_writes_it(void **state)
{
    struct machine *m = *state;
    poke64(m, DATA, 99);
    SET_X(m, A1, DATA);
    set_reg(m, 0, REG_RISCV64_X(0), 77);
    PUT(m, CODE, LI(X0, 5), LD(X0, A1, 0), AMOADD_D(X0, A1, A1), CSRRS(X0, 0xf14, X0), JAL(X0, 4),
        ADD(A0, X0, X0), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), 0);
    assert_int_equal(get_reg(m, 0, REG_RISCV64_X(0)), 0);
    assert_int_equal(peek64(m, DATA), 99 + DATA);
}

static void encodings_that_do_not_exist_are_illegal(void **state)
{
    struct machine *m = *state;
    const uint32_t words[] = {
        0x00000000,
        0xffffffff,
        0x0000007f,
        0x00007003, /* all zeros, all ones, 0x7f, load f3=7 */
        0x00004023,
        0x00002063,
        0x00001067,
        0x40001033, /* store f3=4, branch f3=2, jalr f3=1 */
        0x04000033,
        0x02005053,
        0xd0500053,
        0x00005053, /* f7=2; FP rm=5 */
        0x06000053,
        0x3000202f,
        0x1010202f, /* FP Q format; AMO funct5=6 */
        0x00004073,
        0x10200f73,
        0x7b200073,
        0x0030200f, /* csr f3=4, sret rd, dret, cbo 3 */
        0x28105013 | 1u << 27,
        0x60601013,
        0x60401053,
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        SET_CSR(m, CSR_MSTATUS, 3u << 13); /* FS on: not illegal for that reason */
        PUT(m, CODE, words[i], EBREAK);
        uint64_t expected = (words[i] & 3) == 3 ? words[i] : words[i] & 0xffff;
        assert_int_equal(run_in(m, MODE_M, CODE), 2);
        assert_int_equal(GET_CSR(m, CSR_MTVAL), expected);
        assert_int_equal(GET_CSR(m, CSR_MEPC), CODE);
    }
}

static void reserved_compressed_encodings_are_illegal(void **state)
{
    struct machine *m = *state;
    const uint32_t halves[] = {0x0000, 0x8000, 0x2001, 0x6081, 0x9c41,
                               0x9c61, 0x4002, 0x6002, 0x8002};
    for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
        PUT(m, CODE, HALVES(halves[i], C_EBREAK));
        assert_int_equal(run_in(m, MODE_M, CODE), 2);
        assert_int_equal(GET_CSR(m, CSR_MTVAL), halves[i]);
    }
}

static void floating_point_is_illegal_while_fs_is_off_and_makes_it_dirty(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, DATA);
    PUT(m, CODE, LI(A0, 1), FLD(1, A1, 0), EBREAK);
    SET_CSR(m, CSR_MSTATUS, 0);
    assert_int_equal(run_at(m, CODE), 2);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 4);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), FLD(1, A1, 0));
    SET_CSR(m, CSR_MSTATUS, 1u << 13);
    poke64(m, DATA, UINT64_C(0x4009000000000000));
    PUT(m, CODE, FLD(1, A1, 0), FADD_D(2, 1, 1), FSD(2, A1, 8), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(peek64(m, DATA + 8), UINT64_C(0x4019000000000000));
    assert_int_equal(GET_CSR(m, CSR_MSTATUS) >> 13 & 3, 3);
    assert_int_equal(GET_CSR(m, CSR_MSTATUS) >> 63, 1);
    PUT(m, CODE, FSD(2, A1, 8), EBREAK); /* a store leaves it clean */
    SET_CSR(m, CSR_MSTATUS, 2u << 13);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_CSR(m, CSR_MSTATUS) >> 13 & 3, 2);
}

static void an_invalid_dynamic_rounding_mode_is_illegal(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, CSR_MSTATUS, 1u << 13);
    SET_CSR(m, 0x002, 5);
    PUT(m, CODE, FADD_D(1, 2, 3), EBREAK);
    assert_int_equal(run_at(m, CODE), 2);
}

static void loads_extend_and_stores_truncate(void **state)
{
    struct machine *m = *state;
    poke64(m, DATA, UINT64_C(0xfedcba9876543280));
    SET_X(m, A1, DATA);
    PUT(m, CODE, LB(S2, A1, 0), LBU(S3, A1, 0), LH(S4, A1, 6), LHU(S5, A1, 6), LW(S6, A1, 4),
        LWU(S7, A1, 4), SB(S6, A1, 8), SH(S6, A1, 16), SW(S6, A1, 24), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, S2), UINT64_C(0xffffffffffffff80));
    assert_int_equal(GET_X(m, S3), 0x80);
    assert_int_equal(GET_X(m, S4), UINT64_C(0xfffffffffffffedc));
    assert_int_equal(GET_X(m, S5), 0xfedc);
    assert_int_equal(GET_X(m, S6), UINT64_C(0xfffffffffedcba98));
    assert_int_equal(GET_X(m, S7), 0xfedcba98);
    assert_int_equal(peek64(m, DATA + 8), 0x98);
    assert_int_equal(peek64(m, DATA + 16), 0xba98);
    assert_int_equal(peek64(m, DATA + 24), 0xfedcba98);
}

static void misaligned_loads_and_stores_work_at_every_offset(void **state)
{
    struct machine *m = *state;
    const uint64_t value = UINT64_C(0x1122334455667788);
    for (uint64_t offset = 1; offset < 8; offset++) {
        uint64_t gpa = DATA + UINT64_C(4096) - 8 + offset; /* the last ones cross a page */
        SET_X(m, A1, gpa);
        SET_X(m, A2, value);
        PUT(m, CODE, SD(A2, A1, 0), LD(A3, A1, 0), LW(A4, A1, 3), LHU(A5, A1, 5), EBREAK);
        assert_int_equal(run_at(m, CODE), 3);
        assert_int_equal(peek64(m, gpa), value);
        assert_int_equal(GET_X(m, A3), value);
        assert_int_equal(GET_X(m, A4), 0x22334455);
        assert_int_equal(GET_X(m, A5), 0x2233);
    }
}

static void atomics_and_reservations_trap_when_misaligned(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, DATA + 4);
    PUT(m, CODE, AMOADD_D(A0, A1, A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 6);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), DATA + 4);
    PUT(m, CODE, LR_D(A0, A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 4);
    SET_X(m, A1, DATA + 2);
    PUT(m, CODE, SC_W(A0, A1, A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 6);
}

static void device_accesses_come_in_aligned_pieces(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, DEVICE_GPA + 1);
    SET_X(m, A2, UINT64_C(0x8877665544332211));
    PUT(m, CODE, LD(A0, A1, 0), SW(A2, A1, 2), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), UINT64_C(0x0807060504030201));
    const uint64_t expected[][3] = {{1, 1, 0}, {2, 2, 0}, {4, 4, 0}, {8, 1, 0},
                                    {3, 1, 1}, {4, 2, 1}, {6, 1, 1}};
    assert_int_equal(m->n_log, 7);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(m->log[i].gpa, DEVICE_GPA + expected[i][0]);
        assert_int_equal(m->log[i].width, expected[i][1]);
        assert_int_equal(m->log[i].write, expected[i][2]);
    }
    assert_int_equal(m->log[5].value, 0x3322);
}

static void device_loads_extend_like_others(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, DEVICE_GPA + 0xf0);
    PUT(m, CODE, LB(A0, A1, 0), LW(A2, A1, 0), LWU(A3, A1, 4), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), UINT64_C(0xfffffffffffffff0));
    assert_int_equal(GET_X(m, A2), UINT64_C(0xfffffffff3f2f1f0));
    assert_int_equal(GET_X(m, A3), UINT64_C(0xf7f6f5f4));
}

static void atomics_on_devices_are_access_faults(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, DEVICE_GPA);
    PUT(m, CODE, AMOADD_W(A0, A1, A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 7);
    PUT(m, CODE, LR_W(A0, A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 5);
    PUT(m, CODE, SC_W(A0, A1, A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 7);
    PUT(m, CODE, CBO_ZERO(A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 7);
    assert_int_equal(m->n_log, 0);
}

static void code_outside_ram_is_an_access_fault(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, DEVICE_GPA);
    PUT(m, CODE, JALR(RA, A1, 0), EBREAK);
    assert_int_equal(run_at(m, CODE), 1);
    assert_int_equal(GET_CSR(m, CSR_MEPC), DEVICE_GPA);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), DEVICE_GPA);
    assert_int_equal(GET_X(m, RA), CODE + 4);
}

static void an_instruction_across_the_end_of_ram_faults_at_its_second_half(void **state)
{
    struct machine *m = *state;
    uint64_t last = RAM_BASE + RAM_BYTES - 2;
    uint16_t low = (uint16_t)(LI(A0, 1) & 0xffff);
    memcpy(m->ram + RAM_BYTES - 2, &low, 2);
    assert_int_equal(run_at(m, last), 1);
    assert_int_equal(GET_CSR(m, CSR_MEPC), last);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), last + 2);
}

static void an_address_beyond_the_physical_width_is_an_access_fault(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, UINT64_C(1) << 60);
    PUT(m, CODE, LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_at(m, CODE), 5);
    PUT(m, CODE, SD(A0, A1, 0), EBREAK);
    assert_int_equal(run_at(m, CODE), 7);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), UINT64_C(1) << 60);
}

static void a_fault_in_the_middle_of_a_block_leaves_exact_registers_and_counts(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, UINT64_C(1) << 60);
    SET_X(m, A3, 0);
    PUT(m, CODE, HALVES(C_NOP, C_NOP), LI(A0, 1), LI(A2, 2), LD(A4, A1, 0), LI(A3, 3), EBREAK);
    uint64_t before = GET_CSR(m, 0xb02);
    assert_int_equal(run_at(m, CODE), 5);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 12);
    assert_int_equal(GET_X(m, A2), 2);
    assert_int_equal(GET_X(m, A3), 0);
    /* four before the fault, two of the handler, and at most the handler's endless jump */
    assert_true(GET_CSR(m, 0xb02) - before >= 6);
}

static void a_faulting_load_of_a_fused_pair_keeps_the_first_half(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, NOP, AUIPC(A0, 0x40000), LD(A0, A0, 8), EBREAK); /* 1 GiB above: a device */
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(m->log[0].gpa, CODE + 4 + 0x40000000 + 8);
    SET_CSR(m, 0x3b0, (RAM_BASE + 0x40000000) >> 2); /* pmp: nothing above */
    SET_CSR(m, 0x3a0, 0x0f);
    SET_X(m, A0, 0);
    assert_int_equal(run_in(m, MODE_S, CODE), 5);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 8);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), CODE + 4 + 0x40000000 + 8);
    assert_int_equal(GET_X(m, A0), CODE + 4 + 0x40000000);
}

static void jalr_clears_the_lowest_bit_and_links_past_compressed_jumps(void **state)
{
    struct machine *m = *state;
    SET_X(m, A1, CODE + 9);
    /* c.jalr a1 links to the next halfword */
    PUT(m, CODE, HALVES(0x9582, C_EBREAK), NOP, EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, RA), CODE + 2);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 8);
}

static void far_calls_in_two_instructions_link_and_keep_the_page_address(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, AUIPC(T1, 0x10), JALR(RA, T1, -4));
    PUT(m, CODE + 0x10000 - 4, EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 0x10000 - 4);
    assert_int_equal(GET_X(m, T1), CODE + 0x10000);
    assert_int_equal(GET_X(m, RA), CODE + 8);
}

static void cache_block_zero_clears_64_aligned_bytes(void **state)
{
    struct machine *m = *state;
    memset(m->ram + (DATA - RAM_BASE), 0xaa, 192);
    SET_X(m, A1, DATA + 64 + 17);
    PUT(m, CODE, CBO_ZERO(A1), CBO_FLUSH(A1), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    for (uint32_t i = 0; i < 192; i++)
        assert_int_equal(m->ram[DATA - RAM_BASE + i], i >= 64 && i < 128 ? 0 : 0xaa);
}

static void a_kick_ends_an_endless_loop_and_one_before_the_run_is_not_lost(void **state)
{
    struct machine *m = *state;
    PUT(m, CODE, J(0));
    set_reg(m, 0, REG_RISCV64_PC, CODE);
    accel_rv64.vcpu_kick(m->cpu[0]);
    assert_int_equal(accel_rv64.vcpu_run(m->cpu[0], NULL), RUN_INTERRUPTED);
    struct machine_thread t = {.m = m, .cpu = 0};
    pthread_create(&t.thread, NULL, machine_thread_main, &t);
    machine_stop(m);
    pthread_join(t.thread, NULL);
    assert_int_equal(get_reg(m, 0, REG_RISCV64_PC), CODE);
}

static void a_kick_ends_a_trap_handler_that_faults_for_ever(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, 0x305, DEVICE_GPA); /* mtvec where no code can be */
    PUT(m, CODE, EBREAK);
    set_reg(m, 0, REG_RISCV64_PC, CODE);
    struct machine_thread t = {.m = m, .cpu = 0};
    pthread_create(&t.thread, NULL, machine_thread_main, &t);
    machine_stop(m);
    pthread_join(t.thread, NULL);
    assert_int_equal(
        get_reg(m, 0, REG_RISCV64_PC) == DEVICE_GPA || get_reg(m, 0, REG_RISCV64_PC) == CODE, 1);
}

static void registers_that_do_not_exist_are_named_in_the_error(void **state)
{
    struct machine *m = *state;
    struct err err;
    uint64_t value;
    assert_true(accel_rv64.get_reg(m->cpu[0], REG_RISCV64_CSR(0x7b0), &value, &err) < 0);
    assert_non_null(strstr(err.text, "csr0x7b0"));
    assert_true(accel_rv64.set_reg(m->cpu[0], REG_ARM64_BASE, 1, &err) < 0);
    assert_true(accel_rv64.set_reg(m->cpu[0], REG_RISCV64_MODE, 2, &err) < 0);
    assert_string_equal(reg_name(REG_RISCV64_X(10)), "x10");
    assert_string_equal(reg_name(REG_RISCV64_CSR(0x180)), "satp");
    assert_string_equal(reg_name(REG_RISCV64_CSR(0x3b3)), "pmpaddr3");
    assert_string_equal(reg_name(0), "unknown");
}

static void the_trace_keeps_the_last_traps_oldest_first(void **state)
{
    struct machine *m = *state;
    struct trace_entry entries[8];
    size_t n = 8;
    assert_true(accel_rv64.read_trace(m->cpu[0], entries, &n, NULL) < 0);
    assert_true(accel_rv64.enable_trace(m->cpu[0], 0, NULL) < 0);
    assert_int_equal(accel_rv64.enable_trace(m->cpu[0], 3, NULL), 0);
    for (uint32_t i = 0; i < 5; i++) {
        PUT(m, CODE + 4 * i, EBREAK);
        assert_int_equal(run_at(m, CODE + 4 * i), 3);
    }
    assert_int_equal(accel_rv64.read_trace(m->cpu[0], entries, &n, NULL), 0);
    assert_int_equal(n, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(entries[i].pc, CODE + 4 * (i + 2));
        assert_int_equal(entries[i].cause, 3);
    }
}

static void memory_that_overlaps_or_is_not_whole_pages_is_refused(void **state)
{
    struct machine *m = *state;
    struct err err;
    assert_true(accel_rv64.map_memory(m->vm, RAM_BASE + 0x1000, m->ram, 0x1000, &err) < 0);
    assert_non_null(strstr(err.text, "overlaps"));
    assert_true(accel_rv64.map_memory(m->vm, 0x1234, m->ram, 0x1000, &err) < 0);
    assert_true(accel_rv64.map_memory(m->vm, 0, m->ram, 0, &err) < 0);
    assert_true(accel_rv64.map_memory(m->vm, (UINT64_C(1) << 56) - 0x1000, m->ram, 0x2000, &err) <
                0);
}

static void another_architecture_is_refused_by_name(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(accel_rv64.probe(ARCH_RISCV64, &err), 0);
    assert_true(accel_rv64.probe(ARCH_X86_64, &err) < 0);
    assert_non_null(strstr(err.text, "x86_64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        M_TEST(a_program_computes_and_ends_at_ebreak),
        M_TEST(x0_stays_zero_whatever_writes_it),
        M_TEST(encodings_that_do_not_exist_are_illegal),
        M_TEST(reserved_compressed_encodings_are_illegal),
        M_TEST(floating_point_is_illegal_while_fs_is_off_and_makes_it_dirty),
        M_TEST(an_invalid_dynamic_rounding_mode_is_illegal),
        M_TEST(loads_extend_and_stores_truncate),
        M_TEST(misaligned_loads_and_stores_work_at_every_offset),
        M_TEST(atomics_and_reservations_trap_when_misaligned),
        M_TEST(device_accesses_come_in_aligned_pieces),
        M_TEST(device_loads_extend_like_others),
        M_TEST(atomics_on_devices_are_access_faults),
        M_TEST(code_outside_ram_is_an_access_fault),
        M_TEST(an_instruction_across_the_end_of_ram_faults_at_its_second_half),
        M_TEST(an_address_beyond_the_physical_width_is_an_access_fault),
        M_TEST(a_fault_in_the_middle_of_a_block_leaves_exact_registers_and_counts),
        M_TEST(a_faulting_load_of_a_fused_pair_keeps_the_first_half),
        M_TEST(jalr_clears_the_lowest_bit_and_links_past_compressed_jumps),
        M_TEST(far_calls_in_two_instructions_link_and_keep_the_page_address),
        M_TEST(cache_block_zero_clears_64_aligned_bytes),
        M_TEST(a_kick_ends_an_endless_loop_and_one_before_the_run_is_not_lost),
        M_TEST(a_kick_ends_a_trap_handler_that_faults_for_ever),
        M_TEST(registers_that_do_not_exist_are_named_in_the_error),
        M_TEST(the_trace_keeps_the_last_traps_oldest_first),
        M_TEST(memory_that_overlaps_or_is_not_whole_pages_is_refused),
        cmocka_unit_test(another_architecture_is_refused_by_name),
    };
    return cmocka_run_group_tests_name("rv64 cpu", tests, NULL, NULL);
}
