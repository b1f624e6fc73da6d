/*
 * lib/pace.h - how many bytes a register model may fetch now: a burst at once, then a steady rate
 * of virtual time. For inputs that take no time on the line: a backend that never ends must not
 * keep a guest busy with nothing else.
 *
 * Credit is not state to be saved: a device that begins again has a whole burst.
 * Inline; not part of the ABI.
 */
#ifndef BACKPLANE_LIB_PACE_H
#define BACKPLANE_LIB_PACE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All zero is one that has no credit yet. */
struct bp_pace {
    uint64_t credited_ns; /* virtual time up to which credit was given */
    uint32_t credit;      /* bytes that may be fetched at once */
    uint32_t pad;
};

/* The rate: what each byte costs of virtual time (not 0), and the most that can be saved up. */
struct bp_pace_rate {
    uint64_t byte_ns;
    uint32_t burst_bytes;
    uint32_t pad;
};

static inline void bp_pace_begin(struct bp_pace *p, const struct bp_pace_rate *rate,
                                 uint64_t now_ns)
{
    p->credited_ns = now_ns;
    p->credit = rate->burst_bytes;
}

/* How many of `wanted` bytes may be fetched now; they count as fetched. */
static inline uint32_t bp_pace_take(struct bp_pace *p, const struct bp_pace_rate *rate,
                                    uint64_t now_ns, uint32_t wanted)
{
    uint64_t gained = (now_ns - p->credited_ns) / rate->byte_ns;

    p->credited_ns += gained * rate->byte_ns;
    if (gained > rate->burst_bytes - p->credit)
        gained = rate->burst_bytes - p->credit;
    p->credit += (uint32_t)gained;
    if (wanted > p->credit)
        wanted = p->credit;
    p->credit -= wanted;
    return wanted;
}

/* Bytes that were taken and not fetched after all. */
static inline void bp_pace_return(struct bp_pace *p, uint32_t bytes)
{
    p->credit += bytes;
}

/* When there will be credit for `bytes` more, if there is none now. */
static inline uint64_t bp_pace_ready_ns(const struct bp_pace *p, const struct bp_pace_rate *rate,
                                        uint32_t bytes)
{
    return p->credited_ns + bytes * rate->byte_ns;
}

#ifdef __cplusplus
}
#endif
#endif
