/* The hostile guest's dealings with its processor: accesses, instructions, CSRs, page tables,
 * calls. */
#include "hostile.h"

#define PROGRAM_BYTES 512
#define EBREAK        0x00100073u
#define NOP           0x00000013u
#define SATP          0x180

/* --- Single accesses -------------------------------------------------------------------------- */

void access_once(u64 address, u64 kind, u64 value)
{
    u64 to;
    switch (kind % 24) {
#define ACCESS(n, text)                                                                            \
    case n:                                                                                        \
        __asm__ volatile(text : "=&r"(to) : "r"(address), "r"(value) : "memory");                  \
        break;
        ACCESS(0, "lb %0, 0(%1)")
        ACCESS(1, "lh %0, 0(%1)")
        ACCESS(2, "lw %0, 0(%1)")
        ACCESS(3, "ld %0, 0(%1)")
        ACCESS(4, "lbu %0, 0(%1)")
        ACCESS(5, "lhu %0, 0(%1)")
        ACCESS(6, "lwu %0, 0(%1)")
        ACCESS(7, "sb %2, 0(%1)")
        ACCESS(8, "sh %2, 0(%1)")
        ACCESS(9, "sw %2, 0(%1)")
        ACCESS(10, "sd %2, 0(%1)")
        ACCESS(11, "lr.w %0, (%1)")
        ACCESS(12, "lr.d %0, (%1)")
        ACCESS(13, "sc.w %0, %2, (%1)")
        ACCESS(14, "sc.d %0, %2, (%1)")
        ACCESS(15, "amoadd.w %0, %2, (%1)")
        ACCESS(16, "amoswap.d %0, %2, (%1)")
        ACCESS(17, "amomaxu.d %0, %2, (%1)")
        ACCESS(18, ".insn i 0x07, 3, x1, %1, 0") /* fld f1 */
        ACCESS(19, ".insn s 0x27, 2, x2, 0(%1)") /* fsw f2 */
        ACCESS(20, ".insn i 0x0f, 2, x0, %1, 4") /* cbo.zero */
        ACCESS(21, ".insn i 0x0f, 2, x0, %1, 2") /* cbo.flush */
        ACCESS(22, "lr.d %0, (%1)\n sc.d %0, %2, (%1)")
        ACCESS(23, "sfence.vma %1, %2")
#undef ACCESS
    }
}

void do_accesses(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    for (int i = 0; i < 50; i++)
        (void)attempt(access_once, pick_address(), next_random() >> 8, pick_value());
}

/* --- Random instructions ---------------------------------------------------------------------- */

static u8 programs[HARTS_MAX][8192] __attribute__((aligned(4096)));

/* What would take the guest's own ground away: the trap vector, and where it finds itself. */
static int is_spared_csr(u32 csr)
{
#ifdef MACHINE_MODE
    return csr == 0x305 || csr == 0x340 || (csr >= 0x3a0 && csr <= 0x3ef);
#else
    return csr == 0x105 || csr == 0x140 || csr == SATP;
#endif
}

static int is_spared(u32 insn)
{
    if ((config.flags & FLAG_WILD) != 0 || (insn & 0x7f) != 0x73 || (insn >> 12 & 3) == 0)
        return 0;
    return is_spared_csr(insn >> 20);
}

static u32 pick_template(void)
{
    static const u32 opcodes[] = {0x03, 0x23, 0x2f, 0x13, 0x33, 0x1b, 0x3b, 0x07, 0x27,
                                  0x53, 0x43, 0x63, 0x67, 0x6f, 0x73, 0x0f, 0x17, 0x37};
    static const u32 whole[] = {0x00000073, 0x10200073, 0x30200073, 0x10500073,
                                0x0000100f, 0x12000073, 0x0ff0000f, 0x0100000f,
                                0x00100073, 0x18000073, 0x16000073, 0x18100073};
    u32 random = (u32)next_random();
    if (below(8) == 0)
        return whole[below(sizeof(whole) / sizeof(whole[0]))];
    return (random & ~0x7fu) | opcodes[below(sizeof(opcodes) / sizeof(opcodes[0]))];
}

