/* The software processor: the cache of decoded code, FENCE.I, links between blocks, its limits. */
#include "unit/rv64_machine.h"

static void code_written_by_the_guest_runs_after_fence_i(void **state)
{
    struct machine *m = *state;
    PUT(m, DATA, LI(A0, 1), RET);
    SET_X(m, A1, DATA);
    SET_X(m, A2, LI(A0, 2));
    PUT(m, CODE, JALR(RA, A1, 0), MV(A3, A0), SW(A2, A1, 0), FENCE_I, JALR(RA, A1, 0), MV(A4, A0),
        EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A3), 1);
    assert_int_equal(GET_X(m, A4), 2);
}

static void a_loop_that_patches_itself_sees_every_patch(void **state)
{
    struct machine *m = *state;
    /* Adds A0 += i by rewriting the immediate of one instruction 200 times. */
    SET_X(m, A0, 0);
    SET_X(m, A1, CODE + 12);
    SET_X(m, A2, ADDI(A0, A0, 0));
    SET_X(m, A3, 1 << 20); /* one step of an I-type immediate */
    SET_X(m, A4, 200);
    SET_X(m, A5, 0);
    PUT(m, CODE, ADD(A2, A2, A3), SW(A2, A1, 0), FENCE_I, NOP, ADDI(A5, A5, 1), BNE(A5, A4, -20),
        EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), 200 * 201 / 2);
}

static void unchanged_code_goes_on_after_fence_i(void **state)
{
    struct machine *m = *state;
    SET_X(m, A4, 5000);
    PUT(m, CODE, ADDI(A0, A0, 3), FENCE_I, ADDI(A4, A4, -1), BNE(A4, X0, -12), EBREAK);
    SET_X(m, A0, 0);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), 15000);
}

static void code_that_another_thread_of_the_host_has_put_there_runs_after_fence_i(void **state)
{
    struct machine *m = *state;
    for (int32_t i = 0; i < 50; i++) {
        PUT(m, CODE, LI(A0, i), EBREAK); /* setting the pc is a fence */
        assert_int_equal(run_at(m, CODE), 3);
        assert_int_equal(GET_X(m, A0), i);
    }
}

static void patched_code_across_a_page_boundary_is_seen(void **state)
{
    struct machine *m = *state;
    uint64_t at = CODE + 0x1000 - 2;
    uint32_t one = ADDI(A0, A0, 1), ret = RET;
    memcpy(m->ram + (at - RAM_BASE), &one, 4);
    memcpy(m->ram + (at - RAM_BASE) + 4, &ret, 4);
    SET_X(m, A0, 0);
    SET_X(m, A1, at);
    SET_X(m, A2, ADDI(A0, A0, 65) >> 16); /* changes only the half in the second page */
    PUT(m, CODE, JALR(RA, A1, 0), JALR(RA, A1, 0), SH(A2, A1, 2), FENCE_I, JALR(RA, A1, 0), EBREAK);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), 67);
}

static void one_page_of_code_serves_two_addresses(void **state)
{
    struct machine *m = *state;
    uint64_t root = TABLES, rwx = 0xcf; /* V R W X A D */
    memset(m->ram + (root - RAM_BASE), 0, 4096);
    poke64(m, root + 2 * 8, RAM_BASE >> 12 << 10 | rwx); /* 1 GiB where it lies */
    poke64(m, root + 5 * 8, RAM_BASE >> 12 << 10 | rwx); /* and at 5 GiB */
    SET_CSR(m, CSR_SATP, UINT64_C(8) << 60 | root >> 12);
    uint64_t there = (UINT64_C(5) << 30) + (DATA - RAM_BASE);
    PUT(m, DATA, AUIPC(A0, 0), JAL(X0, 8), NOP, JALR(X0, RA, 0));
    SET_X(m, A1, DATA);
    SET_X(m, A2, there);
    PUT(m, CODE, JALR(RA, A1, 0), MV(A3, A0), JALR(RA, A2, 0), MV(A4, A0), JALR(RA, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, A3), DATA);
    assert_int_equal(GET_X(m, A4), there);
    assert_int_equal(GET_X(m, A0), DATA);
}

