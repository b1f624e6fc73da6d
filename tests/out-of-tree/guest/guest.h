/* What a bare-metal riscv64 guest in supervisor mode needs to use one device: a console, the device
 * tree, the interrupt controller, time. It ends by powering off, after "PASS" or "FAIL". */
#ifndef TESTS_OUT_OF_TREE_GUEST_H
#define TESTS_OUT_OF_TREE_GUEST_H

#include <stddef.h>
#include <stdint.h>

/* The test's: called once; returning is passing. */
void test_device(const void *tree);

/* "FAIL what", with the number where one says more; powers off. */
void fail(const char *what, uint64_t number) __attribute__((noreturn));
void expect(const char *what, uint64_t got, uint64_t wanted);
void print(const char *text);
void print_number(const char *before, uint64_t number, const char *behind);

/* --- Registers -------------------------------------------------------------------------------- */
static inline uint32_t read32(uint64_t at)
{
    return *(volatile uint32_t *)at;
}

static inline void write32(uint64_t at, uint32_t value)
{
    *(volatile uint32_t *)at = value;
}

static inline void fence(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

/* --- The device tree -------------------------------------------------------------------------- */
struct node {
    uint64_t base; /* of reg, with two cells each */
    uint32_t irq;  /* the first of interrupts, 0: none */
    uint32_t number;
    const char *property; /* asked for: its first cell goes into `number` */
};

/* The n-th node with this in its compatible list: 1 and `found`, or 0. */
int tree_find(const void *tree, const char *compatible, unsigned n, struct node *found);

/* --- Interrupts, time ------------------------------------------------------------------------- */
/* Lets the interrupt through to this hart, at the controller that the tree names. */
void plic_enable(const void *tree, uint32_t irq);

/* Sleeps until an interrupt comes, takes it (its number), and ends it when `handled` is called. */
uint32_t plic_wait(void);
void plic_handled(uint32_t irq);
int plic_is_pending(void);

uint64_t now_us(void);

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

#endif
