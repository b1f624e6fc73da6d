/* The software processor: Sv39, Sv48, Sv57, permissions, A and D bits, SFENCE.VMA, PMP. */
#include "unit/rv64_machine.h"

#define PTE_V    UINT64_C(0x001)
#define PTE_R    UINT64_C(0x002)
#define PTE_W    UINT64_C(0x004)
#define PTE_X    UINT64_C(0x008)
#define PTE_U    UINT64_C(0x010)
#define PTE_A    UINT64_C(0x040)
#define PTE_D    UINT64_C(0x080)
#define PTE_RWX  (PTE_V | PTE_R | PTE_W | PTE_X)
#define PTE_AD   (PTE_A | PTE_D)
#define PTE_PBMT (UINT64_C(1) << 61)
#define PTE_N    (UINT64_C(1) << 63)

#define MSTATUS_SUM  (UINT64_C(1) << 18)
#define MSTATUS_MXR  (UINT64_C(1) << 19)
#define MSTATUS_MPRV (UINT64_C(1) << 17)
#define MSTATUS_TVM  (UINT64_C(1) << 20)
#define CSR_MENVCFG  0x30a
#define MENVCFG_ADUE (UINT64_C(1) << 61)
#define MENVCFG_PBMT (UINT64_C(1) << 62)

#define VA       UINT64_C(0x10203000) /* the page that tests play with */
#define FETCH_PF 12
#define LOAD_PF  13
#define STORE_PF 15

struct space {
    struct machine *m;
    uint64_t root;
    int levels;
};

static uint64_t next_table = TABLES;

static uint64_t new_table(struct machine *m)
{
    uint64_t gpa = next_table;
    next_table += 4096;
    memset(m->ram + (gpa - RAM_BASE), 0, 4096);
    return gpa;
}

static uint64_t pte_of(uint64_t gpa, uint64_t bits)
{
    return gpa >> 12 << 10 | bits;
}

/* The slot of the entry for `va` at `level`, with the tables above it made if need be. */
static uint64_t slot_of(struct space *s, uint64_t va, int level)
{
    uint64_t table = s->root;
    for (int l = s->levels - 1; l > level; l--) {
        uint64_t slot = table + (va >> (12 + 9 * l) & 511) * 8;
        if (peek64(s->m, slot) == 0)
            poke64(s->m, slot, pte_of(new_table(s->m), PTE_V));
        table = peek64(s->m, slot) >> 10 << 12;
    }
    return table + (va >> (12 + 9 * level) & 511) * 8;
}

static uint64_t map(struct space *s, uint64_t va, uint64_t gpa, uint64_t bits)
{
    uint64_t slot = slot_of(s, va, 0);
    poke64(s->m, slot, pte_of(gpa, bits));
    return slot;
}

/* A space with the code page mapped where it lies, for S and, under another address, for U. */
#define USER_CODE UINT64_C(0x40001000)
static struct space make_space(struct machine *m, int levels)
{
    struct space s = {.m = m, .levels = levels};
    s.root = new_table(m);
    map(&s, CODE, CODE, PTE_RWX | PTE_AD);
    map(&s, USER_CODE, CODE, PTE_RWX | PTE_U | PTE_AD);
    return s;
}

static uint64_t satp_of(const struct space *s, uint64_t asid)
{
    return (uint64_t)(s->levels + 5) << 60 | asid << 44 | s->root >> 12;
}

static void use_space(const struct space *s)
{
    SET_CSR(s->m, CSR_SATP, satp_of(s, 0));
}

static void all_three_depths_translate(void **state)
{
    struct machine *m = *state;
    const uint64_t high[] = {UINT64_C(0xffffffc000000000), UINT64_C(0xffff800000000000),
                             UINT64_C(0xff00000000000000)};
    for (int levels = 3; levels <= 5; levels++) {
        struct space s = make_space(m, levels);
        uint64_t va = high[levels - 3] + VA;
        uint64_t slot = map(&s, va, DATA, PTE_RWX);
        poke64(m, DATA + 8, 1234);
        SET_X(m, A1, va);
        use_space(&s);
        PUT(m, CODE, LD(A0, A1, 8), SD(A0, A1, 16), EBREAK);
        assert_int_equal(run_in(m, MODE_S, CODE), 3);
        assert_int_equal(GET_X(m, A0), 1234);
        assert_int_equal(peek64(m, DATA + 16), 1234);
        assert_int_equal(peek64(m, slot), pte_of(DATA, PTE_RWX | PTE_AD));
    }
}