/* A page mapped twice, with another page behind each mapping: no jump may remember the first. */
static void a_branch_to_the_next_page_follows_each_mapping(void **state)
{
    struct machine *m = *state;
    const uint64_t root = TABLES, middle = TABLES + 0x1000, leaf = TABLES + 0x2000;
    const uint64_t rwx = 0xcf, shared = DATA, one = DATA + 0x2000, two = DATA + 0x4000;
    const uint64_t low = UINT64_C(0x40000000);
    memset(m->ram + (root - RAM_BASE), 0, 0x3000);
    poke64(m, root + 2 * 8, RAM_BASE >> 2 | rwx);
    poke64(m, root + 1 * 8, middle >> 2 | 1);
    poke64(m, middle, leaf >> 2 | 1);
    const uint64_t pages[] = {shared, one, shared, two};
    for (uint64_t i = 0; i < 4; i++)
        poke64(m, leaf + 8 * i, pages[i] >> 2 | rwx);
    SET_CSR(m, CSR_SATP, UINT64_C(8) << 60 | root >> 12);
    PUT(m, shared + 0xf00, BEQ(X0, X0, 0x200));            /* plain */
    PUT(m, shared + 0xf10, LI(A3, 1), BNE(A3, X0, 0x1ec)); /* fused */
    PUT(m, shared + 0xf20, J(0x1e0));                      /* jump */
    PUT(m, one + 0x100, ADDI(A0, A0, 1), RET);
    PUT(m, two + 0x100, ADDI(A0, A0, 16), RET);
    for (uint64_t entry = 0xf00; entry <= 0xf20; entry += 0x10) {
        SET_X(m, A0, 0);
        SET_X(m, A1, low + entry);
        SET_X(m, A2, low + 0x2000 + entry);
        PUT(m, CODE, JALR(RA, A1, 0), JALR(RA, A1, 0), JALR(RA, A2, 0), JALR(RA, A2, 0),
            JALR(RA, A1, 0), EBREAK);
        assert_int_equal(run_in(m, MODE_S, CODE), 3);
        assert_int_equal(GET_X(m, A0), 35);
    }
}

/* Functions enough to fill the cache of decoded code several times, called in turn. */
static void more_code_than_the_cache_holds_still_runs(void **state)
{
    struct machine *m = *state;
    const uint64_t base = RAM_BASE + 0x400000, n = 16000;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t gpa = base + i * 64;
        for (uint64_t j = 0; j < 14; j++)
            PUT(m, gpa + 4 * j, ADDI(A0, A0, 1));
        PUT(m, gpa + 56, J(8));
    }
    PUT(m, base + n * 64, ADDI(A1, A1, -1), BEQ(A1, X0, 8), JALR(X0, A2, 0), EBREAK);
    SET_X(m, A0, 0);
    SET_X(m, A1, 3);
    SET_X(m, A2, base);
    assert_int_equal(run_at(m, base), 3);
    assert_int_equal(GET_X(m, A0), 3 * n * 14);
}

static void blocks_longer_than_the_limit_go_on(void **state)
{
    struct machine *m = *state;
    for (uint64_t i = 0; i < 500; i++)
        PUT(m, CODE + 4 * i, ADDI(A0, A0, 1));
    PUT(m, CODE + 2000, EBREAK);
    SET_X(m, A0, 0);
    assert_int_equal(run_at(m, CODE), 3);
    assert_int_equal(GET_X(m, A0), 500);
}

static void a_branch_reaches_both_ways_within_and_across_pages(void **state)
{
    struct machine *m = *state;
    SET_X(m, A0, 0);
    SET_X(m, A1, 50);
    /* CODE: loop body jumps to the next page and comes back by a branch */
    PUT(m, CODE + 0xff8, ADDI(A0, A0, 1), BNE(A1, X0, 0x20));
    PUT(m, CODE + 0x101c, ADDI(A1, A1, -1), BNE(A1, X0, -0x28), EBREAK);
    assert_int_equal(run_at(m, CODE + 0xff8), 3);
    assert_int_equal(GET_X(m, A0), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        M_TEST(code_written_by_the_guest_runs_after_fence_i),
        M_TEST(a_loop_that_patches_itself_sees_every_patch),
        M_TEST(unchanged_code_goes_on_after_fence_i),
        M_TEST(code_that_another_thread_of_the_host_has_put_there_runs_after_fence_i),
        M_TEST(patched_code_across_a_page_boundary_is_seen),
        M_TEST(one_page_of_code_serves_two_addresses),
        M_TEST(a_branch_to_the_next_page_follows_each_mapping),
        M_TEST(more_code_than_the_cache_holds_still_runs),
        M_TEST(blocks_longer_than_the_limit_go_on),
        M_TEST(a_branch_reaches_both_ways_within_and_across_pages),
    };
    return cmocka_run_group_tests_name("rv64 code", tests, NULL, NULL);
}
