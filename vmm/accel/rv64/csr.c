/*
 * Control and status registers. Privileged ISA 1.12, chapters 2-4; Sstc 0.5; unprivileged ISA
 * chapters 9-11. Registers that this processor lacks do not exist: access is an illegal
 * instruction. Performance counters 3-31 are there and read 0. The cycle counter counts
 * instructions. The trigger registers are there and say that there are no triggers. Not modelled:
 * mseccfg, hypervisor, vector and debug registers.
 */
#include "accel/rv64/parts.h"

enum {
    FFLAGS = 0x001,
    FRM = 0x002,
    FCSR = 0x003,
    SSTATUS = 0x100,
    SIE = 0x104,
    STVEC = 0x105,
    SCOUNTEREN = 0x106,
    SENVCFG = 0x10a,
    SSCRATCH = 0x140,
    SEPC = 0x141,
    SCAUSE = 0x142,
    STVAL = 0x143,
    SIP = 0x144,
    STIMECMP = 0x14d,
    SATP = 0x180,
    MSTATUS = 0x300,
    MISA = 0x301,
    MEDELEG = 0x302,
    MIDELEG = 0x303,
    MIE = 0x304,
    MTVEC = 0x305,
    MCOUNTEREN = 0x306,
    MENVCFG = 0x30a,
    MCOUNTINHIBIT = 0x320,
    MHPMEVENT3 = 0x323,
    MHPMEVENT31 = 0x33f,
    MSCRATCH = 0x340,
    MEPC = 0x341,
    MCAUSE = 0x342,
    MTVAL = 0x343,
    MIP = 0x344,
    PMPCFG0 = 0x3a0,
    PMPCFG2 = 0x3a2,
    PMPADDR0 = 0x3b0,
    PMPADDR15 = 0x3bf,
    TSELECT = 0x7a0,
    TDATA1 = 0x7a1,
    TDATA2 = 0x7a2,
    TDATA3 = 0x7a3,
    TINFO = 0x7a4,
    MCYCLE = 0xb00,
    MINSTRET = 0xb02,
    MHPMCOUNTER3 = 0xb03,
    MHPMCOUNTER31 = 0xb1f,
    CYCLE = 0xc00,
    TIME = 0xc01,
    INSTRET = 0xc02,
    HPMCOUNTER31 = 0xc1f,
    MVENDORID = 0xf11,
    MARCHID = 0xf12,
    MIMPID = 0xf13,
    MHARTID = 0xf14,
    MCONFIGPTR = 0xf15,
};

#define SSTATUS_WRITABLE                                                                           \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define SSTATUS_VISIBLE (SSTATUS_WRITABLE | MSTATUS_SD | (UINT64_C(3) << 32))
#define MSTATUS_WRITABLE                                                                           \
    (SSTATUS_WRITABLE | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TVM |    \
     MSTATUS_TW | MSTATUS_TSR)
#define MEDELEG_WRITABLE UINT64_C(0xb3ff)
#define MISA_VALUE       (UINT64_C(2) << 62 | 0x14112d) /* A C D F I M S U */
#define SENVCFG_WRITABLE (ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE)
#define MENVCFG_WRITABLE (SENVCFG_WRITABLE | ENVCFG_ADUE | ENVCFG_PBMTE | ENVCFG_STCE)
#define CBIE_RESERVED    (UINT64_C(2) << 4)
#define PMPADDR_BITS     ((UINT64_C(1) << 54) - 1)
#define INHIBIT_CY       1u
#define INHIBIT_IR       4u
#define COUNTER_TM       2u

uint64_t csr_mip(const struct hart *h)
{
    uint64_t mip = __atomic_load_n(&h->lines, __ATOMIC_SEQ_CST);
    return mip | (h->stip ? IRQ_STIP : 0) | (h->seip_soft ? IRQ_SEIP : 0);
}

static uint64_t counter(const struct hart *h, uint32_t inhibit, uint64_t offset, uint64_t frozen)
{
    return (h->mcountinhibit & inhibit) != 0 ? frozen : h->instret + offset;
}

static uint64_t read_cycle(const struct hart *h)
{
    return counter(h, INHIBIT_CY, h->cycle_offset, h->cycle_frozen);
}

static uint64_t read_instret(const struct hart *h)
{
    return counter(h, INHIBIT_IR, h->instret_offset, h->instret_frozen);
}

/* A write wins over the count of the instruction that does it. */
static void write_cycle(struct hart *h, uint64_t value)
{
    h->cycle_frozen = value;
    h->cycle_offset = value - (h->instret + 1);
}

static void write_instret(struct hart *h, uint64_t value)
{
    h->instret_frozen = value;
    h->instret_offset = value - (h->instret + 1);
}