static void write_program(u8 *at)
{
    u32 n = 0;
    while (n < PROGRAM_BYTES) {
        u64 kind = below(10);
        u32 insn = kind < 3 ? (u32)next_random() | 3 : pick_template();
        if (kind == 9) {
            *(u16 *)(at + n) = (u16)(next_random() & ~3ul) | (u16)below(3);
            n += 2;
            continue;
        }
        if (is_spared(insn))
            insn = NOP;
        *(u16 *)(at + n) = (u16)insn;
        *(u16 *)(at + n + 2) = (u16)(insn >> 16);
        n += 4;
    }
    for (; n < PROGRAM_BYTES + 512; n += 2)
        *(u16 *)(at + n) = 0x9002; /* c.ebreak */
    __asm__ volatile("fence.i" ::: "memory");
}

/* xstatus for the leap: floating point on, interrupts on afterwards, any mode below or ours. */
static u64 pick_status(void)
{
    u64 status = next_random() & (1ul << 19 | 1ul << 18); /* MXR, SUM */
#ifdef MACHINE_MODE
    static const u64 modes[] = {3, 3, 1, 0};
    return status | 1ul << 7 | 3ul << 13 | modes[below(4)] << 11 | (below(4) == 0) << 17;
#else
    return status | 1ul << 5 | 1ul << 13 | (below(4) != 0) << 8;
#endif
}

void do_program(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    u64 registers[31];
    u8 *at = programs[this_hart()->id] + 2048 + below(4) * 2;
    /* Sometimes across a page's end. */
    if (below(4) == 0)
        at = programs[this_hart()->id] + 4096 - below(128) * 2;
    write_program(at);
    for (int i = 0; i < 31; i++)
        registers[i] = below(3) == 0 ? pick_value() : pick_address();
    set_watchdog(3000);
    leap((u64)at, registers, pick_status());
}

/* --- CSRs ------------------------------------------------------------------------------------- */

static void run_snippet(u64 at, u64 value, u64 c)
{
    (void)c;
    register u64 a0 __asm__("a0") = value;
    __asm__ volatile("jalr ra, %1" : "+r"(a0) : "r"(at) : "ra", "t0", "memory");
}

void do_csr(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    static const u32 known[] = {0x001, 0x002, 0x003, 0x100, 0x104, 0x106, 0x10a, 0x141,
                                0x142, 0x143, 0x144, 0x14d, 0x180, 0x300, 0x301, 0x302,
                                0x303, 0x304, 0x306, 0x30a, 0x320, 0x341, 0x342, 0x343,
                                0x344, 0x3a0, 0x3b0, 0x7a0, 0xb00, 0xb02, 0xb03, 0xc00,
                                0xc01, 0xc02, 0xf11, 0xf14, 0xda0, 0x5a8, 0x600, 0xb80};
    u32 *at = (u32 *)(programs[this_hart()->id]);
    for (int i = 0; i < 40; i++) {
        u32 csr = below(2) == 0 ? known[below(sizeof(known) / sizeof(known[0]))] : (u32)below(4096);
        u32 insn = csr << 20 | 10u << 15 | (u32)(1 + below(7)) << 12 | 5u << 7 | 0x73;
        if ((insn >> 12 & 3) == 0 || is_spared(insn))
            continue;
        at[0] = insn;
        at[1] = 0x00008067; /* ret */
        __asm__ volatile("fence.i" ::: "memory");
        (void)attempt(run_snippet, (u64)at, pick_value(), 0);
    }
}

/* --- Page tables ------------------------------------------------------------------------------ */

static u64 tables[HARTS_MAX][3][512] __attribute__((aligned(4096)));

static u64 pick_entry(void)
{
    u64 page = pick_address() >> 12;
    u64 flags = next_random() & 0x3ff;
    if (below(4) != 0)
        flags |= 1;
    if (below(3) == 0)
        flags = 0xcf | (next_random() & 0x10); /* a good leaf */
    else if (below(3) == 0)
        flags = 1; /* a pointer */
    if (below(8) == 0)
        page = (u64)tables[this_hart()->id] >> 12; /* the table itself */
    if (below(16) == 0)
        flags |= next_random() & 0xfful << 54; /* N, PBMT, reserved */
    return (page & ((1ul << 44) - 1)) << 10 | flags;
}

