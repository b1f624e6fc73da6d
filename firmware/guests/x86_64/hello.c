/* hello: says so on the first serial port, and ends the machine with status 0. */
#include "guest.h"

void secondary_main(u64 number)
{
    (void)number;
}

void guest_main(void)
{
    print("hello from x86_64\n");
    end(0);
}