static void write_inhibit(struct hart *h, uint64_t value)
{
    uint64_t cycle = read_cycle(h), instret = read_instret(h);
    h->mcountinhibit = (uint32_t)value & (INHIBIT_CY | INHIBIT_IR);
    write_cycle(h, cycle);
    write_instret(h, instret);
}

static uint64_t read_mstatus(const struct hart *h)
{
    bool dirty = (h->mstatus & MSTATUS_FS) == MSTATUS_FS;
    return h->mstatus | MSTATUS_XL64 | (dirty ? MSTATUS_SD : 0);
}

void csr_set_mstatus(struct hart *h, uint64_t value)
{
    uint64_t old = h->mstatus;
    value &= MSTATUS_WRITABLE;
    if ((value & MSTATUS_MPP) == UINT64_C(2) << MSTATUS_MPP_SHIFT)
        value = (value & ~MSTATUS_MPP) | (old & MSTATUS_MPP);
    h->mstatus = value;
    if ((old & ~value & MSTATUS_SUM) != 0)
        mmu_end_sum(h);
    if (((old ^ value) & MSTATUS_MXR) != 0)
        mmu_flush_all(h);
    else if (((old ^ value) & (MSTATUS_MPRV | MSTATUS_MPP)) != 0)
        mmu_update(h);
    trap_look_for_interrupts(h);
}

static uint64_t merge(uint64_t old, uint64_t value, uint64_t mask)
{
    return (old & ~mask) | (value & mask);
}

static void write_mip(struct hart *h, uint64_t value, uint64_t mask)
{
    if ((mask & IRQ_SSIP) != 0)
        hart_set_lines(h, value & IRQ_SSIP, ~value & IRQ_SSIP);
    if ((mask & IRQ_SEIP) != 0)
        h->seip_soft = (value & IRQ_SEIP) != 0;
    if ((mask & IRQ_STIP) != 0 && (h->menvcfg & ENVCFG_STCE) == 0)
        h->stip = (value & IRQ_STIP) != 0;
    trap_look_for_interrupts(h);
}

void csr_change_mip(struct hart *h, bool machine, uint64_t bits, bool on)
{
    uint64_t writable = machine ? IRQ_S_ALL : h->mideleg & IRQ_SSIP;
    write_mip(h, on ? bits : 0, writable & bits);
}

static void write_mie(struct hart *h, uint64_t value, uint64_t mask)
{
    h->mie = merge(h->mie, value, mask & IRQ_ALL);
    trap_look_for_interrupts(h);
}

static void write_satp(struct hart *h, uint64_t value)
{
    uint64_t mode = value >> 60;
    if (mode != 0 && (mode < 8 || mode > 10))
        return; /* an unsupported mode leaves the register as it was */
    h->satp = mode == 0 ? 0 : value;
    mmu_update(h);
}

static uint64_t envcfg_value(uint64_t old, uint64_t value, uint64_t writable)
{
    if ((value & ENVCFG_CBIE) == CBIE_RESERVED)
        value = merge(value, old, ENVCFG_CBIE);
    return value & writable;
}

static void write_menvcfg(struct hart *h, uint64_t value)
{
    uint64_t old = h->menvcfg;
    h->menvcfg = envcfg_value(old, value, MENVCFG_WRITABLE);
    if (((old ^ h->menvcfg) & (ENVCFG_ADUE | ENVCFG_PBMTE)) != 0)
        mmu_flush_all(h);
    timer_update(h);
    trap_look_for_interrupts(h);
}

static uint64_t tvec_value(uint64_t old, uint64_t value)
{
    return (value & 2) != 0 ? merge(value, old, 3) : value;
}

static uint64_t read_pmpcfg(const struct hart *h, uint32_t first)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < 8; i++)
        value |= (uint64_t)h->pmp.cfg[first + i] << (8 * i);
    return value;
}

static void write_pmpcfg(struct hart *h, uint32_t first, uint64_t value)
{
    for (uint32_t i = 0; i < 8; i++) {
        uint8_t cfg = (uint8_t)(value >> (8 * i)) & 0x9f;
        if ((h->pmp.cfg[first + i] & 0x80) != 0)
            continue;
        if ((cfg & 3) == 2) /* W without R is reserved */
            cfg &= (uint8_t)~2u;
        h->pmp.cfg[first + i] = cfg;
    }
    pmp_update(h);
    mmu_flush_all(h);
}

static void write_pmpaddr(struct hart *h, uint32_t i, uint64_t value)
{
    bool locked = (h->pmp.cfg[i] & 0x80) != 0;
    if (i + 1 < RV64_PMP) /* the bottom of a locked TOR range */
        locked = locked || (h->pmp.cfg[i + 1] & 0x98) == 0x88;
    if (locked)
        return;
    h->pmp.addr[i] = value & PMPADDR_BITS;
    pmp_update(h);
    mmu_flush_all(h);
}