static void superpages_translate_at_every_level(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 4);
    poke64(m, slot_of(&s, VA, 1), pte_of(RAM_BASE, PTE_RWX)); /* 2 MiB */
    uint64_t giga = UINT64_C(0x4000000000);
    poke64(m, slot_of(&s, giga, 2), pte_of(RAM_BASE, PTE_RWX)); /* 1 GiB */
    use_space(&s);
    poke64(m, DATA, 5);
    SET_X(m, A1, (VA & ~UINT64_C(0x1fffff)) + 0x100000);
    SET_X(m, A2, giga + 0x100000);
    PUT(m, CODE, LD(A0, A1, 0), LD(A3, A2, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, A0), 5);
    assert_int_equal(GET_X(m, A3), 5);
    poke64(m, slot_of(&s, VA, 1), pte_of(RAM_BASE + 0x1000, PTE_RWX)); /* misaligned */
    PUT(m, CODE, SFENCE_VMA(X0, X0), LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), LOAD_PF);
}

static void malformed_entries_fault(void **state)
{
    struct machine *m = *state;
    const uint64_t bits[] = {0,
                             PTE_R | PTE_W,               /* not valid */
                             PTE_V | PTE_W,               /* W without R */
                             PTE_RWX | UINT64_C(1) << 54, /* reserved */
                             PTE_RWX | UINT64_C(3) << 61, /* PBMT 3 */
                             PTE_RWX | PTE_PBMT,          /* PBMT while it is off */
                             PTE_RWX | PTE_N,             /* N without the 64 KiB pattern */
                             PTE_V,                       /* a pointer at the last level */
                             PTE_V | PTE_A};
    struct space s = make_space(m, 3);
    use_space(&s);
    SET_X(m, A1, VA);
    PUT(m, CODE, SFENCE_VMA(X0, X0), LD(A0, A1, 0), EBREAK);
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        map(&s, VA, DATA, bits[i]);
        assert_int_equal(run_in(m, MODE_S, CODE), LOAD_PF);
        assert_int_equal(GET_CSR(m, CSR_MTVAL), VA);
    }
    SET_CSR(m, CSR_MENVCFG, MENVCFG_PBMT | MENVCFG_ADUE);
    map(&s, VA, DATA, PTE_RWX | PTE_PBMT);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
}

static void a_pointer_entry_with_reserved_bits_faults(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX);
    use_space(&s);
    uint64_t slot = slot_of(&s, VA, 1), good = peek64(m, slot);
    const uint64_t bad[] = {PTE_A, PTE_D, PTE_U, PTE_N};
    SET_X(m, A1, VA);
    PUT(m, CODE, SFENCE_VMA(X0, X0), LD(A0, A1, 0), EBREAK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        poke64(m, slot, good | bad[i]);
        assert_int_equal(run_in(m, MODE_S, CODE), LOAD_PF);
    }
    poke64(m, slot, good);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
}

static void addresses_that_are_not_canonical_fault(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX);
    use_space(&s);
    SET_X(m, A1, VA | UINT64_C(1) << 39);
    PUT(m, CODE, LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), LOAD_PF);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), VA | UINT64_C(1) << 39);
    PUT(m, CODE, JALR(X0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), FETCH_PF);
}

static void tables_outside_ram_are_access_faults(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX);
    poke64(m, slot_of(&s, VA, 1), pte_of(DEVICE_GPA, PTE_V));
    use_space(&s);
    SET_X(m, A1, VA);
    PUT(m, CODE, SD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 7);
    assert_int_equal(m->n_log, 0);
}

