/*
 * fuzz: a driver of virtio devices (virtio 1.2, 4.2.2 for the registers, 2.7 for the rings), in
 * order now and then, harmful otherwise. Doorbells are rung with values that fit and others.
 */
#include "fuzz.h"

#define FEATURES     0x010
#define FEATURES_SEL 0x014
#define ACCEPT       0x020
#define ACCEPT_SEL   0x024
#define QUEUE_SEL    0x030
#define QUEUE_NUM    0x038
#define QUEUE_READY  0x044
#define NOTIFY       0x050
#define ISR          0x060
#define ACK          0x064
#define STATUS       0x070
#define RING_DESC    0x080
#define RING_DRIVER  0x090
#define RING_DEVICE  0x0a0

#define DESC_NEXT  1
#define DESC_WRITE 2

#define RING_BYTES 0x4000u
#define RING_MAX   256u

struct desc {
    u64 gpa;
    u32 size;
    u16 flags, next;
};

/* Each device has its own in the arena; all processors use it at once. */
static u64 rings_of(u64 base)
{
    return ((config.arena_gpa + 4095) & ~4095ul) + (base >> 9 & 7) * RING_BYTES;
}

static void put_address(u64 at, u64 gpa)
{
    if (below(32) == 0)
        gpa = pick_value();
    write32(at, (u32)gpa);
    write32(at + 4, (u32)(gpa >> 32));
}

static void accept_features(u64 base)
{
    for (u32 i = 0; i < 2; i++) {
        write32(base + FEATURES_SEL, i);
        u32 offered = read32(base + FEATURES);
        u32 taken = below(2) == 0 ? offered : offered & (u32)next_random();
        write32(base + ACCEPT_SEL, i);
        write32(base + ACCEPT, i == 1 ? taken | 1 : taken);
    }
}

static void set_up(u64 base)
{
    u64 rings = rings_of(base);
    write32(base + STATUS, 0);
    write32(base + STATUS, 3);
    accept_features(base);
    write32(base + STATUS, 11);
    for (u64 queue = 0; queue < 1 + below(3); queue++) {
        write32(base + QUEUE_SEL, below(32) == 0 ? (u32)next_random() : (u32)queue);
        write32(base + QUEUE_NUM, below(16) == 0 ? (u32)pick_value() : 1u << below(9));
        put_address(base + RING_DESC, rings);
        put_address(base + RING_DRIVER, rings + 0x1000);
        put_address(base + RING_DEVICE, rings + 0x2000);
        write32(base + QUEUE_READY, below(16) != 0);
    }
    *(volatile u64 *)(rings + 0x1000) = 0;
    write32(base + STATUS, below(16) == 0 ? (u32)next_random() : 15);
}

static u32 pick_size(void)
{
    static const u32 sizes[] = {0, 1, 15, 16, 17, 512, 1514, 4096, 65536, 1 << 20, 0xffffffff};
    return sizes[below(sizeof(sizes) / sizeof(sizes[0]))];
}

/* A disk's request, or something that no device would serve. */
static void fill(volatile struct desc *d, u64 first, u64 scratch)
{
    for (u64 i = 0; i < 3; i++) {
        volatile struct desc *one = &d[(first + i) % RING_MAX];
        one->gpa = below(16) == 0 ? pick_value() : pick_in_arena();
        one->size = pick_size();
        one->flags = (u16)(below(16) == 0 ? next_random() : next_random() & 3);
        one->next = (u16)(below(16) == 0 ? next_random() : (first + i + 1) % RING_MAX);
    }
    if (below(4) != 0) {
        *(volatile u64 *)scratch = below(4) == 0 ? next_random() : below(2);
        *(volatile u64 *)(scratch + 8) = below(8) == 0 ? next_random() : below(30000);
        d[first].gpa = scratch;
        d[first].size = 16;
        d[first].flags = DESC_NEXT;
        d[(first + 1) % RING_MAX].flags = DESC_NEXT | DESC_WRITE;
        d[(first + 2) % RING_MAX].flags = DESC_WRITE;
    }
}

static void submit(u64 base)
{
    u64 rings = rings_of(base);
    volatile u16 *driver = (volatile u16 *)(rings + 0x1000);
    for (u64 n = below(5); n != 0; n--) {
        u64 first = below(below(2) == 0 ? 8 : RING_MAX);
        fill((volatile struct desc *)rings, first, rings + 0x3000);
        driver[2 + driver[1] % RING_MAX] = (u16)first;
        driver[1] = (u16)(driver[1] + 1);
    }
    if (below(32) == 0)
        driver[1] = (u16)next_random();
    write32(base + NOTIFY, below(8) == 0 ? (u32)pick_value() : (u32)below(3));
    write32(base + ACK, read32(base + ISR));
}

void do_virtio(u64 a, u64 b, u64 c)
{
    const volatile struct window *w = pick_memory(WINDOW_VIRTIO);
    (void)a;
    (void)b;
    (void)c;
    if (w == 0)
        return;
    if (below(3) == 0)
        set_up(w->base);
    for (u64 n = below(4); n != 0; n--)
        submit(w->base);
}
