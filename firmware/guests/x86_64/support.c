/* Console, traps, processors and random numbers of the bare-metal guests. */
#include "guest.h"

#define LAPIC_GPA    0xfee00000ul
#define LAPIC_SVR    0xf0
#define LAPIC_ICR    0x300
#define ICR_PENDING  (1u << 12)
#define ICR_ASSERT   (1u << 14)
#define ICR_OTHERS   (3u << 18)
#define ICR_INIT     (5u << 8)
#define ICR_SIPI     (6u << 8 | 0x60) /* the trampoline's page */
#define WAIT_CYCLES  (1ul << 33)
#define SHORT_CYCLES (1ul << 21)

#define LINE_STATUS 5
#define SEND_EMPTY  0x20

volatile struct config config __attribute__((section(".data"), aligned(8))) = {
    .magic = "BPGUESTX",
    .seed = 1,
    .rounds = 1000,
    .n_cpus = 1,
    .arena_gpa = 0x1000000,
    .arena_bytes = 0x1000000,
    .console_port = 0x3f8,
    .exit_port = 0xf4,
};

static struct {
    u64 low, high;
} idt[256] __attribute__((aligned(16)));
struct {
    u16 limit;
    u64 base;
} __attribute__((packed)) idt_pointer = {sizeof(idt) - 1, (u64)idt};

void trap(void);

void make_idt(void)
{
    u64 at = (u64)trap;
    for (u32 i = 0; i < 256; i++) {
        idt[i].low = (at & 0xffff) | 0x10ul << 16 | 0x8e00ul << 32 | (at >> 16 & 0xffff) << 48;
        idt[i].high = at >> 32;
    }
}

struct cpu *this_cpu(void)
{
    /* GS is where the struct begins; the compiler shall not know of segments. */
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000101));
    return (struct cpu *)((u64)high << 32 | low);
}

/* --- Console and end -------------------------------------------------------------------------- */

/* A line that never becomes free does not stop the guest. */
static void print_char(char c)
{
    for (u32 i = 0; i < 100000 && (in8(config.console_port + LINE_STATUS) & SEND_EMPTY) == 0; i++)
        continue;
    out8(config.console_port, (u8)c);
}

void print(const char *text)
{
    for (; config.console_port != 0 && *text != '\0'; text++)
        print_char(*text);
}

void print_number(u64 n)
{
    char digits[24];
    u32 at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    print(digits + at);
}

void end(u8 status)
{
    if (config.exit_port != 0)
        out8(config.exit_port, status);
    forever();
}

void triple_fault(void)
{
    static const struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) nothing = {0, 0};
    __asm__ volatile("lidt %0; ud2" : : "m"(nothing));
    forever();
}

/* --- Processors ------------------------------------------------------------------------------- */

static void pause_cycles(u64 cycles)
{
    for (u64 begin = read_tsc(); read_tsc() - begin < cycles;)
        __asm__ volatile("pause");
}

static void send_to_others(u32 what)
{
    write32(LAPIC_GPA + LAPIC_ICR, ICR_OTHERS | ICR_ASSERT | what);
    while ((read32(LAPIC_GPA + LAPIC_ICR) & ICR_PENDING) != 0)
        __asm__ volatile("pause");
}

u32 start_others(void)
{
    u32 wanted = (u32)config.n_cpus - 1;
    if (wanted == 0)
        return 0;
    write32(LAPIC_GPA + LAPIC_SVR, 0x1ff);
    send_to_others(ICR_INIT);
    pause_cycles(SHORT_CYCLES);
    send_to_others(ICR_SIPI);
    pause_cycles(SHORT_CYCLES);
    if (n_begun < wanted)
        send_to_others(ICR_SIPI);
    for (u64 begin = read_tsc(); n_begun < wanted && read_tsc() - begin < WAIT_CYCLES;)
        __asm__ volatile("pause");
    return n_begun;
}

/* --- Random numbers (xorshift64*) ------------------------------------------------------------- */

u64 next_random(void)
{
    struct cpu *cpu = this_cpu();
    u64 x = cpu->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    cpu->random = x;
    return x * 0x2545f4914f6cdd1dul;
}

u64 below(u64 n)
{
    return n == 0 ? 0 : (next_random() >> 16) % n;
}
