/* Calls that fail while the device runs: see bench/fail.h. */
#include "bench_internal.h"

#include <string.h>

void bench_fail_call(struct bench *b, const char *interface, uint32_t n)
{
    b->run_calls = 0;
    b->fail_call = n;
    b->fail_interface = interface;
}

uint32_t bench_calls(const struct bench *b)
{
    return b->run_calls;
}

int bench_fails_running(struct bench *b, const char *interface)
{
    if (b->phase != PHASE_RUN || (b->fail_interface && strcmp(b->fail_interface, interface) != 0))
        return 0;
    return ++b->run_calls == b->fail_call;
}

int bench_fails_ever(struct bench *b, const char *interface, const char *what)
{
    return b->phase == PHASE_RUN ? bench_fails_running(b, interface) : bench_fails(b, what);
}

void bench_rest(struct bench *b)
{
    bench_fail_call(b, NULL, 0);
    b->hold_jobs = 0;
    for (uint32_t i = 0; i < b->class_->links.n_rows; i++)
        b->links[i].hold = 0;
    bench_settle(b);
}

uint32_t bench_check_call_failures(const struct bp_class *class_, const struct bench_setup *setup,
                                   void (*scenario)(struct bench *b))
{
    for (uint32_t n = 1;; n++) {
        struct bench *b = bench_create_with(class_, setup);
        uint32_t calls;

        bench_fail_call(b, NULL, n);
        scenario(b);
        bench_settle(b);
        calls = b->run_calls;
        bench_rest(b);
        if (bench_check_state_roundtrip(b))
            bench_die(b, "after call %u has failed: %s", n, b->error);
        bench_reset(b, BP_RESET_WARM);
        bench_destroy(b);
        if (calls < n)
            return calls;
    }
}
