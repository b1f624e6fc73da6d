/*
 * The page-table walk: Privileged ISA 1.12, sections 4.3-4.6 (Sv39, Sv48, Sv57), Svnapot, Svpbmt,
 * Svade/Svadu: with menvcfg.ADUE the accessed and dirty bits are set by one compare-and-swap on
 * the entry, without it a missing bit is a page fault. Memory types of Svpbmt are checked and have
 * no effect: host memory is cached and coherent.
 */
#include "accel/rv64/parts.h"
#include "accel/rv64/walk.h"

#define PTE_V         (UINT64_C(1) << 0)
#define PTE_R         (UINT64_C(1) << 1)
#define PTE_W         (UINT64_C(1) << 2)
#define PTE_X         (UINT64_C(1) << 3)
#define PTE_U         (UINT64_C(1) << 4)
#define PTE_A         (UINT64_C(1) << 6)
#define PTE_D         (UINT64_C(1) << 7)
#define PTE_PPN_SHIFT 10
#define PTE_PPN       (((UINT64_C(1) << 44) - 1) << PTE_PPN_SHIFT)
#define PTE_RESERVED  (UINT64_C(0x7f) << 54)
#define PTE_PBMT      (UINT64_C(3) << 61)
#define PTE_N         (UINT64_C(1) << 63)

#define NAPOT_64K 8u

enum step { STEP_LEAF, STEP_DOWN, STEP_FAULT };

static uint32_t levels_of(uint64_t satp)
{
    return (uint32_t)(satp >> 60) - 5; /* modes 8, 9, 10: 3, 4, 5 levels */
}

static bool is_canonical(uint64_t va, uint32_t levels)
{
    uint32_t unused = 64 - (12 + 9 * levels);
    return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

static enum step classify(const struct hart *h, uint64_t pte)
{
    if ((pte & PTE_V) == 0 || (pte & (PTE_R | PTE_W)) == PTE_W || (pte & PTE_RESERVED) != 0)
        return STEP_FAULT;
    if ((pte & PTE_PBMT) == PTE_PBMT)
        return STEP_FAULT;
    if ((pte & PTE_PBMT) != 0 && (h->menvcfg & ENVCFG_PBMTE) == 0)
        return STEP_FAULT;
    if ((pte & (PTE_R | PTE_X)) != 0)
        return STEP_LEAF;
    return (pte & (PTE_A | PTE_D | PTE_U | PTE_PBMT | PTE_N)) != 0 ? STEP_FAULT : STEP_DOWN;
}

static bool leaf_permits(const struct hart *h, uint64_t pte, enum access access, enum priv priv)
{
    if (priv == PRIV_U && (pte & PTE_U) == 0)
        return false;
    if (priv == PRIV_S && (pte & PTE_U) != 0)
        if (access == ACCESS_FETCH || (h->mstatus & MSTATUS_SUM) == 0)
            return false;
    if (access == ACCESS_FETCH)
        return (pte & PTE_X) != 0;
    if (access == ACCESS_STORE)
        return (pte & PTE_W) != 0;
    return (pte & PTE_R) != 0 || ((h->mstatus & MSTATUS_MXR) != 0 && (pte & PTE_X) != 0);
}

/* The leaf's frame with the low bits of the address put in; false: a malformed superpage. */
static bool leaf_frame(uint64_t pte, uint64_t va, uint32_t level, uint64_t *gpa)
{
    uint64_t ppn = (pte & PTE_PPN) >> PTE_PPN_SHIFT;
    uint64_t low = (UINT64_C(1) << (9 * level)) - 1;
    if ((pte & PTE_N) != 0) {
        if (level != 0 || (ppn & 15) != NAPOT_64K)
            return false;
        ppn &= ~UINT64_C(15);
        low = 15;
    } else if ((ppn & low) != 0) {
        return false;
    }
    *gpa = (ppn | (va >> 12 & low)) << 12 | (va & RV64_PAGE_MASK);
    return true;
}

/* Sets A, and D for stores, unless they are. 1: done, 0: the entry has changed under us, walk
 * again, -1: page fault, -2: access fault. */
static int update_bits(struct hart *h, uint64_t *slot, uint64_t slot_gpa, uint64_t pte,
                       enum access access)
{
    uint64_t wanted = pte | PTE_A | (access == ACCESS_STORE ? PTE_D : 0);
    if (wanted == pte)
        return 1;
    if ((h->menvcfg & ENVCFG_ADUE) == 0)
        return -1;
    if (!pmp_allows(h, slot_gpa, 8, ACCESS_STORE, PRIV_S))
        return -2;
    return __atomic_compare_exchange_n(slot, &pte, wanted, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static enum walk_result leaf(struct hart *h, const struct walk_request *ask, uint64_t *slot,
                             uint64_t slot_gpa, uint64_t pte, struct walk *out)
{
    if (!leaf_permits(h, pte, ask->access, ask->priv))
        return WALK_PAGE_FAULT;
    if (!leaf_frame(pte, ask->va, out->level, &out->gpa))
        return WALK_PAGE_FAULT;
    int updated = update_bits(h, slot, slot_gpa, pte, ask->access);
    out->user = (pte & PTE_U) != 0;
    if (out->level == 0 && (pte & PTE_N) != 0)
        out->level = 1; /* for flushes: larger than a page */
    return updated == 1    ? WALK_OK
           : updated == 0  ? WALK_AGAIN
           : updated == -1 ? WALK_PAGE_FAULT
                           : WALK_ACCESS_FAULT;
}

static enum walk_result walk_once(struct hart *h, const struct walk_request *ask, struct walk *out)
{
    uint32_t levels = levels_of(h->satp);
    uint64_t table = (h->satp & ((UINT64_C(1) << 44) - 1)) << 12;
    if (!is_canonical(ask->va, levels))
        return WALK_PAGE_FAULT;
    for (uint32_t level = levels; level-- > 0;) {
        uint64_t slot_gpa = table + (ask->va >> (12 + 9 * level) & 511) * 8;
        uint64_t *slot = (uint64_t *)(void *)ram_find(h->vm, slot_gpa, 8);
        if (slot == NULL || !pmp_allows(h, slot_gpa, 8, ACCESS_LOAD, PRIV_S))
            return WALK_ACCESS_FAULT;
        uint64_t pte = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        enum step step = classify(h, pte);
        out->level = level;
        if (step == STEP_FAULT)
            return WALK_PAGE_FAULT;
        if (step == STEP_LEAF)
            return leaf(h, ask, slot, slot_gpa, pte, out);
        table = (pte & PTE_PPN) >> PTE_PPN_SHIFT << 12;
    }
    return WALK_PAGE_FAULT;
}

enum walk_result walk_translate(struct hart *h, const struct walk_request *ask, struct walk *out)
{
    enum walk_result result;
    do
        result = walk_once(h, ask, out);
    while (result == WALK_AGAIN);
    return result;
}