static bool counter_is_enabled(const struct hart *h, uint32_t number)
{
    uint32_t bit = 1u << (number & 31);
    if (h->priv != PRIV_M && (h->mcounteren & bit) == 0)
        return false;
    return h->priv != PRIV_U || (h->scounteren & bit) != 0;
}

bool csr_may_access(const struct hart *h, uint32_t number, bool write)
{
    if ((number >> 8 & 3) > (uint32_t)h->priv || (write && number >> 10 == 3))
        return false;
    if (number >= CYCLE && number <= HPMCOUNTER31)
        return counter_is_enabled(h, number);
    if (number >= FFLAGS && number <= FCSR)
        return (h->mstatus & MSTATUS_FS) != 0;
    if (number == SATP)
        return h->priv == PRIV_M || (h->mstatus & MSTATUS_TVM) == 0;
    if (number == STIMECMP && h->priv != PRIV_M)
        return (h->menvcfg & ENVCFG_STCE) != 0 && (h->mcounteren & COUNTER_TM) != 0;
    return true;
}

static bool read_user(struct hart *h, uint32_t number, uint64_t *value)
{
    switch (number) {
    case FFLAGS:
        *value = h->fflags;
        return true;
    case FRM:
        *value = h->frm;
        return true;
    case FCSR:
        *value = h->fflags | h->frm << 5;
        return true;
    case CYCLE:
    case MCYCLE:
        *value = read_cycle(h);
        return true;
    case TIME:
        *value = hart_ticks(h);
        return true;
    case INSTRET:
    case MINSTRET:
        *value = read_instret(h);
        return true;
    default:
        *value = 0;
        return (number > INSTRET && number <= HPMCOUNTER31) ||
               (number >= MHPMCOUNTER3 && number <= MHPMCOUNTER31) ||
               (number >= MHPMEVENT3 && number <= MHPMEVENT31);
    }
}

static bool read_supervisor(struct hart *h, uint32_t number, uint64_t *value)
{
    switch (number) {
    case SSTATUS:
        *value = read_mstatus(h) & SSTATUS_VISIBLE;
        return true;
    case SIE:
        *value = h->mie & h->mideleg;
        return true;
    case STVEC:
        *value = h->stvec;
        return true;
    case SCOUNTEREN:
        *value = h->scounteren;
        return true;
    case SENVCFG:
        *value = h->senvcfg;
        return true;
    case SSCRATCH:
        *value = h->sscratch;
        return true;
    case SEPC:
        *value = h->sepc;
        return true;
    case SCAUSE:
        *value = h->scause;
        return true;
    case STVAL:
        *value = h->stval;
        return true;
    case SIP:
        *value = csr_mip(h) & h->mideleg;
        return true;
    case STIMECMP:
        *value = h->stimecmp;
        return true;
    case SATP:
        *value = h->satp;
        return true;
    default:
        return false;
    }
}

static bool read_machine_trap(struct hart *h, uint32_t number, uint64_t *value)
{
    switch (number) {
    case MSTATUS:
        *value = read_mstatus(h);
        return true;
    case MEDELEG:
        *value = h->medeleg;
        return true;
    case MIDELEG:
        *value = h->mideleg;
        return true;
    case MIE:
        *value = h->mie;
        return true;
    case MTVEC:
        *value = h->mtvec;
        return true;
    case MSCRATCH:
        *value = h->mscratch;
        return true;
    case MEPC:
        *value = h->mepc;
        return true;
    case MCAUSE:
        *value = h->mcause;
        return true;
    case MTVAL:
        *value = h->mtval;
        return true;
    case MIP:
        *value = csr_mip(h);
        return true;
    default:
        return false;
    }
}

static bool read_machine(struct hart *h, uint32_t number, uint64_t *value)
{
    if (number >= PMPADDR0 && number <= PMPADDR15) {
        *value = h->pmp.addr[number - PMPADDR0];
        return true;
    }
    switch (number) {
    case MISA:
        *value = MISA_VALUE;
        return true;
    case MCOUNTEREN:
        *value = h->mcounteren;
        return true;
    case MENVCFG:
        *value = h->menvcfg;
        return true;
    case MCOUNTINHIBIT:
        *value = h->mcountinhibit;
        return true;
    case PMPCFG0:
    case PMPCFG2:
        *value = read_pmpcfg(h, (number - PMPCFG0) * 4);
        return true;
    case TSELECT:
    case TDATA1:
    case TDATA2:
    case TDATA3:
    case MVENDORID:
    case MARCHID:
    case MIMPID:
    case MCONFIGPTR:
        *value = 0;
        return true;
    case MHARTID:
        *value = h->index;
        return true;
    case TINFO: /* type 0: no trigger here */
        *value = 1;
        return true;
    default:
        return false;
    }
}