static void hardware_sets_accessed_and_dirty_as_needed(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    uint64_t slot = map(&s, VA, DATA, PTE_RWX);
    use_space(&s);
    SET_X(m, A1, VA);
    PUT(m, CODE, LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(peek64(m, slot), pte_of(DATA, PTE_RWX | PTE_A));
    PUT(m, CODE, SD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(peek64(m, slot), pte_of(DATA, PTE_RWX | PTE_AD));
}

static void without_adue_missing_bits_are_page_faults(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    uint64_t slot = map(&s, VA, DATA, PTE_RWX);
    use_space(&s);
    SET_CSR(m, CSR_MENVCFG, 0);
    SET_X(m, A1, VA);
    PUT(m, CODE, SFENCE_VMA(X0, X0), LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), LOAD_PF);
    poke64(m, slot, pte_of(DATA, PTE_RWX | PTE_A));
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    PUT(m, CODE, SFENCE_VMA(X0, X0), SD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), STORE_PF);
    assert_int_equal(peek64(m, slot), pte_of(DATA, PTE_RWX | PTE_A));
}

static void permissions_hold_for_each_mode(void **state)
{
    struct machine *m = *state;
    struct {
        uint64_t bits, mode, mstatus;
        uint32_t insn;
        uint64_t cause;
    } rows[] = {
        {PTE_V | PTE_R, MODE_S, 0, LD(A0, A1, 0), 3},
        {PTE_V | PTE_R, MODE_S, 0, SD(A0, A1, 0), STORE_PF},
        {PTE_V | PTE_R, MODE_S, 0, JALR(X0, A1, 0), FETCH_PF},
        {PTE_V | PTE_X, MODE_S, 0, LD(A0, A1, 0), LOAD_PF},
        {PTE_V | PTE_X, MODE_S, MSTATUS_MXR, LD(A0, A1, 0), 3},
        {PTE_V | PTE_X, MODE_S, MSTATUS_MXR, SD(A0, A1, 0), STORE_PF},
        {PTE_RWX, MODE_U, 0, LD(A0, A1, 0), LOAD_PF},
        {PTE_RWX, MODE_U, 0, JALR(X0, A1, 0), FETCH_PF},
        {PTE_RWX | PTE_U, MODE_U, 0, SD(A0, A1, 0), 3},
        {PTE_RWX | PTE_U, MODE_S, 0, LD(A0, A1, 0), LOAD_PF},
        {PTE_RWX | PTE_U, MODE_S, MSTATUS_SUM, LD(A0, A1, 0), 3},
        {PTE_RWX | PTE_U, MODE_S, MSTATUS_SUM, JALR(X0, A1, 0), FETCH_PF},
        {PTE_V | PTE_R | PTE_U, MODE_S, MSTATUS_SUM, SD(A0, A1, 0), STORE_PF},
    };
    struct space s = make_space(m, 3);
    use_space(&s);
    SET_X(m, A1, VA);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        map(&s, VA, DATA, rows[i].bits | PTE_AD);
        PUT(m, CODE, rows[i].insn, EBREAK);
        PUT(m, CODE + 16, SFENCE_VMA(X0, X0), EBREAK);
        assert_int_equal(run_in(m, MODE_S, CODE + 16), 3);
        SET_CSR(m, CSR_MSTATUS, rows[i].mstatus);
        uint64_t code = rows[i].mode == MODE_U ? USER_CODE : CODE;
        assert_int_equal(run_in(m, rows[i].mode, code), rows[i].cause);
    }
}

static void clearing_sum_takes_away_user_pages_that_were_reached_with_it(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    for (uint64_t i = 0; i < 40; i++)
        map(&s, VA + i * 4096, DATA, PTE_RWX | PTE_U | PTE_AD);
    use_space(&s);
    SET_CSR(m, CSR_MSTATUS, MSTATUS_SUM);
    SET_X(m, A1, VA);
    SET_X(m, A2, 4096);
    SET_X(m, A3, MSTATUS_SUM);
    SET_X(m, A4, VA + 40 * 4096);
    PUT(m, CODE, LD(A0, A1, 0), SD(A0, A1, 8), ADD(A1, A1, A2), BNE(A1, A4, -12),
        CSRRC(X0, 0x100, A3), SUB(A1, A1, A2), LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), LOAD_PF);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), VA + 39 * 4096);
    for (uint64_t i = 0; i < 40; i++) { /* none of them is left */
        SET_X(m, A1, VA + i * 4096);
        PUT(m, CODE, SD(A0, A1, 0), EBREAK);
        assert_int_equal(run_in(m, MODE_S, CODE), STORE_PF);
    }
}

