/*
 * backplane/bench/actions.h - what a hostile guest, the outside world and the machine can do to a
 * device, as values: made from a seed or from a fuzzer's bytes, played, printed as the line of C
 * that does the same in a test. This is the one such generator: fuzz targets (bench_fuzz.h) and
 * `backplane plugin check` share it, and a failing list of actions is shrunk by leaving some out.
 *
 *     struct bench_action a;
 *     for (uint32_t i = 0; i < 1000; i++) {
 *         bench_action_random(b, &seed, &a);
 *         bench_action_play(b, &a);
 *     }
 *
 * Every action fits every class, whatever its numbers: they are folded into what the class has,
 * and an action for which it has nothing does nothing.
 */
#ifndef BACKPLANE_BENCH_ACTIONS_H
#define BACKPLANE_BENCH_ACTIONS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;

/* Never renumbered: a fuzzer's corpus is kept. */
#define BENCH_ACT_READ         0u  /* region `index`, offset, 1 << (width & 3) bytes; width bit 2 */
#define BENCH_ACT_WRITE        1u  /* misaligns it, bit 3 takes it beyond the first 256 bytes */
#define BENCH_ACT_WRITE_GPA    2u  /* as a write of an address in RAM */
#define BENCH_ACT_RAM          3u  /* bytes into RAM at `offset` */
#define BENCH_ACT_TIME         4u  /* value & (2^width - 1) ns, up to a second */
#define BENCH_ACT_RESET        5u  /* value bit 0: BP_RESET_COLD or WARM */
#define BENCH_ACT_SAVE_LOAD    6u  /* bench_reload, which must succeed */
#define BENCH_ACT_LOAD_DAMAGED 7u  /* bench_load_damaged */
#define BENCH_ACT_LINK         8u  /* what comes over link `index`, by its interface */
#define BENCH_ACT_LINK_ROOM    9u  /* how much the other end takes; disks: holds, fails */
#define BENCH_ACT_LINK_EVENT   10u /* on_link out of the blue */
#define BENCH_ACT_LINE         11u /* of an interrupt controller: line `offset`, level value */
#define BENCH_ACT_SERVICE      12u /* calls of a backend, of a power button, of an APIC's end */
#define BENCH_ACT_VIRTIO       13u /* a driver's reset, activation, configuration; broken rings */
#define BENCH_ACT_CHAIN        14u /* a chain of some usual size in queue `index`, notified */
#define BENCH_ACT_WORKER       15u /* work waits, or ends out of order */
#define BENCH_ACT_FAIL         16u /* the n-th next call that has a status fails */
#define BENCH_ACTS             17u

struct bench_action {
    uint32_t kind; /* BENCH_ACT_* */
    uint32_t index;
    uint32_t width;
    uint32_t seed; /* of bytes: the first eight are `value`, those that follow come from this */
    uint64_t offset;
    uint64_t value;
};

/* A random action that the device's class has something for; moves the seed on. */
void bench_action_random(struct bench *b, uint64_t *seed, struct bench_action *out);

/* The next action out of a fuzzer's bytes, BENCH_ACTION_BYTES of them, fewer at the end. 0: none
 * are left. */
#define BENCH_ACTION_BYTES 20u
uint32_t bench_action_parse(const uint8_t **bytes, size_t *size, struct bench_action *out);

/* Those bytes for an action: parse gives one that plays the same. */
void bench_action_format(const struct bench_action *a, uint8_t bytes[BENCH_ACTION_BYTES]);

void bench_action_play(struct bench *b, const struct bench_action *a);

/* The statement that does the same in a test: "bench_write32(b, \"regs\", 0x10, 0xff);". Returns
 * its length, 0 for an action that does nothing here; cut off if it is longer than `size`. */
#define BENCH_ACTION_TEXT 700u
uint32_t bench_action_print(struct bench *b, const struct bench_action *a, char *text, size_t size);

/* Lets all work and requests end, saves, and loads that into the same device: BP_OK, or
 * bench_error tells why it does not take its own state. */
int32_t bench_reload(struct bench *b);

/* The same with one byte of the fields XORed and the checksum made right again: a state that
 * somebody has written by hand. Gives what loading it gave; the device goes on, or begins anew. */
int32_t bench_load_damaged(struct bench *b, uint64_t at, uint8_t bits);

#ifdef __cplusplus
}
#endif
#endif