bool csr_read(struct hart *h, uint32_t number, uint64_t *value)
{
    return read_user(h, number, value) || read_supervisor(h, number, value) ||
           read_machine_trap(h, number, value) || read_machine(h, number, value);
}

static bool write_user(struct hart *h, uint32_t number, uint64_t value)
{
    switch (number) {
    case FFLAGS:
        h->fflags = value & 31;
        break;
    case FRM:
        h->frm = value & 7;
        break;
    case FCSR:
        h->fflags = value & 31;
        h->frm = value >> 5 & 7;
        break;
    case MCYCLE:
        write_cycle(h, value);
        return true;
    case MINSTRET:
        write_instret(h, value);
        return true;
    default:
        return (number >= MHPMCOUNTER3 && number <= MHPMCOUNTER31) ||
               (number >= MHPMEVENT3 && number <= MHPMEVENT31);
    }
    h->mstatus |= MSTATUS_FS;
    return true;
}

static bool write_supervisor(struct hart *h, uint32_t number, uint64_t value)
{
    switch (number) {
    case SSTATUS:
        csr_set_mstatus(h, merge(h->mstatus, value, SSTATUS_WRITABLE));
        return true;
    case SIE:
        write_mie(h, value, h->mideleg);
        return true;
    case STVEC:
        h->stvec = tvec_value(h->stvec, value);
        return true;
    case SCOUNTEREN:
        h->scounteren = (uint32_t)value;
        return true;
    case SENVCFG:
        h->senvcfg = envcfg_value(h->senvcfg, value, SENVCFG_WRITABLE);
        return true;
    case SSCRATCH:
        h->sscratch = value;
        return true;
    case SEPC:
        h->sepc = value & ~UINT64_C(1);
        return true;
    case SCAUSE:
        h->scause = value;
        return true;
    case STVAL:
        h->stval = value;
        return true;
    case SIP:
        write_mip(h, value, h->mideleg & IRQ_SSIP);
        return true;
    case STIMECMP:
        h->stimecmp = value;
        timer_update(h);
        trap_look_for_interrupts(h);
        return true;
    case SATP:
        write_satp(h, value);
        return true;
    default:
        return false;
    }
}

static bool write_machine_trap(struct hart *h, uint32_t number, uint64_t value)
{
    switch (number) {
    case MSTATUS:
        csr_set_mstatus(h, value);
        return true;
    case MEDELEG:
        h->medeleg = value & MEDELEG_WRITABLE;
        return true;
    case MIDELEG:
        h->mideleg = value & IRQ_S_ALL;
        trap_look_for_interrupts(h);
        return true;
    case MIE:
        write_mie(h, value, IRQ_ALL);
        return true;
    case MTVEC:
        h->mtvec = tvec_value(h->mtvec, value);
        return true;
    case MSCRATCH:
        h->mscratch = value;
        return true;
    case MEPC:
        h->mepc = value & ~UINT64_C(1);
        return true;
    case MCAUSE:
        h->mcause = value;
        return true;
    case MTVAL:
        h->mtval = value;
        return true;
    case MIP:
        write_mip(h, value, IRQ_S_ALL);
        return true;
    default:
        return false;
    }
}

static bool write_machine(struct hart *h, uint32_t number, uint64_t value)
{
    if (number >= PMPADDR0 && number <= PMPADDR15) {
        write_pmpaddr(h, number - PMPADDR0, value);
        return true;
    }
    switch (number) {
    case MISA: /* nothing can be switched off */
    case TSELECT:
    case TDATA1:
    case TDATA2:
    case TDATA3:
    case TINFO:
        return true;
    case MCOUNTEREN:
        h->mcounteren = (uint32_t)value;
        return true;
    case MENVCFG:
        write_menvcfg(h, value);
        return true;
    case MCOUNTINHIBIT:
        write_inhibit(h, value);
        return true;
    case PMPCFG0:
    case PMPCFG2:
        write_pmpcfg(h, (number - PMPCFG0) * 4, value);
        return true;
    default:
        return false;
    }
}

bool csr_write(struct hart *h, uint32_t number, uint64_t value)
{
    return write_user(h, number, value) || write_supervisor(h, number, value) ||
           write_machine_trap(h, number, value) || write_machine(h, number, value);
}

bool csr_peek(struct hart *h, uint32_t number, uint64_t *value)
{
    return csr_read(h, number, value);
}

bool csr_poke(struct hart *h, uint32_t number, uint64_t value)
{
    h->instret--; /* no instruction does this write */
    bool known = csr_write(h, number, value);
    h->instret++;
    return known;
}