static void an_access_across_two_pages_translates_each_page(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX);
    map(&s, VA + 4096, DATA + 0x5000, PTE_RWX); /* not the next page of RAM */
    use_space(&s);
    SET_X(m, A1, VA + 4096 - 3);
    SET_X(m, A2, UINT64_C(0x1122334455667788));
    PUT(m, CODE, SD(A2, A1, 0), LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, A0), UINT64_C(0x1122334455667788));
    assert_int_equal(peek64(m, DATA + 4096 - 8) >> 40, 0x667788);
    assert_int_equal(peek64(m, DATA + 0x5000) & UINT64_C(0xffffffffff), UINT64_C(0x1122334455));
    assert_int_equal(peek64(m, DATA + 4096), 0);
}

static void a_store_across_pages_whose_second_faults_writes_nothing(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX);
    map(&s, VA + 4096, DATA + 4096, PTE_V | PTE_R);
    use_space(&s);
    poke64(m, DATA + 4096 - 8, 7);
    SET_X(m, A1, VA + 4096 - 4);
    SET_X(m, A2, UINT64_MAX);
    PUT(m, CODE, SD(A2, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), STORE_PF);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), VA + 4096);
    assert_int_equal(peek64(m, DATA + 4096 - 8), 7);
}

static void code_across_two_pages_runs_and_faults_precisely(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX);
    map(&s, VA + 4096, DATA + 0x5000, PTE_RWX);
    use_space(&s);
    uint32_t insn = LI(A0, 77), after = EBREAK;
    memcpy(m->ram + (DATA - RAM_BASE) + 4094, &insn, 2);
    memcpy(m->ram + (DATA - RAM_BASE) + 0x5000, (uint8_t *)&insn + 2, 2);
    memcpy(m->ram + (DATA - RAM_BASE) + 0x5002, &after, 4);
    assert_int_equal(run_in(m, MODE_S, VA + 4094), 3);
    assert_int_equal(GET_X(m, A0), 77);
    assert_int_equal(GET_CSR(m, CSR_MEPC), VA + 4098);
    map(&s, VA + 4096, DATA + 0x5000, PTE_V | PTE_R); /* the second half may not run */
    PUT(m, CODE, SFENCE_VMA(X0, X0), JALR(X0, A1, 0));
    SET_X(m, A1, VA + 4094);
    assert_int_equal(run_in(m, MODE_S, CODE), FETCH_PF);
    assert_int_equal(GET_CSR(m, CSR_MEPC), VA + 4094);
    assert_int_equal(GET_CSR(m, CSR_MTVAL), VA + 4096);
}

static void sfence_of_one_address_finds_its_page(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    uint64_t slot = map(&s, VA, DATA, PTE_RWX);
    map(&s, TABLES, slot & ~UINT64_C(4095), PTE_RWX);
    use_space(&s);
    poke64(m, DATA, 1);
    poke64(m, DATA + 0x1000, 2);
    SET_X(m, A1, VA);
    SET_X(m, A2, TABLES + (slot & 4095));
    SET_X(m, A3, pte_of(DATA + 0x1000, PTE_RWX | PTE_AD));
    PUT(m, CODE, LD(A0, A1, 0), SD(A3, A2, 0), SFENCE_VMA(A1, X0), LD(A4, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, A0), 1);
    assert_int_equal(GET_X(m, A4), 2);
    SET_X(m, A3, pte_of(DATA, PTE_RWX | PTE_AD));
    PUT(m, CODE, SD(A3, A2, 0), SFENCE_W_INVAL, SINVAL_VMA(A1, X0), SFENCE_INVAL_IR, LD(A4, A1, 0),
        EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, A4), 1);
}

