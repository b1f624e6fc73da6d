/*
 * resetloop: resets the machine `rounds` times, by turns through every way that the machine has,
 * then ends it. RAM is cleared by a reset, so the count stands in the clock's battery-backed RAM.
 */
#include "guest.h"

#define COUNT_INDEX 0x50 /* two bytes of CMOS RAM, then two that say that they are ours */
#define MARK        0x5a

void secondary_main(u64 number)
{
    (void)number;
}

static u8 read_clock(u8 index)
{
    out8(config.clock_port, index);
    return in8(config.clock_port + 1);
}

static void write_clock(u8 index, u8 value)
{
    out8(config.clock_port, index);
    out8(config.clock_port + 1, value);
}

static u32 read_count(void)
{
    if (read_clock(COUNT_INDEX + 2) != MARK || read_clock(COUNT_INDEX + 3) != (u8)~MARK)
        return 0;
    return (u32)read_clock(COUNT_INDEX) | (u32)read_clock(COUNT_INDEX + 1) << 8;
}

static void write_count(u32 count)
{
    write_clock(COUNT_INDEX, (u8)count);
    write_clock(COUNT_INDEX + 1, (u8)(count >> 8));
    write_clock(COUNT_INDEX + 2, MARK);
    write_clock(COUNT_INDEX + 3, (u8)~MARK);
}

void guest_main(void)
{
    u32 count = read_count();
    if (count >= config.rounds) {
        print("resets: ");
        print_number(count);
        print("\n");
        write_count(0);
        if ((config.flags & FLAG_CRASH) != 0)
            triple_fault();
        end(0);
    }
    write_count(count + 1);
    if (config.keyboard_port != 0 && (count % 2 != 0 || config.reset_port == 0))
        out8(config.keyboard_port, 0xfe);
    else
        out8(config.reset_port, 6);
    /* A reset may take effect only after the next few instructions. */
    for (u64 begin = read_tsc(); read_tsc() - begin < 1ul << 34;)
        __asm__ volatile("pause");
    print("no reset came\n");
    end(1);
}
