/*
 * fuzz: does to devices whatever a guest can do, at random, from a seed, on every processor at
 * once.
 *
 * Reads and writes of every width at every port and in every window of memory that the test names,
 * and around them; string instructions, also from a device to a device; accesses that are not
 * aligned or lie across pages and windows; virtqueues that mean harm. A trap or an interrupt ends
 * what a processor is at, and it goes on with the next. When the first has done its rounds it ends
 * the machine, mostly by debug-exit with status 0.
 *
 * It spares what would end the machine before that, and the local APICs, unless it is to be wild;
 * debug-exit always.
 * Its own memory is spared only by itself: a device that it has programmed may write anywhere.
 */
#include "fuzz.h"

#define N_WAYS 16

static int is_wild(void)
{
    return (config.flags & FLAG_WILD) != 0;
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
    case 4:
        return below(256);
    case 5:
        return config.arena_gpa + below(config.arena_bytes);
    default:
        return next_random();
    }
}

u64 pick_in_arena(void)
{
    u64 at = config.arena_gpa + below(config.arena_bytes - 0x10000);
    switch (below(3)) {
    case 0:
        return at & ~15ul;
    case 1:
        return (at | 4095) - below(16); /* at the end of a page */
    default:
        return at;
    }
}

static int is_spared(const volatile struct window *w)
{
    return w->kind == WINDOW_EXIT ||
           (!is_wild() && (w->kind == WINDOW_ENDER || w->kind == WINDOW_APIC));
}

static const volatile struct window *pick_window(u32 flags, u32 kind)
{
    for (u32 tries = 0; tries < 64 && config.n_windows != 0; tries++) {
        const volatile struct window *w = &config.windows[below(config.n_windows)];
        if (w->flags == flags && !is_spared(w) && (kind == WINDOW_OTHER || w->kind == kind))
            return w;
    }
    return 0;
}

const volatile struct window *pick_memory(u32 kind)
{
    return pick_window(0, kind);
}

/* --- Ports ------------------------------------------------------------------------------------ */

static u16 pick_port(void)
{
    const volatile struct window *w = pick_window(WINDOW_PORTS, WINDOW_OTHER);
    if (w == 0 || below(4) == 0)
        return (u16)next_random();
    return (u16)(w->base - 4 + below(w->size + 8));
}

/* A write that would end the machine. */
static int is_end(u16 port, u32 width, u32 value)
{
    for (u64 i = 0; i < config.n_windows; i++) {
        const volatile struct window *w = &config.windows[i];
        if (w->flags != WINDOW_PORTS || (u64)port + width <= w->base || port >= w->base + w->size)
            continue;
        if (w->kind == WINDOW_EXIT)
            return 1;
        if (!is_wild() &&
            (w->kind == WINDOW_ENDER || (w->kind == WINDOW_I8042 && (value & 0xf1) == 0xf0)))
            return 1;
    }
    return 0;
}

static void write_port(u16 port, u32 value)
{
    static const u32 widths[] = {1, 2, 4};
    u32 width = widths[below(3)];
    if (is_end(port, width, value))
        return;
    if (width == 1)
        out8(port, (u8)value);
    else if (width == 2)
        out16(port, (u16)value);
    else
        out32(port, value);
}

static void read_port(u16 port)
{
    switch (below(3)) {
    case 0:
        (void)in8(port);
        return;
    case 1:
        (void)in16(port);
        return;
    default:
        (void)in32(port);
        return;
    }
}

void do_ports(u64 a, u64 b, u64 c)
{
    (void)a;
    (void)b;
    (void)c;
    for (u64 n = below(32); n != 0; n--) {
        u16 port = pick_port();
        if (below(2) == 0)
            read_port(port);
        else
            write_port(port, (u32)pick_value());
    }
}

/* --- Strings ---------------------------------------------------------------------------------- */

