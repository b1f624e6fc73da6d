/* The hostile guest's driver of virtio devices: in order now and then, harmful otherwise. */
#include "hostile.h"

#define QUEUE_MAX        256
#define DESC_NEXT        1
#define DESC_WRITE       2
#define DESC_INDIR       4
#define REG_FEATURES_SEL 0x014
#define REG_FEATURES     0x010
#define REG_ACCEPT_SEL   0x024
#define REG_ACCEPT       0x020
#define REG_QUEUE_SEL    0x030
#define REG_QUEUE_NUM    0x038
#define REG_QUEUE_READY  0x044
#define REG_NOTIFY       0x050
#define REG_ISR          0x060
#define REG_ACK          0x064
#define REG_STATUS       0x070
#define REG_DESC         0x080
#define REG_DRIVER       0x090
#define REG_DEVICE       0x0a0

struct desc {
    u64 gpa;
    u32 size;
    u16 flags, next;
};

static void put(u64 base, u64 offset, u64 value)
{
    *(volatile u32 *)(base + offset) = (u32)value;
}

static u32 get(u64 base, u64 offset)
{
    return *(volatile u32 *)(base + offset);
}

/* One page of rings for each device, used by all harts at once. */
static u64 rings_of(u64 base)
{
    return arena_base() + 0x100000 + (base >> 12 & 15) * 0x8000;
}

static u64 pick_ring(u64 fitting)
{
    return below(32) == 0 ? pick_address() : fitting;
}

static void put_address(u64 base, u64 offset, u64 value)
{
    put(base, offset, value);
    put(base, offset + 4, value >> 32);
}

static void set_up(u64 base, u64 b, u64 c)
{
    (void)b, (void)c;
    u64 rings = rings_of(base);
    u64 size = below(16) == 0 ? below(70000) : 1ul << below(9);
    put(base, REG_STATUS, 0);
    put(base, REG_STATUS, 3);
    for (u64 i = 0; i < 2; i++) {
        put(base, REG_FEATURES_SEL, i);
        u64 offered = get(base, REG_FEATURES);
        u64 taken = below(2) == 0 ? offered : offered & next_random();
        if (i == 1 && below(16) != 0)
            taken |= 1;
        put(base, REG_ACCEPT_SEL, i);
        put(base, REG_ACCEPT, taken);
    }
    put(base, REG_STATUS, 11);
    for (u64 queue = 0; queue < 1 + below(3); queue++) {
        put(base, REG_QUEUE_SEL, below(32) == 0 ? next_random() : queue);
        put(base, REG_QUEUE_NUM, size);
        put_address(base, REG_DESC, pick_ring(rings));
        put_address(base, REG_DRIVER, pick_ring(rings + 0x2000));
        put_address(base, REG_DEVICE, pick_ring(rings + 0x4000));
        put(base, REG_QUEUE_READY, below(16) != 0);
    }
    for (u64 i = 0; i < 0x2000; i += 8)
        *(volatile u64 *)(rings + 0x2000 + i) = 0;
    put(base, REG_STATUS, below(16) == 0 ? next_random() : 15);
}

static u64 pick_size(u64 gpa)
{
    static const u64 sizes[] = {0, 1, 15, 16, 17, 512, 1024, 4096, 65536, 1 << 20, 0xffffffff};
    u64 size = sizes[below(sizeof(sizes) / sizeof(sizes[0]))];
    u64 end = config.ram_base + config.ram_size;
    /* Up to the very end of RAM, and one byte more. */
    if (below(8) == 0 && gpa < end)
        return end - gpa + below(2);
    return size;
}

/* Written by the device: only where nothing of this program is, unless all is wild. */
static u64 pick_target(void)
{
    u64 gpa = pick_address();
    u64 low = config.ram_base - 0x1000;
    if ((config.flags & FLAG_WILD) == 0 && gpa >= low && gpa < arena_base())
        gpa = pick_in_arena();
    return gpa;
}

