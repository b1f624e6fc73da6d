/*
 * What the bare-metal x86_64 guests share: the machine as the test describes it, ports and memory
 * of devices, a console, other processors, and attempts that a trap ends.
 */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define WINDOWS_MAX 64
#define CPUS_MAX    64

#define FLAG_WILD  1u /* fuzz: local APICs, and ends of the machine at any time */
#define FLAG_CRASH 2u /* resetloop: at the end a triple fault, instead of a good end */

#define WINDOW_PORTS 1u /* what else is memory */

enum window_kind {
    WINDOW_OTHER,
    WINDOW_VIRTIO, /* virtio-mmio */
    WINDOW_ENDER,  /* some write ends or resets the machine */
    WINDOW_I8042,  /* only commands that pulse the reset line do */
    WINDOW_APIC,   /* local APICs */
    WINDOW_EXIT,   /* debug-exit: only at the end, so that a status has a meaning */
};

struct window {
    u64 base, size;
    u32 kind, flags;
};

/* A test looks for the magic bytes in the file, or in memory, and fills in what it wants. What is
 * 0 in the ports is not there. */
struct config {
    char magic[8];
    u64 seed;
    u64 rounds;
    u64 flags;
    u64 n_cpus;
    u64 arena_gpa, arena_bytes; /* RAM that may be overwritten */
    u16 console_port;           /* 16550 */
    u16 exit_port;              /* debug-exit, code = value */
    u16 reset_port;             /* of ACPI's reset register: 6 resets */
    u16 keyboard_port;          /* i8042's command port: 0xfe resets */
    u16 clock_port;             /* CMOS: index, then data */
    u16 speed_port;             /* exits: read again and again */
    u16 sleep_port;             /* PM1 control, 16 bits: 0x3400 is S5 */
    u16 panic_port;             /* pvpanic: 1 crashes */
    u64 speed_gpa;              /* exits: a 32-bit register to read, without effect */
    u64 doorbell_gpa;           /* exits: a 32-bit register to write */
    u64 doorbell_value;
    u64 n_windows;
    struct window windows[WINDOWS_MAX];
};

/* A processor's own. start.S knows the first three, and the size. */
struct cpu {
    u64 top;   /* the innermost attempt's frame */
    u64 flags; /* bit 0: attempts run with interrupts on */
    u64 traps;
    u64 number;
    u64 random;
    u64 pad[3];
};

extern volatile struct config config;
extern struct cpu cpus[CPUS_MAX];
extern volatile u32 n_begun;

/* Each guest has these; start.S calls them. */
void guest_main(void);
void secondary_main(u64 number);

void make_idt(void);
_Noreturn void forever(void);

/* Runs fn(a, b, c). Returns 1 if a trap or an interrupt ended it. */
int attempt(void (*fn)(u64 a, u64 b, u64 c), u64 a, u64 b, u64 c);
struct cpu *this_cpu(void);

void print(const char *text);
void print_number(u64 n);
/* Ends the machine with this status; sleeps for ever where nothing can. */
_Noreturn void end(u8 status);
_Noreturn void triple_fault(void);

/* All other processors begin with secondary_main. Returns how many have, which is what config
 * says, or fewer after some time. */
u32 start_others(void);

u64 next_random(void);
u64 below(u64 n);

static inline void out8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(u16 port, u16 value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline u8 in8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline u16 in16(u16 port)
{
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline u32 in32(u16 port)
{
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline u32 read32(u64 gpa)
{
    u32 value;
    __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(gpa) : "memory");
    return value;
}

static inline void write32(u64 gpa, u32 value)
{
    __asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(gpa) : "memory");
}

static inline u64 read_tsc(void)
{
    u32 low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64)high << 32 | low;
}

#endif
