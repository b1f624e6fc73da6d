/*
 * Translation caches. A TLB entry holds 4 KiB of RAM in one context; a context is a (satp,
 * privilege) pair with a small number, so that switching address spaces forgets nothing and
 * forgetting everything is giving out new numbers. Privileged ISA 1.12, section 4.2.1
 * (SFENCE.VMA); the global bit is not used: more is flushed than must be.
 *
 * User pages that S mode reaches while SUM is set are entered under the S context, noted in a log,
 * and dropped when SUM is cleared.
 */
#include "accel/rv64/parts.h"
#include "accel/rv64/walk.h"

#include <string.h>

#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK  0xffffu

static uint32_t tlb_index(uint64_t va)
{
    return (uint32_t)(va >> 12) & (TLB_ENTRIES - 1);
}

static uint32_t page_filter_bit(uint64_t va)
{
    return (uint32_t)(va >> 12) & 4095;
}

uint8_t *ram_find(const struct rv64_vm *vm, uint64_t gpa, uint64_t size)
{
    for (uint32_t i = 0; i < vm->n_slots; i++) {
        const struct slot *slot = &vm->slots[i];
        uint64_t offset = gpa - slot->gpa;
        if (offset < slot->size && size <= slot->size - offset)
            return slot->host + offset;
    }
    return NULL;
}

static void forget_contexts(struct hart *h)
{
    memset(h->contexts, 0, sizeof(h->contexts));
    h->next_context = h->last_context = 0;
}

static uint16_t new_id(struct hart *h)
{
    if (h->next_id > TLB_MAX_ID) {
        memset(h->load_tlb, 0, sizeof(h->load_tlb));
        memset(h->store_tlb, 0, sizeof(h->store_tlb));
        memset(h->fetch_tlb, 0, sizeof(h->fetch_tlb));
        for (uint32_t i = 0; i < MMU_CONTEXTS; i++)
            memset(h->contexts[i].id, 0, sizeof(h->contexts[i].id));
        h->next_id = 1;
    }
    return (uint16_t)h->next_id++;
}

static uint32_t new_jump_tag(struct hart *h)
{
    if (++h->next_jump_tag == 0) {
        memset(h->code->jumps, 0, sizeof(h->code->jumps));
        for (uint32_t i = 0; i < MMU_CONTEXTS; i++)
            memset(h->contexts[i].jump_tag, 0, sizeof(h->contexts[i].jump_tag));
        h->next_jump_tag = 1;
    }
    return h->next_jump_tag;
}

static struct context *context_of(struct hart *h, uint64_t satp)
{
    if (satp == 0)
        return &h->contexts[0];
    if (h->contexts[h->last_context].satp == satp)
        return &h->contexts[h->last_context];
    for (uint32_t i = 1; i < MMU_CONTEXTS; i++) {
        if (h->contexts[i].satp == satp) {
            h->last_context = i;
            return &h->contexts[i];
        }
    }
    /* Entry 0 stays with satp = 0, the address space without translation. */
    h->next_context = h->next_context % (MMU_CONTEXTS - 1) + 1;
    h->last_context = h->next_context;
    struct context *c = &h->contexts[h->next_context];
    memset(c, 0, sizeof(*c));
    c->satp = satp;
    return c;
}

static uint64_t key_of(struct hart *h, uint64_t satp, enum priv priv)
{
    struct context *c = context_of(h, satp);
    if (c->id[priv] == 0)
        c->id[priv] = new_id(h);
    return (uint64_t)c->id[priv] << 3;
}

