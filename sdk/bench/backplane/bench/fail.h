/* Calls of the device to its host that fail: those of set-up (bench_setup.fail_call), and later. */
#ifndef BACKPLANE_BENCH_FAIL_H
#define BACKPLANE_BENCH_FAIL_H

#include <backplane/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;
struct bench_setup;

/* Makes every call of set-up that can fail do so in turn: each must end in BP_OK or in an error
 * with a sentence, and destroy must clean up. Returns how many calls there were; get_interface is
 * not one of them, since what is in `needs` is there. */
uint32_t bench_check_setup_failures(const struct bp_class *class_, const struct bench_setup *setup);

/* Counts calls that have a status, from now on, and makes the n-th of them fail as it may at its
 * worst (0: none). They are defer, DMA, work, watches, requests to disks (refused), writes to
 * consoles and networks (no room for now), a ring's pop, push and copies. `interface`: those of
 * this one only ("bp.mem/1"; "host" for the host table); NULL: all. */
void bench_fail_call(struct bench *b, const char *interface, uint32_t n);
uint32_t bench_calls(const struct bench *b); /* so counted */

/* Plays `scenario` on fresh devices, with each of its calls failing in turn. Each must survive
 * that, and afterwards a round trip of its state, a reset, and its end. Returns how many calls it
 * was. */
uint32_t bench_check_call_failures(const struct bp_class *class_, const struct bench_setup *setup,
                                   void (*scenario)(struct bench *b));

#ifdef __cplusplus
}
#endif
#endif
