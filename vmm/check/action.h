/*
 * One thing that a guest or the outside world does to a device on the bench. Actions are made from
 * random numbers, played, and printed as the call of the bench that does the same: a list of them
 * is a test that an author can paste.
 */
#ifndef VMM_CHECK_ACTION_H
#define VMM_CHECK_ACTION_H

#include <backplane/bench.h>
#include <stddef.h>
#include <stdint.h>

#define ACTION_TEXT_MAX 400u

enum action_kind {
    ACTION_READ,
    ACTION_WRITE,
    ACTION_ADVANCE,
    ACTION_SETTLE,
    ACTION_RESET,
    ACTION_ROUND_TRIP, /* save, load into a second device, compare */
    ACTION_RELOAD,     /* save, load into this device */
    ACTION_LINK_EVENT,
    ACTION_CHAR_FEED,
    ACTION_CHAR_ROOM,
    ACTION_NET_FEED,
    ACTION_NET_ROOM,
    ACTION_NET_UP,
    ACTION_DISK_FAIL,
    ACTION_DISK_HOLD,
    ACTION_DISK_FINISH,
    ACTION_WORKER_HOLD,
    ACTION_WORKER_STEP,
    ACTION_RAM_WRITE,
    ACTION_IRQCHIP_SET,
    ACTION_APIC_EOI,
    ACTION_BACKEND_READ,
    ACTION_BACKEND_WRITE,
    ACTION_NET_BACKEND_WRITE,
    ACTION_NET_BACKEND_READ,
    ACTION_BLOCK_SUBMIT,
    ACTION_BUTTON,
    ACTION_POLL,
    ACTION_VIRTIO_ACTIVATE,
    ACTION_VIRTIO_RESET,
    ACTION_VIRTQ_SPLIT,
    ACTION_VIRTQ_ADD,
    ACTION_VIRTQ_BREAK,
    ACTION_VIRTIO_NOTIFY,
    ACTION_CONFIG_READ,
    ACTION_CONFIG_WRITE,
    N_ACTIONS
};

struct action {
    uint32_t kind;
    uint32_t index; /* of the region, link, queue, line */
    uint32_t size;  /* of an access; of bytes that go with it */
    uint32_t room;  /* for bytes; a choice */
    uint64_t at;    /* offset, time, gpa */
    uint64_t value; /* written; seed of the bytes that go with it */
};

#define ACTION_REGIONS_MAX 32u

/* What there is to do with a class: its regions as planned, links and services. */
struct action_space {
    const struct bp_class *class_;
    uint64_t ram_bytes;
    uint64_t region_sizes[ACTION_REGIONS_MAX];
    uint32_t regions[ACTION_REGIONS_MAX]; /* those with registers */
    uint32_t n_regions;
    uint32_t total_weight;
    uint32_t weights[N_ACTIONS]; /* 0: the class has no place for it */
};

/* Deterministic random numbers (splitmix64). */
uint64_t action_random(uint64_t *seed);

/* `b`: a device of this class, with so much RAM. */
void action_space_init(struct action_space *space, const struct bp_class *class_, struct bench *b,
                       uint64_t ram_bytes);

struct action action_make(const struct action_space *space, uint64_t *seed);

/* NULL, or what was wrong: a sentence that lives as long as the bench. */
const char *action_play(const struct action_space *space, struct bench *b,
                        const struct action *action);

/* As a line of C: `bench_write(b, "regs", 0x10, 4, 0xff);`. */
void action_print(const struct action_space *space, const struct action *action, char *text,
                  size_t size);

#endif
