/*
 * Traps: exceptions, interrupts, delegation, xRET. Privileged ISA 1.12, sections 3.1.6, 3.1.8,
 * 3.1.9, 3.3.2, 4.1.
 */
#include "accel/rv64/parts.h"

void trap_record(struct hart *h, uint64_t pc, uint64_t cause, uint64_t value)
{
    struct trace *t = &h->trace;
    if (t->size == 0)
        return;
    t->entries[t->next] =
        (struct trace_entry){.pc = pc, .cause = cause, .value = value, .ticks = hart_ticks(h)};
    t->next = (t->next + 1) % t->size;
    if (t->n < t->size)
        t->n++;
}

static uint64_t vector_of(uint64_t tvec, uint64_t cause)
{
    uint64_t base = tvec & ~UINT64_C(3);
    bool vectored = (tvec & 1) != 0 && (cause & CAUSE_INTERRUPT) != 0;
    return vectored ? base + 4 * (cause & 63) : base;
}

static uint64_t with_bit(uint64_t word, uint64_t bit, bool on)
{
    return on ? word | bit : word & ~bit;
}

static void enter_s(struct hart *h, uint64_t cause, uint64_t value)
{
    h->scause = cause;
    h->sepc = h->pc;
    h->stval = value;
    h->mstatus = with_bit(h->mstatus, MSTATUS_SPIE, (h->mstatus & MSTATUS_SIE) != 0);
    h->mstatus = with_bit(h->mstatus, MSTATUS_SPP, h->priv == PRIV_S) & ~MSTATUS_SIE;
    h->priv = PRIV_S;
    h->pc = vector_of(h->stvec, cause);
}

static void enter_m(struct hart *h, uint64_t cause, uint64_t value)
{
    h->mcause = cause;
    h->mepc = h->pc;
    h->mtval = value;
    h->mstatus = with_bit(h->mstatus, MSTATUS_MPIE, (h->mstatus & MSTATUS_MIE) != 0);
    h->mstatus &= ~(MSTATUS_MIE | MSTATUS_MPP);
    h->mstatus |= (uint64_t)h->priv << MSTATUS_MPP_SHIFT;
    h->priv = PRIV_M;
    h->pc = vector_of(h->mtvec, cause);
}

void trap_take(struct hart *h, uint64_t cause, uint64_t value)
{
    uint64_t delegated = (cause & CAUSE_INTERRUPT) != 0 ? h->mideleg : h->medeleg;
    trap_record(h, h->pc, cause, value);
    h->reserved = NULL;
    if (h->priv != PRIV_M && (delegated >> (cause & 63) & 1) != 0)
        enter_s(h, cause, value);
    else
        enter_m(h, cause, value);
    mmu_update(h);
}

/* Pending interrupts that may be taken now. */
static uint64_t takeable(const struct hart *h)
{
    uint64_t pending = csr_mip(h) & h->mie;
    if (pending == 0)
        return 0;
    bool m = h->priv != PRIV_M || (h->mstatus & MSTATUS_MIE) != 0;
    bool s = h->priv == PRIV_U || (h->priv == PRIV_S && (h->mstatus & MSTATUS_SIE) != 0);
    uint64_t for_m = m ? pending & ~h->mideleg : 0;
    if (for_m != 0)
        return for_m;
    return s ? pending & h->mideleg : 0;
}

bool trap_take_interrupt(struct hart *h)
{
    static const uint8_t order[] = {11, 3, 7, 9, 1, 5}; /* MEI MSI MTI SEI SSI STI */
    uint64_t ready = takeable(h);
    for (uint32_t i = 0; ready != 0 && i < sizeof(order); i++) {
        if ((ready >> order[i] & 1) == 0)
            continue;
        trap_take(h, CAUSE_INTERRUPT | order[i], 0);
        return true;
    }
    return false;
}

void trap_look_for_interrupts(struct hart *h)
{
    if (takeable(h) != 0)
        hart_ask_service(h);
}

void trap_return_m(struct hart *h)
{
    uint64_t m = h->mstatus;
    h->priv = (enum priv)((m & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
    m = with_bit(m, MSTATUS_MIE, (m & MSTATUS_MPIE) != 0) | MSTATUS_MPIE;
    m &= ~MSTATUS_MPP;
    if (h->priv != PRIV_M)
        m &= ~MSTATUS_MPRV;
    h->mstatus = m;
    h->pc = h->mepc;
    mmu_update(h);
    trap_look_for_interrupts(h);
}

void trap_return_s(struct hart *h)
{
    uint64_t m = h->mstatus;
    h->priv = (m & MSTATUS_SPP) != 0 ? PRIV_S : PRIV_U;
    m = with_bit(m, MSTATUS_SIE, (m & MSTATUS_SPIE) != 0) | MSTATUS_SPIE;
    h->mstatus = m & ~(MSTATUS_SPP | MSTATUS_MPRV);
    h->pc = h->sepc;
    mmu_update(h);
    trap_look_for_interrupts(h);
}
