/* Frames on their way: queues of them, and a look at what a guest sends. Knows no library. */
#ifndef NET_USER_FRAMES_H
#define NET_USER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

/* --- A ring of frames, each with its size before it ------------------------------------------- */
struct frame_ring {
    uint8_t *bytes;
    uint32_t size;  /* a power of two */
    uint32_t first; /* offset of the oldest */
    uint32_t used;  /* bytes */
};

bool ring_open(struct frame_ring *ring, uint32_t size); /* false: out of memory */
void ring_close(struct frame_ring *ring);
void ring_clear(struct frame_ring *ring);
/* False: no room. */
bool ring_put(struct frame_ring *ring, const void *frame, uint32_t size);
/* The oldest frame's size, and the frame; 0: none. `frame` has room for the largest. */
uint32_t ring_get(struct frame_ring *ring, void *frame);

/* --- What a guest sends ----------------------------------------------------------------------- */
enum frame_verdict {
    FRAME_GOOD,
    FRAME_IGNORED, /* of a kind that there is no one for: nothing wrong with it */
    FRAME_BROKEN,  /* its lengths contradict each other */
    FRAME_REFUSED, /* one too many of its kind */
    FRAME_PART,    /* a fragment of an IPv4 packet, for fragments_add */
};

struct frame_limits {
    bool has_ipv6;
    bool is_full; /* no more sockets: what might open one is refused */
};

/* Every length that a parser behind this may rely on has been compared with the frame's. */
enum frame_verdict frame_check(const struct frame_limits *limits, const uint8_t *frame,
                               uint32_t size);

/* Of a frame that is FRAME_GOOD: takes the urgent pointer out of a TCP segment. What it points at
 * is data like any other then, as RFC 6093 advises; libslirp (CVE-2026-9539) reads as far as it
 * says. */
void frame_clear_urgent(uint8_t *frame);

/* --- Fragments -------------------------------------------------------------------------------- */
#define FRAGMENTS_PACKETS 4u /* that can be incomplete at once */

struct fragments;

struct fragments *fragments_create(void); /* NULL: out of memory */
void fragments_destroy(struct fragments *f);
void fragments_clear(struct fragments *f);
/* Takes a frame that is FRAME_PART. When it was the last one missing: the whole packet's frame, for
 * the time until the next call, and its size. Otherwise NULL. */
uint8_t *fragments_add(struct fragments *f, uint64_t now_ns, const uint8_t *frame, uint32_t *size);

#endif