/* Levels above the last of the three map the guest itself and the devices one to one. */
static u64 make_tables(u64 levels)
{
    u64(*t)[512] = tables[this_hart()->id];
    u64 mode = levels + 5; /* 8: Sv39 */
    for (u64 level = 0; level < levels - 2; level++)
        for (int i = 0; i < 512; i++)
            t[level][i] = below(2) == 0 ? 0 : pick_entry();
    for (u64 level = 0; level + 3 < levels; level++)
        t[level][0] = (u64)t[level + 1] >> 12 << 10 | 1;
    t[levels - 3][config.ram_base >> 30] = config.ram_base >> 30 << 28 | 0xcf;
    for (int i = 0; i < 64; i++)
        ((volatile u64 *)arena_base())[below(512 * 8)] = pick_entry();
    return mode << 60 | below(4) << 44 | (u64)t[0] >> 12;
}

static void touch_mapped(u64 satp, u64 levels, u64 c)
{
    (void)c;
    u64 va_bits = 12 + 9 * levels;
    __asm__ volatile("csrw satp, %0\n sfence.vma" ::"r"(satp) : "memory");
#ifdef MACHINE_MODE
    __asm__ volatile("csrs mstatus, %0" ::"r"(below(2) << 17)); /* MPRV, MPP is U by now */
#endif
    for (int i = 0; i < 20; i++) {
        u64 va = next_random();
        va = (u64)((i64)(va << (64 - va_bits)) >> (64 - va_bits));
        if (va >> 30 == config.ram_base >> 30)
            va ^= 1ul << 37;
        access_once(va | (below(2) == 0 ? 0xff8 : 0), next_random() >> 8, pick_value());
    }
}

void do_tables(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    u64 levels = 3 + below(3);
    u64 satp = make_tables(levels);
    for (int i = 0; i < 30; i++)
        (void)attempt(touch_mapped, satp, levels, 0);
    __asm__ volatile("csrw satp, zero\n sfence.vma" ::: "memory");
}

/* --- Calls, sleeps, storms -------------------------------------------------------------------- */

struct sbi_result sbi_call(u64 extension, u64 function, u64 first, u64 second, u64 third,
                           u64 fourth)
{
    register u64 a0 __asm__("a0") = first;
    register u64 a1 __asm__("a1") = second;
    register u64 a2 __asm__("a2") = third;
    register u64 a3 __asm__("a3") = fourth;
    register u64 a6 __asm__("a6") = function;
    register u64 a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(i64)a0, (i64)a1};
}

static void call_once(u64 extension, u64 function, u64 c)
{
    (void)c;
    (void)sbi_call(extension, function, below(2) == 0 ? below(16) : pick_value(), pick_value(),
                   pick_value(), pick_value());
}

void do_calls(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    static const u64 known[] = {0,          1,        2,          3,          4,          5,
                                6,          7,        0x10,       0x54494d45, 0x735049,   0x735049,
                                0x52464e43, 0x48534d, 0x52464e43, 0x53525354, 0x4442434e, 0x535553};
    for (int i = 0; i < 20; i++) {
        u64 extension =
            below(16) == 0 ? pick_value() : known[below(sizeof(known) / sizeof(known[0]))];
        u64 function = below(8) == 0 ? pick_value() : below(8);
        if (extension == 8 || (extension == 0x53525354 && function == 0))
            continue; /* the end comes by itself */
        if (extension == 0x48534d && function == 1 && below(8) != 0)
            continue;
        set_watchdog(5000);
        (void)attempt(call_once, extension, function, 0);
    }
}

static void sleep_once(u64 ticks, u64 b, u64 c)
{
    (void)b, (void)c;
    set_watchdog(ticks);
    __asm__ volatile("wfi");
}

void do_sleep(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    for (int i = 0; i < 40; i++)
        (void)attempt(sleep_once, below(500), 0, 0);
}

static void storm(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    for (int i = 0; i < 200; i++) {
        for (u64 w = 0; w < config.n_windows; w++)
            if (config.windows[w].kind == WINDOW_ACLINT)
                *(volatile u32 *)(config.windows[w].base + 4 * below(config.n_harts)) = 1;
#ifndef MACHINE_MODE
        (void)sbi_call(0x735049, 0, ~0ul >> (64 - config.n_harts), 0, 0, 0);
        (void)sbi_call(0x52464e43, below(3), ~0ul >> (64 - config.n_harts), 0, pick_address(),
                       below(1ul << 20));
#endif
    }
}

void do_storm(u64 a, u64 b, u64 c)
{
    struct hart *hart = this_hart();
    hart->enabled &= ~(1ul << 1 | 1ul << 3); /* or the first ends it */
    (void)attempt(storm, a, b, c);
}