static void sfence_of_one_address_forgets_all_of_a_superpage(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    const uint64_t big = UINT64_C(0x20000000);
    uint64_t slot = slot_of(&s, big, 1);
    poke64(m, slot, pte_of(RAM_BASE, PTE_RWX | PTE_AD));
    map(&s, TABLES, slot & ~UINT64_C(4095), PTE_RWX);
    use_space(&s);
    SET_X(m, A1, big + 0x101000);
    SET_X(m, A2, TABLES + (slot & 4095));
    SET_X(m, A5, big);
    PUT(m, CODE, LD(A0, A1, 0), SD(A0, A1, 0), SD(X0, A2, 0), SFENCE_VMA(A5, X0), LD(A4, A1, 0),
        EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), LOAD_PF);
    PUT(m, CODE, SD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), STORE_PF);
}

static void sfence_of_code_by_address_is_seen_by_jumps(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    uint64_t slot = map(&s, VA, DATA, PTE_RWX);
    map(&s, TABLES, slot & ~UINT64_C(4095), PTE_RWX);
    use_space(&s);
    PUT(m, DATA, LI(A0, 1), RET);
    PUT(m, DATA + 0x1000, LI(A0, 2), RET);
    SET_X(m, A1, VA);
    SET_X(m, A2, TABLES + (slot & 4095));
    SET_X(m, A3, pte_of(DATA + 0x1000, PTE_RWX | PTE_AD));
    PUT(m, CODE, JALR(RA, A1, 0), MV(A4, A0), JALR(RA, A1, 0), SD(A3, A2, 0), SFENCE_VMA(A1, X0),
        JALR(RA, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, A4), 1);
    assert_int_equal(GET_X(m, A0), 2);
}

static void address_spaces_keep_apart_and_a_fence_of_one_asid_finds_it(void **state)
{
    struct machine *m = *state;
    struct space a = make_space(m, 3), b = make_space(m, 3);
    uint64_t slot = map(&a, VA, DATA, PTE_RWX | PTE_AD);
    map(&b, VA, DATA + 0x1000, PTE_RWX | PTE_AD);
    map(&b, TABLES, slot & ~UINT64_C(4095), PTE_RWX);
    poke64(m, DATA, 1);
    poke64(m, DATA + 0x1000, 2);
    poke64(m, DATA + 0x2000, 3);
    SET_CSR(m, CSR_SATP, satp_of(&a, 1));
    SET_X(m, A1, VA);
    SET_X(m, A2, satp_of(&b, 2));
    SET_X(m, A3, satp_of(&a, 1));
    SET_X(m, A4, pte_of(DATA + 0x2000, PTE_RWX | PTE_AD));
    SET_X(m, A5, TABLES + (slot & 4095));
    SET_X(m, A6, 1);
    PUT(m, CODE, LD(S2, A1, 0), CSRW(0x180, A2), LD(S3, A1, 0), CSRW(0x180, A3), LD(S4, A1, 0),
        CSRW(0x180, A2), SD(A4, A5, 0), SFENCE_VMA(X0, A6), LD(S5, A1, 0), CSRW(0x180, A3),
        LD(S6, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 3);
    assert_int_equal(GET_X(m, S2), 1);
    assert_int_equal(GET_X(m, S3), 2);
    assert_int_equal(GET_X(m, S4), 1);
    assert_int_equal(GET_X(m, S5), 2);
    assert_int_equal(GET_X(m, S6), 3);
}

static void many_address_spaces_wear_out_no_numbers(void **state)
{
    struct machine *m = *state;
    struct space spaces[4];
    for (int i = 0; i < 4; i++) {
        spaces[i] = make_space(m, 3);
        map(&spaces[i], VA, DATA + (uint64_t)i * 4096, PTE_RWX | PTE_AD);
        poke64(m, DATA + (uint64_t)i * 4096, (uint64_t)i + 100);
    }
    SET_X(m, A1, VA);
    PUT(m, CODE, CSRW(0x180, A2), LD(A0, A1, 0), EBREAK);
    for (uint64_t round = 0; round < 3000; round++) {
        SET_X(m, A2, satp_of(&spaces[round % 4], round % 700));
        SET_X(m, A0, 0);
        assert_int_equal(run_in(m, MODE_S, CODE), 3);
        assert_int_equal(GET_X(m, A0), round % 4 + 100);
    }
}

static void napot_pages_cover_64_kib(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    const uint64_t va = UINT64_C(0x30000000), gpa = RAM_BASE + 0x400000;
    for (uint64_t i = 0; i < 16; i++)
        poke64(m, slot_of(&s, va + i * 4096, 0), pte_of(gpa + 0x8000, PTE_RWX | PTE_AD | PTE_N));
    use_space(&s);
    for (uint64_t i = 0; i < 16; i++) {
        poke64(m, gpa + i * 4096, i);
        SET_X(m, A1, va + i * 4096);
        PUT(m, CODE, LD(A0, A1, 0), EBREAK);
        assert_int_equal(run_in(m, MODE_S, CODE), 3);
        assert_int_equal(GET_X(m, A0), i);
    }
}

static void an_unsupported_mode_in_satp_changes_nothing(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    SET_CSR(m, CSR_SATP, satp_of(&s, 3));
    SET_CSR(m, CSR_SATP, UINT64_C(11) << 60 | 5);
    assert_int_equal(GET_CSR(m, CSR_SATP), satp_of(&s, 3));
    SET_CSR(m, CSR_SATP, 0);
    assert_int_equal(GET_CSR(m, CSR_SATP), 0);
}

static void tvm_makes_satp_and_sfence_trap(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, CSR_MSTATUS, MSTATUS_TVM);
    const uint32_t insns[] = {CSRR(A0, 0x180), SFENCE_VMA(X0, X0), SINVAL_VMA(X0, X0)};
    for (size_t i = 0; i < 3; i++) {
        PUT(m, CODE, insns[i], EBREAK);
        assert_int_equal(run_in(m, MODE_S, CODE), 2);
        assert_int_equal(run_in(m, MODE_M, CODE), 3);
    }
}

