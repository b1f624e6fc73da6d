/*
 * lib/fifo.h - a short queue of bytes for register models. Lives in the instance, without pointers,
 * so that it can be saved:
 *
 *     struct bp_fifo rx;  ...  BP_FIELD_FIFO(struct uart, rx, 16)
 *
 * Inline; not part of the ABI.
 */
#ifndef BACKPLANE_LIB_FIFO_H
#define BACKPLANE_LIB_FIFO_H

#include <backplane/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_FIFO_MAX 64

struct bp_fifo {
    uint8_t bytes[BP_FIFO_MAX]; /* the oldest first */
    uint8_t n;                  /* bytes in it */
};

/* The two rows of the state table for a fifo of at most `depth` bytes; as `n_name`, say "rx-n". */
#define BP_FIELD_FIFO(instance, member, depth, bytes_name, n_name)                                 \
    {(bytes_name),                                                                                 \
     0,                                                                                            \
     BP_FIELD_TYPE_U8,                                                                             \
     (depth),                                                                                      \
     (uint32_t)(offsetof(instance, member) + offsetof(struct bp_fifo, bytes)),                     \
     0},                                                                                           \
    {                                                                                              \
        (n_name), (depth), BP_FIELD_TYPE_U8, 1,                                                    \
            (uint32_t)(offsetof(instance, member) + offsetof(struct bp_fifo, n)), 0                \
    }

static inline void bp_fifo_clear(struct bp_fifo *f)
{
    for (uint32_t i = 0; i < f->n && i < BP_FIFO_MAX; i++)
        f->bytes[i] = 0; /* nothing of the past in a snapshot */
    f->n = 0;
}

/* How many more fit into a fifo of `depth` bytes (at most BP_FIFO_MAX). */
static inline uint32_t bp_fifo_room(const struct bp_fifo *f, uint32_t depth)
{
    return f->n < depth ? depth - f->n : 0;
}

/* Appends; the caller has checked the room. A byte too many is dropped. */
static inline void bp_fifo_push(struct bp_fifo *f, uint8_t byte)
{
    if (f->n < BP_FIFO_MAX)
        f->bytes[f->n++] = byte;
}

/* Takes `n` of the oldest bytes away. */
static inline void bp_fifo_drop(struct bp_fifo *f, uint32_t n)
{
    uint32_t left = n < f->n ? f->n - n : 0;

    for (uint32_t i = 0; i < f->n && i < BP_FIFO_MAX; i++)
        f->bytes[i] = i < left ? f->bytes[f->n - left + i] : 0;
    f->n = (uint8_t)left;
}

/* The oldest byte, taken away; 0 when it is empty. */
static inline uint8_t bp_fifo_pop(struct bp_fifo *f)
{
    uint8_t byte = f->n ? f->bytes[0] : 0;

    bp_fifo_drop(f, 1);
    return byte;
}

#ifdef __cplusplus
}
#endif
#endif
