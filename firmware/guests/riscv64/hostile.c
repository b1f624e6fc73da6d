/*
 * The hostile guest: does whatever a guest can do, at random, from a seed, on every hart at once.
 *
 * Reads and writes of every width everywhere, random instructions with registers that point at
 * devices and at the edges of RAM, random CSRs, page tables, calls of the firmware, sleeps, storms
 * of interrupts, and virtqueues whose descriptors mean harm while another hart changes them. A trap
 * or a watchdog's interrupt ends what a hart is at, and it goes on with the next. The first hart
 * that has done its rounds powers off while the others are still at it.
 *
 * One source for supervisor mode (started as a kernel) and, with MACHINE_MODE, for machine mode
 * (started as firmware). Unless it is to be wild it spares itself: stores go to the upper half of
 * RAM (the arena), to devices and to holes.
 */
#include "hostile.h"

volatile struct config config
    __attribute__((section(".data"), aligned(8))) = {.magic = "BPHOSTIL", .rounds = 1000};
extern struct hart harts[HARTS_MAX];

struct hart *this_hart(void)
{
    struct hart *hart;
    __asm__ volatile("mv %0, tp" : "=r"(hart));
    return hart;
}

u64 next_random(void)
{
    struct hart *hart = this_hart();
    u64 x = hart->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    hart->random = x;
    return x * 0x2545f4914f6cdd1dul;
}

u64 below(u64 n)
{
    return n == 0 ? 0 : (next_random() >> 16) % n;
}

u64 arena_base(void)
{
    return config.ram_base + config.ram_size / 2;
}

u64 arena_size(void)
{
    return config.ram_size / 2;
}

u64 pick_in_arena(void)
{
    u64 at = arena_base() + below(arena_size());
    switch (below(4)) {
    case 0:
        return at & ~7ul;
    case 1:
        return (at & ~4095ul) + 4096 - below(9); /* at the end of a page */
    case 2:
        return arena_base() + below(4096); /* where the others are, too */
    default:
        return at;
    }
}

const volatile struct window *pick_window(void)
{
    return &config.windows[below(config.n_windows)];
}

static u64 pick_in_window(void)
{
    const volatile struct window *w = pick_window();
    switch (below(4)) {
    case 0:
        return w->base + below(0x200);
    case 1:
        return w->base + w->size - below(17);
    case 2:
        return w->base - below(17);
    default:
        return w->base + below(w->size);
    }
}

u64 pick_address(void)
{
    static const u64 holes[] = {0,         8,          0x1000,     0x10000000, 1ul << 30, 1ul << 38,
                                1ul << 39, 1ul << 55,  1ul << 56,  1ul << 63,  ~0ul,      ~0ul - 7,
                                ~0ul - 8,  ~0ul << 39, ~0ul << 47, 0xffffffff};
    switch (below(16)) {
    case 0:
        return holes[below(sizeof(holes) / sizeof(holes[0]))];
    case 1:
        return config.ram_base + config.ram_size - below(17);
    case 2:
        return config.ram_base - below(17);
    case 3:
        return (config.flags & FLAG_WILD) != 0 ? config.ram_base + below(config.ram_size)
                                               : next_random() | 1ul << 62;
    case 4:
        return config.windows[config.n_windows - 1].base + below(1ul << 24);
    case 5:
    case 6:
    case 7:
    case 8:
        return pick_in_arena();
    default:
        return pick_in_window();
    }
}

u64 pick_value(void)
{
    switch (below(8)) {
    case 0:
        return 0;
    case 1:
        return ~0ul;
    case 2:
        return 1ul << below(64);
    case 3:
        return ~(1ul << below(64));
    case 4:
        return below(256);
    case 5:
        return pick_address();
    default:
        return next_random();
    }
}

#ifndef MACHINE_MODE
void set_watchdog(u64 ticks)
{
    u64 now;
    __asm__ volatile("csrr %0, time" : "=r"(now));
    __asm__ volatile("csrw 0x14d, %0" ::"r"(now + ticks)); /* stimecmp */
}
#else
static u64 find_aclint(void)
{
    for (u64 i = 0; i < config.n_windows; i++)
        if (config.windows[i].kind == WINDOW_ACLINT)
            return config.windows[i].base;
    return 0;
}

void set_watchdog(u64 ticks)
{
    volatile u64 *compare = (volatile u64 *)(find_aclint() + 0x4000 + 8 * this_hart()->id);
    volatile u64 *time = (volatile u64 *)(find_aclint() + 0xbff8);
    *(volatile u32 *)(find_aclint() + 4 * this_hart()->id) = 0;
    *compare = *time + ticks;
}
#endif

void power_off(void)
{
    for (u64 i = 0; i < config.n_windows; i++)
        if (config.windows[i].kind == WINDOW_FINISHER)
            *(volatile u32 *)config.windows[i].base = 0x5555;
#ifndef MACHINE_MODE
    (void)sbi_call(8, 0, 0, 0, 0, 0);
#endif
    for (;;)
        __asm__ volatile("wfi");
}

static void start_others(void)
{
#ifndef MACHINE_MODE
    for (u64 i = 0; i < config.n_harts; i++)
        (void)sbi_call(0x48534d, 0, i, (u64)secondary_entry, 0, 0);
#endif
}

static void one_round(void)
{
    static void (*const acts[])(u64, u64, u64) = {
        do_accesses, do_accesses, do_program, do_program, do_program, do_csr,    do_calls,
        do_tables,   do_tables,   do_sleep,   do_storm,   do_virtio,  do_virtio, do_virtio,
    };
    struct hart *hart = this_hart();
#ifdef MACHINE_MODE
    hart->enabled = 1ul << 7 | 1ul << 3; /* timer, software */
#else
    hart->enabled = 1ul << 5 | 1ul << 1;
#endif
    if (below(8) == 0)
        hart->enabled |= 1ul << 11 | 1ul << 9; /* external */
    set_watchdog(20000);                       /* 2 ms */
    (void)attempt(acts[below(sizeof(acts) / sizeof(acts[0]))], 0, 0, 0);
}

void hart_main(u64 id);
void hart_main(u64 id)
{
    struct hart *hart = this_hart();
    u64 done = hart->random != 0 ? config.rounds / 2 : 0; /* stopped and started again */
    hart->id = id;
    if (hart->random == 0)
        hart->random = (config.seed + 1) * 0x9e3779b97f4a7c15ul + (id + 1) * 0xd1b54a32d192ed03ul;
    if (id == 0)
        start_others();
    if ((config.flags & FLAG_FLOOD) != 0)
        flood_disk();
    while (done++ < config.rounds) {
        one_round();
        if (below(64) == 0)
            start_others(); /* some may have stopped themselves */
    }
    power_off();
}