static void ins(u16 port, u64 to, u64 count, u64 width)
{
    if (width == 0)
        __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
    else if (width == 1)
        __asm__ volatile("rep insw" : "+D"(to), "+c"(count) : "d"(port) : "memory");
    else
        __asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static void outs(u16 port, u64 from, u64 count, u64 width)
{
    if (width == 0)
        __asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
    else if (width == 1)
        __asm__ volatile("rep outsw" : "+S"(from), "+c"(count) : "d"(port) : "memory");
    else
        __asm__ volatile("rep outsl" : "+S"(from), "+c"(count) : "d"(port) : "memory");
}

static void move(u64 from, u64 to, u64 count, u64 width)
{
    if (width == 0)
        __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
    else if (width == 1)
        __asm__ volatile("rep movsw" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
    else
        __asm__ volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
}

static u64 pick_near_window(void)
{
    const volatile struct window *w = pick_memory(WINDOW_OTHER);
    if (w == 0)
        return pick_in_arena();
    switch (below(4)) {
    case 0:
        return w->base + w->size - below(17); /* across its end */
    case 1:
        return w->base - below(17);
    case 2:
        return w->base + below(w->size < 0x200 ? w->size : 0x200);
    default:
        return w->base + below(w->size);
    }
}

static u64 pick_place(void)
{
    return below(2) == 0 ? pick_in_arena() : pick_near_window();
}

void do_strings(u64 a, u64 b, u64 c)
{
    u64 count = below(8) == 0 ? below(5000) : below(64);
    u16 port = pick_port();
    (void)a;
    (void)b;
    (void)c;
    if (below(8) == 0)
        __asm__ volatile("std");
    switch (below(3)) {
    case 0:
        ins(port, pick_place(), count, below(3));
        break;
    case 1:
        if (!is_end(port, 4, 0xf0)) /* what is in memory may be anything */
            outs(port, pick_place(), count, below(3));
        break;
    default:
        move(pick_place(), pick_place(), count, below(3));
        break;
    }
    __asm__ volatile("cld");
}

void do_memory(u64 a, u64 b, u64 c)
{
    (void)a;
    (void)b;
    (void)c;
    for (u64 n = below(32); n != 0; n--)
        access_memory(pick_near_window(), pick_value());
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void end_interrupts(void)
{
    out8(0x20, 0x20);
    out8(0xa0, 0x20);
    write32(0xfee000b0, 0);
}

static void play_round(void)
{
    static void (*const things[])(u64 a, u64 b, u64 c) = {do_ports,  do_memory, do_strings,
                                                          do_virtio, do_memory, do_ports};
    u64 which = below(sizeof(things) / sizeof(things[0]));
    this_cpu()->flags = below(2);
    if (attempt(things[which], 0, 0, 0)) {
        __asm__ volatile("cld");
        end_interrupts();
    }
}

static void seed_random(u64 number)
{
    struct cpu *cpu = this_cpu();
    cpu->number = number;
    cpu->random = (config.seed + 1) * 0x9e3779b97f4a7c15ul + number * 0xbf58476d1ce4e5b9ul;
    if (cpu->random == 0)
        cpu->random = 1;
}

void secondary_main(u64 number)
{
    seed_random(number);
    for (;;)
        play_round();
}

/* Mostly in good order; otherwise by what it has spared so far. */
static void finish(void)
{
    switch (below(N_WAYS)) {
    case 0:
        if (config.sleep_port != 0)
            out16(config.sleep_port, 0x3400);
        break;
    case 1:
        if (config.reset_port != 0)
            out8(config.reset_port, 6);
        break;
    case 2:
        if (config.keyboard_port != 0)
            out8(config.keyboard_port, 0xfe);
        break;
    case 3:
        if (config.panic_port != 0)
            out8(config.panic_port, 1);
        break;
    case 4:
        triple_fault();
    case 5: { /* no code is where a device is */
        const volatile struct window *w = pick_memory(WINDOW_OTHER);
        void (*nowhere)(void) = (void (*)(void))(w == 0 ? 0xf0000000ul : w->base);
        nowhere();
        break;
    }
    default:
        break;
    }
    end(0);
}

void guest_main(void)
{
    seed_random(0);
    (void)start_others();
    for (u64 i = 0; i < config.rounds; i++)
        play_round();
    finish();
}
