/* See guest.h. Firmware: SBI 2.0 (DBCN, SRST, TIME). Tree: Devicetree 0.4, version 17. Controller:
 * RISC-V PLIC 1.0. */
#include "guest.h"

/* --- Firmware --------------------------------------------------------------------------------- */

static void sbi(uint64_t extension, uint64_t function, uint64_t x, uint64_t y)
{
    register uint64_t a0 __asm__("a0") = x;
    register uint64_t a1 __asm__("a1") = y;
    register uint64_t a2 __asm__("a2") = 0;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
}

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0')
        n++;
    return n;
}

void print(const char *text)
{
    sbi(0x4442434e, 0, length(text), (uint64_t)(uintptr_t)text); /* DBCN: write */
}

void print_number(const char *before, uint64_t number, const char *behind)
{
    char digits[21];
    size_t i = sizeof(digits) - 1;
    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(before);
    print(digits + i);
    print(behind);
}

static void power_off(void) __attribute__((noreturn));
static void power_off(void)
{
    for (;;)
        sbi(0x53525354, 0, 0, 0); /* SRST: shutdown */
}

void fail(const char *what, uint64_t number)
{
    print("FAIL ");
    print_number(what, number, "\n");
    power_off();
}

void expect(const char *what, uint64_t got, uint64_t wanted)
{
    if (got == wanted)
        return;
    print_number("wanted ", wanted, ", ");
    fail(what, got);
}

void guest_trapped(uint64_t cause, uint64_t pc, uint64_t value);
void guest_trapped(uint64_t cause, uint64_t pc, uint64_t value)
{
    print_number("trap at ", pc, ", ");
    print_number("value ", value, ": ");
    fail("cause ", cause);
}

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = (uint8_t)byte;
    return to;
}

/* --- The device tree -------------------------------------------------------------------------- */

enum { BEGIN_NODE = 1, END_NODE, PROPERTY, NOP };

static uint32_t cell(const void *at)
{
    const uint8_t *b = at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int is_same(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] != '\0' && a[i] == b[i])
        i++;
    return a[i] == b[i];
}

static int is_in_list(const char *list, uint32_t size, const char *word)
{
    for (uint32_t i = 0; i < size; i += (uint32_t)length(list + i) + 1)
        if (is_same(list + i, word))
            return 1;
    return 0;
}

struct property {
    const char *name;
    const uint8_t *value;
    uint32_t size;
};

static void note_property(const struct property *p, const char *compatible, struct node *node,
                          int *matches)
{
    if (is_same(p->name, "compatible"))
        *matches = is_in_list((const char *)p->value, p->size, compatible);
    else if (is_same(p->name, "reg") && p->size >= 16)
        node->base = (uint64_t)cell(p->value) << 32 | cell(p->value + 4);
    else if (is_same(p->name, "interrupts") && p->size >= 4)
        node->irq = cell(p->value);
    if (node->property != NULL && is_same(p->name, node->property) && p->size >= 4)
        node->number = cell(p->value);
}

/* A node's properties come before its children: at the next begin or end it is complete. */
int tree_find(const void *tree, const char *compatible, unsigned n, struct node *found)
{
    const uint8_t *at = (const uint8_t *)tree + cell((const uint8_t *)tree + 8);
    const char *names = (const char *)tree + cell((const uint8_t *)tree + 12);
    const char *wanted = found->property;
    struct node node = {0};
    int matches = 0;
    for (;;) {
        uint32_t token = cell(at);
        at += 4;
        if (token == PROPERTY) {
            const struct property p = {names + cell(at + 4), at + 8, cell(at)};
            note_property(&p, compatible, &node, &matches);
            at += 8 + ((p.size + 3) & ~3u);
            continue;
        }
        if (token == NOP)
            continue;
        if (matches && n-- == 0) {
            *found = node;
            return 1;
        }
        if (token != BEGIN_NODE && token != END_NODE)
            return 0;
        node = (struct node){.property = wanted};
        matches = 0;
        if (token == BEGIN_NODE)
            at += (length((const char *)at) + 4) & ~(size_t)3;
    }
}

/* --- Interrupts, time ------------------------------------------------------------------------- */

#define SUPERVISOR_EXTERNAL 9u

static uint64_t plic;
static uint32_t context;

static void plic_find(const void *tree)
{
    struct node node = {.property = "interrupts-extended"};
    if (!tree_find(tree, "riscv,plic0", 0, &node))
        fail("no riscv,plic0 in the device tree", 0);
    plic = node.base;
    /* Hart 0's machine level is the first context, where there is one, and its supervisor level
     * the next: the tree lists <&intc 11>, <&intc 9>. */
    context = 1;
    __asm__ volatile("csrs sie, %0" ::"r"(1ul << SUPERVISOR_EXTERNAL));
}

void plic_enable(const void *tree, uint32_t irq)
{
    if (plic == 0)
        plic_find(tree);
    uint64_t enable = plic + 0x2000 + 0x80ul * context + 4ul * (irq / 32);
    write32(plic + 4ul * irq, 1);
    write32(enable, read32(enable) | 1u << irq % 32);
    write32(plic + 0x200000 + 0x1000ul * context, 0);
}

int plic_is_pending(void)
{
    uint64_t pending;
    __asm__ volatile("csrr %0, sip" : "=r"(pending));
    return (pending >> SUPERVISOR_EXTERNAL & 1) != 0;
}

uint32_t plic_wait(void)
{
    while (!plic_is_pending())
        __asm__ volatile("wfi");
    return read32(plic + 0x200004 + 0x1000ul * context);
}

void plic_handled(uint32_t irq)
{
    write32(plic + 0x200004 + 0x1000ul * context, irq);
}

uint64_t now_us(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks / 10; /* timebase-frequency is 10 MHz */
}

void guest_main(uint64_t hart, const void *tree);
void guest_main(uint64_t hart, const void *tree)
{
    (void)hart;
    test_device(tree);
    print("PASS\n");
    power_off();
}