static void mprv_uses_the_previous_mode_for_data_only(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX | PTE_U | PTE_AD);
    use_space(&s);
    poke64(m, DATA, 55);
    SET_X(m, A1, VA);
    SET_CSR(m, CSR_MSTATUS, MSTATUS_MPRV); /* MPP = U */
    PUT(m, CODE, LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_M, CODE), 3);
    assert_int_equal(GET_X(m, A0), 55);
    SET_CSR(m, CSR_MSTATUS, MSTATUS_MPRV | UINT64_C(1) << 11); /* MPP = S: no SUM */
    assert_int_equal(run_in(m, MODE_M, CODE), LOAD_PF);
}

/* ---- physical memory protection */

static void pmp_ranges_of_every_kind_hold(void **state)
{
    struct machine *m = *state;
    const uint64_t napot = DATA >> 2 | 0x1ff, tor = (DATA + 0x100) >> 2; /* 4 KiB; 256 bytes */
    struct {
        uint64_t cfg, addr0, addr1, gpa, cause_s, cause_m;
    } rows[] = {
        {0x1f1900, 0, napot, DATA + 0x10, 3, 3},        /* R */
        {0x1f1800, 0, napot, DATA + 0xff8, 5, 3},       /* no permission */
        {0x1f1800, 0, napot, DATA + 0x1000, 3, 3},      /* beyond it */
        {0x1f1000, 0, DATA >> 2, DATA, 5, 5},           /* NA4: 8 bytes match in part */
        {0x1f0800, DATA >> 2, tor, DATA + 0xf8, 5, 3},  /* no permission */
        {0x1f0800, DATA >> 2, tor, DATA + 0x100, 3, 3}, /* beyond it */
        {0x1f0900, DATA >> 2, tor, DATA + 0xfc, 5, 5},  /* matches in part */
    };
    PUT(m, CODE, LD(A0, A1, 0), EBREAK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        SET_CSR(m, 0x3a0, 0);
        SET_CSR(m, 0x3b0, rows[i].addr0);
        SET_CSR(m, 0x3b1, rows[i].addr1);
        SET_CSR(m, 0x3b2, UINT64_MAX);
        SET_CSR(m, 0x3a0, rows[i].cfg);
        SET_X(m, A1, rows[i].gpa);
        assert_int_equal(run_in(m, MODE_S, CODE), rows[i].cause_s);
        assert_int_equal(run_in(m, MODE_M, CODE), rows[i].cause_m);
    }
}

