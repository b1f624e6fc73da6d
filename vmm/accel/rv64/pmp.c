/*
 * Physical memory protection: Privileged ISA 1.12, section 3.7. 16 entries, granularity 4 bytes.
 * Checked when a TLB entry is made; a page that only partly has one answer never gets an entry.
 * Not modelled: Smepmp (mseccfg).
 */
#include "accel/rv64/parts.h"

#define PMP_A_TOR   1u
#define PMP_A_NA4   2u
#define PMP_A_NAPOT 3u
#define PMP_LOCK    0x80u

static bool entry_range(const struct hart *h, uint32_t i, uint64_t *base, uint64_t *last)
{
    const struct pmp *pmp = &h->pmp;
    uint64_t addr = pmp->addr[i];
    switch (pmp->cfg[i] >> 3 & 3) {
    case PMP_A_TOR:
        *base = i == 0 ? 0 : pmp->addr[i - 1] << 2;
        *last = (addr << 2) - 1;
        return *base < addr << 2;
    case PMP_A_NA4:
        *base = addr << 2;
        *last = *base + 3;
        return true;
    case PMP_A_NAPOT:
        *base = (addr & (addr + 1)) << 2;
        *last = *base + ((addr ^ (addr + 1)) << 2 | 3);
        return true;
    default:
        return false;
    }
}

void pmp_update(struct hart *h)
{
    struct pmp *pmp = &h->pmp;
    pmp->any = false;
    for (uint32_t i = 0; i < RV64_PMP; i++) {
        if (!entry_range(h, i, &pmp->base[i], &pmp->last[i])) {
            pmp->base[i] = UINT64_MAX;
            pmp->last[i] = 0;
        }
        pmp->any = pmp->any || (pmp->cfg[i] >> 3 & 3) != 0;
    }
    pmp->grants_all = (pmp->cfg[0] & 7) == 7 && pmp->base[0] == 0 &&
                      pmp->last[0] >= (UINT64_C(1) << RV64_GPA_BITS) - 1;
}

bool pmp_allows(const struct hart *h, uint64_t gpa, uint64_t size, enum access access,
                enum priv priv)
{
    static const uint8_t needs[3] = {[ACCESS_LOAD] = 1, [ACCESS_STORE] = 2, [ACCESS_FETCH] = 4};
    const struct pmp *pmp = &h->pmp;
    if (pmp->grants_all || (!pmp->any && priv == PRIV_M))
        return true;
    for (uint32_t i = 0; i < RV64_PMP; i++) {
        uint64_t end = gpa + (size - 1);
        if (end < pmp->base[i] || gpa > pmp->last[i])
            continue;
        if (gpa < pmp->base[i] || end > pmp->last[i])
            return false; /* the lowest entry that matches any byte must match all of them */
        if (priv == PRIV_M && (pmp->cfg[i] & PMP_LOCK) == 0)
            return true;
        return (pmp->cfg[i] & needs[access]) != 0;
    }
    return priv == PRIV_M;
}

bool pmp_page_is_uniform(const struct hart *h, uint64_t gpa)
{
    const struct pmp *pmp = &h->pmp;
    uint64_t base = gpa & ~RV64_PAGE_MASK, last = base | RV64_PAGE_MASK;
    if (pmp->grants_all || !pmp->any)
        return true;
    for (uint32_t i = 0; i < RV64_PMP; i++) {
        if (last < pmp->base[i] || base > pmp->last[i])
            continue;
        return base >= pmp->base[i] && last <= pmp->last[i];
    }
    return true;
}
