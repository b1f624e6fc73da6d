/* fuzz: single accesses to memory that is none, in all the ways that a processor has. */
#include "fuzz.h"

static void read_plain(u64 gpa, u64 width)
{
    u64 value;
    switch (width) {
    case 0:
        __asm__ volatile("movb (%1), %b0" : "=q"(value) : "r"(gpa) : "memory");
        return;
    case 1:
        __asm__ volatile("movw (%1), %w0" : "=r"(value) : "r"(gpa) : "memory");
        return;
    case 2:
        __asm__ volatile("movl (%1), %k0" : "=r"(value) : "r"(gpa) : "memory");
        return;
    default:
        __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(gpa) : "memory");
        return;
    }
}

static void write_plain(u64 gpa, u64 value, u64 width)
{
    switch (width) {
    case 0:
        __asm__ volatile("movb %b0, (%1)" : : "q"(value), "r"(gpa) : "memory");
        return;
    case 1:
        __asm__ volatile("movw %w0, (%1)" : : "r"(value), "r"(gpa) : "memory");
        return;
    case 2:
        __asm__ volatile("movl %k0, (%1)" : : "r"(value), "r"(gpa) : "memory");
        return;
    default:
        __asm__ volatile("movq %0, (%1)" : : "r"(value), "r"(gpa) : "memory");
        return;
    }
}

/* Reads and writes in one instruction, with the lock and without. */
static void modify(u64 gpa, u64 value)
{
    switch (below(6)) {
    case 0:
        __asm__ volatile("xchgl %k0, (%1)" : "+r"(value) : "r"(gpa) : "memory");
        return;
    case 1:
        __asm__ volatile("lock addl %k0, (%1)" : : "r"(value), "r"(gpa) : "memory", "cc");
        return;
    case 2:
        __asm__ volatile("orw %w0, (%1)" : : "r"(value), "r"(gpa) : "memory", "cc");
        return;
    case 3:
        __asm__ volatile("lock cmpxchgq %0, (%1)"
                         :
                         : "r"(value), "r"(gpa), "a"(value)
                         : "memory", "cc");
        return;
    case 4:
        __asm__ volatile("incb (%0)" : : "r"(gpa) : "memory", "cc");
        return;
    default:
        __asm__ volatile("lock btsl %k0, (%1)" : : "r"(value & 31), "r"(gpa) : "memory", "cc");
        return;
    }
}

/* 16 bytes; the compiler uses no such registers here. */
static void move_wide(u64 gpa)
{
    if (below(2) == 0)
        __asm__ volatile("movups (%0), %%xmm0" : : "r"(gpa) : "memory");
    else
        __asm__ volatile("movups %%xmm0, (%0)" : : "r"(gpa) : "memory");
}

void access_memory(u64 gpa, u64 value)
{
    u64 width = below(4);
    if (below(2) == 0)
        gpa &= ~((1ul << width) - 1);
    switch (below(8)) {
    case 0:
    case 1:
    case 2:
        read_plain(gpa, width);
        return;
    case 3:
        modify(gpa, value);
        return;
    case 4:
        move_wide(gpa);
        return;
    default:
        write_plain(gpa, value, width);
        return;
    }
}