static void pmp_guards_fetches_within_a_page(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, 0x3a0, 0);
    SET_CSR(m, 0x3b0, (CODE + 8) >> 2);
    SET_CSR(m, 0x3a0, 0x0f); /* TOR: everything below CODE + 8 */
    PUT(m, CODE, LI(A0, 1), LI(A0, 2), LI(A0, 3), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 1);
    assert_int_equal(GET_CSR(m, CSR_MEPC), CODE + 8);
    assert_int_equal(GET_X(m, A0), 2);
}

static void pmp_guards_page_tables(void **state)
{
    struct machine *m = *state;
    struct space s = make_space(m, 3);
    map(&s, VA, DATA, PTE_RWX | PTE_AD);
    use_space(&s);
    SET_CSR(m, 0x3a0, 0);
    SET_CSR(m, 0x3b0, s.root >> 2 | 0x1ff);
    SET_CSR(m, 0x3b1, UINT64_MAX);
    SET_CSR(m, 0x3a0, 0x1f18);
    SET_X(m, A1, VA);
    PUT(m, CODE, LD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_S, CODE), 1); /* the fetch already walks */
}

static void without_pmp_entries_only_machine_mode_has_access(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, 0x3a0, 0);
    PUT(m, CODE, LI(A0, 1), EBREAK);
    assert_int_equal(run_in(m, MODE_M, CODE), 3);
    assert_int_equal(run_in(m, MODE_S, CODE), 1);
}

static void locked_pmp_entries_bind_machine_mode_and_cannot_be_changed(void **state)
{
    struct machine *m = *state;
    SET_CSR(m, 0x3a0, 0);
    SET_CSR(m, 0x3b0, DATA >> 2 | 0x1ff);
    SET_CSR(m, 0x3a0, 0x99); /* locked, NAPOT, R */
    SET_X(m, A1, DATA);
    PUT(m, CODE, SD(A0, A1, 0), EBREAK);
    assert_int_equal(run_in(m, MODE_M, CODE), 7);
    SET_CSR(m, 0x3a0, 0);
    SET_CSR(m, 0x3b0, 0);
    assert_int_equal(GET_CSR(m, 0x3a0), 0x99);
    assert_int_equal(GET_CSR(m, 0x3b0), DATA >> 2 | 0x1ff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        M_TEST(all_three_depths_translate),
        M_TEST(superpages_translate_at_every_level),
        M_TEST(malformed_entries_fault),
        M_TEST(a_pointer_entry_with_reserved_bits_faults),
        M_TEST(addresses_that_are_not_canonical_fault),
        M_TEST(tables_outside_ram_are_access_faults),
        M_TEST(hardware_sets_accessed_and_dirty_as_needed),
        M_TEST(without_adue_missing_bits_are_page_faults),
        M_TEST(permissions_hold_for_each_mode),
        M_TEST(clearing_sum_takes_away_user_pages_that_were_reached_with_it),
        M_TEST(an_access_across_two_pages_translates_each_page),
        M_TEST(a_store_across_pages_whose_second_faults_writes_nothing),
        M_TEST(code_across_two_pages_runs_and_faults_precisely),
        M_TEST(sfence_of_one_address_finds_its_page),
        M_TEST(sfence_of_one_address_forgets_all_of_a_superpage),
        M_TEST(sfence_of_code_by_address_is_seen_by_jumps),
        M_TEST(address_spaces_keep_apart_and_a_fence_of_one_asid_finds_it),
        M_TEST(many_address_spaces_wear_out_no_numbers),
        M_TEST(napot_pages_cover_64_kib),
        M_TEST(an_unsupported_mode_in_satp_changes_nothing),
        M_TEST(tvm_makes_satp_and_sfence_trap),
        M_TEST(mprv_uses_the_previous_mode_for_data_only),
        M_TEST(pmp_ranges_of_every_kind_hold),
        M_TEST(pmp_guards_fetches_within_a_page),
        M_TEST(pmp_guards_page_tables),
        M_TEST(without_pmp_entries_only_machine_mode_has_access),
        M_TEST(locked_pmp_entries_bind_machine_mode_and_cannot_be_changed),
    };
    return cmocka_run_group_tests_name("rv64 mmu", tests, NULL, NULL);
}
