/*
 * smp: starts all processors that there should be; each counts itself. Prints how many run, and
 * ends with status 0 if that is what was wanted.
 */
#include "guest.h"

static volatile u32 n_running = 1; /* the first */

void secondary_main(u64 number)
{
    (void)number;
    __atomic_fetch_add(&n_running, 1, __ATOMIC_SEQ_CST);
}

void guest_main(void)
{
    u32 wanted = start_others() + 1;
    for (u32 i = 0; i < 1000000 && n_running < wanted; i++)
        __asm__ volatile("pause");
    print("processors: ");
    print_number(n_running);
    print("\n");
    end(n_running == config.n_cpus ? 0 : 1);
}