static void fill_one(volatile struct desc *d, u64 n)
{
    u64 gpa = pick_target();
    d->gpa = gpa;
    d->size = (u32)pick_size(gpa);
    d->flags = (u16)(below(16) == 0 ? next_random() : next_random() & 3);
    d->next = (u16)(below(16) == 0 ? next_random() : below(n + 1));
}

/* A request that a disk would serve: header, data, status. */
static void fill_request(volatile struct desc *d, u64 at, u64 n, u64 scratch)
{
    static const u32 types[] = {0, 0, 0, 1, 1, 4, 8, 11, 13, 99};
    volatile u32 *header = (volatile u32 *)scratch;
    u64 sectors = below(16) + (below(8) == 0 ? below(40000) : 0);
    header[0] = types[below(sizeof(types) / sizeof(types[0]))];
    header[1] = 0;
    *(volatile u64 *)(scratch + 8) = below(8) == 0 ? next_random() >> below(64) : below(30000);
    u16 writes = header[0] == 1 || header[0] > 8 ? 0 : DESC_WRITE;
    u64 second = (at + 1) % n, third = (at + 2) % n;
    d[at].gpa = scratch;
    d[at].size = 16;
    d[at].flags = DESC_NEXT;
    d[at].next = (u16)second;
    d[second].gpa = pick_target();
    d[second].size = (u32)(header[0] > 8 ? 16 * (1 + below(20)) : sectors * 512);
    d[second].flags = DESC_NEXT | writes;
    d[second].next = (u16)third;
    d[third].gpa = scratch + 64 + below(64);
    d[third].size = 1 + (below(16) == 0);
    d[third].flags = DESC_WRITE;
}

static void fill_indirect(volatile struct desc *d, u64 scratch)
{
    volatile struct desc *table = (volatile struct desc *)(scratch + 128);
    u64 n = 3 + below(64);
    if (below(2) == 0)
        fill_request(table, 0, n, scratch);
    else
        for (u64 i = 0; i < n; i++)
            fill_one(&table[i], n);
    if (below(8) == 0)
        table[below(n)].flags |= DESC_INDIR;
    d->gpa = below(16) == 0 ? pick_address() : (u64)table;
    d->size = (u32)(below(16) == 0 ? next_random() : n * 16);
    d->flags = (u16)(DESC_INDIR | (below(16) == 0 ? next_random() & 3 : 0));
    d->next = 0;
}

static void queue_some(u64 base, u64 n, u64 c)
{
    (void)c;
    u64 rings = rings_of(base);
    volatile struct desc *d = (volatile struct desc *)rings;
    volatile u16 *avail = (volatile u16 *)(rings + 0x2000);
    u64 count = 1 + below(8);
    for (u64 i = 0; i < count; i++) {
        u64 at = below(n), scratch = rings + 0x6000 + below(8) * 0x400;
        switch (below(4)) {
        case 0:
            fill_one(&d[at], n);
            break;
        case 1:
            fill_indirect(&d[at], scratch);
            break;
        default:
            fill_request(d, at, n, scratch);
            break;
        }
        avail[2 + (avail[1] + i) % n] = (u16)(below(32) == 0 ? next_random() : at);
    }
    avail[0] = (u16)below(2);
    avail[2 + n] = (u16)next_random(); /* used_event */
    __asm__ volatile("fence" ::: "memory");
    avail[1] = (u16)(below(64) == 0 ? next_random() : avail[1] + count);
    put(base, REG_NOTIFY, below(32) == 0 ? next_random() : below(2));
}

/* While the device reads: change what it reads. */
static void disturb(u64 base, u64 n, u64 c)
{
    (void)c;
    u64 rings = rings_of(base);
    for (int i = 0; i < 30; i++) {
        fill_one(&((volatile struct desc *)rings)[below(n)], n);
        if (below(16) == 0)
            put(base, below(0x200) & ~3ul, pick_value());
        if (below(64) == 0)
            put(base, REG_STATUS, 0);
        put(base, REG_ACK, get(base, REG_ISR));
    }
}