void mmu_update(struct hart *h)
{
    enum priv data = h->priv;
    if (data == PRIV_M && (h->mstatus & MSTATUS_MPRV) != 0)
        data = (enum priv)((h->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
    bool paged = h->satp >> 60 != 0;
    h->data_priv = data;
    h->data_paged = paged && data != PRIV_M;
    h->fetch_paged = paged && h->priv != PRIV_M;
    h->data_key = key_of(h, h->data_paged ? h->satp : 0, data);
    uint32_t before = h->next_id;
    h->fetch_key = key_of(h, h->fetch_paged ? h->satp : 0, h->priv);
    if (h->next_id < before) /* the numbers began anew between the two */
        h->data_key = key_of(h, h->data_paged ? h->satp : 0, data);
    struct context *c = context_of(h, h->fetch_paged ? h->satp : 0);
    if (c->jump_tag[h->priv] == 0)
        c->jump_tag[h->priv] = new_jump_tag(h);
    h->jump_tag = c->jump_tag[h->priv];
}

static void drop_jumps(struct hart *h)
{
    for (uint32_t i = 0; i < MMU_CONTEXTS; i++)
        memset(h->contexts[i].jump_tag, 0, sizeof(h->contexts[i].jump_tag));
    memset(h->jump_pages, 0, sizeof(h->jump_pages));
}

void mmu_flush_all(struct hart *h)
{
    forget_contexts(h);
    drop_jumps(h);
    h->n_sum_log = 0;
    h->super_seen[0] = h->super_seen[1] = false;
    mmu_update(h);
}

void mmu_flush_asid(struct hart *h, uint32_t asid)
{
    for (uint32_t i = 1; i < MMU_CONTEXTS; i++) {
        struct context *c = &h->contexts[i];
        if (c->satp != 0 && (c->satp >> SATP_ASID_SHIFT & SATP_ASID_MASK) == asid)
            memset(c, 0, sizeof(*c));
    }
    mmu_update(h);
}

/* Larger pages are entered in pieces of 4 KiB: all pieces of one that covers `va` have to go. */
static void flush_superpage(struct hart *h, uint64_t va)
{
    for (uint32_t i = 0; i < TLB_ENTRIES; i++) {
        if (h->tlb_super[ACCESS_LOAD][i] != 0)
            h->load_tlb[i].tag = 0;
        if (h->tlb_super[ACCESS_STORE][i] != 0)
            h->store_tlb[i].tag = 0;
    }
    memset(h->fetch_tlb, 0, sizeof(h->fetch_tlb));
    drop_jumps(h);
    h->super_seen[va >> 63] = false;
}

void mmu_flush_page(struct hart *h, uint64_t va)
{
    uint32_t bit = page_filter_bit(va);
    h->load_tlb[tlb_index(va)].tag = 0;
    h->store_tlb[tlb_index(va)].tag = 0;
    h->fetch_tlb[(va >> 12) & (FETCH_ENTRIES - 1)].tag = 0;
    bool jumps = (h->jump_pages[bit / 64] >> bit % 64 & 1) != 0;
    if (h->super_seen[va >> 63])
        flush_superpage(h, va);
    else if (jumps)
        drop_jumps(h);
    else
        return;
    mmu_update(h);
}

void mmu_end_sum(struct hart *h)
{
    for (uint32_t i = 0; i < h->n_sum_log; i++) {
        uint32_t entry = h->sum_log[i];
        struct tlb_entry *tlb = entry < TLB_ENTRIES ? h->load_tlb : h->store_tlb;
        tlb[entry % TLB_ENTRIES].tag = 0;
    }
    h->n_sum_log = 0;
}

static void log_sum_entry(struct hart *h, uint32_t entry)
{
    if (h->n_sum_log == SUM_LOG)
        mmu_end_sum(h);
    h->sum_log[h->n_sum_log++] = (uint16_t)entry;
}

static bool fault(struct hart *h, enum access access, bool page, uint64_t va)
{
    static const uint8_t causes[3][2] = {
        [ACCESS_LOAD] = {CAUSE_LOAD_ACCESS, CAUSE_LOAD_PAGE},
        [ACCESS_STORE] = {CAUSE_STORE_ACCESS, CAUSE_STORE_PAGE},
        [ACCESS_FETCH] = {CAUSE_FETCH_ACCESS, CAUSE_FETCH_PAGE},
    };
    h->trap_cause = causes[access][page];
    h->trap_value = va;
    return false;
}

static bool translate(struct hart *h, const struct walk_request *ask, bool paged, struct walk *out)
{
    *out = (struct walk){.gpa = ask->va};
    if (!paged)
        return ask->va >> RV64_GPA_BITS == 0 || fault(h, ask->access, false, ask->va);
    enum walk_result result = walk_translate(h, ask, out);
    return result == WALK_OK || fault(h, ask->access, result == WALK_PAGE_FAULT, ask->va);
}

/* Enters the page of `va`; `host` is where `va` lies. */
static void fill(struct hart *h, uint64_t va, enum access access, const struct walk *walk,
                 uint8_t *host)
{
    struct tlb_entry *tlb = access == ACCESS_LOAD ? h->load_tlb : h->store_tlb;
    uint32_t i = tlb_index(va);
    tlb[i].tag = (va & ~RV64_PAGE_MASK) ^ h->data_key;
    tlb[i].addend = (uintptr_t)host - (uintptr_t)va;
    h->tlb_super[access][i] = (uint8_t)walk->level;
    if (walk->level != 0)
        h->super_seen[va >> 63] = true;
    if (walk->user && h->data_priv == PRIV_S)
        log_sum_entry(h, i + (access == ACCESS_LOAD ? 0 : TLB_ENTRIES));
}

bool mmu_data(struct hart *h, uint64_t va, uint32_t size, enum access access, uint8_t **host,
              uint64_t *gpa)
{
    struct walk_request ask = {.va = va, .access = access, .priv = h->data_priv};
    struct tlb_entry *e = &(access == ACCESS_LOAD ? h->load_tlb : h->store_tlb)[tlb_index(va)];
    struct walk walk;
    if (e->tag == ((va & ~RV64_PAGE_MASK) ^ h->data_key)) { /* misaligned, else we were not here */
        *host = (uint8_t *)(va + e->addend);
        return true;
    }
    if (!translate(h, &ask, h->data_paged, &walk))
        return false;
    if (!pmp_allows(h, walk.gpa, size, access, h->data_priv))
        return fault(h, access, false, va);
    *gpa = walk.gpa;
    *host = ram_find(h->vm, walk.gpa, size);
    if (*host != NULL && pmp_page_is_uniform(h, walk.gpa))
        fill(h, va, access, &walk, *host);
    return true;
}

bool mmu_fetch(struct hart *h, uint64_t va, uint64_t *gpa, bool *whole)
{
    struct walk_request ask = {.va = va, .access = ACCESS_FETCH, .priv = h->priv};
    struct fetch_entry *e = &h->fetch_tlb[(va >> 12) & (FETCH_ENTRIES - 1)];
    uint64_t tag = (va & ~RV64_PAGE_MASK) ^ h->fetch_key;
    struct walk walk;
    if (e->tag == tag) {
        *gpa = e->gpa | (va & RV64_PAGE_MASK);
        *whole = true;
        return true;
    }
    if (!translate(h, &ask, h->fetch_paged, &walk))
        return false;
    if (!pmp_allows(h, walk.gpa, 2, ACCESS_FETCH, h->priv) || !ram_find(h->vm, walk.gpa, 2))
        return fault(h, ACCESS_FETCH, false, va);
    *gpa = walk.gpa;
    *whole = pmp_page_is_uniform(h, walk.gpa);
    if (*whole) {
        e->tag = tag;
        e->gpa = walk.gpa & ~RV64_PAGE_MASK;
    }
    if (walk.level != 0)
        h->super_seen[va >> 63] = true;
    return true;
}
