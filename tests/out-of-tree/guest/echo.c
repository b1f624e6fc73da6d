/* A driver of org.example.echo: finds the virtio device with its id among the tree's virtio,mmio
 * nodes, sets it up as virtio 1.2 chapter 3.1.1 says, and gets back what it sends. */
#include "guest.h"

#define DEVICE_ID 4091u

/* virtio 1.2, 4.2.2. */
enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG = 0x100,
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { REVERSE = 1 };
enum { SEND, RECEIVE, N_QUEUES };

#define SIZE        8u
#define MAX_BYTES   4096u
#define F_NEXT      1u
#define F_WRITE     2u
#define CONFIG_KEY  (CONFIG + 8)
#define CONFIG_SENT (CONFIG + 4)

struct descriptor {
    uint64_t gpa;
    uint32_t bytes;
    uint16_t flags;
    uint16_t next;
};

struct queue {
    struct descriptor descriptors[SIZE];
    struct {
        uint16_t flags, index, ring[SIZE], event;
    } available;
    struct {
        uint16_t flags, index;
        struct {
            uint32_t id, bytes;
        } ring[SIZE];
        uint16_t event;
    } used __attribute__((aligned(4)));
    uint16_t seen;
} __attribute__((aligned(16)));

static struct queue queues[N_QUEUES];
static uint8_t sent[MAX_BYTES], received[MAX_BYTES];
static uint64_t regs;
static uint32_t irq;

static uint64_t gpa_of(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static void write64(uint64_t at, uint64_t value)
{
    write32(at, (uint32_t)value);
    write32(at + 4, (uint32_t)(value >> 32));
}

static void find(const void *tree)
{
    struct node node = {0};
    unsigned n = 0;
    do {
        if (!tree_find(tree, "virtio,mmio", n++, &node))
            fail("no virtio device of this id among so many: ", n - 1);
        expect("magic ", read32(node.base + MAGIC), 0x74726976);
        expect("version ", read32(node.base + VERSION), 2);
    } while (read32(node.base + DEVICE) != DEVICE_ID);
    regs = node.base;
    irq = node.irq;
    plic_enable(tree, irq);
    print_number("echo device, the virtio device of number ", n, "\n");
}

static void set_up_queue(uint32_t number)
{
    struct queue *q = &queues[number];
    memset(q, 0, sizeof(*q));
    write32(regs + QUEUE_SEL, number);
    expect("ready before it is set up: ", read32(regs + QUEUE_READY), 0);
    if (read32(regs + QUEUE_NUM_MAX) < SIZE)
        fail("the largest queue is ", read32(regs + QUEUE_NUM_MAX));
    write32(regs + QUEUE_NUM, SIZE);
    write64(regs + QUEUE_DESC, gpa_of(q->descriptors));
    write64(regs + QUEUE_DRIVER, gpa_of(&q->available));
    write64(regs + QUEUE_DEVICE, gpa_of(&q->used));
    write32(regs + QUEUE_READY, 1);
}

/* virtio 1.2, 3.1.1, in its order. */
static void set_up(uint32_t features)
{
    write32(regs + STATUS, 0);
    expect("status after a reset is ", read32(regs + STATUS), 0);
    write32(regs + STATUS, ACKNOWLEDGE);
    write32(regs + STATUS, ACKNOWLEDGE | DRIVER);
    write32(regs + DEVICE_FEATURES_SEL, 0);
    expect("REVERSE is offered: ", read32(regs + DEVICE_FEATURES) & REVERSE, REVERSE);
    write32(regs + DEVICE_FEATURES_SEL, 1);
    expect("VERSION_1 is offered: ", read32(regs + DEVICE_FEATURES) & 1, 1);
    write32(regs + DRIVER_FEATURES_SEL, 0);
    write32(regs + DRIVER_FEATURES, features);
    write32(regs + DRIVER_FEATURES_SEL, 1);
    write32(regs + DRIVER_FEATURES, 1);
    write32(regs + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    expect("FEATURES_OK stays: ", read32(regs + STATUS) & FEATURES_OK, FEATURES_OK);
    for (uint32_t i = 0; i < N_QUEUES; i++)
        set_up_queue(i);
    write32(regs + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

/* Bytes in one descriptor, or in two when there are enough of them. */
static void offer(uint32_t number, uint8_t *bytes, uint32_t n, uint16_t flags)
{
    struct queue *q = &queues[number];
    uint32_t first = n > 64 ? n / 3 : n;
    q->descriptors[0] = (struct descriptor){gpa_of(bytes), first, flags, 1};
    q->descriptors[1] = (struct descriptor){gpa_of(bytes + first), n - first, flags, 0};
    if (first != n)
        q->descriptors[0].flags |= F_NEXT;
    q->available.ring[q->available.index % SIZE] = 0;
    fence();
    q->available.index++;
    fence();
    write32(regs + QUEUE_NOTIFY, number);
}

static int is_used(uint32_t number)
{
    fence();
    return *(volatile uint16_t *)&queues[number].used.index != queues[number].seen;
}

/* By interrupt: how many bytes the device says that it has written. */
static uint32_t wait_for(uint32_t number)
{
    struct queue *q = &queues[number];
    while (!is_used(number)) {
        expect("the interrupt's number is ", plic_wait(), irq);
        write32(regs + INTERRUPT_ACK, read32(regs + INTERRUPT_STATUS));
        plic_handled(irq);
    }
    expect("the chain that ended is ", q->used.ring[q->seen % SIZE].id, 0);
    return q->used.ring[q->seen++ % SIZE].bytes;
}

static void exchange(uint32_t n, uint8_t first, uint32_t is_reversed, uint8_t key)
{
    for (uint32_t i = 0; i < n; i++)
        sent[i] = (uint8_t)(first + 7 * i);
    memset(received, 0, sizeof(received));
    offer(RECEIVE, received, sizeof(received), F_WRITE);
    offer(SEND, sent, n, 0);
    expect("bytes written into a message: ", wait_for(SEND), 0);
    expect("bytes that came back: ", wait_for(RECEIVE), n);
    for (uint32_t i = 0; i < n; i++)
        expect("a byte that came back is ", received[i], sent[is_reversed ? n - 1 - i : i] ^ key);
    if (n < sizeof(received))
        expect("the byte behind them is ", received[n], 0);
}

void test_device(const void *tree)
{
    find(tree);
    expect("the longest message is ", read32(regs + CONFIG), MAX_BYTES);
    set_up(0);
    exchange(5, 1, 0, 0);
    exchange(MAX_BYTES, 2, 0, 0);
    for (uint32_t i = 0; i < 500; i++)
        exchange(1 + i % 100, (uint8_t)i, 0, 0);
    expect("messages so far: ", read32(regs + CONFIG_SENT), 502);
    *(volatile uint8_t *)(regs + CONFIG_KEY) = 0x5a;
    exchange(300, 3, 0, 0x5a);
    set_up(REVERSE);
    expect("messages after a reset: ", read32(regs + CONFIG_SENT), 0);
    exchange(300, 4, 1, 0);
    print_number("", 504, " messages came back\n");
}
