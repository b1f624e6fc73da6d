/*
 * A bare-metal riscv64 guest that looks for a device: it walks the device tree that it was given,
 * prints each node that has registers, lets the ticker of `plugin new --kind mmio` tick three
 * times, and powers off. It knows no address: console and power are found in the tree as well.
 */
#include <stdint.h>

#define WANTED "example,ticker"

enum { BEGIN_NODE = 1, END_NODE, PROP, NOP, END };
enum { DEPTH_MAX = 8 };
enum { CTRL, PERIOD, COUNT }; /* the ticker's first registers, 32 bits each */

struct node {
    const char *name, *compatible;
    uint64_t base, size;
};

static volatile uint8_t *console;
static volatile uint32_t *finisher;

__asm__(".section .text.entry\n"
        ".globl _start\n"
        "_start: csrw mie, zero\n"
        "la sp, stack_top\n"
        "mv a0, a1\n"
        "call guest\n"
        "1: wfi\n"
        "j 1b\n"
        ".section .bss\n"
        ".balign 16\n"
        ".skip 8192\n"
        "stack_top:\n");

static void print(const char *text)
{
    for (; console != 0 && *text != '\0'; text++)
        *console = (uint8_t)*text;
}

static void print_hex(uint64_t value)
{
    char text[19] = "0x";
    int n = 2;
    for (int shift = 60; shift >= 0; shift -= 4)
        if (n > 2 || (value >> shift) != 0 || shift == 0)
            text[n++] = "0123456789abcdef"[(value >> shift) & 15];
    text[n] = '\0';
    print(text);
}

static int begins_with(const char *text, const char *head)
{
    while (*head != '\0' && *text == *head) {
        text++;
        head++;
    }
    return *head == '\0';
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
    return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/* First round: where console and power are. */
static void note(const struct node *node)
{
    if (node->compatible == 0 || node->size == 0)
        return;
    if (begins_with(node->compatible, "ns16550"))
        console = (volatile uint8_t *)node->base;
    if (begins_with(node->compatible, "sifive,test"))
        finisher = (volatile uint32_t *)node->base;
}

/* Second round: what there is. */
static void show(const struct node *node)
{
    if (node->compatible == 0 || node->size == 0)
        return;
    print("node ");
    print(node->name);
    print(" compatible ");
    print(node->compatible);
    print(" size ");
    print_hex(node->size);
    if (begins_with(node->compatible, WANTED)) {
        volatile uint32_t *ticker = (volatile uint32_t *)node->base;
        print(" period ");
        print_hex(ticker[PERIOD]);
        ticker[CTRL] = 1;
        while (ticker[COUNT] < 3) {
        }
        ticker[CTRL] = 0;
        print(" ticks");
    }
    print("\r\n");
}

static void read_property(struct node *node, const char *name, const uint8_t *value, uint32_t len)
{
    if (begins_with(name, "compatible"))
        node->compatible = (const char *)value;
    if (begins_with(name, "reg") && name[3] == '\0' && len >= 16) {
        node->base = be64(value);
        node->size = be64(value + 8);
    }
}

static void walk(const uint8_t *tree, void (*on_node)(const struct node *))
{
    const uint8_t *p = tree + be32(tree + 8);
    const char *strings = (const char *)tree + be32(tree + 12);
    static struct node nodes[DEPTH_MAX];
    int depth = -1;
    for (;;) {
        uint32_t token = be32(p);
        p += 4;
        if (token == BEGIN_NODE) {
            if (++depth == DEPTH_MAX)
                return;
            nodes[depth].name = (const char *)p;
            nodes[depth].compatible = 0;
            nodes[depth].size = 0;
            while (*p++ != '\0') {
            }
            p = (const uint8_t *)(((uintptr_t)p + 3) & ~(uintptr_t)3);
        } else if (token == PROP) {
            uint32_t len = be32(p);
            read_property(&nodes[depth], strings + be32(p + 4), p + 8, len);
            p += 8 + ((len + 3) & ~3u);
        } else if (token == END_NODE) {
            on_node(&nodes[depth--]);
        } else if (token != NOP) {
            return;
        }
    }
}

void guest(const uint8_t *tree);
void guest(const uint8_t *tree)
{
    walk(tree, note);
    walk(tree, show);
    print("done\r\n");
    if (finisher != 0)
        *finisher = 0x5555;
}
