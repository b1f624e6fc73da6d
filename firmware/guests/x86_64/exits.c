/*
 * exits: what ways out of the guest cost. Prints a line for each kind, "port 20000 123456": how
 * many there were, and the processor's cycles that they took. A kind whose place is 0 is left out.
 */
#include "guest.h"

void secondary_main(u64 number)
{
    (void)number;
}

static void report(const char *kind, u64 cycles)
{
    print(kind);
    print(" ");
    print_number(config.rounds);
    print(" ");
    print_number(cycles);
    print("\n");
}

static void time_ports(void)
{
    u16 port = config.speed_port;
    u64 begin = read_tsc();
    for (u64 i = 0; i < config.rounds; i++)
        (void)in8(port);
    report("port", read_tsc() - begin);
}

static void time_memory(void)
{
    u64 gpa = config.speed_gpa;
    u64 begin = read_tsc();
    for (u64 i = 0; i < config.rounds; i++)
        (void)read32(gpa);
    report("mmio", read_tsc() - begin);
}

static void time_doorbells(void)
{
    u64 gpa = config.doorbell_gpa;
    u32 value = (u32)config.doorbell_value;
    u64 begin = read_tsc();
    for (u64 i = 0; i < config.rounds; i++)
        write32(gpa, value);
    report("doorbell", read_tsc() - begin);
}

void guest_main(void)
{
    if (config.speed_port != 0)
        time_ports();
    if (config.speed_gpa != 0)
        time_memory();
    if (config.doorbell_gpa != 0)
        time_doorbells();
    end(0);
}