void do_virtio(u64 a, u64 b, u64 c)
{
    (void)a, (void)b, (void)c;
    const volatile struct window *w = pick_window();
    for (int i = 0; i < 8 && w->kind != WINDOW_VIRTIO; i++)
        w = pick_window();
    if (w->kind != WINDOW_VIRTIO)
        return;
    u64 base = w->base;
    if (below(4) == 0 || (get(base, REG_STATUS) & 0x44) != 0)
        (void)attempt(set_up, base, 0, 0);
    put(base, REG_QUEUE_SEL, 0);
    u64 n = get(base, REG_QUEUE_NUM);
    n = n == 0 || n > QUEUE_MAX ? QUEUE_MAX : n;
    for (int i = 0; i < 10; i++) {
        (void)attempt(queue_some, base, 1ul << below(9), 0);
        (void)attempt(disturb, base, n, 0);
    }
}

/* --- The flood -------------------------------------------------------------------------------- */

/* Every descriptor of the disk's queue leads to a read of as much as a request can have. */
static void flood(u64 base)
{
    u64 rings = rings_of(base);
    volatile struct desc *d = (volatile struct desc *)rings;
    volatile u16 *avail = (volatile u16 *)(rings + 0x2000);
    volatile struct desc *table = (volatile struct desc *)(arena_base() + 0x10000);
    volatile u32 *header = (volatile u32 *)(arena_base() + 0x8000);
    u64 bytes = config.ram_size / 4, n = 0xf0000000ul / bytes;
    header[0] = 0;
    header[2] = 0;
    table[0] = (struct desc){(u64)header, 16, DESC_NEXT, 1};
    for (u64 i = 1; i <= n; i++)
        table[i] = (struct desc){arena_base() + arena_size() - bytes, (u32)bytes,
                                 DESC_NEXT | DESC_WRITE, (u16)(i + 1)};
    table[n + 1] = (struct desc){(u64)header + 64, 1, DESC_WRITE, 0};
    put(base, REG_STATUS, 0);
    put(base, REG_STATUS, 3);
    put(base, REG_ACCEPT_SEL, 0);
    put(base, REG_ACCEPT, 1ul << 28); /* indirect descriptors */
    put(base, REG_ACCEPT_SEL, 1);
    put(base, REG_ACCEPT, 1);
    put(base, REG_STATUS, 11);
    put(base, REG_QUEUE_SEL, 0);
    put(base, REG_QUEUE_NUM, QUEUE_MAX);
    put_address(base, REG_DESC, rings);
    put_address(base, REG_DRIVER, rings + 0x2000);
    put_address(base, REG_DEVICE, rings + 0x4000);
    put(base, REG_QUEUE_READY, 1);
    put(base, REG_STATUS, 15);
    for (u64 i = 0; i < QUEUE_MAX; i++) {
        d[i] = (struct desc){(u64)table, (u32)((n + 2) * 16), DESC_INDIR, 0};
        avail[2 + i] = (u16)i;
    }
    __asm__ volatile("fence" ::: "memory");
    avail[1] = QUEUE_MAX;
    put(base, REG_NOTIFY, 0);
}

void flood_disk(void)
{
    if (this_hart()->id != 0)
        for (;;)
            __asm__ volatile("wfi");
    for (u64 i = 0; i < config.n_windows; i++)
        if (config.windows[i].kind == WINDOW_VIRTIO && get(config.windows[i].base, 8) == 2) {
            flood(config.windows[i].base);
            (void)sbi_call(1, 0, 'F', 0, 0, 0); /* the runner waits for this */
            if ((config.flags & FLAG_FLOOD_RESET) != 0)
                put(config.windows[i].base, REG_STATUS, 0);
            (void)sbi_call(1, 0, 'R', 0, 0, 0);
        }
    for (;;)
        __asm__ volatile("wfi");
}
